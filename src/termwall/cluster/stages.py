"""The stages that all nodes share: each project is one document, changed by compare-and-set (F1-F10 across nodes).

A command is decided here, on the newest version seen, and answered once its own version came back from the log. Every
node applies the versions of the log in its order, so all clients see the same ones. `core.replica` has the rules;
this carries them to the bus and to the rooms.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from termwall.cluster.bus.chores import Chores, moment
from termwall.cluster.bus.contract import Bus, BusAway, BusError, BusFails, Conflict, TooLarge
from termwall.core.errors import ErrorCode, TermwallError
from termwall.core.focus import FocusChange, Stage
from termwall.core.ids import ProjectId, SessionId
from termwall.core.replica import Accepted, Answered, Document, Effect, Propose, Replica, Value
from termwall.hub.audience import Asked
from termwall.hub.estate import Estate
from termwall.hub.stages import Decide, StageAnswer, Staged
from termwall.protocol.bodies import Project
from termwall.protocol.messages import FocusUpdate
from termwall.protocol.parts import Changer

log = logging.getLogger("termwall.cluster")

AWAY = "Nothing was changed: the other nodes cannot be reached now. It works again by itself when they can."

HEARD_SECONDS = 10.0
"""Between a node that knows a project and one that is asked about it; then the project counts as unknown."""


class SharedStages:
    """Decides the stages of this node's rooms together with the other nodes.

    Args:
        bus: joined by the caller.
        rooms: this node's.
        new_id: a new id each call, unlike any other node's.
    """

    def __init__(self, bus: Bus, rooms: Estate, new_id: Callable[[], str]) -> None:
        self._bus = bus
        self._rooms = rooms
        self._new_id = new_id
        self._replicas: dict[str, Replica] = {}
        self._asked: dict[str, tuple[Asked | None, StageAnswer]] = {}
        self._updates: dict[str, FocusUpdate] = {}
        self._chores = Chores(log)
        self._adopted = asyncio.Event()
        self._timers: dict[str, asyncio.TimerHandle] = {}

    # ---- what the hub asks for

    def change(self, room: Staged, decide: Decide, asked: Asked | None, answer: StageAnswer) -> None:
        """Change a room's stage."""

        def decided(value: Value | None) -> Value | None:
            known = _living(value, room)
            change = decide(stage_of(known))
            if change is None:
                return None
            by = None if asked is None else asked.by.model_dump()
            return {**known, **_stage_fields(change.stage), "change": {**_plain(change), "by": by}}

        self._ask(room.id, decided, asked, answer)

    def made(self, room: Staged) -> None:
        """A project was made here, or is known from before: the others learn of it, unless they know it.

        Where the engine lost versions, the newest that any node knows wins.
        """

        def decided(value: Value | None) -> Value | None:
            if value is None or value.get("deleted"):
                return described(room) if self._rooms.find_room(room.id) is room else None
            behind = value["epoch"] == room.epoch and value["version"] < room.stage.version
            return {**value, **_stage_fields(room.stage), "change": None} if behind else None

        self._ask(room.id, decided, None, lambda result: _complain(room.id, result))

    def share_all(self) -> None:
        """The engine may not know this node's projects."""
        for room in self._rooms.rooms():
            self.made(room)

    def rename(self, room: Staged, name: str, answer: StageAnswer) -> None:
        """Give a project another name."""

        def decided(value: Value | None) -> Value | None:
            known = _living(value, room)
            project = {**known["project"], "name": name}
            return None if project == known["project"] else {**known, "project": project, "change": None}

        self._ask(room.id, decided, None, answer)

    def remove(self, room: Staged, answer: StageAnswer) -> None:
        """A project is gone for all."""

        def decided(value: Value | None) -> Value | None:
            return None if value is None or value.get("deleted") else {"deleted": True}

        self._ask(room.id, decided, None, answer)

    # ---- what the bus reports

    def seen(self, document: Document) -> None:
        """A version of a project's document came from the log."""
        shared = self._replica(document.key)
        self._do(document.key, shared.seen(document))
        self._do(document.key, shared.go())

    async def heard(self, project_id: str) -> None:
        """Until a project that another node knows is known here too, or `HEARD_SECONDS` have passed."""
        with suppress(TimeoutError):
            async with asyncio.timeout(HEARD_SECONDS):
                while self._rooms.find_room(project_id) is None:
                    self._adopted.clear()
                    await self._adopted.wait()

    def lost(self) -> None:
        """The engine lost what it had stored."""
        for key, replica in list(self._replicas.items()):
            self._do(key, replica.lost())
        self.share_all()

    async def close(self) -> None:
        """Nothing is decided any more."""
        for timer in self._timers.values():
            timer.cancel()
        await self._chores.stop()

    # ---- inside

    def _replica(self, key: str) -> Replica:
        return self._replicas.setdefault(key, Replica())

    def _ask(
        self, key: str, decide: "Callable[[Value | None], Value | None]", asked: Asked | None, answer: StageAnswer
    ) -> None:
        if not self._bus.up:
            trouble = self._bus.trouble
            answer(TermwallError(ErrorCode.ENGINE_AWAY, AWAY if trouble is None else f"Nothing was changed: {trouble}"))
            return
        operation = self._new_id()
        self._asked[operation] = asked, answer
        self._do(key, self._replica(key).ask(operation, decide, moment()))

    def _do(self, key: str, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Propose():
                    self._chores.start(self._propose(key, effect))
                case Accepted(document, operation, jumped):
                    self._accept(document, operation, jumped)
                case Answered(operation, outcome):
                    _, answer = self._asked.pop(operation)
                    update = self._updates.pop(operation, None)
                    answer(outcome if isinstance(outcome, TermwallError) else update)
        self._arm(key)

    async def _propose(self, key: str, proposal: Propose) -> None:
        replica = self._replica(key)
        try:
            await self._bus.compare_and_set(key, proposal.after, dict(proposal.value))
        except Conflict:
            effects = replica.refused(proposal)
        except (BusFails, TooLarge) as error:
            log.error("the stage of project `%s` was not stored: %s", key, error, extra={"project": key})
            effects = replica.away(proposal, str(error))
        except BusAway:
            effects = replica.away(proposal)
        except BusError:
            effects = replica.unknown(proposal, moment())
        else:
            return  # The log will show.
        self._do(key, effects)

    def _arm(self, key: str) -> None:
        timer = self._timers.pop(key, None)
        if timer is not None:
            timer.cancel()
        deadline = self._replica(key).next_deadline()
        if deadline is not None:
            self._timers[key] = asyncio.get_running_loop().call_at(deadline, self._tick, key)

    def _tick(self, key: str) -> None:
        self._timers.pop(key, None)
        self._do(key, self._replica(key).tick(moment()))

    def _accept(self, document: Document, operation: str | None, jumped: bool) -> None:
        value, room = document.value, self._rooms.find_room(document.key)
        if value.get("deleted"):
            if room is not None:
                self._rooms.abandon(document.key)
            return
        stage, epoch = stage_of(value), value["epoch"]
        if room is None:
            room = self._rooms.adopt(_project_of(document.key, value), stage, epoch)
            self._adopted.set()
            return
        # Also where two nodes made it at the same moment: the first counts, with its folder.
        room.project = _project_of(document.key, value).model_copy(update={"max_focused": room.project.max_focused})
        change = value["change"]
        if epoch == room.epoch and stage == room.stage:
            self._rooms.keep_shared(room)
            return
        if epoch == room.epoch and stage.version < room.stage.version:
            self.made(room)
            return
        if jumped or change is None or epoch != room.epoch or stage.version != room.stage.version + 1:
            room.replace(stage, epoch)
            self._rooms.keep_shared(room)
            return
        asked = None if operation is None else self._asked.get(operation, (None, None))[0]
        # A node of an older version does not say who.
        by = None if (plain := change.get("by")) is None else Changer.model_validate(plain)
        update = room.apply(_change_of(change, stage), asked, by)
        if operation in self._asked:
            self._updates[operation] = update
        self._rooms.keep_shared(room)


def _living(value: Value | None, room: Staged) -> Value:
    """What a command changes. Raises `unknown_project` where another node deleted it."""
    if value is not None and value.get("deleted"):
        raise TermwallError(ErrorCode.UNKNOWN_PROJECT, f"`{room.project.name}` was deleted.", field="projectId")
    return described(room) if value is None else value


def described(room: Staged) -> dict[str, Any]:
    """A project as this node knows it, as the first version of its document."""
    project = room.project
    about = {"name": project.name, "path": project.path, "createdAt": project.created_at}
    return {"project": about, "epoch": room.epoch, **_stage_fields(room.stage), "change": None}


def stage_of(value: Mapping[str, Any]) -> Stage:
    """The stage in a project's document."""
    return Stage(tuple(map(SessionId, value["sessions"])), value["version"], value["maxFocused"])


def _stage_fields(stage: Stage) -> dict[str, Any]:
    return {"sessions": list(stage.sessions), "version": stage.version, "maxFocused": stage.max_focused}


def _project_of(key: str, value: Mapping[str, Any]) -> Project:
    about = value["project"]
    return Project(
        id=ProjectId(key),
        name=about["name"],
        path=about["path"],
        max_focused=value["maxFocused"],
        created_at=about["createdAt"],
    )


def _plain(change: FocusChange) -> dict[str, Any]:
    return {
        "sessionId": change.session_id,
        "focused": change.focused,
        "added": list(change.added),
        "removed": list(change.removed),
        "evicted": list(change.evicted),
    }


def _change_of(plain: Mapping[str, Any], stage: Stage) -> FocusChange:
    one = plain["sessionId"]
    return FocusChange(
        stage,
        None if one is None else SessionId(one),
        plain["focused"],
        added=tuple(map(SessionId, plain["added"])),
        removed=tuple(map(SessionId, plain["removed"])),
        evicted=tuple(map(SessionId, plain["evicted"])),
    )


def _complain(project_id: str, result: object) -> None:
    if isinstance(result, TermwallError):
        log.warning(
            "project `%s` is not known to the other nodes yet: %s", project_id, result, extra={"project": project_id}
        )
