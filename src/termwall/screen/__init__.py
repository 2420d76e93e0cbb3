"""The sessions' screens: drawn in a process of its own, which may crash and is started again (S3-S7, S9)."""
