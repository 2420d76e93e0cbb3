"""The options that commands share, against a command of the test's own."""

import inspect
from pathlib import Path

import typer
from typer.testing import CliRunner

from termwall.cli.main import app as termwall
from termwall.cli.options import SERVER, Options, takes

RUNNER = CliRunner()


def test_a_command_gets_what_was_given_as_one_object_and_its_own_beside_it() -> None:
    app, got = typer.Typer(), []

    @app.command()
    @takes("project", *SERVER)
    def command(options: Options, name: str, loud: bool = False) -> None:
        got.append((options, name, loud))

    words = ["me", "--loud", "-p", "wall", "--data-dir", "here", "--url", "http://one"]
    done = RUNNER.invoke(app, words, env={"TERMWALL_URL": "http://other"})
    assert done.exit_code == 0, done.output
    assert got == [(Options(project="wall", data_dir=Path("here"), url="http://one"), "me", True)]
    assert RUNNER.invoke(app, ["me", "--json"]).exit_code == 2, "it takes no such option"


def test_each_shared_option_is_described_once() -> None:
    """Wherever a command takes one of them it is the same, in its words and its ways to be given."""
    described: dict[str, set[str]] = {}
    commands = dict(typer.main.get_command(termwall).commands)  # type: ignore[attr-defined]
    for group in ("token", "browser"):
        commands |= {f"{group} {name}": command for name, command in commands.pop(group).commands.items()}
    for name, command in commands.items():
        for option in command.params:
            own = name == "serve" or (name, option.name) == ("token create", "project")
            if option.name in inspect.signature(Options).parameters and not own:
                described.setdefault(option.name, set()).add(f"{option.opts} {option.envvar} {option.help}")
    assert {name: len(ways) for name, ways in described.items()} == dict.fromkeys(described, 1)
    assert set(described) == set(inspect.signature(Options).parameters)


def test_show_prints_json_or_lines_that_no_terminal_obeys() -> None:
    app = typer.Typer()

    @app.command()
    @takes("as_json")
    def command(options: Options) -> None:
        options.show({"names": ["a\x1b[31m", "b"]}, lambda found: found["names"])

    assert RUNNER.invoke(app, []).output == "a[31m\nb\n"
    assert RUNNER.invoke(app, ["--json"]).output == '{"names": ["a\\u001b[31m", "b"]}\n'
