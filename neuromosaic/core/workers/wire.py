"""Frames: a JSON body and named raw tensors, on a stream socket between two processes.

A frame is a header (magic, bytes of JSON, bytes of tensors), the JSON {"body", "tensors": [[name, dtype, shape]]}
and the tensors' bytes one after the other. Every length is checked before anything of that length is read.

Tensors that lie in files are named in "files": [[name, dtype, shape]]; their descriptors go along with the header
(SCM_RIGHTS, unix(7)), to a channel that takes them: who takes none never gets any.
"""

import io
import json
import math
import socket
import struct
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final

from neuromosaic.core.graph.document import ITEM_SIZES, FileData, TensorData
from neuromosaic.core.protocols import Message

MAGIC: Final = b"NMF1"
HEADER: Final = struct.Struct("<4sIQ")
MAX_JSON: Final = 16 * 2**20  # once read it may take thirty times as much; a graph of 20,000 nodes needs a quarter
MAX_LISTS: Final = 2_000_000
MAX_RAW: Final = 16 * 2**30
MAX_TENSORS: Final = 100_000
MAX_AXES: Final = 64
MAX_DIGITS: Final = 20
MAX_FILES: Final = 16
INT: Final = struct.Struct("i")
CLOSE: Final = getattr(socket, "MSG_CMSG_CLOEXEC", 0)

Read = Callable[[int], bytes]
"""Returns as many bytes as asked for, fewer only where the stream ends."""


def encode(message: Message) -> Iterator[bytes]:
    """The parts of a frame, in order; the tensors' bytes are passed on, not copied.

    Raises ValueError where the message is over a limit or holds what JSON cannot say.
    """
    table = [[name, tensor.dtype, list(tensor.shape)] for name, tensor in message.tensors.items()]
    files = [[name, file.dtype, list(file.shape)] for name, file in message.files.items()]
    if len(files) > MAX_FILES:
        raise ValueError(f"{len(files)} files in one message: the limit is {MAX_FILES}")
    told = {"body": message.body, "tensors": table} | ({"files": files} if files else {})
    try:
        text = json.dumps(told, separators=(",", ":")).encode()
    except (TypeError, RecursionError) as error:
        raise ValueError(f"a message must be JSON: {error}") from None
    raw = sum(len(tensor.data) for tensor in message.tensors.values())
    _check_limits(len(text), raw, MAX_RAW)
    yield HEADER.pack(MAGIC, len(text), raw) + text
    for tensor in message.tensors.values():
        yield tensor.data


def decode(read: Read, max_raw: int = MAX_RAW, descriptors: Sequence[int] = ()) -> Message:
    """The next message of a stream; `descriptors` are those that have come with it once its header has been read.

    Raises EOFError where the stream ends before a frame, ValueError where a frame is damaged or over a limit.
    """
    header = read(HEADER.size)
    if not header:
        raise EOFError("the stream has ended")
    magic, text_size, raw_size = HEADER.unpack(_whole(header, HEADER.size))
    if magic != MAGIC:
        raise ValueError("not a frame")
    _check_limits(text_size, raw_size, max_raw)
    body, table, files = _parse(_whole(read(text_size), text_size))
    if len(files) != len(descriptors):
        raise ValueError(f"{len(files)} files are announced, {len(descriptors)} descriptors have come")
    sizes = [_size(dtype, shape) for _, dtype, shape in table]
    if sum(sizes) != raw_size:
        raise ValueError(f"{raw_size} bytes of tensors, of which the table accounts for {sum(sizes)}")
    tensors = {
        name: TensorData(dtype, tuple(shape), _whole(read(size), size))
        for (name, dtype, shape), size in zip(table, sizes, strict=True)
    }
    held = zip(files, descriptors, strict=True)
    return Message(body, tensors, {name: FileData(dtype, tuple(shape), fd) for (name, dtype, shape), fd in held})


class Channel:
    """Sends and receives messages on a connected stream socket.

    `deadline` (of `time.monotonic()`, None: never) holds for everything until it is set anew: past it,
    TimeoutError. `max_raw`: the most bytes of tensors that one received message may have.
    `takes_files`: whether descriptors that are sent along are taken; who receives a message closes them.
    """

    def __init__(self, connection: socket.socket, max_raw: int = MAX_RAW, *, takes_files: bool = False) -> None:
        self._stream = _Stream(connection, takes_files)
        self._reader = io.BufferedReader(self._stream)  # reads large tensors straight into their place
        self._max_raw = max_raw

    @property
    def deadline(self) -> float | None:
        return self._stream.deadline

    @deadline.setter
    def deadline(self, moment: float | None) -> None:
        self._stream.deadline = moment

    def send(self, message: Message) -> None:
        """Raises ValueError for what no frame can hold, OSError where the other side is gone."""
        self.send_frame(encode(message), [file.descriptor for file in message.files.values()])

    def send_frame(self, parts: Iterable[bytes], descriptors: Sequence[int] = ()) -> None:
        """Sends what `encode` has made of a message, and the descriptors of its files with the first byte."""
        for part in parts:
            self._stream.wait()
            sent = socket.send_fds(self._stream.connection, [part], descriptors) if descriptors else 0
            descriptors = ()
            self._stream.connection.sendall(memoryview(part)[sent:])

    def receive(self) -> Message:
        """Raises EOFError where the other side is gone, ValueError for a damaged frame."""
        self._stream.descriptors = []
        try:
            return decode(self._reader.read, self._max_raw, self._stream.descriptors)
        except ConnectionError:
            raise EOFError("the other side is gone") from None

    def close(self) -> None:
        self._stream.connection.close()


class _Stream(io.RawIOBase):
    """A socket as a raw stream that is read until a deadline, however slowly the bytes drip in."""

    def __init__(self, connection: socket.socket, takes_files: bool = False) -> None:
        super().__init__()
        self.connection, self.takes_files = connection, takes_files
        self.descriptors: list[int] = []
        self.deadline: float | None = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self.wait()
        if not self.takes_files:
            return self.connection.recv_into(buffer)
        count, told, _, _ = self.connection.recvmsg_into([buffer], socket.CMSG_SPACE(MAX_FILES * INT.size), CLOSE)
        for level, kind, data in told:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                self.descriptors += [
                    number for (number,) in INT.iter_unpack(data[: len(data) // INT.size * INT.size])
                ]
        return count

    def wait(self) -> None:
        """Lets the next call on the socket last until the deadline."""
        left = None if self.deadline is None else self.deadline - time.monotonic()
        if left is not None and left <= 0:
            raise TimeoutError("the deadline has passed")
        self.connection.settimeout(left)


def _check_limits(text: int, raw: int, max_raw: int) -> None:
    if text > MAX_JSON:
        raise ValueError(f"{text} bytes of JSON in one message: the limit is {MAX_JSON}")
    if raw > max_raw:
        raise ValueError(f"{raw} bytes of tensors in one message: the limit is {max_raw}")


def _whole(data: bytes, size: int) -> bytes:
    if len(data) != size:
        raise ValueError(f"a frame was cut off: {len(data)} of {size} bytes")
    return data


Entry = tuple[str, str, list[int]]


def _parse(text: bytes) -> tuple[dict[str, Any], list[Entry], list[Entry]]:
    if text.count(b"[") + text.count(b"{") > MAX_LISTS:
        raise ValueError(f"a message holds more than {MAX_LISTS} lists")
    try:
        document = json.loads(text, parse_int=_integer)
    except RecursionError:
        raise ValueError("a message is nested too deeply") from None
    match document:
        case {"body": dict(body), "tensors": list(table)} if len(table) <= MAX_TENSORS:
            return body, [_entry(entry) for entry in table], _files(document)
        case _:
            raise ValueError("a message is a body and a table of tensors")


def _files(document: dict[str, Any]) -> list[Entry]:
    files = document.get("files", [])
    if not isinstance(files, list) or len(files) > MAX_FILES:
        raise ValueError(f"a message names up to {MAX_FILES} files")
    return [_entry(entry) for entry in files]


def _integer(digits: str) -> int:
    """Of up to 64 bits. No number of use has more digits; a few thousand would keep the host busy for hours."""
    if len(digits) > MAX_DIGITS:
        raise ValueError(f"a number of {len(digits)} digits in a message")
    return int(digits)


def _entry(entry: Any) -> Entry:
    match entry:
        case [str(name), str(dtype), list(shape)] if _is_shape(shape):
            return name, dtype, shape
        case _:
            raise ValueError("a tensor is announced by name, dtype and shape")


def _is_shape(shape: list[Any]) -> bool:
    return len(shape) <= MAX_AXES and all(type(size) is int and size >= 0 for size in shape)


def _size(dtype: str, shape: list[int]) -> int:
    if dtype not in ITEM_SIZES:
        raise ValueError(f"unknown dtype {dtype!r}")
    return math.prod(shape) * ITEM_SIZES[dtype]
