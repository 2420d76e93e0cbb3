"""termwall in an application of your own: `uvicorn --factory examples.embed:app`, then
/terminals/?token=example-token.
"""

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI

from termwall import Settings, TerminalService, create_app
from termwall.protocol.bodies import SessionCreate
from termwall.protocol.messages import FocusUpdate


def build(data_dir: Path, token: str) -> FastAPI:
    """An application with terminals under /terminals, and a page of its own that shows what is on the stage."""
    terminals = create_app(Settings(data_dir=data_dir, token=token, outlive=False))
    service: TerminalService = terminals.state.termwall.service
    changes: list[int] = []

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        # A mounted application's lifespan is not run for it: the terminals live and end in ours.
        async with terminals.router.lifespan_context(terminals):
            if not service.list_projects():
                service.create_project(path=str(Path.cwd()), id="example")
            shell = await service.create_session("example", SessionCreate(name="shell"))
            service.subscribe("focus_changed", remember)
            await service.set_session_focus(shell.id)
            yield

    def remember(update: FocusUpdate) -> None:
        changes.append(update.version)

    app = FastAPI(lifespan=lifespan)

    @app.get("/")
    async def stage() -> dict[str, object]:
        return {"focused": service.get_focused_sessions("example"), "versions": changes}

    app.mount("/terminals", terminals)
    return app


def app() -> FastAPI:
    """The application, with a data folder that is kept until the machine's next start."""
    return build(Path(tempfile.gettempdir()) / "termwall-example", "example-token")
