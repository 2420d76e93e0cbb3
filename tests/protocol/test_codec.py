"""The wire's codec: every malformed message, the binary frames and the text decoder."""

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from termwall.core.errors import ErrorCode
from termwall.protocol import commands, messages
from termwall.protocol.codec import (
    InputFrame,
    Refused,
    TextDecoder,
    decode_binary,
    decode_text,
    encode,
    error_message,
    snapshot_frame,
    stream_frame,
    stream_text,
)

NOT_JSON = ["", "{", "nope", '{"type":"focus"', '{"type":"heartbeat","timestamp":NaN}', "\x00", '{"a":"\ud800"}']
NOT_OBJECTS = ["1", "null", "[]", '"focus"', "[{}]", "true"]
INVALID = [
    ({}, "type"),
    ({"type": 7}, "type"),
    ({"type": None}, "type"),
    ({"type": "focus", "sessionId": 3}, "sessionId"),
    ({"type": "focus", "sessionIds": "a"}, "sessionIds"),
    ({"type": "focus", "sessionIds": [1]}, "sessionIds.0"),
    ({"type": "focus", "sessionIds": ["a"] * 1025}, "sessionIds"),
    ({"type": "focus", "sessionId": "a", "expectedVersion": "1"}, "expectedVersion"),
    ({"type": "focus", "sessionId": "a", "expectedVersion": 1.5}, "expectedVersion"),
    ({"type": "focus", "sessionId": "a", "expectedVersion": True}, "expectedVersion"),
    ({"type": "focus", "sessionId": "a", "focused": 1}, "focused"),
    ({"type": "blur", "sessionId": []}, "sessionId"),
    ({"type": "input"}, "data"),
    ({"type": "input", "data": 5}, "data"),
    ({"type": "input", "data": {"a": 1}}, "data"),
    ({"type": "input", "data": "x", "seq": 0}, "seq"),
    ({"type": "input", "data": "x", "seq": -1}, "seq"),
    ({"type": "input", "data": "x", "seq": "1"}, "seq"),
    ({"type": "input", "data": "x", "seq": 2**32}, "seq"),
    ({"type": "resize"}, "data"),
    ({"type": "resize", "data": {}}, "data.cols"),
    ({"type": "resize", "data": {"cols": 80}}, "data.rows"),
    ({"type": "resize", "data": {"cols": "80", "rows": 24}}, "data.cols"),
    ({"type": "resize", "data": {"cols": 1, "rows": 24}}, "data.cols"),
    ({"type": "resize", "data": {"cols": 80, "rows": 1001}}, "data.rows"),
    ({"type": "sync_request", "offsets": []}, "offsets"),
    ({"type": "sync_request", "offsets": {"a": 5}}, "offsets.a"),
    ({"type": "sync_request", "offsets": {"a": {"epoch": "e", "offset": -1}}}, "offsets.a.offset"),
    ({"type": "sync_request", "offsets": {"a": {"epoch": 1, "offset": 1}}}, "offsets.a.epoch"),
    ({"type": "ack"}, "offset"),
    ({"type": "ack", "offset": -1}, "offset"),
    ({"type": "ack", "offset": 2**63}, "offset"),
    ({"type": "preview"}, "sessionIds"),
    ({"type": "drive", "data": {"cols": 80}}, "data.rows"),
    ({"type": "heartbeat", "timestamp": "now"}, "timestamp"),
    ({"type": "heartbeat", "requestId": 4}, "requestId"),
    ({"type": "heartbeat", "requestId": "x" * 129}, "requestId"),
    ({"type": "heartbeat", "requestId": "\ud800"}, "requestId"),
    ({"type": "input", "data": "a\ud800"}, "data"),
    ({"type": "focus", "sessionIds": ["a", "\udcff"]}, "sessionIds.1"),
    ({"type": "sync_request", "offsets": {"\ud800": {"epoch": "e", "offset": 0}}}, "offsets"),
]


@pytest.mark.parametrize("text", NOT_JSON)
def test_W8_what_is_not_json_is_a_bad_message(text: str) -> None:
    with pytest.raises(Refused) as caught:
        decode_text(text.encode("utf-8", "surrogatepass"))
    assert caught.value.code is ErrorCode.BAD_MESSAGE


@pytest.mark.parametrize("text", NOT_OBJECTS)
def test_W8_what_is_not_an_object_is_a_bad_message(text: str) -> None:
    with pytest.raises(Refused) as caught:
        decode_text(text)
    assert caught.value.code is ErrorCode.BAD_MESSAGE


@pytest.mark.parametrize(("message", "field"), INVALID)
def test_W8_a_missing_or_wrong_field_is_named(message: dict[str, object], field: str) -> None:
    with pytest.raises(Refused) as caught:
        decode_text(json.dumps(message))
    assert (caught.value.code, caught.value.field) == (ErrorCode.INVALID, field)
    assert caught.value.message.endswith(".")


@pytest.mark.parametrize("number", ["1e400", "-1e400", "1e999999"])
def test_case_hardening_C7_a_number_beyond_all_floats_is_refused(number: str) -> None:
    with pytest.raises(Refused, match="finite") as caught:
        decode_text(f'{{"type":"heartbeat","timestamp":{number},"requestId":"r"}}')
    assert (caught.value.code, caught.value.field, caught.value.request_id) == (ErrorCode.INVALID, "timestamp", "r")


def test_W8_an_unknown_type_is_its_own_error_and_keeps_the_request_id() -> None:
    with pytest.raises(Refused) as caught:
        decode_text('{"type": "teleport", "requestId": "r1"}')
    assert caught.value.code is ErrorCode.UNKNOWN_TYPE
    assert caught.value.request_id == "r1"


def test_W7_a_refused_message_keeps_its_request_id() -> None:
    with pytest.raises(Refused) as caught:
        decode_text('{"type": "input", "requestId": "r2"}')
    assert caught.value.request_id == "r2"


def test_W7_the_seeds_messages_are_read_byte_for_byte() -> None:
    stamp = '"timestamp":1700000000000'
    assert isinstance(decode_text('{"type":"focus","sessionId":"a",' + stamp + "}"), commands.Focus)
    assert isinstance(decode_text('{"type":"blur","sessionId":"a",' + stamp + "}"), commands.Blur)
    assert isinstance(decode_text('{"type":"input","sessionId":"a","data":"ls\\r",' + stamp + "}"), commands.Input)
    assert isinstance(decode_text('{"type":"sync_request","sessionId":"a",' + stamp + "}"), commands.SyncRequest)
    assert isinstance(decode_text('{"type":"heartbeat","sessionId":"a",' + stamp + "}"), commands.Heartbeat)
    resize = decode_text('{"type":"resize","sessionId":"a","data":{"cols":100,"rows":30},' + stamp + "}")
    assert isinstance(resize, commands.Resize)
    assert (resize.data.cols, resize.data.rows) == (100, 30)


def test_W8_unknown_fields_are_ignored() -> None:
    message = decode_text('{"type": "heartbeat", "colour": "blue", "sessionId": "a"}')
    assert message.session_id == "a"


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_W8_any_json_is_read_or_refused(value: object) -> None:
    for message in (value, {"type": value}, {"type": "focus", "sessionId": value}, {"type": "resize", "data": value}):
        try:
            decode_text(json.dumps(message))
        except Refused:
            pass


@given(st.binary(max_size=64))
def test_W8_any_binary_frame_is_read_or_refused(frame: bytes) -> None:
    try:
        decode_binary(frame)
    except Refused as error:
        assert error.code in (ErrorCode.BAD_MESSAGE, ErrorCode.INVALID)


@given(st.from_regex(r"[A-Za-z0-9._-]{0,64}", fullmatch=True), st.integers(0, 2**32 - 1), st.binary(max_size=100))
def test_S8_an_input_frame_is_read_as_it_was_written(session: str, seq: int, data: bytes) -> None:
    frame = bytes((16, len(session))) + session.encode() + seq.to_bytes(4, "big") + data
    assert decode_binary(frame) == InputFrame(session, seq or None, data)


def test_S8_server_frames_have_the_documented_bytes() -> None:
    assert stream_frame("ab", 0x0102030405060708, b"xyz") == b"\x01\x02ab\x01\x02\x03\x04\x05\x06\x07\x08xyz"
    assert snapshot_frame("ab", 5, 80, 24, "lagged", b"s") == b"\x02\x02ab" + b"\0" * 7 + b"\x05\0\x50\0\x18\x04s"


@given(st.text(), st.lists(st.integers(0, 40)))
def test_S8_text_is_the_same_however_the_bytes_are_split(text: str, cuts: list[int]) -> None:
    data = text.encode()
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    decoder = TextDecoder()
    got, told = "", 0
    for start, stop in pairwise(edges):
        piece = decoder.feed(data[start:stop])
        got += piece
        told = stop - decoder.held
        assert len(got.encode()) == told, "the offset counts exactly the bytes of the characters sent"
    assert (got, told) == (text, len(data))


def test_S8_invalid_bytes_become_replacement_characters() -> None:
    decoder = TextDecoder()
    assert decoder.feed(b"a\xffb\xc3") == "a\ufffdb"
    assert decoder.held == 1
    assert decoder.feed(b"(") == "\ufffd("


def test_S8_a_snapshot_in_json_carries_reason_and_size() -> None:
    message = json.loads(stream_text("s", "p", "e", 7, "\x1bc", 1, snapshot=True, reason="focus", cols=80, rows=24))
    assert message == {
        "type": "stream",
        "sessionId": "s",
        "projectId": "p",
        "epoch": "e",
        "offset": 7,
        "timestamp": 1,
        "data": "\x1bc",
        "snapshot": True,
        "reason": "focus",
        "cols": 80,
        "rows": 24,
    }


def test_W7_a_message_holds_the_fields_that_were_set_and_no_others() -> None:
    message = messages.SessionUpdate(session_id="s", project_id="p", timestamp=1, driver=None)
    assert json.loads(encode(message)) == {
        "type": "session_update",
        "sessionId": "s",
        "projectId": "p",
        "timestamp": 1,
        "driver": None,
    }


def test_I1_a_gap_tells_the_expected_number() -> None:
    error = Refused(ErrorCode.INPUT_GAP, "A gap.", field="seq")
    error.details = {"expected": 4}
    assert json.loads(encode(error_message(error, 1, request_id="r", session_id="s"))) == {
        "type": "error",
        "code": "input_gap",
        "data": "A gap.",
        "timestamp": 1,
        "field": "seq",
        "sessionId": "s",
        "requestId": "r",
        "expected": 4,
    }


def test_case_page_29_input_frames_of_kind_17_carry_until_when() -> None:
    head = bytes((17, 1)) + b"a" + (7).to_bytes(4, "big")
    assert decode_binary(head + (1 << 40).to_bytes(8, "big") + b"x") == InputFrame("a", 7, b"x", 1 << 40)
    with pytest.raises(Refused) as refused:
        decode_binary(head + b"1234567")
    assert (refused.value.code, refused.value.field) == ("invalid", "until")
