"""Signing in and out over HTTP, and the browsers that are signed in (X1, X5)."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from termwall.core.errors import ErrorCode, TermwallError
from termwall.core.ids import ID_PATTERN
from termwall.protocol import bodies
from termwall.transport.auth import Access, hash_token
from termwall.transport.browsers import DAY_MILLISECONDS, agent_of
from termwall.transport.codes import CODE_SECONDS
from termwall.transport.http.permission import allow, identity_of
from termwall.transport.http.route import JsonRoute, answers
from termwall.transport.neighbour import of_own_user
from termwall.transport.signing_in import cookie_header

BrowserId = Annotated[str, Path(alias="browserId", pattern=ID_PATTERN)]


def browser_routes(access: Access) -> APIRouter:
    """`/api/login`, `/api/logout`, `/api/codes` and `/api/browsers`."""
    router = APIRouter(route_class=JsonRoute, tags=["browsers"])

    async def spent(request: Request, code: str) -> bytes:
        """The token's hash that a code stands for; whoever may not spend it leaves it as it is."""
        if access.codes.look(code):
            if await asyncio.to_thread(of_own_user, request.scope.get("client"), request.scope.get("server")):
                token_hash = access.codes.spend(code)
                if token_hash is not None and access.knows(token_hash):
                    return token_hash
            else:
                access.refusals.note("a one-time code came from another user or another machine.")
        sentence = "This code was used, is older than a minute, or is another user's. Open the address again."
        raise TermwallError(ErrorCode.UNAUTHORIZED, sentence, field="code")

    @router.post("/api/login", status_code=204, operation_id="login", responses=answers())
    async def login(request: Request, body: bodies.LoginBody, response: Response) -> None:
        """Trade a token, or a one-time code for one, for a cookie."""
        if body.code is not None:
            token_hash = await spent(request, body.code)
        elif body.token is not None and access.recognize(body.token) is not None:
            token_hash = hash_token(body.token)
        else:
            raise TermwallError(ErrorCode.UNAUTHORIZED, "This token is not known here.", field="token")
        value = access.sign_in(token_hash, agent_of(request.headers.get("user-agent")), request.headers.get("cookie"))
        response.headers["set-cookie"] = cookie_header(access, value, request.scope)

    @router.post("/api/logout", status_code=204, operation_id="logout", responses=answers())
    async def logout(request: Request, response: Response) -> None:
        """Sign this browser out: its cookie opens nothing any more, whoever has it."""
        browser_id = identity_of(request).browser_id
        if browser_id is not None:
            access.browsers.end(browser_id)
        response.headers["set-cookie"] = cookie_header(access, "", request.scope)

    @router.post("/api/codes", status_code=201, operation_id="createCode", responses=answers())
    async def create_code(request: Request) -> bodies.CodeMade:
        """A one-time code for opening a browser that is signed in as who asks; for programs, which show a token."""
        identity = identity_of(request)
        if identity.by == "cookie":
            raise TermwallError(ErrorCode.FORBIDDEN, "Only a caller with a token gets a code.")
        return bodies.CodeMade(code=access.codes.make(access.hash_of(identity)), seconds=CODE_SECONDS)

    @router.get("/api/browsers", operation_id="listBrowsers", responses=answers())
    async def list_browsers(request: Request) -> bodies.BrowserList:
        """The browsers that are signed in, whoever's; the owner only."""
        allow(request, "own")
        here = identity_of(request).browser_id
        shown = [
            bodies.BrowserShown(
                id=one.id,
                agent=one.agent,
                name=whose.name,
                role=whose.role,
                project_id=whose.project_id,
                created_at=one.created_at,
                used_at=one.used_at,
                here=one.id == here,
            )
            for one, whose in access.signed_in()
        ]
        return bodies.BrowserList(browsers=shown, days=access.browsers.life // DAY_MILLISECONDS)

    @router.delete(
        "/api/browsers/{browserId}",
        status_code=204,
        operation_id="endBrowser",
        responses=answers(ErrorCode.UNKNOWN_BROWSER),
    )
    async def end_browser(request: Request, browser_id: BrowserId) -> None:
        """Sign a browser out, and close its connections."""
        allow(request, "own")
        if not access.browsers.end(browser_id):
            raise TermwallError(
                ErrorCode.UNKNOWN_BROWSER, f"No browser `{browser_id[:64]}` is signed in.", field="browserId"
            )

    return router
