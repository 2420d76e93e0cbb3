"""Which termwall this is; apart from the server, whose parts take half a second to import."""

from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as package_version


def version() -> str:
    """The installed version."""
    try:
        return package_version("termwall")
    except PackageNotFoundError:
        return "0+unknown"
