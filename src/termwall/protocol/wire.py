"""What every message and every HTTP body is made of: the base of all types, and the values that many have."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel

from termwall.core.caption import caption, sentence
from termwall.core.ids import ID_PATTERN

MAX_NAME = 256
"""Longest name or title in characters (X4)."""
MAX_COMMAND = 1024
"""Most arguments of a command, and most names of an environment."""

Id = Annotated[str, StringConstraints(pattern=ID_PATTERN)]
Caption = Annotated[str, AfterValidator(caption)]
"""A name or a title: one line without what a terminal would obey, or what turns the text beside it around (X9)."""
Sentence = Annotated[str, AfterValidator(sentence)]
"""The same of a longer text."""


def named(text: str) -> str:
    """Refuse a name with nothing left of it. Raises `ValueError`."""
    name = caption(text)
    if not name.strip():
        raise ValueError("a name needs a character that can be shown")
    return name


Name = Annotated[str, StringConstraints(min_length=1, max_length=MAX_NAME), AfterValidator(named)]
MAX_TEXT = 131_072
"""Longest argument, path or variable: Linux takes no longer one (MAX_ARG_STRLEN)."""


def no_nul(text: str) -> str:
    """Refuse what no argument, path or variable can have. Raises `ValueError`."""
    if "\0" in text:
        raise ValueError("no program can be given a NUL character")
    return text


def variable(name: str) -> str:
    """Refuse a name that no variable can have. Raises `ValueError`."""
    if not name or "=" in name:
        raise ValueError("no variable can have this name")
    return no_nul(name)


Text = Annotated[str, StringConstraints(max_length=MAX_TEXT), AfterValidator(no_nul)]
"""One argument, path or variable."""
Variable = Annotated[str, StringConstraints(max_length=MAX_TEXT), AfterValidator(variable)]
"""The name of one."""
Version = Annotated[int, Field(ge=0)]
Offset = Annotated[int, Field(ge=0, lt=2**63)]
Cells = Annotated[int, Field(ge=2, le=1000)]
"""A width or height: below 2 terminals misbehave, above 1000 they only cost memory (I4)."""
MaxFocused = Annotated[int, Field(ge=1, le=64)]
Moment = Annotated[int, Field(ge=0, lt=2**63)]
"""Milliseconds on a server's clock that never goes back and that only differences of mean anything."""


class Wire(BaseModel):
    """Base of all: camelCase outside, snake_case inside, wrong types refused, unknown fields ignored.

    No number is infinite: JSON has no word for it, so an answer that repeats one would be none (A3).
    """

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        strict=True,
        allow_inf_nan=False,
        extra="ignore",
        frozen=True,
        serialize_by_alias=True,
    )
