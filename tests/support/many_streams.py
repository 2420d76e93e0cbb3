"""Hundreds of sessions, their hosts, the gateways that copy them and thousands of viewers, in virtual time.

Real are `core.relay`, `core.ring` and `core.cursor`. `Host` and `Gateway` stand for what `cluster.host` and
`cluster.gateway` do around them. What a session prints follows from its name, epoch and offset, so that each viewer
checks each byte.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from termwall.core.cursor import Cursor
from termwall.core.relay import ACK_SECONDS, CHUNK_BYTES, LEASE_SECONDS, WINDOW_BYTES, Copy, Receiver, Reset, Sender
from termwall.core.ring import Ring
from tests.support.timeline import Timeline

PUMP_SECONDS = 0.25
AGAIN_SECONDS = 0.25
ANSWER_SECONDS = 2.0
REST_SECONDS = 10.0
"""All four as in `cluster.host` and `cluster.gateway`."""
DELAY, MOST_DELAY = 0.005, 2.0
"""On the way: as it should be, so in order, and when the weather is bad."""
VIEWER_WINDOW = 64 << 10
PERIOD = 65_521
_PRINTED = random.Random(1).randbytes(PERIOD) * 4


def printed(session: int, epoch: int, start: int, stop: int) -> bytes:
    """What a session prints from one offset to another, at most 128 KiB."""
    at = (start + 7919 * session + 104_729 * epoch) % PERIOD
    return _PRINTED[at : at + stop - start]


@dataclass(frozen=True)
class Weather:
    """How bad the network is until `calm`: chances for each message, and seconds between two failures."""

    lost: float = 0.05
    late: float = 0.05
    repeated: float = 0.05
    hang_each: float = 1.5
    restart_each: float = 2.0


CALM = Weather(lost=0.0, late=0.0, repeated=0.0, restart_each=float("inf"))
"""The network is fine; gateways hang nevertheless."""


@dataclass(eq=False)
class Attachment:
    gateway: "Gateway"
    session: "Session"
    epoch: int
    number: int
    sender: Sender


class Session:
    """A program that prints, on the node that runs it."""

    def __init__(self, number: int, host: "Host", capacity: int) -> None:
        self.number, self.host = number, host
        self.epoch = 0
        self.ring = Ring(bytearray(capacity))

    def print(self, count: int) -> None:
        while count:
            end, part = self.ring.end, min(count, CHUNK_BYTES)
            self.ring.append(printed(self.number, self.epoch, end, end + part))
            count -= part
        for attachment in list(self.host.attachments.values()):
            if attachment.session is self:
                self.host.pump(attachment)

    def restart(self) -> None:
        self.epoch += 1
        self.ring = Ring(self.ring._buffer)


class Host:
    """A node whose sessions others look at."""

    def __init__(self, wall: "ManyStreams") -> None:
        self.wall = wall
        self.up = True
        self.sessions: list[Session] = []
        self.attachments: dict[tuple[Gateway, Session], Attachment] = {}
        wall.time.later(wall.random.random() * PUMP_SECONDS, self.beat)

    def beat(self) -> None:
        for attachment in list(self.attachments.values()):
            self.pump(attachment)
        if self.wall.time.now < self.wall.end:
            self.wall.time.later(PUMP_SECONDS, self.beat)

    def attach(self, gateway: "Gateway", session: Session, epoch: int, number: int, offset: int | None) -> None:
        if not self.up:
            return
        now = self.wall.time.now
        if session.epoch == epoch:
            sender = Sender(offset, session.ring.start, session.ring.end, now)
            attachment = self.attachments[gateway, session] = Attachment(gateway, session, epoch, number, sender)
            self.pump(attachment)
        self.wall.carry(gateway.attached, session, number, epoch, session.epoch == epoch)

    def pump(self, one: Attachment) -> None:
        session, now = one.session, self.wall.time.now
        if one.sender.expired(now) or session.epoch != one.epoch:
            self.attachments.pop((one.gateway, session), None)
            return
        while (step := one.sender.next(session.ring.start, session.ring.end, now)) is not None:
            self.wall.sent(one)
            if isinstance(step, Reset):
                self.wall.carry(one.gateway.reset, session, one.number, step.offset)
            else:
                assert step.stop - one.sender.acked <= WINDOW_BYTES
                data = session.ring.read(step.start, step.stop)
                self.wall.carry(one.gateway.data, session, one.number, step.start, data)

    def acked(self, gateway: "Gateway", acks: list[tuple[Session, int, int | None]]) -> None:
        if not self.up:
            return
        for session, number, offset in acks:
            one = self.attachments.get((gateway, session))
            if one is None or one.number != number:
                self.wall.carry(gateway.again, session, number)
            elif offset is None:
                del self.attachments[gateway, session]
            else:
                one.sender.ack(offset, self.wall.time.now)
                self.pump(one)

    def restart(self, during: float) -> None:
        """It is killed, and its sessions with it; later they begin anew."""
        self.up = False
        self.attachments.clear()
        for gateway in self.wall.gateways:
            gateway.lose(self)

        def back() -> None:
            self.up = True
            for session in self.sessions:
                session.restart()
                for gateway in self.wall.gateways:
                    self.wall.time.later(self.wall.random.random(), gateway.tell, session, session.epoch)

        self.wall.time.later(during, back)


class Distant:
    """A session of another node, at one gateway: a copy of its newest output, for the viewers here."""

    def __init__(self, gateway: "Gateway", session: Session) -> None:
        self.gateway, self.session = gateway, session
        self.epoch = session.epoch
        self.number = 0
        self.away = not session.host.up
        self.viewers: dict[Viewer, None] = {}
        self.looked = 0.0
        self.attaching = False
        self._begin()

    def _begin(self) -> None:
        self.copy = Copy(bytearray(self.session.ring.capacity))
        self.receiver: Receiver | None = None
        self.reached: int | None = None

    def tell(self, epoch: int) -> None:
        """Its node says that it was restarted."""
        self.away = False
        if epoch != self.epoch:
            self.epoch = epoch
            self._begin()
            for viewer in self.viewers:
                viewer.told(None)

    def follow(self) -> int | None:
        sure = self.receiver is not None and self.receiver.sure
        self.number += 1
        offset = self.copy.end if sure else self.reached
        self.receiver = Receiver(offset, sure=sure)
        return offset

    def pump(self) -> None:
        for viewer in list(self.viewers):
            viewer.pump()


class Gateway:
    """A node whose viewers look at others' sessions."""

    def __init__(self, wall: "ManyStreams") -> None:
        self.wall = wall
        self.hung = False
        self.hung_since = self.hung_until = 0.0
        self.sessions: dict[Session, Distant] = {}
        wall.time.later(wall.random.random() * ACK_SECONDS, self.beat)

    @property
    def well(self) -> bool:
        """Whether it does not hang, and did not a moment ago."""
        return not self.hung and self.wall.time.now > self.hung_until + 2 * LEASE_SECONDS

    # ---- who looks

    def look(self, viewer: "Viewer", session: Session) -> Distant:
        distant = self.sessions.get(session)
        new = distant is None
        if distant is None:
            distant = self.sessions[session] = Distant(self, session)
            if viewer.at is not None and viewer.epoch == distant.epoch:
                distant.reached = viewer.at
                distant.copy.begin(viewer.at)
        distant.viewers[viewer] = None
        distant.looked = self.wall.time.now
        if new:
            self._attach(distant)
        return distant

    def tell(self, session: Session, epoch: int) -> None:
        if self.hung:
            self.wall.time.later(AGAIN_SECONDS, self.tell, session, epoch)
            return
        distant = self.sessions.get(session)
        if distant is not None and epoch >= distant.epoch:
            distant.tell(epoch)
            self._attach(distant)

    def lose(self, host: Host) -> None:
        for distant in self.sessions.values():
            if distant.session.host is host:
                distant.away = True

    def _attach(self, distant: Distant) -> None:
        if self.sessions.get(distant.session) is not distant or distant.away or distant.attaching:
            return
        distant.attaching = True
        offset = distant.follow()
        session, number = distant.session, distant.number
        self.wall.carry(session.host.attach, self, session, distant.epoch, number, offset)
        self.wall.time.later(ANSWER_SECONDS, self._attach_again, distant, number)

    def _attach_again(self, distant: Distant, number: int) -> None:
        if self.hung:
            self.wall.time.later(AGAIN_SECONDS, self._attach_again, distant, number)
        elif distant.attaching and distant.number == number:
            distant.attaching = False
            self._attach(distant)

    def attached(self, session: Session, number: int, epoch: int, well: bool) -> None:
        distant = self.sessions.get(session)
        if self.hung or distant is None or not distant.attaching or distant.number != number:
            return
        if well and epoch == distant.epoch:
            distant.attaching = False
        else:
            self.wall.time.later(AGAIN_SECONDS, self._attach_again, distant, number)

    # ---- output

    def data(self, session: Session, number: int, offset: int, data: bytes) -> None:
        distant = self._heard(session, number)
        if distant is None or distant.receiver is None:
            return
        skip = distant.receiver.data(offset, len(data))
        if skip is not None:
            distant.copy.append(data[skip:])
            distant.pump()
        elif distant.receiver.offset is None or offset > distant.receiver.offset:
            return
        if skip is None or distant.receiver.due():
            self._ack([distant])

    def reset(self, session: Session, number: int, offset: int) -> None:
        distant = self._heard(session, number)
        if distant is None or distant.receiver is None:
            return
        before = distant.copy.end
        if distant.receiver.reset(offset):
            distant.copy.begin(offset)
        if distant.copy.end < before:
            for viewer in distant.viewers:
                viewer.misplaced()
        distant.pump()
        self._ack([distant])

    def again(self, session: Session, number: int) -> None:
        distant = self._heard(session, number)
        if distant is not None:
            self._attach(distant)

    def _heard(self, session: Session, number: int) -> Distant | None:
        distant = self.sessions.get(session)
        return None if self.hung or distant is None or distant.number != number else distant

    def _ack(self, sessions: list[Distant]) -> None:
        hosts: dict[Host, list[tuple[Session, int, int | None]]] = {}
        for distant in sessions:
            if distant.receiver is not None:
                ack = distant.session, distant.number, distant.receiver.ack()
                hosts.setdefault(distant.session.host, []).append(ack)
        for host, acks in hosts.items():
            self.wall.carry(host.acked, self, acks)

    def beat(self) -> None:
        now = self.wall.time.now
        if not self.hung:
            for session, distant in list(self.sessions.items()):
                if distant.viewers:
                    distant.looked = now
                elif now - distant.looked > REST_SECONDS:
                    del self.sessions[session]
                    self.wall.left[self, session] = now
                    self.wall.carry(session.host.acked, self, [(session, distant.number, None)])
            self._ack([distant for distant in self.sessions.values() if not distant.away])
        if now < self.wall.end:
            self.wall.time.later(ACK_SECONDS, self.beat)

    def hang(self, during: float) -> None:
        """It hears nothing and says nothing: what comes meanwhile is lost."""
        self.hung, self.hung_since = True, self.wall.time.now
        self.hung_until = self.hung_since + during
        self.wall.time.later(during, setattr, self, "hung", False)


class Viewer:
    """A terminal in a browser. `at`: the offset after its last byte; None until it has a picture."""

    def __init__(self, wall: "ManyStreams", session: Session, *, slow: bool) -> None:
        self.wall, self.session = wall, session
        self.at: int | None = None
        self.epoch = 0
        self.slow = slow
        self.bytes = self.jumps = 0
        self._seconds = 1.0 if slow else 0.01
        self._cursor = Cursor(0, VIEWER_WINDOW)
        self._distant: Distant | None = None

    def look(self, gateway: Gateway) -> None:
        """At this gateway, from where it was."""
        if gateway.hung:
            self.wall.time.later(1.0, self.look, gateway)
            return
        if self._distant is not None:
            del self._distant.viewers[self]
        self._distant = distant = gateway.look(self, self.session)
        if self.at is not None and (
            self.epoch != distant.epoch or not distant.copy.start <= self.at <= distant.copy.end
        ):
            self.at = None
            self.jumps += 1
        if self.at is not None:
            self._cursor.jump(self.at)
        self.pump()

    @property
    def gateway(self) -> Gateway | None:
        return None if self._distant is None else self._distant.gateway

    def leave(self) -> None:
        if self._distant is not None:
            del self._distant.viewers[self]
        self._distant = None

    def told(self, at: int | None) -> None:
        """A jump is told: with a picture of that place, or before one."""
        self.jumps += 1
        self.at = at
        if at is not None:
            self._cursor.jump(at)

    def misplaced(self) -> None:
        assert self._distant is not None
        if self.at is not None and self.at > self._distant.copy.end:
            self.told(None)

    def pump(self) -> None:
        """What the copy has, as far as this one's credit goes."""
        distant = self._distant
        if distant is None:
            return
        copy = distant.copy
        if self.at is None:
            if distant.receiver is None or distant.receiver.offset is None:
                return
            self.epoch, self.at = distant.epoch, copy.end
            self._cursor = Cursor(copy.end, VIEWER_WINDOW)
            self._cursor.ack(copy.end)
        while (step := self._cursor.next(copy.start, copy.end, CHUNK_BYTES)) is not None:
            if step == "wait":
                return
            if step == "lagged":
                self.told(copy.end)
                continue
            start, stop = step
            assert start == self.at, "a byte twice, or one left out"
            assert copy.read(start, stop) == printed(self.session.number, self.epoch, start, stop), "other bytes"
            assert self.epoch == distant.epoch
            self._cursor.advance(stop)
            self.at = stop
            self.bytes += stop - start
            self.wall.time.later(self._seconds, self._parsed, self._cursor, stop)

    def _parsed(self, cursor: Cursor, offset: int) -> None:
        if cursor is self._cursor and cursor.ack(offset):
            self.pump()


class ManyStreams:
    """All of it. Output ends at `calm`, and so does what fails; then 20 s are left to have everything."""

    def __init__(
        self, seed: int, weather: Weather, *, hosts: int, sessions: int, gateways: int, viewers: int, calm: float
    ) -> None:
        self.random = chance = random.Random(seed)
        self.time = Timeline()
        self.weather, self.calm, self.end = weather, calm, calm + 25
        self.left: dict[tuple[Gateway, Session], float] = {}
        self.messages = self.watched = 0
        self.hosts = [Host(self) for _ in range(hosts)]
        self.sessions: list[Session] = []
        for number in range(sessions):
            # A few have room for more than a window; most lose what they printed soon.
            capacity = 2 << 20 if number < 6 else chance.choice([16 << 10, 64 << 10, 128 << 10])
            session = Session(number, chance.choice(self.hosts), capacity)
            session.host.sessions.append(session)
            self.sessions.append(session)
            self.time.later(chance.random(), self._print, session)
        self.gateways = [Gateway(self) for _ in range(gateways)]
        self.looked_at = self.sessions[: sessions * 2 // 3]
        self.viewers = [Viewer(self, chance.choice(self.looked_at), slow=chance.random() < 0.1) for _ in range(viewers)]
        for viewer in self.viewers:
            self.time.later(chance.random() * 3, viewer.look, chance.choice(self.gateways))

    def _print(self, session: Session) -> None:
        if self.time.now < self.calm:
            flood = self.random.random() < 0.05
            most = session.ring.capacity * 2 // 3 if flood else 3000
            session.print(self.random.randrange(most))
            self.time.later(self.random.random() * 2, self._print, session)

    def carry(self, call: Callable[..., Any], *arguments: Any) -> None:
        """A message: lost, late, twice, or as it should."""
        chance, weather = self.random, self.weather
        seconds = DELAY
        if self.time.now < self.calm:
            if chance.random() < weather.lost:
                return
            if chance.random() < weather.late:
                seconds = chance.random() * MOST_DELAY
            if chance.random() < weather.repeated:
                self.time.later(chance.random() * MOST_DELAY, call, *arguments)
        self.time.later(seconds, call, *arguments)

    def sent(self, one: Attachment) -> None:
        """Something is sent: its gateway must want it, or have wanted it a moment ago, and be alive."""
        self.messages += 1
        now, gateway = self.time.now, one.gateway
        assert one.session in self.looked_at
        if one.session not in gateway.sessions:
            assert now - self.left[gateway, one.session] < MOST_DELAY + LEASE_SECONDS + PUMP_SECONDS, "nobody looks"
        if gateway.hung:
            assert now - gateway.hung_since < MOST_DELAY + LEASE_SECONDS + PUMP_SECONDS, "to one that hangs"

    def run(self) -> None:
        later, chance = self.time.later, self.random
        for _ in range(int(self.calm / self.weather.hang_each)):
            later(chance.random() * self.calm, self._hang)
        for _ in range(int(self.calm / self.weather.restart_each)):
            later(chance.random() * self.calm, self._restart)
        for _ in range(len(self.viewers) // 4):
            later(3 + chance.random() * (self.calm - 3), self._move, chance.choice(self.viewers))
        for viewer in self.viewers[::10]:
            later(3 + chance.random() * self.calm / 2, viewer.leave)
        self.time.run()

    def _hang(self) -> None:
        gateway = self.random.choice(self.gateways)
        if not gateway.hung:
            gateway.hang(1 + self.random.random() * 8)

    def _restart(self) -> None:
        host = self.random.choice(self.hosts)
        if host.up:
            host.restart(0.5 + self.random.random() * 3)

    def _move(self, viewer: Viewer) -> None:
        if viewer.gateway is not None:
            viewer.look(self.random.choice(self.gateways))

    def watch(self) -> None:
        """Each second: viewers at gateways that do not hang have what was printed a second ago."""
        fast = [
            (viewer, viewer.gateway, viewer.session.ring.end)
            for viewer in self.viewers
            if viewer.at is not None and not viewer.slow and viewer.gateway is not None and viewer.gateway.well
        ]
        self.time.later(1.0, self._watched, fast)
        if self.time.now < self.end:
            self.time.later(1.0, self.watch)

    def _watched(self, fast: "list[tuple[Viewer, Gateway, int]]") -> None:
        for viewer, gateway, end in fast:
            if viewer.gateway is gateway and gateway.well:
                assert viewer.at is not None and viewer.at >= end, "another gateway holds it up"
                self.watched += 1

    def check(self) -> None:
        """Each viewer that still looks has come to the end, over exact bytes and told jumps."""
        for viewer in self.viewers:
            distant = viewer._distant
            if distant is not None:
                assert (viewer.epoch, viewer.at) == (viewer.session.epoch, viewer.session.ring.end)
