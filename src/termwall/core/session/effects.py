"""What a session wants done, in the order in which it is to be done. Whoever does it decides nothing."""

from dataclasses import dataclass

from termwall.core.errors import TermwallError
from termwall.core.ids import ClientId
from termwall.core.session.doings import Doing
from termwall.core.theme import Theme


@dataclass(slots=True)  # Not frozen, as `Taken` and `Typed`: each key makes one, and Python takes 1 us to freeze it.
class Write:
    """Type this into the program (I1, I3). If that fails, nothing of the rest is done."""

    data: bytes
    writer: ClientId | None
    seq: int
    doing: Doing | None
    """What it says of its user, once it is written (`Session.wrote`); None: nothing."""


@dataclass(frozen=True, slots=True)
class Reply:
    """Write what the terminal itself says to the program, if that takes it (S7)."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Keep:
    """What the next server has to know is different."""


@dataclass(frozen=True, slots=True)
class Print:
    """Put this into the output, as if the program had printed it (S1)."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Steer:
    """The size follows the seat. `changed`: its driver or size is another (I4)."""

    changed: bool


@dataclass(frozen=True, slots=True)
class Show:
    """Draw it in these colours (S7)."""

    theme: Theme


@dataclass(frozen=True, slots=True)
class Name:
    """Write its new name down; where that cannot be done, it has this one again."""

    before: str


@dataclass(frozen=True, slots=True)
class Report:
    """What is reported of it may be different."""


@dataclass(frozen=True, slots=True)
class Refused:
    """Nothing was done. The answer to an act."""

    error: TermwallError


@dataclass(slots=True)
class Taken:
    """It was typed. The answer: the last number that `writer` has by then; without one, nothing is numbered (I1)."""

    writer: ClientId | None


Effect = Write | Reply | Keep | Print | Steer | Show | Name | Report | Refused | Taken
