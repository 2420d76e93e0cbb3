"""The live state: projects as rooms, their sessions, connections and viewers. Decides by `core`, does no socket I/O."""
