"""`termwall nodes` and `termwall drain`: the nodes of a wall, seen from one of them (A5)."""

import json
from typing import Annotated

import typer

from termwall.cli.remote import Ca, DataDir, Json, Token, TokenFile, Url, remote
from termwall.core.caption import caption

Back = Annotated[bool, typer.Option("--back", help="Take clients again.")]


def nodes_command(
    as_json: Json = False,
    url: Url = None,
    ca: Ca = None,
    token: Token = None,
    token_file: TokenFile = None,
    data_dir: DataDir = None,
) -> None:
    """List the nodes of the wall: role, version, sessions, clients."""
    with remote(data_dir, url, token) as server:
        found = server.call("GET", "/api/nodes")
    if as_json:
        typer.echo(json.dumps(found))
        return
    if found["engine"] == "none":
        typer.echo("This server is alone. `termwall serve --nats nats://...` joins it to others.")
    elif found["engine"] == "down":
        typer.echo("The other nodes cannot be reached at the moment; sessions here go on.")
    for one in found["nodes"]:
        mark, draining = "*" if one["here"] else " ", "  draining" if one["draining"] else ""
        figures = f"{one['sessions']} sessions  {one['connections']} clients"
        typer.echo(caption(f"{mark} {one['name']:<20} {one['role']:<8} {one['version']:<10} {figures}{draining}"))


def drain_command(
    back: Back = False,
    url: Url = None,
    ca: Ca = None,
    token: Token = None,
    token_file: TokenFile = None,
    data_dir: DataDir = None,
) -> None:
    """Send a node's clients to others, before an upgrade. Its programs go on."""
    with remote(data_dir, url, token) as server:
        server.call("POST", "/api/drain", {"draining": not back})
    typer.echo("It takes clients again." if back else "Its clients are sent away; `termwall drain --back` undoes that.")
