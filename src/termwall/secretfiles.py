"""Files with secrets that other users of the machine can read: they are named, and used all the same (X13).

Not refused, for some places that hand out secrets, as container engines do, let all of a container read them.
"""

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

from termwall.config import Settings, load_environment, load_profiles

_SECRET = re.compile(r"TOKEN|SECRET|PASSW|CREDENTIAL|(^|_|API)KEY(_|$)", re.IGNORECASE)
"""Names of variables that hold one."""


def others_read(path: Path) -> bool:
    """Whether a file is open to others. What root hands out may be its group's, as key files are."""
    try:
        found = path.stat()
    except OSError:
        return False
    handed_out = found.st_uid == 0 != os.getuid()
    return stat.S_ISREG(found.st_mode) and bool(found.st_mode & (stat.S_IRWXO if handed_out else 0o077))


def warning(path: Path, what: str) -> str:
    """The sentence about one."""
    return f"other users of this machine can use `{path}`, which has {what} in it; `chmod 600` closes it."


def warnings(settings: Settings) -> Iterator[str]:
    """A sentence for each file of a server's settings that others read.

    Raises:
        SettingsError: the configuration file is wrong.
    """
    named = (
        (None if settings.token else settings.token_file, "the owner's token"),
        (settings.nats_credentials, "NATS credentials"),
        (settings.nats_key, "a private key"),
    )
    yield from (warning(path, what) for path, what in named if path is not None and others_read(path))
    config = settings.config or settings.data_dir / "termwall.toml"  # Which may be a link, so it is not closed.
    if others_read(config):
        profiles = load_profiles(settings, os.environ).values()
        names = {*load_environment(settings), *(name for profile in profiles for name in profile.env)}
        secret = sorted(name for name in names if _SECRET.search(name))
        if secret:
            yield warning(config, ", ".join(f"`{name}`" for name in secret))
