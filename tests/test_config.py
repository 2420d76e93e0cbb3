"""Settings and profiles: from arguments, the environment and the file, and what a wrong one says (A5, P1)."""

import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from termwall.config import Settings, SettingsError, _read_once, load_profiles, read_token
from termwall.core.limits import Bounds


@pytest.fixture(autouse=True)
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """No settings of who runs the tests."""
    for name in os.environ:
        if name.startswith("TERMWALL_"):
            monkeypatch.delenv(name)


def test_A5_defaults_are_the_limits_own() -> None:
    settings = Settings()
    assert (settings.host, settings.port, settings.max_focused) == ("127.0.0.1", 7070, 4)
    assert settings.bounds() == Bounds()


def test_A5_each_setting_comes_from_the_environment_and_an_argument_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "PORT": "1234",
        "DATA_DIR": "/some/where",
        "MAX_FOCUSED": "9",
        "OPEN": "false",
        "HEARTBEAT": "500",
        "ALLOWED_HOSTS": "one.example, two.example,",
        "ALLOWED_ORIGINS": "https://one.example",
        "REGISTRATION_DELAYS": "1, 2,3",
        "CLOSE_SECONDS": "0.5",
        "SESSIONS": "7",
    }.items():
        monkeypatch.setenv(f"TERMWALL_{name}", value)
    settings = Settings(port=4321)
    assert (settings.port, settings.data_dir, settings.open) == (4321, Path("/some/where"), False)
    assert settings.allowed_hosts == ["one.example", "two.example"]
    assert settings.allowed_origins == ["https://one.example"]
    bounds = settings.bounds()
    assert (bounds.heartbeat_milliseconds, bounds.close_seconds, bounds.sessions) == (500, 0.5, 7)
    assert bounds.registration_delays == (1, 2, 3)
    assert Settings(allowed_hosts=["three.example"]).allowed_hosts == ["three.example"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("port", "65536"),
        ("port", "x"),
        ("max_focused", "0"),
        ("max_focused", "65"),
        ("token", "short"),
        ("token", ""),
        ("heartbeat", "99"),
        ("connections", "0"),
        ("message_bytes", "10"),
        ("registration_delays", "1,-1"),
        ("registration_delays", "soon"),
        ("close_seconds", "0"),
    ],
)
def test_A5_a_wrong_setting_is_refused_by_its_name(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"TERMWALL_{name.upper()}", value)
    with pytest.raises(ValidationError) as caught:
        Settings()
    assert caught.value.errors()[0]["loc"][0] == name


def test_P1_profiles_are_the_seeds_two_and_the_files(tmp_path: Path) -> None:
    (tmp_path / "termwall.toml").write_text(
        '[profiles.tests]\nlabel = "Tests"\ncommand = ["make", "test"]\nenv = { A = "1" }\n'
        '[profiles.system]\ncommand = ["/bin/fish"]\n'
    )
    profiles = load_profiles(Settings(data_dir=tmp_path), {"SHELL": "/bin/sh"})
    assert list(profiles) == ["system", "claude", "tests"], "the first is the default"
    assert profiles["system"].command == ("/bin/fish",)
    assert (profiles["tests"].label, profiles["tests"].env) == ("Tests", {"A": "1"})
    assert load_profiles(Settings(data_dir=tmp_path / "nothing"), {}).keys() == {"system", "claude"}


@pytest.mark.parametrize(
    "text",
    [
        "[profiles.x",
        "[profiles.x]\n",
        '[profiles.x]\ncommand = "make"\n',
        "[profiles.x]\ncommand = []\n",
        '[profile.x]\ncommand = ["make"]\n',
        '[profiles.x]\ncommand = ["make"]\nlable = "X"\n',
        "[profiles.x]\ncommand = ['\udcff']\n",
        '[profiles.x]\ncommand = ["make\\u0000"]\n',
        '[profiles.x]\ncommand = ["make"]\nenv = { "" = "x" }\n',
        '[env]\n"A=B" = "x"\n',
        '[env]\nA = "\\u0000"\n',
    ],
)
def test_P1_a_wrong_file_says_where(tmp_path: Path, text: str) -> None:
    path = tmp_path / "other.toml"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(SettingsError, match=r"other\.toml"):
        load_profiles(Settings(config=path), {})


def test_P1_a_file_that_was_named_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"no\.toml"):
        load_profiles(Settings(config=tmp_path / "no.toml"), {})


@pytest.mark.parametrize("host", ["https://wall.example", "wall.example:8443", "*.example", "wall.example/", "[::1]"])
def test_case_server_2_a_host_that_no_request_can_name_is_refused(host: str) -> None:
    with pytest.raises(ValueError, match="is not a host name"):
        Settings(allowed_hosts=[host])


@pytest.mark.parametrize("origin", ["wall.example", "https://", "https://wall.example/path", "https://*.example", "*"])
def test_case_server_2_an_origin_that_no_page_can_have_is_refused(origin: str) -> None:
    with pytest.raises(ValueError, match="is not an origin"):
        Settings(allowed_origins=[origin])


def test_case_server_2_hosts_and_origins_as_they_come_are_taken() -> None:
    hosts = ["*", "wall.example", "box", "2001:db8::1", "192.0.2.1", "b\u00fccher.example"]
    origins = ["https://wall.example:8443/", "http://127.0.0.1:5173", "null", "https://[2001:db8::1]:1"]
    settings = Settings(allowed_hosts=hosts, allowed_origins=origins)
    assert (settings.allowed_hosts, settings.allowed_origins) == (hosts, origins)


def test_case_hardening_X1_a_token_may_come_out_of_a_pipe() -> None:
    reading, writing = os.pipe()
    os.write(writing, b"a-long-token\n")
    os.close(writing)
    path = Path(f"/dev/fd/{reading}")
    try:
        assert [read_token(path) for _ in range(3)] == ["a-long-token"] * 3
    finally:
        os.close(reading)
        _read_once.pop(path, None)
