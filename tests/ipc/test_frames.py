"""What the server and the screen worker say to each other, in any pieces."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from termwall.ipc.frames import MAX_BODY, BadFrame, Unpacker, pack

HEADERS = st.dictionaries(st.text(max_size=8), st.integers() | st.text(max_size=8) | st.booleans(), max_size=4)


@given(st.lists(st.tuples(HEADERS, st.binary(max_size=200)), max_size=6), st.integers(1, 64))
def test_frames_come_whole_however_they_are_cut(frames: list[tuple[dict[str, object], bytes]], step: int) -> None:
    data = b"".join(pack(header, body) for header, body in frames)
    unpacker = Unpacker()
    found = [frame for i in range(0, len(data), step) for frame in unpacker.feed(data[i : i + step])]
    assert found == frames


@pytest.mark.parametrize(
    "data",
    [
        b"\xff\xff\xff\xff\x00\x00\x00\x00",
        b"\x00\x00\x00\x02" + (MAX_BODY + 1).to_bytes(4, "big") + b"{}",
        b"\x00\x00\x00\x02\x00\x00\x00\x00[]",
        b"\x00\x00\x00\x02\x00\x00\x00\x00{x",
        b"\x00\x00\x00\x02\x00\x00\x00\x00\xff\xff",
    ],
)
def test_nonsense_is_refused(data: bytes) -> None:
    with pytest.raises(BadFrame):
        Unpacker().feed(data)
