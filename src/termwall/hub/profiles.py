"""What kinds of session there are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ProfileSpec:
    """A kind of session: what it runs unless a command is given (P1)."""

    label: str
    command: Sequence[str]
    icon: str = "terminal"
    env: Mapping[str, str] = field(default_factory=dict)
    resume: Sequence[str] | None = None
    """What a lost session runs instead when it is started again, such as `claude --resume` (P5)."""
