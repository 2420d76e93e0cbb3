"""What the engine (`ghostty.py`) raises. It is native code fed with hostile bytes, so it runs in the screen worker."""


class EngineError(Exception):
    """The engine cannot do this now, or was given a checkpoint that it cannot read."""
