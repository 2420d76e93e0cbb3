"""`python -m termwall.keeper FOLDER BOUNDS` runs the caretaker: holders of all versions start it by this name (P5)."""

from termwall.hub.caretaker import main

if __name__ == "__main__":
    main()
