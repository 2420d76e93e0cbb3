"""Opening a browser that is signed in, and the commands about those that are: `termwall browser` (X1, X5)."""

import threading
import webbrowser
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import quote

import typer

from termwall.cli.options import SERVER, Options, takes
from termwall.cli.remote import fail
from termwall.core.caption import caption

app = typer.Typer(help="Browsers that are signed in.", no_args_is_help=True)


def open_browser(base: str, code: str, project: str | None = None) -> None:
    """Open the page. All users of the machine read a browser's arguments: they hold a code that is good once."""
    query = f"?project={quote(project)}" if project else ""
    webbrowser.open(f"{base}/{query}#code={code}")


def open_while_serving(base: str, code: str, project: str | None = None) -> None:
    """Open the page of a server in this process: some browsers are waited for, and it has to answer them meanwhile."""
    threading.Thread(target=open_browser, args=(base, code, project), daemon=True).start()


@app.command("list")
@takes("as_json", *SERVER)
def browser_list(options: Options) -> None:
    """List the browsers that are signed in, the one that was used last first."""
    with options.server() as server:
        found = server.call("GET", "/api/browsers")
    options.show(found, lambda found: map(_line, found["browsers"]))


def _line(one: dict[str, Any]) -> str:
    used = datetime.fromtimestamp(one["usedAt"] / 1000).astimezone().strftime("%Y-%m-%d %H:%M")
    whose = "the owner" if one["name"] is None else f"{caption(one['name'])} ({one['role']})"
    return f"{one['id']}  {caption(one['agent']):<20} used {used}  {whose}"


@app.command("end")
@takes(*SERVER)
def browser_end(
    options: Options, id: Annotated[str, typer.Argument(help="The browser's id, from `termwall browser list`.")]
) -> None:
    """Sign a browser out, and close its connections."""
    with options.server() as server:
        if id not in {one["id"] for one in server.call("GET", "/api/browsers")["browsers"]}:
            fail(f"no browser `{id}` is signed in; `termwall browser list` shows them.")
        server.call("DELETE", f"/api/browsers/{quote(id)}")
