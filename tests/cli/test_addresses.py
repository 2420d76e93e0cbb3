"""The address that is given to others."""

from pathlib import Path

import pytest

from termwall.cli.addresses import only_here, public_address
from termwall.cli.remote import Remote
from termwall.store.folder import Running


@pytest.mark.parametrize(
    ("settings", "wanted"),
    [
        ({"TERMWALL_PUBLIC_URL": "https://example.org/wall/"}, "https://example.org/wall"),
        ({"TERMWALL_ALLOWED_HOSTS": "*,wall.example.org"}, "https://wall.example.org"),
        ({"TERMWALL_HOST": "::", "TERMWALL_ALLOWED_HOSTS": "a.example,b.example"}, "http://a.example:7070"),
        ({}, "http://127.0.0.1:7070"),
    ],
)
def test_case_command_line_13_the_best_address_that_is_known(
    tmp_path: Path, settings: dict[str, str], wanted: str
) -> None:
    with Remote(tmp_path, "http://127.0.0.1:7070", "x" * 8) as one:
        assert public_address(one) == "http://127.0.0.1:7070", "who names an address means that one"
        one.running = Running("http://127.0.0.1:7070", 1, settings=settings)
        assert public_address(one) == wanted
        assert only_here(public_address(one)) is (wanted == "http://127.0.0.1:7070")
