"""Writes web/packages/client/src/messages.ts: the messages of the socket, and the bodies of HTTP with their words.

`--check` only says whether it is current.
"""

import ast
import inspect
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

from pydantic.alias_generators import to_camel
from pydantic.json_schema import models_json_schema

from termwall.core.errors import CLOSE_CODES, ErrorCode
from termwall.protocol import bodies, codec, commands, limits, messages, parts, recordings, wire

TARGET = Path(__file__).parent.parent / "web/packages/client/src/messages.ts"
HEAD = """// Generated from src/termwall/protocol by tools/generate_typescript.py: do not edit.
"""
PRIMITIVES = {"string": "string", "integer": "number", "number": "number", "boolean": "boolean", "null": "null"}


MODULES = (parts, limits, commands, messages, recordings, bodies)
ALL = {name: value for module in MODULES for name, value in vars(module).items()}


def models() -> list[type[wire.Wire]]:
    """Every type of the wire, in the order of the file."""
    found = [
        value
        for name, value in ALL.items()
        if inspect.isclass(value) and issubclass(value, wire.Wire) and not name.startswith("_")
    ]
    return [model for model in found if model not in (wire.Wire, commands.ClientMessage)]


def field_docs() -> dict[str, dict[str, str]]:
    """The text below each field of each model, by the names that the wire has."""
    found: dict[str, dict[str, str]] = {}
    for module in MODULES:
        for model in ast.parse(inspect.getsource(module)).body:
            if isinstance(model, ast.ClassDef):
                found[model.name] = {
                    to_camel(field.target.id): text.value.value
                    for field, text in pairwise(model.body)
                    if isinstance(field, ast.AnnAssign)
                    and isinstance(field.target, ast.Name)
                    and isinstance(text, ast.Expr)
                    and isinstance(text.value, ast.Constant)
                    and isinstance(text.value.value, str)
                }
    return found


def to_typescript(schema: dict[str, Any]) -> str:
    """A JSON schema as a TypeScript type."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "const" in schema:
        return "true" if schema["const"] is True else "false" if schema["const"] is False else f'"{schema["const"]}"'
    if "enum" in schema:
        return " | ".join(f'"{value}"' for value in schema["enum"])
    if "anyOf" in schema:
        return " | ".join(dict.fromkeys(to_typescript(one) for one in schema["anyOf"]))
    if schema.get("type") == "array":
        inner = to_typescript(schema["items"])
        return f"{inner}[]" if inner.isidentifier() else f"({inner})[]"
    if schema.get("type") == "object":
        return f"Record<string, {to_typescript(schema['additionalProperties'])}>"
    return PRIMITIVES[schema["type"]]


def comment(text: str | None, indent: str = "") -> str:
    """A JSDoc comment."""
    return f"{indent}/** {' '.join(text.split())} */\n" if text else ""


def interface(name: str, schema: dict[str, Any], docs: dict[str, str]) -> str:
    """One interface."""
    required = set(schema.get("required", ()))
    lines = [comment(schema.get("description")), f"export interface {name} {{\n"]
    for field, part in schema["properties"].items():
        mark = "" if field in required or ("const" in part and field in ("type", "success")) else "?"
        lines.append(comment(docs.get(field), "  ") + f"  {field}{mark}: {to_typescript(part)};\n")
    return "".join(lines) + "}\n"


def union(name: str, members: object) -> str:
    """A union of message types."""
    names = " | ".join(member.__name__ for member in members.__args__)  # type: ignore[attr-defined]
    return f"export type {name} = {names};\n"


def generate() -> str:
    """The whole file."""
    _, schema = models_json_schema([(model, "validation") for model in models()], ref_template="#/{model}")
    docs = field_docs()
    parts = [HEAD]
    parts += [interface(name, part, docs.get(name, {})) for name, part in sorted(schema["$defs"].items())]
    parts.append(union("ClientMessage", commands.AnyClientMessage))
    parts.append(union("ServerMessage", messages.AnyServerMessage))
    codes = " | ".join(f'"{code.value}"' for code in ErrorCode)
    parts.append(f"export type ErrorCode = {codes};\n")
    reasons = ", ".join(f"{reason}: {code}" for reason, code in codec.REASONS.items())
    parts.append(
        "/** Why a snapshot came, as the binary frames count it (S8). */\n"
        f'export const REASON_CODES: Record<NonNullable<Stream["reason"]>, number> = {{ {reasons} }};\n'
    )
    final = ", ".join(str(code.value) for code, kind in CLOSE_CODES.items() if not kind.retry)
    parts.append(
        "/** Close codes after which a client does not try again by itself (W9). */\n"
        f"export const FINAL_CLOSE_CODES: readonly number[] = [{final}];\n"
    )
    return "\n".join(parts)


def main() -> int:
    """Write the file, or with `--check` compare it."""
    text = generate()
    if "--check" in sys.argv:
        if not TARGET.exists() or TARGET.read_text() != text:
            print(f"{TARGET.name} is not what messages.py says; run `make generate`", file=sys.stderr)
            return 1
        return 0
    TARGET.write_text(text)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
