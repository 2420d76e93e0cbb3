"""Metrics and profiles over HTTP (A3)."""

from tests.support.server import Server


def test_A3_metrics_and_profiles(api: Server) -> None:
    text = api.call("GET", "/metrics").text
    assert "termwall_connections 0.0" in text
    assert api.call("GET", "/metrics").headers["content-type"].startswith("text/plain")
    profiles = api.call("GET", "/api/profiles").json()["profiles"]
    assert [one["type"] for one in profiles] == ["system", "claude"]
