"""The tokens that the owner gives to others, over HTTP (X1, X3)."""

import secrets
from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Path, Request

from termwall.core.errors import ErrorCode, TermwallError
from termwall.core.ids import ID_PATTERN
from termwall.protocol import bodies
from termwall.store.projects import Store, StoredToken
from termwall.transport.auth import hash_token
from termwall.transport.http.permission import allow
from termwall.transport.http.route import JsonRoute, answers

MAX_TOKENS = 1_000
"""Tokens given to others; one more is `limit_reached`."""


def token_routes(
    store: Store,
    clock: Callable[[], int],
    new_id: Callable[[], str],
    revoked: Callable[[str], None],
    find_project: Callable[[str], object],
) -> APIRouter:
    """`/api/tokens`: what the owner gives to others (X1, X3).

    Args:
        revoked: gets the id of a token that ended.
        find_project: raises `unknown_project`.
    """
    router = APIRouter(route_class=JsonRoute, prefix="/api/tokens", tags=["tokens"])

    @router.get("", operation_id="listTokens", responses=answers())
    async def list_tokens(request: Request) -> bodies.TokenList:
        """The tokens given to others; the tokens themselves are not kept."""
        allow(request, "own")
        return bodies.TokenList(tokens=[_shown(token) for token in store.tokens()])

    @router.post(
        "",
        status_code=201,
        operation_id="createToken",
        responses=answers(ErrorCode.LIMIT_REACHED, ErrorCode.UNKNOWN_PROJECT),
    )
    async def create_token(request: Request, body: bodies.TokenCreate) -> bodies.TokenMade:
        """A new token for somebody; shown this once."""
        allow(request, "own")
        if body.project_id is not None:
            find_project(body.project_id)
        if len(store.tokens()) >= MAX_TOKENS:
            raise TermwallError(ErrorCode.LIMIT_REACHED, f"There are {MAX_TOKENS} tokens, the most allowed.")
        token = secrets.token_urlsafe(24)
        stored = StoredToken(new_id(), hash_token(token), body.name, body.role, body.project_id, clock())
        store.put_token(stored)
        return bodies.TokenMade(**_shown(stored).model_dump(by_alias=False), token=token)

    @router.delete(
        "/{tokenId}", status_code=204, operation_id="revokeToken", responses=answers(ErrorCode.UNKNOWN_TOKEN)
    )
    async def revoke_token(
        request: Request, token_id: Annotated[str, Path(alias="tokenId", pattern=ID_PATTERN)]
    ) -> None:
        """End a token, and the connections that it opened."""
        allow(request, "own")
        if not store.delete_token(token_id):
            raise TermwallError(ErrorCode.UNKNOWN_TOKEN, f"There is no token `{token_id[:64]}`.", field="tokenId")
        revoked(token_id)

    return router


def _shown(token: StoredToken) -> bodies.TokenShown:
    return bodies.TokenShown(
        id=token.id, name=token.name, role=token.role, project_id=token.project_id, created_at=token.created_at
    )
