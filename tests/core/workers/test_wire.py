"""Frames carry any message unchanged, and nothing damaged gets through."""

import io
import json
import math
import os
import socket
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuromosaic.core.graph.document import ITEM_SIZES, FileData, TensorData
from neuromosaic.core.protocols import Message
from neuromosaic.core.workers import wire
from neuromosaic.core.workers.wire import HEADER, MAGIC, Channel, decode, encode

texts = st.text(max_size=8)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


@st.composite
def tensors(draw: st.DrawFn) -> TensorData:
    dtype = draw(st.sampled_from(sorted(ITEM_SIZES)))
    shape = tuple(draw(st.lists(st.integers(0, 3), max_size=3)))
    size = math.prod(shape) * ITEM_SIZES[dtype]
    return TensorData(dtype, shape, draw(st.binary(min_size=size, max_size=size)))


messages = st.builds(
    Message, st.dictionaries(texts, values, max_size=4), st.dictionaries(texts, tensors(), max_size=4)
)


def frame(message: Message) -> bytes:
    return b"".join(encode(message))


def damaged(text: Any, raw: bytes = b"", raw_size: int | None = None) -> bytes:
    data = text if isinstance(text, bytes) else json.dumps(text).encode()
    return HEADER.pack(MAGIC, len(data), len(raw) if raw_size is None else raw_size) + data + raw


def read(data: bytes) -> Message:
    return decode(io.BytesIO(data).read)


@given(messages)
def test_what_is_decoded_is_what_was_encoded(message: Message) -> None:
    assert read(frame(message)) == message


@given(messages, st.data())
def test_a_frame_cut_off_anywhere_is_refused(message: Message, data: st.DataObject) -> None:
    whole = frame(message)
    cut = data.draw(st.integers(1, len(whole) - 1))
    with pytest.raises(ValueError, match="cut off"):
        read(whole[:cut])


def test_the_end_of_the_stream_between_frames_is_no_damage() -> None:
    with pytest.raises(EOFError):
        read(b"")


def test_infinities_travel() -> None:
    assert read(frame(Message({"loss": float("inf")}))).body == {"loss": float("inf")}


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"HTTP" + bytes(12), "not a frame"),
        (damaged(b"{"), "Expecting"),
        (damaged(b"\xff\xff"), "decode"),
        (damaged([1, 2]), "a message is"),
        (damaged({"body": [], "tensors": []}), "a message is"),
        (damaged({"body": {}}), "a message is"),
        (damaged({"body": {}, "tensors": [["x", "float32"]]}), "announced"),
        (damaged({"body": {}, "tensors": [["x", "float32", [-1]]]}), "announced"),
        (damaged({"body": {}, "tensors": [["x", "float32", [True]]]}), "announced"),
        (damaged({"body": {}, "tensors": [["x", "float32", [1] * 65]]}, bytes(4)), "announced"),
        (damaged({"body": {"n": 10**20}, "tensors": []}), "a number of 21 digits"),
        (damaged({"body": {}, "tensors": [["x", "object", [1]]]}, bytes(8)), "unknown dtype"),
        (damaged({"body": {}, "tensors": [["x", "float32", [2]]]}, bytes(4)), "accounts for 8"),
        (damaged({"body": {}, "tensors": []}, raw_size=2**60), "the limit is"),
        (HEADER.pack(MAGIC, 2**31, 0), "the limit is"),
        (damaged(b'{"body": {"a": ' + b"[" * 200_000 + b"]" * 200_000 + b'}, "tensors": []}'), "nested"),
    ],
)
def test_damage_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        read(data)


def test_too_many_tensors_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "MAX_TENSORS", 1)
    two = Message({}, {name: TensorData("bool", (), b"\1") for name in "ab"})
    with pytest.raises(ValueError, match="table"):
        read(frame(two))


@pytest.mark.parametrize("body", [{"a": object()}, {"a": {1j}}])
def test_what_is_not_json_cannot_be_sent(body: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must be JSON"):
        frame(Message(body))


def test_lists_that_would_fill_the_memory_are_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "MAX_LISTS", 100)
    with pytest.raises(ValueError, match="more than 100 lists"):
        decode(io.BytesIO(frame(Message({"lists": [[]] * 100}))).read)


def test_a_message_over_the_limit_cannot_be_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "MAX_JSON", 100)
    with pytest.raises(ValueError, match="the limit is 100"):
        frame(Message({"text": "x" * 100}))


# ---------------------------------------------------------------- channels


@pytest.fixture
def pair() -> Any:
    one, other = socket.socketpair()
    with one, other:
        yield Channel(one), Channel(other)


def test_large_tensors_pass_in_both_directions_at_once(pair: tuple[Channel, Channel]) -> None:
    data = TensorData("uint8", (3_000_000,), bytes(range(250)) * 12_000)
    here, there = pair
    echo = threading.Thread(target=lambda: there.send(there.receive()))
    echo.start()
    here.send(Message({"n": 1}, {"x": data, "empty": TensorData("int64", (0, 2), b"")}))
    reply = here.receive()
    echo.join()
    assert reply.body == {"n": 1}
    assert reply.tensors["x"] == data


def test_a_reply_larger_than_the_receivers_limit_is_refused() -> None:
    one, other = socket.socketpair()
    with one, other:
        Channel(one).send(Message({}, {"x": TensorData("uint8", (9,), bytes(9))}))
        with pytest.raises(ValueError, match="the limit is 8"):
            Channel(other, max_raw=8).receive()


def test_the_deadline_holds_also_where_bytes_drip_in(pair: tuple[Channel, Channel]) -> None:
    here, there = pair
    data = frame(Message({"a": "x" * 500}))
    stop = threading.Event()

    def drip() -> None:
        for byte in data:
            there._stream.connection.sendall(bytes([byte]))
            if stop.wait(0.01):
                return

    dripping = threading.Thread(target=drip)
    dripping.start()
    began = time.monotonic()
    here.deadline = began + 0.2
    with pytest.raises(TimeoutError):
        here.receive()
    assert here.deadline is not None
    assert time.monotonic() - began < 1
    with pytest.raises(TimeoutError):
        here.send(Message({}))
    stop.set()
    dripping.join()


def test_a_closed_channel_ends_the_stream(pair: tuple[Channel, Channel]) -> None:
    here, there = pair
    there.close()
    with pytest.raises(EOFError):
        here.receive()


def test_a_reset_connection_ends_the_stream(pair: tuple[Channel, Channel], monkeypatch: pytest.MonkeyPatch) -> None:
    here, _ = pair

    def reset(_: int) -> bytes:
        raise ConnectionResetError

    monkeypatch.setattr(here._reader, "read", reset, raising=False)
    with pytest.raises(EOFError):
        here.receive()


def test_files_go_along_to_whoever_takes_them(tmp_path: Path) -> None:
    ours, theirs = socket.socketpair()
    sender, receiver = Channel(ours), Channel(theirs, takes_files=True)
    (tmp_path / "x").write_bytes(b"abcd")
    with (tmp_path / "x").open("rb") as file:
        held = FileData("float32", (1,), file.fileno())
        sender.send(Message({"a": 1}, {"t": TensorData("int8", (2,), b"hi")}, {"x": held, "y": held}))
    got = receiver.receive()
    assert got.tensors["t"].data == b"hi"
    assert [(name, one.dtype, one.shape) for name, one in got.files.items()] == [
        ("x", "float32", (1,)), ("y", "float32", (1,)),
    ]  # fmt: skip
    for one in got.files.values():
        assert os.pread(one.descriptor, 9, 0) == b"abcd"
        os.close(one.descriptor)
    sender.send(Message({"b": 2}))
    assert receiver.receive() == Message({"b": 2})
    sender.close()
    receiver.close()


def test_who_takes_no_files_gets_none(tmp_path: Path) -> None:
    ours, theirs = socket.socketpair()
    sender, receiver = Channel(ours), Channel(theirs)
    before = len(os.listdir("/dev/fd"))
    with (tmp_path / "x").open("wb") as file:
        sender.send(Message({}, {}, {"x": FileData("float32", (1,), file.fileno())}))
    with pytest.raises(ValueError, match="1 files are announced, 0 descriptors have come"):
        receiver.receive()
    assert len(os.listdir("/dev/fd")) == before
    sender.close()
    receiver.close()


@pytest.mark.parametrize("files", [7, {"x": 1}, [1], [["x", "float32", [-1]]], [["x", "float32", [1]]] * 17])
def test_what_names_files_wrongly_is_refused(files: Any) -> None:
    with pytest.raises(ValueError, match=r"file|tensor"):
        read(damaged({"body": {}, "tensors": [], "files": files}))


def test_more_files_than_a_message_may_have_are_not_sent() -> None:
    files = {str(number): FileData("int8", (1,), 0) for number in range(17)}
    with pytest.raises(ValueError, match="17 files in one message"):
        frame(Message({}, {}, files))
    with pytest.raises(ValueError, match="no tensor of a file"):
        FileData("object", (1,), 0)
