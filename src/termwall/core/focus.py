"""The stage: the ordered, versioned set of focused sessions of a project (F1-F6, F10).

Rules, each command one line; `None` means that it alters nothing and makes no version (F2):

    focus one     not there: appended; if the stage is full the least active leaves in the same version (F3)
    focus batch   replaces the whole stage, in the given order, an id named twice at its first place (F5, F1); those
                  that leave a stage too full for the new ones count as evicted
    blur          the named leave in one version (F5)
    limit         another `maxFocused`: one version; the least active leave where there are too many (F1)
    remove        a session that is gone leaves (F10)

Every change makes version + 1 and one event. `expected_version`, where given, must be the current one (F4).

Who is least active (F3, F10): the ended first, those that wait for the user last; among equals the oldest user
activity, then the oldest output, then the longest on the stage.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from termwall.core.errors import ErrorCode, TermwallError
from termwall.core.ids import SessionId


@dataclass(frozen=True, slots=True)
class Stage:
    """The focused sessions in order, and how often they changed."""

    sessions: tuple[SessionId, ...]
    version: int
    max_focused: int


@dataclass(frozen=True, slots=True)
class Activity:
    """When things last happened to a session, in any one unit; larger is later."""

    user: float
    output: float
    focused: float
    ended: bool = False
    needs_input: bool = False

    @property
    def rank(self) -> tuple[bool, bool, float, float, float]:
        """Least active sorts first."""
        return not self.ended, self.needs_input, self.user, self.output, self.focused


@dataclass(frozen=True, slots=True)
class FocusChange:
    """One change of the stage: the new one, and what came and went. `evicted` is the part that had to make room."""

    stage: Stage
    session_id: SessionId | None
    focused: bool
    added: tuple[SessionId, ...] = ()
    removed: tuple[SessionId, ...] = ()
    evicted: tuple[SessionId, ...] = ()


def focus(
    stage: Stage,
    session_id: SessionId,
    activity: Mapping[SessionId, Activity],
    *,
    expected_version: int | None = None,
) -> FocusChange | None:
    """Put one session on the stage. `activity` is of all sessions that are on it.

    Raises:
        TermwallError: `version_conflict` (F4).
    """
    _require(stage, expected_version)
    if session_id in stage.sessions:
        return None
    evicted = _least_active(stage.sessions, len(stage.sessions) + 1 - stage.max_focused, activity)
    stay = tuple(other for other in stage.sessions if other not in evicted)
    return FocusChange(
        _next(stage, (*stay, session_id)), session_id, True, added=(session_id,), removed=evicted, evicted=evicted
    )


def focus_batch(
    stage: Stage, session_ids: Sequence[SessionId], *, expected_version: int | None = None
) -> FocusChange | None:
    """Make these sessions the whole stage (F5).

    Raises:
        TermwallError: `version_conflict`, `too_many_focused`.
    """
    _require(stage, expected_version)
    wanted = tuple(dict.fromkeys(session_ids))
    if len(wanted) > stage.max_focused:
        raise TermwallError(
            ErrorCode.TOO_MANY_FOCUSED,
            f"The stage holds {stage.max_focused} sessions; {len(wanted)} were named.",
            field="sessionIds",
        )
    if wanted == stage.sessions:
        return None
    added = tuple(one for one in wanted if one not in stage.sessions)
    removed = tuple(one for one in stage.sessions if one not in wanted)
    room_needed = max(0, len(stage.sessions) + len(added) - stage.max_focused)
    return FocusChange(_next(stage, wanted), None, True, added=added, removed=removed, evicted=removed[:room_needed])


def blur(
    stage: Stage,
    session_ids: Sequence[SessionId],
    *,
    named: SessionId | None = None,
    expected_version: int | None = None,
) -> FocusChange | None:
    """Take sessions from the stage in one version (F5). `named`: the one a command named alone, for the event.

    Raises:
        TermwallError: `version_conflict`.
    """
    _require(stage, expected_version)
    removed = tuple(one for one in stage.sessions if one in set(session_ids))
    if not removed:
        return None
    stay = tuple(one for one in stage.sessions if one not in removed)
    return FocusChange(_next(stage, stay), named, False, removed=removed)


def limit(stage: Stage, max_focused: int, activity: Mapping[SessionId, Activity]) -> FocusChange | None:
    """Hold another number of sessions; a smaller one makes the least active leave (F1)."""
    if max_focused == stage.max_focused:
        return None
    evicted = _least_active(stage.sessions, len(stage.sessions) - max_focused, activity)
    stay = tuple(one for one in stage.sessions if one not in evicted)
    smaller = Stage(stay, stage.version + 1, max_focused)
    return FocusChange(smaller, None, False, removed=evicted, evicted=evicted)


def remove(stage: Stage, session_id: SessionId) -> FocusChange | None:
    """A session is gone (F10)."""
    return blur(stage, (session_id,), named=session_id)


def _require(stage: Stage, expected_version: int | None) -> None:
    if expected_version is not None and expected_version != stage.version:
        raise TermwallError(
            ErrorCode.VERSION_CONFLICT,
            f"The stage is at version {stage.version}, not {expected_version}.",
            field="expectedVersion",
        )


def _next(stage: Stage, sessions: tuple[SessionId, ...]) -> Stage:
    return Stage(sessions, stage.version + 1, stage.max_focused)


def _least_active(
    sessions: tuple[SessionId, ...], count: int, activity: Mapping[SessionId, Activity]
) -> tuple[SessionId, ...]:
    if count <= 0:
        return ()
    leaving = sorted(sessions, key=lambda one: activity[one].rank)[:count]
    return tuple(one for one in sessions if one in leaving)
