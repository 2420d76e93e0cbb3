"""Certificates that the commands trust."""

from pathlib import Path

import trustme

from tests.support.command import Command
from tests.support.server import Server
from tests.support.tls_front import tls_front


def test_case_command_line_16_a_private_authority_is_trusted_where_it_is_named(
    server: Server, termwall: Command, tmp_path: Path
) -> None:
    authority = trustme.CA()
    file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(file))
    with tls_front(server.port, authority.issue_cert("127.0.0.1")) as url:
        call = ("ls", "--all", "--url", url, "--token", server.token)
        assert "is not trusted here; --ca" in termwall(*call, ok=False)
        termwall(*call, "--ca", str(file))
        session = termwall("run", "--url", url, "--ca", str(file), "--token", server.token, "--", "true").strip()
        termwall("wait", session, "--until", "exit", "--url", url, "--ca", str(file), "--token", server.token)
        assert "cannot be used for --ca" in termwall(*call, "--ca", str(tmp_path / "nothing"), ok=False)
        termwall.env["SSL_CERT_FILE"] = str(file)
        termwall(*call)
        termwall.env |= {"TERMWALL_SESSION_ID": session, "TERMWALL_URL": url, "TERMWALL_TOKEN": server.token}
        said = termwall("notify", "--hook", text='{"hook_event_name": "Stop"}', both=True)
        assert said == ""
