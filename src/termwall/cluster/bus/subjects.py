"""Names on the bus: subjects, patterns, and what a key or a node's name becomes in a subject."""

import re
from urllib.parse import quote, unquote

OWN = frozenset({"document", "presence", "presence-ask", "who"})
"""First tokens that are the bus's own."""
MOST_KEY_LENGTH = 256
"""Characters; a subject has to fit the engine's control line of 4096 bytes also when each is encoded."""

_TOKEN = re.compile(r"[^\s.*>\x00-\x20\x7f]+")
_WILD_TOKEN = re.compile(r"\*|[^\s.*>\x00-\x20\x7f]+")


def check_subject(subject: str, *, pattern: bool = False) -> str:
    """The subject, if it may be used by others than the bus itself.

    Raises:
        ValueError: it may not.
    """
    tokens = subject.split(".")
    if tokens[0] in OWN or (pattern and tokens[0] in ("*", ">")):
        raise ValueError(f"{subject!r} is the bus's own")
    if pattern and len(tokens) > 1 and tokens[-1] == ">":
        tokens.pop()
    form = _WILD_TOKEN if pattern else _TOKEN
    if not all(form.fullmatch(token) for token in tokens):
        raise ValueError(f"{subject!r} is not a subject")
    return subject


def matches(pattern: str, subject: str) -> bool:
    """Whether a subject fits a pattern: `*` is one token, `>` at the end is one or more."""
    wanted, tokens = pattern.split("."), subject.split(".")
    if wanted[-1] == ">":
        wanted.pop()
        if len(tokens) <= len(wanted):
            return False
        tokens = tokens[: len(wanted)]
    return len(wanted) == len(tokens) and all(want in ("*", token) for want, token in zip(wanted, tokens, strict=True))


def token_of(name: str) -> str:
    """Any name as one token."""
    return quote(name, safe="").replace(".", "%2E").replace("~", "%7E")


def subject_of(key: str) -> str:
    """A document's key as tokens: dots stay where each part has a character.

    Raises:
        ValueError: it is empty or too long.
    """
    if not 0 < len(key) <= MOST_KEY_LENGTH:
        raise ValueError(f"a key has 1 to {MOST_KEY_LENGTH} characters: {key[:40]!r}")
    parts = key.split(".")
    return ".".join(token_of(part) for part in parts) if all(parts) else token_of(key)


def key_of(tokens: str) -> str:
    """The key that `subject_of` made these tokens of."""
    return unquote(tokens)
