"""Where the changes of a stage are decided and kept: by this server alone, or together with other nodes.

`OwnStages` is the first: a command is decided, kept and sent within one turn of the loop. What shares stages between
nodes is in `termwall.cluster`, with the same rules (F1-F10).
"""

from collections.abc import Callable
from typing import Protocol

from termwall.core.errors import TermwallError
from termwall.core.focus import FocusChange, Stage
from termwall.core.ids import ProjectId
from termwall.hub.audience import Asked
from termwall.protocol.bodies import Project
from termwall.protocol.messages import FocusUpdate
from termwall.protocol.parts import Changer

Decide = Callable[[Stage], FocusChange | None]
"""What a command makes of the stage; None alters nothing. Raises `TermwallError` to refuse. May be called again."""
StageAnswer = Callable[[FocusUpdate | TermwallError | None], None]
"""Called once: with the new version, None if nothing was altered, or why it was refused."""


class Staged(Protocol):
    """A project that has a stage: a room."""

    id: ProjectId
    project: Project
    epoch: str
    stage: Stage

    def apply(self, change: FocusChange, request: Asked | None, by: Changer | None = None) -> FocusUpdate:
        """The next version of the stage (F2, F8)."""


class Stages(Protocol):
    """Decides changes of stages. Every change ends in `room.apply`, in the order of versions."""

    def change(self, room: Staged, decide: Decide, asked: Asked | None, answer: StageAnswer) -> None:
        """Change a room's stage; the answer may come at once or later."""

    def rename(self, room: Staged, name: str, answer: StageAnswer) -> None:
        """Give a project another name."""

    def made(self, room: Staged) -> None:
        """A project was made."""

    def remove(self, room: Staged, answer: StageAnswer) -> None:
        """A project is to be deleted: agree with the others."""


class OwnStages:
    """The stages of one server.

    Args:
        keep: makes a new version last before anybody is sent it (F7).
        keep_project: makes a project last.
    """

    def __init__(self, keep: Callable[[Staged, Stage], None], keep_project: Callable[[Staged, Project], None]) -> None:
        self._keep = keep
        self._keep_project = keep_project

    def change(self, room: Staged, decide: Decide, asked: Asked | None, answer: StageAnswer) -> None:
        """Decide, keep, send."""
        try:
            change = decide(room.stage)
            if change is not None:
                self._keep(room, change.stage)
        except TermwallError as error:
            answer(error)
            return
        answer(None if change is None else room.apply(change, asked))

    def rename(self, room: Staged, name: str, answer: StageAnswer) -> None:
        """Keep it, then have it."""
        changed = room.project.model_copy(update={"name": name})
        try:
            self._keep_project(room, changed)
        except TermwallError as error:
            answer(error)
            return
        room.project = changed
        answer(None)

    def made(self, room: Staged) -> None:
        """Nobody else has to know."""

    def remove(self, room: Staged, answer: StageAnswer) -> None:
        """Nobody else knows it."""
        answer(None)
