"""What somebody may do, once the gate found out who it is (X3).

Whoever has a link for one project learns nothing of the others, not even that they are there: what is another
project's is answered like what is nobody's.
"""

from fastapi import Request

from termwall.core.clients import Role
from termwall.core.errors import ErrorCode, TermwallError
from termwall.hub.service import TerminalService
from termwall.protocol.messages import Session
from termwall.protocol.recordings import Recording
from termwall.transport.auth import Identity


def identity_of(request: Request) -> Identity:
    """Who asks, as the gate found out."""
    identity = getattr(request.state, "identity", None)
    if not isinstance(identity, Identity):
        raise TermwallError(ErrorCode.UNAUTHORIZED, "Show a token.")
    return identity


def allow(request: Request, role: Role, project_id: str | None = None) -> None:
    """Let only this role go on, and only with its own project; without a project, only links for all of them.

    Raises:
        TermwallError: `forbidden`; `unknown_project` for a project the token does not open, as if there were none.
    """
    identity = identity_of(request)
    if identity.project_id is not None and project_id != identity.project_id:
        if project_id is None:
            raise TermwallError(ErrorCode.FORBIDDEN, "Your link is for one project only.")
        raise TermwallError(ErrorCode.UNKNOWN_PROJECT, f"There is no project `{project_id[:64]}`.", field="projectId")
    if not identity.may(role):
        raise TermwallError(ErrorCode.FORBIDDEN, f"Your token's role is `{identity.role}`; this needs `{role}`.")


def enter_session(service: TerminalService, request: Request, session_id: str, role: Role) -> Session:
    """A session that this role may be let to.

    Raises:
        TermwallError: `forbidden`, `unknown_session`; `engine_away` where only nodes that are away could say (N5).
    """
    only = identity_of(request).project_id
    if only is not None and not service.may_have(only, session_id):
        raise TermwallError(ErrorCode.UNKNOWN_SESSION, f"There is no session `{session_id[:64]}`.", field="sessionId")
    session = service.get_session(session_id)
    allow(request, role, session.project_id)
    return session


def enter_recording(service: TerminalService, request: Request, recording_id: str, role: Role) -> Recording:
    """A recording that this role may be let to.

    Raises:
        TermwallError: `forbidden`, `unknown_recording`.
    """
    found = service.recordings.get(recording_id)
    if identity_of(request).project_id not in (None, found.project_id):
        raise service.recordings.unknown(recording_id)
    allow(request, role, found.project_id)
    return found
