"""Memory that the server and the screen worker both see: no byte of output crosses a pipe between them."""

import mmap
import os
import tempfile


class SharedMemory:
    """An anonymous file, mapped. `descriptor` can be given to another process; `close` gives both back.

    Untouched pages cost nothing, so a session that prints little costs little, whatever its ring could hold.
    """

    def __init__(self, size: int) -> None:
        self.descriptor = _anonymous_file()
        try:
            os.ftruncate(self.descriptor, size)
            self.map = mmap.mmap(self.descriptor, size)
        except BaseException:
            os.close(self.descriptor)
            raise

    def close(self) -> None:
        """Give the memory back, once no view of `map` is left."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1
            self.map.close()


def _anonymous_file() -> int:
    create = getattr(os, "memfd_create", None)  # Linux has it; elsewhere a file without a name does the same.
    if create is not None:
        return int(create("termwall-ring", os.MFD_CLOEXEC))
    descriptor, path = tempfile.mkstemp(prefix="termwall-ring-")
    os.unlink(path)
    return descriptor
