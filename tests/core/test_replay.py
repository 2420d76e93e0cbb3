"""Many viewers of one session, in pure code: ring, cursors, sizes and snapshots together against the whole log.

Each viewer is the loop of `hub/viewer.py` without its socket. Half of them get bytes, half get text.
"""

import codecs
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from termwall.core.cursor import Cursor
from termwall.core.replay import take_replay
from termwall.core.ring import Ring
from termwall.core.session.sizes import SizeLog
from termwall.protocol.codec import TextDecoder

Size = tuple[int, int]


@dataclass
class Program:
    """A session's output, and beside it everything that the ring may have forgotten."""

    ring: Ring
    sizes: SizeLog = field(default_factory=lambda: SizeLog(80, 24, limit=1000))
    log: bytes = b""
    at_byte: list[Size] = field(default_factory=list)
    size: Size = (80, 24)

    def write(self, data: bytes) -> None:
        self.ring.append(data)
        self.log += data
        self.at_byte += [self.size] * len(data)

    def resize(self, size: Size) -> None:
        self.size = size
        self.sizes.record(self.ring.end, *size)


class Viewer:
    """One cursor, and what its terminal has been given since its last snapshot."""

    def __init__(self, program: Program, *, text: bool, window: int) -> None:
        self.program, self.window = program, window
        self.cursor = Cursor(0, window)
        self.decoder = TextDecoder() if text else None
        self.jumps = 0
        self.snapshot()

    def snapshot(self) -> None:
        place = take_replay(self.program.ring, self.program.sizes, replay_bytes=20)
        self.cursor.jump(place.offset)
        self.serial = self.program.sizes.serial_at(place.offset)
        self.size: Size = (place.cols, place.rows)
        self.begin, self.seen_bytes, self.seen_text = place.offset, b"", ""
        self.seen_sizes: list[Size] = []
        if self.decoder is not None:
            self.decoder.reset()

    def pump(self, frames: int) -> None:
        """Take what there is, at most so many messages, as a slow socket would."""
        ring, sizes, cursor = self.program.ring, self.program.sizes, self.cursor
        for _ in range(frames):
            mark = sizes.next_after(self.serial)
            if mark is not None and mark.offset <= cursor.position:
                self.serial, self.size = mark.serial, (mark.cols, mark.rows)
                continue
            step = cursor.next(ring.start, ring.end, 7)
            if step == "lagged":
                self.jumps += 1
                self.snapshot()
                continue
            if step is None or step == "wait":
                return
            start, stop = step
            stop = stop if mark is None else min(stop, mark.offset)
            self.take(ring.read(start, stop))
            cursor.advance(stop)
            assert cursor.acked is None or stop - cursor.acked <= self.window, "S5"

    def take(self, data: bytes) -> None:
        self.seen_bytes += data
        self.seen_sizes += [self.size] * len(data)
        if self.decoder is not None:
            self.seen_text += self.decoder.feed(data)

    def check(self) -> None:
        """What it saw is the log from its snapshot on: nothing twice, nothing missing, each byte in its size."""
        begin, end = self.begin, self.cursor.position
        assert self.seen_bytes == self.program.log[begin:end]
        assert self.seen_sizes == self.program.at_byte[begin:end]
        if self.decoder is not None:
            whole = codecs.getincrementaldecoder("utf-8")("replace")
            assert self.seen_text == whole.decode(self.program.log[begin:end])
            assert self.decoder.held == len(whole.getstate()[0])


OUTPUT = st.one_of(st.binary(max_size=25), st.text(max_size=12).map(str.encode), st.just(b"line\nline\n"))
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("write"), OUTPUT),
        st.tuples(st.just("resize"), st.tuples(st.integers(2, 200), st.integers(2, 60))),
        st.tuples(st.just("pump"), st.tuples(st.integers(0, 5), st.integers(1, 6))),
        st.tuples(st.just("ack"), st.tuples(st.integers(0, 5), st.integers(0, 20))),
        st.tuples(st.just("join"), st.integers(0, 5)),
    ),
    max_size=80,
)


@settings(max_examples=400, deadline=None)
@given(capacity=st.integers(30, 90), steps=STEPS)
def test_S3_S10_every_viewer_sees_the_log_and_each_size_in_its_place(
    capacity: int, steps: list[tuple[str, object]]
) -> None:
    program = Program(Ring(bytearray(capacity)))
    viewers = [Viewer(program, text=number % 2 == 1, window=10 + 5 * number) for number in range(6)]
    for step in steps:
        match step:
            case "write", bytes(data):
                program.write(data)
            case "resize", (int(cols), int(rows)):
                program.resize((cols, rows))
            case "pump", (int(number), int(frames)):
                viewers[number].pump(frames)
                viewers[number].check()
            case "ack", (int(number), int(behind)):
                viewers[number].cursor.ack(max(0, viewers[number].cursor.position - behind))
            case "join", int(number):
                viewers[number] = Viewer(program, text=number % 2 == 1, window=10 + 5 * number)
    # Everybody reads to the end: S10, they stand at the same place with the same size.
    for viewer in viewers:
        while viewer.cursor.position < program.ring.end or viewer.serial != program.sizes.last_serial:
            viewer.cursor.ack(viewer.cursor.position)
            viewer.pump(1)
        viewer.check()
        assert viewer.size == program.size


def test_S5_a_viewer_that_stands_still_costs_another_nothing() -> None:
    program = Program(Ring(bytearray(64)))
    slow, fast = Viewer(program, text=False, window=10), Viewer(program, text=True, window=10)
    slow.cursor.ack(0)
    for _ in range(100):
        program.write(b"ten bytes\n")
        slow.pump(10)
        fast.pump(10)
        fast.cursor.ack(fast.cursor.position)
    assert (fast.jumps, fast.begin, fast.seen_text.encode()) == (0, 0, program.log)
    assert (slow.jumps, slow.cursor.position) == (0, 10), "it has its window, and not a snapshot more"
    slow.cursor.ack(10)
    slow.pump(10)
    assert slow.jumps == 1
    slow.check()
