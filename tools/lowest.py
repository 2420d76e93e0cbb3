"""Prints the lowest version of each of termwall's own dependencies that `pyproject.toml` allows, as pip's requirements.

`make lowest` installs them and runs the core of the suite: a lower bound that is not true is found there. What the
dependencies need themselves comes in its newest version, as whoever installs one of them later gets it.
"""

import re
import tomllib
from pathlib import Path

BOUND = re.compile(r"([\w-]+(?:\[[\w,]+\])?)(?:>=|==)([\d.]+)")


def main() -> None:
    """Print them, with what the tests need."""
    found = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())
    project = found["project"]
    for one in (*project["dependencies"], *project["optional-dependencies"]["cluster"]):
        bound = BOUND.match(one)
        if bound is None:
            raise SystemExit(f"`{one}` has no lower bound")
        marker = one.partition(";")[2]
        print(f"{bound[1]}=={bound[2]}" + (f";{marker}" if marker else ""))
    own = {re.split(r"[\[=<>]", one)[0] for one in project["optional-dependencies"]["cluster"]}
    for one in found["dependency-groups"]["test"]:
        if re.split(r"[\[=<>]", one)[0] not in own:
            print(one)


if __name__ == "__main__":
    main()
