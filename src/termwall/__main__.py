"""`python -m termwall`."""

from termwall.cli import main

if __name__ == "__main__":
    main()
