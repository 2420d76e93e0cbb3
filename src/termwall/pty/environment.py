"""What a program finds in its environment (P1): what its user set, and nothing that describes the terminal or the
process that the server happened to be started from.

A program in a session is in termwall's terminal, not in the starter's: one that finds `TMUX` splits the starter's tmux,
one that finds `COLUMNS` draws at the wrong width, one that finds `CLAUDECODE` refuses to run. The list is in
`docs/reference/environment.md`; `keep_env` makes exceptions.
"""

import os
import pwd
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase, translate

REMOVED: Mapping[str, tuple[str, ...]] = {
    "termwall's own settings and secrets": ("TERMWALL_*",),
    "the starter's terminal": (
        *("TERM", "TERM_*", "TERMCAP", "TERMINFO", "COLORTERM", "COLORFGBG", "COLUMNS", "LINES", "WINDOWID"),
        *("NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE", "LC_TERMINAL", "LC_TERMINAL_VERSION", "ITERM_*"),
        *("KITTY_*", "WEZTERM_*", "GHOSTTY_*", "KONSOLE_*", "SHELL_SESSION_*", "PROFILEHOME", "VTE_VERSION"),
        *("GNOME_TERMINAL_*", "ALACRITTY_*", "TILIX_ID", "TERMINATOR_*", "XTERM_*", "MLTERM", "CONTOUR_*", "WARP_*"),
        *("WT_SESSION", "WT_PROFILE_ID", "ConEmu*", "TERMINAL_EMULATOR", "TERMINOLOGY", "WAVETERM*", "TABBY_*"),
        *("GPG_TTY", "SSH_TTY", "SSH_CLIENT", "SSH_CONNECTION", "SUDO_TTY", "ASCIINEMA_REC", "ASCIINEMA_SESSION"),
    ),
    "a multiplexer around the starter": (
        *("TMUX", "TMUX_PANE", "TMUX_PLUGIN_MANAGER_PATH", "STY", "WINDOW", "ZELLIJ", "ZELLIJ_SESSION_NAME"),
        *("ZELLIJ_PANE_ID", "BYOBU_*", "DVTM*", "ABDUCO_SESSION", "DTACH_SOCKET", "MOSH_*"),
    ),
    "an editor around the starter": (
        *("VSCODE_*", "CURSOR_TRACE_ID", "NVIM", "NVIM_LISTEN_ADDRESS", "VIM", "VIMRUNTIME", "MYVIMRC", "INSIDE_EMACS"),
        *("EMACS", "ZED_TERM", "ZED_ENVIRONMENT", "INTELLIJ_ENVIRONMENT_READER", "ELECTRON_RUN_AS_NODE"),
        *("CHROME_DESKTOP", "ORIGINAL_XDG_CURRENT_DESKTOP", "NVIM_LOG_FILE"),
    ),
    "a file manager or a notebook around the starter": (
        *("MC_SID", "MC_TMPDIR", "RANGER_LEVEL", "NNNLVL", "LF_LEVEL", "YAZI_ID", "YAZI_LEVEL", "JPY_PARENT_PID"),
    ),
    "an agent around the starter": (
        *("CLAUDECODE", "CLAUDE_CODE_ENTRYPOINT", "CLAUDE_CODE_SSE_PORT", "CLAUDE_CODE_SESSION_ID"),
        *("CLAUDE_CODE_EXECPATH", "CLAUDE_CODE_CHILD_SESSION", "CLAUDE_CODE_TMUX_*", "CLAUDE_PROJECT_DIR"),
        *("CLAUDE_PLUGIN_ROOT", "CLAUDE_ENV_FILE", "CODEX_CI", "CODEX_THREAD_ID", "CODEX_SANDBOX", "CODEX_SANDBOX_*"),
        *("CODEX_MANAGED_*", "CODEX_INTERNAL_*", "GEMINI_CLI", "GEMINI_CLI_NO_RELAUNCH", "QWEN_CODE", "OPENCODE"),
        *("OPENCODE_PID", "OPENCODE_CLIENT", "CURSOR_AGENT", "CLINE_ACTIVE", "AUGMENT_AGENT", "TRAE_AI_SHELL_ID"),
        *("AI_AGENT", "AGENT", "COPILOT_AGENT_*", "COPILOT_CLI"),
    ),
    "a service manager, a build or a launcher around the starter": (
        *("INVOCATION_ID", "JOURNAL_STREAM", "NOTIFY_SOCKET", "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"),
        *("LISTEN_PIDFDID", "WATCHDOG_USEC", "WATCHDOG_PID", "MAINPID", "MANAGERPID", "MANAGERPIDFDID", "FDSTORE"),
        *("SYSTEMD_EXEC_PID", "MEMORY_PRESSURE_*", "CREDENTIALS_DIRECTORY", "RUNTIME_DIRECTORY", "STATE_DIRECTORY"),
        *("CACHE_DIRECTORY", "LOGS_DIRECTORY", "CONFIGURATION_DIRECTORY", "DEBUG_INVOCATION", "XPC_*"),
        *("__CFBundleIdentifier", "LaunchInstanceID", "SUPERVISOR_*", "PM2_*", "pm_id", "MAKEFLAGS", "MAKELEVEL"),
        *("MFLAGS", "MAKE_TERMOUT", "MAKE_TERMERR", "npm_lifecycle_*", "npm_package_*", "npm_command", "npm_execpath"),
        *("npm_node_execpath", "INIT_CWD", "UV_RUN_RECURSION_DEPTH", "PYTEST_*", "SUDO_COMMAND", "SUDO_USER"),
        *("SUDO_UID", "SUDO_GID", "DESKTOP_STARTUP_ID", "XDG_ACTIVATION_TOKEN", "GIO_LAUNCHED_*"),
    ),
    "the starter's shell": ("PWD", "OLDPWD", "SHLVL", "_"),
}
"""Names by what they describe; `*` stands for anything."""
_PATTERNS = tuple(pattern for patterns in REMOVED.values() for pattern in patterns)
_NAMES = frozenset(pattern for pattern in _PATTERNS if "*" not in pattern)
_KINDS = re.compile("|".join(translate(pattern) for pattern in _PATTERNS if "*" in pattern))
_OWN = "TERMWALL_*"

_AGENTS = frozenset(
    ("CLAUDECODE", "CODEX_CI", "CODEX_THREAD_ID", "GEMINI_CLI", "OPENCODE", "CURSOR_AGENT", "QWEN_CODE")
)
_AGENTS_VALUES = {
    **dict.fromkeys(("PAGER", "GIT_PAGER", "GH_PAGER", "MANPAGER", "SYSTEMD_PAGER"), "cat"),
    **dict.fromkeys(("GIT_EDITOR", "GIT_SEQUENCE_EDITOR"), "true"),
    "GIT_TERMINAL_PROMPT": "0",
}
"""What agents set for the commands they run, so that none waits for a key: for no terminal with a person at it."""


@dataclass(frozen=True, slots=True)
class Outfit:
    """How the environments of a server's sessions are made."""

    keep: tuple[str, ...] = ()
    """Names that stay though they are on the list; `*` stands for anything."""
    add: Mapping[str, str] = field(default_factory=dict)
    """For every session; a profile's or a session's own go first."""
    folder: str | None = None
    """A folder put first on the PATH: it holds `termwall` itself."""
    version: str = "0"

    def environment(self, base: Mapping[str, str], given: Mapping[str, str]) -> dict[str, str]:
        """What a program sees.

        Args:
            base: the server's own variables.
            given: the session's and its profile's, which win.
        """
        found = {name: value for name, value in inherited(base, self.keep).items() if name not in self.add}
        found |= {
            "TERM": "xterm-256color",
            "COLORTERM": "truecolor",
            "TERM_PROGRAM": "termwall",
            "TERM_PROGRAM_VERSION": self.version,
            **self.add,
        }
        if self.folder is not None:
            found["PATH"] = os.pathsep.join((self.folder, found.get("PATH") or os.defpath))
        return {**_account(found), **found, **given}


def inherited(base: Mapping[str, str], keep: Iterable[str] = ()) -> dict[str, str]:
    """Those of a starter's variables that its user set for programs."""
    kept = tuple(keep)
    left = {
        name: value
        for name, value in base.items()
        if not _describes_starter(name) or (not fnmatchcase(name, _OWN) and _matches(name, kept))
    }
    if _AGENTS & base.keys():
        left = {
            name: value for name, value in left.items() if _AGENTS_VALUES.get(name) != value or _matches(name, kept)
        }
    if "VSCODE_GIT_ASKPASS_NODE" in base and not _matches("GIT_ASKPASS", kept):
        left.pop("GIT_ASKPASS", None)  # It asks that editor, by variables that are gone.
    return left


def _describes_starter(name: str) -> bool:
    return name in _NAMES or _KINDS.match(name) is not None


def _matches(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _account(found: Mapping[str, str]) -> dict[str, str]:
    """What a login sets, where the starter, such as a service manager or cron, has not."""
    missing = [name for name in ("HOME", "USER", "LOGNAME", "SHELL") if not found.get(name)]
    if not missing:
        return {}
    shell = login_shell({name: value for name, value in found.items() if value})
    try:
        entry = pwd.getpwuid(os.getuid())
    except KeyError:  # A container's user without an entry.
        return {"SHELL": shell} if "SHELL" in missing else {}
    known = {"HOME": entry.pw_dir, "USER": entry.pw_name, "LOGNAME": entry.pw_name, "SHELL": shell}
    return {name: known[name] for name in missing}


def login_shell(environ: Mapping[str, str]) -> str:
    """The user's shell: `SHELL`, else what the account says, else `/bin/sh`; one that cannot be run does not count."""
    try:
        entry = pwd.getpwuid(os.getuid()).pw_shell
    except KeyError:
        entry = ""
    for shell in (environ.get("SHELL", ""), entry):
        # One whose name is no UTF-8 could be run, and not be shown to anybody.
        if os.path.isabs(shell) and shell.isprintable() and os.access(shell, os.X_OK):
            return shell
    return "/bin/sh"
