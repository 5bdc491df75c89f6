"""Graphs and named tensors as one block of bytes, for artifacts and for the wire.

Layout, integers little-endian: magic (8 bytes), CRC-32 of all that follows (4 bytes), length of the header
(8 bytes), the header (JSON: {"document", "tensors": [{"name", "dtype", "shape", "length"}]}), then the raw bytes of
the tensors in the table's order. The sum finds damage, not forgery: nothing in the header is believed.
"""

import base64
import json
import struct
import zlib
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from neuromosaic.core.graph.document import Graph, TensorData

MAGIC = b"nmgraph\x01"
_PREFIX = struct.Struct("<8sIQ")


def pack(graph: Graph) -> bytes:
    """The inverse of `unpack`. Raises ValueError where the document is no JSON."""
    return _pack(graph.document, graph.tensors)


def unpack(data: bytes) -> Graph:
    """The inverse of `pack`. Raises ValueError, and nothing else, for bytes that `pack` did not make."""
    document, tensors = _unpack(data)
    if not isinstance(document, dict):
        raise ValueError("these bytes hold tensors without a graph")
    return Graph(document, tensors)


def as_text(graph: Graph) -> str:
    """The inverse of `of_text`: a small graph as a value of JSON."""
    return base64.b64encode(pack(graph)).decode()


def of_text(text: str) -> Graph:
    """The inverse of `as_text`. Raises ValueError, and nothing else, for any other text."""
    return unpack(base64.b64decode(text, validate=True))


def pack_tensors(tensors: Mapping[str, TensorData]) -> bytes:
    """Named tensors alone, weights for instance. The order of the names is kept."""
    return _pack(None, tensors)


def unpack_tensors(data: bytes) -> dict[str, TensorData]:
    """The inverse of `pack_tensors`. Raises ValueError, and nothing else, for bytes that it did not make."""
    document, tensors = _unpack(data)
    if document is not None:
        raise ValueError("these bytes hold a graph, not tensors alone")
    return tensors


def _pack(document: dict[str, Any] | None, tensors: Mapping[str, TensorData]) -> bytes:
    table = [
        {"name": name, "dtype": tensor.dtype, "shape": tensor.shape, "length": len(tensor.data)}
        for name, tensor in tensors.items()
    ]
    try:
        header = json.dumps({"document": document, "tensors": table}, allow_nan=False, separators=(",", ":"))
    except (TypeError, RecursionError) as error:
        raise ValueError(f"the graph's document is not JSON: {error}") from None
    rest = b"".join([header.encode(), *(tensor.data for tensor in tensors.values())])
    return _PREFIX.pack(MAGIC, _checksum(len(header.encode()), rest), len(header.encode())) + rest


def _unpack(data: bytes) -> tuple[Any, dict[str, TensorData]]:
    if len(data) < _PREFIX.size:
        raise ValueError(f"{len(data)} bytes are too few for a graph")
    magic, checksum, length = _PREFIX.unpack_from(data)
    rest = memoryview(data)[_PREFIX.size :]
    if magic != MAGIC:
        raise ValueError("these bytes are no graph: they start with another mark")
    if length > len(rest):
        raise ValueError(f"the graph is cut short: its header has {length} bytes, {len(rest)} are there")
    if _checksum(length, rest) != checksum:
        raise ValueError("the graph is damaged: its checksum does not agree")
    header = _header(bytes(rest[:length]))
    return header["document"], _tensors(header["tensors"], rest[length:])


def _header(data: bytes) -> dict[str, Any]:
    try:
        header = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"the graph's header is not JSON: {error}") from None
    if not isinstance(header, dict) or set(header) != {"document", "tensors"}:
        raise ValueError('the graph\'s header must have "document" and "tensors" and nothing else')
    if not isinstance(header["tensors"], list):
        raise ValueError("the graph's table of tensors must be a list")
    return header


def _tensors(table: list[Any], data: memoryview) -> dict[str, TensorData]:
    lengths = [_length(entry) for entry in table]
    if sum(lengths) != len(data):
        raise ValueError(f"the graph's tensors have {len(data)} bytes, their table says {sum(lengths)}")
    ends = [0]
    for length in lengths:
        ends.append(ends[-1] + length)
    tensors = {
        entry["name"]: _tensor(entry, bytes(data[start:end]))
        for entry, (start, end) in zip(table, pairwise(ends), strict=True)
    }
    if len(tensors) != len(table):
        raise ValueError("two of the graph's tensors have the same name")
    return tensors


def _length(entry: Any) -> int:
    if not isinstance(entry, dict) or set(entry) != {"name", "dtype", "shape", "length"}:
        raise ValueError("an entry of the graph's table of tensors must have name, dtype, shape and length")
    length = entry["length"]
    if type(length) is not int or length < 0:
        raise ValueError(f"not a tensor's length: {length!r}")
    return length


def _tensor(entry: dict[str, Any], data: bytes) -> TensorData:
    name, dtype, shape = entry["name"], entry["dtype"], entry["shape"]
    if not isinstance(name, str) or not isinstance(dtype, str):
        raise ValueError("a tensor's name and dtype must be strings")
    if not isinstance(shape, list) or any(type(size) is not int for size in shape):
        raise ValueError(f"the shape of tensor {name!r} must be a list of integers")
    try:
        return TensorData(dtype, tuple(shape), data)
    except ValueError as error:
        raise ValueError(f"tensor {name!r}: {error}") from None


def _checksum(length: int, rest: bytes | memoryview) -> int:
    return zlib.crc32(rest, length & 0xFFFFFFFF)
