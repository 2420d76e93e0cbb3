"""A program in the holder that another version of termwall started, and whose memory this one does not read (L9).

It runs on. What can be done with it is what needs no look into its memory: see that it ends, and end it. Its terminal,
its memory and its note are kept as they came, to be handed on; nothing here writes into them.
"""

import os
from typing import Any

from termwall.core.errors import ErrorCode, TermwallError
from termwall.ipc.memory import Memory, unread
from termwall.pty.held_program import HeldProgram, Link
from termwall.pty.programs import ExitStatus

NOTICE_BYTES = 4 << 10
"""Of the memory that stands in for the program's own: a notice for who looks at it."""


class SealedProgram(HeldProgram):
    """Such a program. `memory` is one of this server's own, in which the notice is.

    Args:
        header: what the holder said of it, with facts that are not known here.
        given: its memory's descriptor, and its terminal's if it was not read to the end.
        why: why it is not read, as a half sentence.

    Raises:
        MemoryFault: there is none for the notice.
    """

    def __init__(
        self, link: Link, header: dict[str, Any], given: list[int], ended: ExitStatus | None, why: str
    ) -> None:
        super().__init__(link, header["id"], header["pid"], -1, Memory.create(NOTICE_BYTES, NOTICE_BYTES), ended)
        self.sealed = why
        self._header = header
        self._given = given
        link.send("unread", self.key)

    @property
    def given(self) -> list[int]:
        """As the contract says."""
        return self._given

    @property
    def handed_on(self) -> dict[str, Any]:
        """What another holder is sent about it: all that this one was."""
        return {**self._header, "op": "adopt", "closing": self.closing, "descriptors": len(self._given)}

    def keep(self, state: bytes) -> None:
        """What is kept of it is not this version's to change."""

    def release(self) -> None:
        """Let go of what came with it, which stays the holder's."""
        while self._given:
            os.close(self._given.pop())

    def forget(self) -> None:
        """As the contract says."""
        self.release()
        super().forget()


def must_be_read(layout: int) -> None:
    """Raises `cannot_start` where a holder makes memory of a layout that is not read here."""
    unknown = unread(layout)
    if unknown is not None:
        raise TermwallError(
            ErrorCode.CANNOT_START,
            f"The process that holds the sessions is of another version: {unknown}. End what it holds (`termwall down "
            "--all`), or run the version that started it.",
        )
