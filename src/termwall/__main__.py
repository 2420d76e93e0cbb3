"""The `termwall` command, also as `python -m termwall`. A hook goes past all that takes a second to import."""

import sys


def main() -> None:
    """The entry point."""
    if sys.argv[1:] == ["notify", "--hook"]:
        from termwall import hook

        hook.main()
    else:
        from termwall import cli

        cli.main()


if __name__ == "__main__":
    main()
