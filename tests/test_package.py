"""What `import termwall` gives."""

import inspect
import subprocess
import sys
from importlib import resources

import pytest

import termwall


def test_a_program_that_embeds_it_imports_all_from_the_top() -> None:
    from termwall.app import create_app
    from termwall.config import Settings
    from termwall.core.errors import TermwallError
    from termwall.hub.service import TerminalService

    assert (termwall.create_app, termwall.Settings) == (create_app, Settings)
    assert (termwall.TerminalService, termwall.TermwallError) == (TerminalService, TermwallError)
    assert set(termwall.__all__) <= set(dir(termwall))
    assert all(inspect.getdoc(getattr(termwall, name)) for name in termwall.__all__)
    with pytest.raises(AttributeError, match="nonsense"):
        _ = termwall.nonsense  # type: ignore[attr-defined]


def test_importing_it_alone_imports_nothing_else() -> None:
    said = "import sys, termwall; print([name for name in sys.modules if name.startswith('termwall.')])"
    done = subprocess.run([sys.executable, "-c", said], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_its_types_are_for_others_too() -> None:
    assert resources.files(termwall).joinpath("py.typed").is_file()
