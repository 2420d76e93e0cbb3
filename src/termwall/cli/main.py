"""The `termwall` command: all its subcommands, in the order in which help lists them (A5)."""

from collections.abc import Callable

import typer

from termwall.cli import agents, background, browser, nodes, recordings, serving, sessions, status, tokens

COMMANDS: dict[str, Callable[..., None]] = {
    "up": background.up_command,
    "down": background.down_command,
    "status": status.status_command,
    "restart": background.restart_command,
    "record": recordings.record_command,
    "recordings": recordings.recordings_command,
    "play": recordings.play_command,
    "export": recordings.export_command,
    "grep": recordings.grep_command,
    "nodes": nodes.nodes_command,
    "drain": nodes.drain_command,
    "notify": agents.notify_command,
    "screen": agents.screen_command,
    "wait": agents.wait_command,
    "serve": serving.serve_command,
    "run": sessions.run_command,
    "ls": sessions.list_command,
    "send": sessions.send_command,
    "focus": sessions.focus_command,
    "blur": sessions.blur_command,
    "close": sessions.close_command,
    "attach": sessions.attach_command,
}

app = typer.Typer(
    add_completion=True,
    no_args_is_help=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="A project's live terminals, in every browser, in sync. Without a command: serve this folder.",
)
app.callback(invoke_without_command=True)(serving.serve_folder)
for name, command in COMMANDS.items():
    app.command(name, context_settings={"ignore_unknown_options": name == "run"})(command)
app.add_typer(tokens.app, name="token")
app.add_typer(browser.app, name="browser")
