"""The figures of `/metrics`."""

from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Gauge, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

if TYPE_CHECKING:
    from termwall.hub.service import TerminalService

TALLY = {
    "messages": "Messages and other frames of clients.",
    "messages_price": "What they counted as (L7).",
    "messages_delayed": "How often a connection had to wait for its budget or that of its token.",
    "messages_refused": "Messages that got `rate_limited`.",
    "calls": "HTTP calls that count against a budget.",
    "calls_delayed": "HTTP calls that had to wait for the budget of their token.",
    "calls_refused": "HTTP calls that got 429 for it.",
}
"""Of `hub.budgets.Tally`, whose names these are."""


class Metrics:
    """The server's figures, read when they are asked for."""

    content_type = CONTENT_TYPE_LATEST

    def __init__(self) -> None:
        self._registry = CollectorRegistry()

        def gauge(name: str, text: str) -> Gauge:
            return Gauge(f"termwall_{name}", text, registry=self._registry)

        self._connections = gauge("connections", "Open WebSockets.")
        self._projects = gauge("projects", "Projects.")
        self._sessions = gauge("sessions", "Sessions of this node.")
        self._running = gauge("sessions_running", "Sessions whose program runs.")
        self._waiting = gauge("sessions_waiting", "Sessions that need input.")
        self._restarts = gauge("screen_restarts", "How often the screen worker was started again.")
        self._away = gauge("screen_away", "1 while no screen can be drawn.")
        self._held = gauge("outlive", "1 while the programs would outlive the server.")
        self._late = gauge("loop_late_seconds", "How late the event loop was, at most, in the last minute or two (L6).")
        self._engine = gauge("engine_up", "1 while the other nodes are reached; 0 where the server is alone.")
        self._nodes = gauge("nodes", "Nodes of the wall that are there.")
        self._followed = gauge("streams_in", "Sessions of other nodes whose output comes here.")
        self._served = gauge("streams_out", "Streams of sessions here to other nodes.")
        self._output = gauge("output_bytes", "Bytes written by the programs of the current sessions.")
        self._versions = gauge("stage_versions", "Versions of all stages added up.")

        self._tally = {name: gauge(name, text) for name, text in TALLY.items()}

    def render(self, service: "TerminalService") -> bytes:
        """Prometheus text. What is added up over all nodes counts each session once."""
        projects = service.list_projects()
        sessions = [room.describe(session) for room in service.rooms() for session in room.own]
        self._connections.set(service.connections)
        self._projects.set(len(projects))
        self._sessions.set(len(sessions))
        self._running.set(sum(session.status == "running" for session in sessions))
        self._waiting.set(sum(session.attention.state == "needs input" for session in sessions))
        if service.screens is not None:
            self._restarts.set(service.screens.restarts)
            self._away.set(service.screens.away)
        if service.cluster is not None:
            self._engine.set(service.cluster.up)
            self._nodes.set(len(service.cluster.nodes()))
            followed, served = service.cluster.streams()
            self._followed.set(followed)
            self._served.set(served)
        for name, figure in self._tally.items():
            figure.set(getattr(service.budgets.tally, name))
        self._late.set(service.lateness.seconds)
        self._held.set(service.programs.outlive)
        self._output.set(sum(session.offset for session in sessions))
        self._versions.set(sum(service.get_focus_version(project.id) for project in projects))
        return generate_latest(self._registry)
