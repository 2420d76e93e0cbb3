"""`termwall nodes` and `termwall drain`: the nodes of a wall, seen from one of them (A5)."""

from collections.abc import Iterator
from typing import Annotated, Any

import typer

from termwall.cli.options import SERVER, Options, takes

LISTED = (*SERVER[1:], SERVER[0])
"""As these two list them in their help."""
Back = Annotated[bool, typer.Option("--back", help="Take clients again.")]


@takes("as_json", *LISTED)
def nodes_command(options: Options) -> None:
    """List the nodes of the wall: role, version, sessions, clients."""
    with options.server() as server:
        found = server.call("GET", "/api/nodes")
    options.show(found, _lines)


def _lines(found: dict[str, Any]) -> Iterator[str]:
    if found["engine"] == "none":
        yield "This server is alone. `termwall serve --nats nats://...` joins it to others."
    elif found["engine"] == "down":
        yield "The other nodes cannot be reached at the moment; sessions here go on."
    for one in found["nodes"]:
        mark, draining = "*" if one["here"] else " ", "  draining" if one["draining"] else ""
        figures = f"{one['sessions']} sessions  {one['connections']} clients"
        yield f"{mark} {one['name']:<20} {one['role']:<8} {one['version']:<10} {figures}{draining}"


@takes(*LISTED)
def drain_command(options: Options, back: Back = False) -> None:
    """Send a node's clients to others, before an upgrade. Its programs go on."""
    with options.server() as server:
        server.call("POST", "/api/drain", {"draining": not back})
    typer.echo("It takes clients again." if back else "Its clients are sent away; `termwall drain --back` undoes that.")
