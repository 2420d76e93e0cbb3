"""T6, T7, C17: what a program finds in its environment."""

import os
import pwd

import pytest

from termwall.config import Settings, default_profiles, load_environment, load_profiles
from termwall.pty.environment import REMOVED, Outfit, inherited, login_shell

ACCOUNT = {"HOME": "/home/ann", "USER": "ann", "LOGNAME": "ann", "SHELL": "/bin/sh"}
STARTER = {
    "MC_SID": "77",
    "TMUX": "/tmp/tmux-0/default,1,0",
    "TMUX_PANE": "%1",
    "STY": "1.pts-0",
    "ZELLIJ_SESSION_NAME": "x",
    "COLUMNS": "60",
    "LINES": "10",
    "TERM_PROGRAM": "vscode",
    "TERM_PROGRAM_VERSION": "9",
    "TERM_SESSION_ID": "w0t0",
    "TERMINFO": "/opt/kitty",
    "KITTY_WINDOW_ID": "1",
    "WEZTERM_PANE": "0",
    "GHOSTTY_RESOURCES_DIR": "/opt",
    "ITERM_SESSION_ID": "w0",
    "LC_TERMINAL": "iTerm2",
    "KONSOLE_VERSION": "1",
    "VTE_VERSION": "7600",
    "WINDOWID": "1",
    "SSH_TTY": "/dev/pts/0",
    "VSCODE_IPC_HOOK_CLI": "/run/x",
    "NVIM": "/run/nvim",
    "INSIDE_EMACS": "30",
    "TERMINAL_EMULATOR": "JetBrains-JediTerm",
    "CLAUDECODE": "1",
    "CLAUDE_CODE_ENTRYPOINT": "cli",
    "CODEX_SANDBOX_NETWORK_DISABLED": "1",
    "GEMINI_CLI": "1",
    "NO_COLOR": "1",
    "PAGER": "cat",
    "GIT_EDITOR": "true",
    "INVOCATION_ID": "1",
    "JOURNAL_STREAM": "8:1",
    "NOTIFY_SOCKET": "/run/notify",
    "LISTEN_FDS": "1",
    "XPC_SERVICE_NAME": "org.termwall",
    "MAKELEVEL": "1",
    "MAKEFLAGS": "w",
    "npm_lifecycle_event": "start",
    "PWD": "/somewhere",
    "OLDPWD": "/",
    "SHLVL": "3",
    "_": "/usr/bin/env",
    "TERMWALL_TOKEN": "secret",
}
USERS = {
    **ACCOUNT,
    "PATH": "/home/ann/bin:/usr/bin",
    "LANG": "de_DE.UTF-8",
    "EDITOR": "vim",
    "DISPLAY": ":0",
    "SSH_AUTH_SOCK": "/run/agent",
    "TMUX_TMPDIR": "/run/ann",
    "ZELLIJ_CONFIG_DIR": "/home/ann/zellij",
    "NVIM_APPNAME": "mine",
    "CLAUDE_CODE_USE_BEDROCK": "1",
    "CLAUDE_CONFIG_DIR": "/home/ann/claude",
    "CODEX_HOME": "/home/ann/codex",
    "GEMINI_API_KEY": "key",
    "OPENCODE_CONFIG": "/home/ann/opencode",
    "VIRTUAL_ENV": "/home/ann/venv",
    "npm_config_registry": "https://npm.example.org",
    "TERMINFO_DIRS": "/home/ann/terminfo",
    "MANPAGER": "less",
}


def test_case_terminal_6_what_describes_the_starter_is_gone_and_what_a_user_set_stays() -> None:
    found = Outfit(version="1.2.3").environment({**STARTER, **USERS}, {"TERMWALL_SESSION_ID": "s"})
    terminal = {
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
        "TERM_PROGRAM": "termwall",
        "TERM_PROGRAM_VERSION": "1.2.3",
    }
    assert found == {**USERS, **terminal, "TERMWALL_SESSION_ID": "s"}


@pytest.mark.parametrize("pattern", [one for patterns in REMOVED.values() for one in patterns])
def test_case_terminal_6_every_kind_of_name_is_removed(pattern: str) -> None:
    assert inherited({pattern.replace("*", "X"): "1"}) == {}


def test_case_terminal_6_a_users_pager_stays_without_an_agent() -> None:
    assert inherited({"PAGER": "cat"}) == {"PAGER": "cat"}


def test_case_terminal_6_an_editors_askpass_goes_with_it() -> None:
    base = {"GIT_ASKPASS": "/opt/askpass.sh", "VSCODE_GIT_ASKPASS_NODE": "/opt/node"}
    assert inherited(base) == {}
    assert inherited({"GIT_ASKPASS": "/usr/bin/ksshaskpass"}) == {"GIT_ASKPASS": "/usr/bin/ksshaskpass"}


def test_case_terminal_6_names_can_be_kept_but_not_secrets() -> None:
    base = {"NO_COLOR": "1", "SSH_TTY": "/dev/pts/0", "TERMWALL_TOKEN": "secret", "TMUX": "x"}
    assert inherited(base, ("NO_COLOR", "SSH_*", "TERMWALL_*")) == {"NO_COLOR": "1", "SSH_TTY": "/dev/pts/0"}


def test_case_terminal_6_variables_can_be_added_and_a_profiles_win() -> None:
    outfit = Outfit(add={"NO_COLOR": "1", "EDITOR": "vi", "TERM": "xterm-direct"})
    found = outfit.environment({"EDITOR": "ed", **ACCOUNT}, {"EDITOR": "nano"})
    assert (found["NO_COLOR"], found["EDITOR"], found["TERM"]) == ("1", "nano", "xterm-direct")


def test_case_terminal_6_settings_say_what_is_kept_and_added(tmp_path: os.PathLike[str]) -> None:
    with open(os.path.join(tmp_path, "termwall.toml"), "w") as file:
        file.write('[env]\nNO_COLOR = "1"\n')
    settings = Settings(data_dir=tmp_path, keep_env="SSH_*, NO_COLOR")
    assert settings.keep_env == ["SSH_*", "NO_COLOR"]
    assert load_environment(settings) == {"NO_COLOR": "1"}


def test_case_terminal_7_the_shell_is_the_accounts_where_none_is_set() -> None:
    theirs = pwd.getpwuid(os.getuid()).pw_shell
    want = theirs if os.access(theirs, os.X_OK) else "/bin/sh"
    assert login_shell({}) == want
    assert login_shell({"SHELL": "/no/such/shell"}) == want
    assert login_shell({"SHELL": "/bin/sh"}) == "/bin/sh"
    assert default_profiles({})["system"].command == (want,)
    assert Outfit().environment({}, {})["SHELL"] == want


def test_case_terminal_7_a_login_has_an_account() -> None:
    entry = pwd.getpwuid(os.getuid())
    found = Outfit().environment({"USER": "somebody"}, {})
    assert (found["HOME"], found["USER"], found["LOGNAME"]) == (entry.pw_dir, "somebody", entry.pw_name)


def test_case_terminal_7_a_login_shell_is_a_setting(tmp_path: os.PathLike[str]) -> None:
    for login, command in ((True, ("/bin/sh", "-l")), (False, ("/bin/sh",))):
        settings = Settings(data_dir=tmp_path, login_shell=login)
        assert load_profiles(settings, {"SHELL": "/bin/sh"})["system"].command == command


def test_case_command_line_17_termwall_is_first_on_the_path() -> None:
    assert Outfit(folder="/data/bin").environment({"PATH": "/bin"}, {})["PATH"] == "/data/bin:/bin"
    assert Outfit(folder="/data/bin").environment({}, {})["PATH"] == f"/data/bin:{os.defpath}"
