"""The page about the Python API, from the signatures and docstrings of what `termwall` exports."""

import ast
import inspect
import re
import textwrap
from pathlib import Path
from types import ModuleType
from typing import Any, Literal, get_origin

import termwall

SECTIONS = re.compile(r"^    # ---- (.+)$", re.MULTILINE)
NAMED = re.compile(r"^(\w+): ")
HEADINGS = {"Args": "Arguments", "Returns": "Returns", "Raises": "Raises"}


def flat(text: str) -> str:
    """A text on one line."""
    return " ".join(text.split())


def prose(docstring: str | None) -> str:
    """A docstring of ours as Markdown: paragraphs, then arguments, what it returns, what it raises."""
    parts = []
    for block in re.split(r"\n\s*\n", inspect.cleandoc(docstring or "")):
        head, _, rest = block.partition("\n")
        if head.removesuffix(":") not in HEADINGS:
            parts.append(flat(block))
            continue
        entries = re.split(r"\n(?=\S)", textwrap.dedent(rest))
        said = "\n".join("- " + NAMED.sub(r"`\1`: ", flat(entry)) for entry in entries)
        parts.append(f"{HEADINGS[head[:-1]]}:\n\n{said}")
    return "\n\n".join(parts)


def parsed(thing: Any) -> ast.ClassDef | ast.FunctionDef:
    """The source of a class or a function."""
    [found] = ast.parse(inspect.cleandoc("\n" + inspect.getsource(thing))).body
    assert isinstance(found, ast.ClassDef | ast.FunctionDef)
    return found


class Spelled(ast.NodeTransformer):
    """Puts what a constant is, and what words an alias allows, in place of its name."""

    def __init__(self, known: dict[str, Any]) -> None:
        self.known = known

    def visit_Name(self, node: ast.Name) -> ast.expr:
        value = self.known.get(node.id)
        if isinstance(value, float | int) or get_origin(value) is Literal:
            return ast.parse(repr(value).removeprefix("typing."), mode="eval").body
        return node


def signature(function: ast.FunctionDef | ast.AsyncFunctionDef, name: str, known: dict[str, Any]) -> str:
    """How it is called, as it stands in the source. `known`: the names there."""
    arguments = Spelled(known).visit(function.args)
    if arguments.args and arguments.args[0].arg == "self":
        del arguments.args[0]
    word = "await " if isinstance(function, ast.AsyncFunctionDef) else ""
    returns = "" if function.returns is None else f" -> {ast.unparse(function.returns)}"
    return f"{word}{name}({ast.unparse(arguments).replace('=', ' = ')}){returns}"


def is_overload(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether it only says how it may be called."""
    return any(isinstance(one, ast.Name) and one.id == "overload" for one in function.decorator_list)


def service() -> str:
    """Every public method of the service, under the headings of its source."""
    source = inspect.getsource(termwall.TerminalService)
    lines = {source.count("\n", 0, found.start()) + 1: found[1] for found in SECTIONS.finditer(source)}
    parts = [prose(termwall.TerminalService.__doc__).partition("\n\nArguments:")[0]]
    calls: dict[str, list[str]] = {}
    shown = None
    [node] = ast.parse(source).body
    assert isinstance(node, ast.ClassDef)
    for function in node.body:
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef) or function.name.startswith("_"):
            continue
        section = next((lines[at] for at in sorted(lines, reverse=True) if at < function.lineno), None)
        if section is None:  # What the application itself calls.
            continue
        known = calls.setdefault(function.name, [])
        if is_overload(function) or not known:
            known.append(signature(function, function.name, vars(module("TerminalService"))))
        if is_overload(function):
            continue
        if section != shown:
            parts.append(f"### {section.capitalize()}")
            shown = section
        block = "\n".join(known)
        parts.append(f"#### {function.name}\n\n```text\n{block}\n```\n\n{prose(ast.get_docstring(function))}")
    return "\n\n".join(parts)


def function(thing: Any) -> str:
    """A function, or a class by how it is made."""
    node = parsed(thing)
    if isinstance(node, ast.ClassDef):
        [made] = [one for one in node.body if isinstance(one, ast.FunctionDef) and one.name == "__init__"]
        made.returns = None
        call = signature(made, node.name, {})
    else:
        call = signature(node, node.name, {})
    return f"```text\n{call}\n```\n\n{prose(thing.__doc__)}"


def fields(thing: Any) -> str:
    """The fields of a dataclass, with what its source says of them."""
    rows = ["| field | type | |", "|---|---|---|"]
    node = parsed(thing)
    assert isinstance(node, ast.ClassDef)
    for one, following in zip(node.body, [*node.body[1:], None], strict=True):
        if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name):
            said = following.value if isinstance(following, ast.Expr) else None
            about = flat(str(said.value)) if isinstance(said, ast.Constant) else ""
            rows.append(f"| `{one.target.id}` | `{ast.unparse(one.annotation)}` | {about} |".replace(" | |", " | |"))
    return prose(thing.__doc__) + "\n\n" + "\n".join(rows)


def models(names: list[str]) -> str:
    """Those of the wire, whose fields another page has."""
    rows = ["| name | |", "|---|---|"]
    rows += [
        f"| [`{name}`](messages.md#{name.lower()}) | {flat(getattr(termwall, name).__doc__)} |"
        for name in sorted(names)
    ]
    return "\n".join(rows)


def page(template: Path, note: str) -> str:
    """The page: `template`, with the parts in place of `{...}`.

    Raises:
        LookupError: something that is exported is not on it.
    """
    protocol = [name for name in termwall.__all__ if "protocol" in module(name).__name__]
    parts = {
        "note": note,
        "create_app": function(termwall.create_app),
        "TerminalService": service(),
        "TermwallError": function(termwall.TermwallError),
        "SettingsError": prose(termwall.SettingsError.__doc__),
        "Settings": prose(termwall.Settings.__doc__),
        "ErrorCode": prose(termwall.ErrorCode.__doc__),
        "Picture": fields(termwall.Picture),
        "models": models(protocol),
    }
    text = template.read_text()
    missing = {name for name in termwall.__all__ if name not in protocol and f"{{{name}}}" not in text}
    if missing:
        raise LookupError(f"{template.name} has no place for {', '.join(sorted(missing))}")
    for name, part in parts.items():
        text = text.replace(f"{{{name}}}", part)
    return text


def module(name: str) -> ModuleType:
    """Where it comes from."""
    found = inspect.getmodule(getattr(termwall, name))
    assert found is not None
    return found
