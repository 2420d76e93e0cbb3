"""The commands about tokens for others: `termwall token` (A5)."""

from typing import Annotated, Any
from urllib.parse import quote

import typer

from termwall.cli.addresses import only_here, public_address
from termwall.cli.options import SERVER, Options, takes
from termwall.cli.remote import fail

app = typer.Typer(help="Tokens for others: what they open, and for whom.", no_args_is_help=True)


@app.command("create")
@takes("as_json", *SERVER)
def token_create(
    options: Options,
    name: Annotated[str, typer.Argument(help="For whom.")],
    role: Annotated[str, typer.Option(help="view, type or own.")] = "view",
    project: Annotated[str | None, typer.Option("--project", "-p", help="Only this project.")] = None,
) -> None:
    """Make a token for somebody; it is shown once."""
    with options.server() as server:
        body: dict[str, Any] = {"name": name, "role": role}
        if project:
            body["projectId"] = project
        made = server.call("POST", "/api/tokens", body)
        query = f"&project={quote(project)}" if project else ""
        address = public_address(server)
        options.show({**made, "url": f"{address}/?token={made['token']}{query}"}, lambda one: [str(one["url"])])
        if only_here(address):
            typer.echo(
                "termwall: this address works on this machine only. To give it to others, see --public-url, --host and "
                "--allowed-hosts of `termwall serve`.",
                err=True,
            )


@app.command("list")
@takes("as_json", *SERVER)
def token_list(options: Options) -> None:
    """List the tokens given to others."""
    with options.server() as server:
        found = server.call("GET", "/api/tokens")
    options.show(found, lambda found: map(_line, found["tokens"]))


def _line(one: dict[str, Any]) -> str:
    return f"{one['id']}  {one['role']:<5} {one['projectId'] or 'all projects':<20} {one['name']}"


@app.command("revoke")
@takes(*SERVER)
def token_revoke(
    options: Options, id: Annotated[str, typer.Argument(help="The token's id, from `termwall token list`.")]
) -> None:
    """End a token, and the connections it opened."""
    with options.server() as server:
        known = {one["id"] for one in server.call("GET", "/api/tokens")["tokens"]}
        if id not in known:
            fail(f"there is no token `{id}`; `termwall token list` shows them.")
        server.call("DELETE", f"/api/tokens/{quote(id)}")
