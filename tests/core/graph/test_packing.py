"""Graphs and tensors as bytes."""

import json
import struct
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuromosaic.core.graph.document import Graph, TensorData
from neuromosaic.core.graph.packing import MAGIC, pack, pack_tensors, unpack, unpack_tensors

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(), children, max_size=3),
    max_leaves=10,
)
DOCUMENTS = st.dictionaries(st.text(), JSON, max_size=4)
TENSORS = st.dictionaries(
    st.text(), st.binary(max_size=9).map(lambda data: TensorData("uint8", (len(data),), data)), max_size=3
)
PACKED = st.builds(lambda document, tensors: pack(Graph(document, tensors)), DOCUMENTS, TENSORS)


@given(DOCUMENTS, TENSORS)
def test_unpacking_gives_the_packed_graph(document: dict[str, Any], tensors: dict[str, TensorData]) -> None:
    graph = unpack(pack(Graph(document, tensors)))
    assert graph == Graph(document, tensors)
    assert list(graph.document) == list(document)
    assert list(graph.tensors) == list(tensors)


@given(TENSORS)
def test_unpacking_gives_the_packed_tensors(tensors: dict[str, TensorData]) -> None:
    assert unpack_tensors(pack_tensors(tensors)) == tensors


@given(PACKED, st.data())
def test_any_damaged_byte_is_found(packed: bytes, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(packed) - 1))
    damage = data.draw(st.integers(1, 255))
    damaged = packed[:place] + bytes([packed[place] ^ damage]) + packed[place + 1 :]
    with pytest.raises(ValueError, match=r"graph|bytes"):
        unpack(damaged)


@given(PACKED, st.data())
def test_any_cut_or_addition_is_found(packed: bytes, data: st.DataObject) -> None:
    with pytest.raises(ValueError, match=r"graph|bytes"):
        unpack(packed[: data.draw(st.integers(0, len(packed) - 1))])
    with pytest.raises(ValueError, match=r"graph|bytes"):
        unpack(packed + data.draw(st.binary(min_size=1, max_size=5)))


@given(st.binary(max_size=200))
def test_bytes_from_anywhere_raise_nothing_but_value_error(data: bytes) -> None:
    for start in (b"", MAGIC):
        with pytest.raises(ValueError, match=r"graph|bytes"):
            unpack(start + data)


@given(JSON)
def test_a_forged_header_raises_nothing_but_value_error(header: Any) -> None:
    for content in (header, {"document": {}, "tensors": header}, {"document": {}, "tensors": [header]}):
        forged = seal(json.dumps(content).encode())
        try:
            unpack(forged)
        except ValueError:
            continue
        assert content == {"document": {}, "tensors": []}


ENTRY = {"name": "w", "dtype": "float32", "shape": [1], "length": 4}


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"length": -4}, "length"),
        ({"length": True}, "length"),
        ({"length": 3}, "their table says 3"),
        ({"shape": [2]}, "tensor 'w': 4 bytes"),
        ({"shape": [-1]}, "not a shape"),
        ({"shape": [True]}, "list of integers"),
        ({"shape": "1"}, "list of integers"),
        ({"dtype": "object"}, "unknown dtype"),
        ({"dtype": ["float32"]}, "must be strings"),
        ({"name": 1}, "must be strings"),
        ({"extra": 1}, "must have name"),
    ],
)
def test_a_forged_table_is_named(change: dict[str, Any], fault: str) -> None:
    header = json.dumps({"document": {}, "tensors": [{**ENTRY, **change}]}).encode()
    with pytest.raises(ValueError, match=fault):
        unpack(seal(header, b"\0" * 4))


def test_two_tensors_of_one_name_are_refused() -> None:
    header = json.dumps({"document": {}, "tensors": [ENTRY, ENTRY]}).encode()
    with pytest.raises(ValueError, match="the same name"):
        unpack(seal(header, b"\0" * 8))


def test_a_header_deeper_than_python_can_read_is_refused() -> None:
    with pytest.raises(ValueError, match="not JSON"):
        unpack(seal(b"[" * 100_000))


@pytest.mark.parametrize("read", [unpack, unpack_tensors])
def test_graphs_and_tensors_are_not_mistaken(read: Callable[[bytes], object]) -> None:
    other = pack_tensors({}) if read is unpack else pack(Graph({}, {}))
    with pytest.raises(ValueError, match="these bytes hold"):
        read(other)


@pytest.mark.parametrize("document", [{"x": float("nan")}, {"x": {1, 2}}])
def test_a_document_that_is_no_json_is_not_packed(document: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="JSON"):
        pack(Graph(document, {}))


def seal(header: bytes, data: bytes = b"") -> bytes:
    """What a forger can do: a right checksum around a wrong header."""
    rest = header + data
    return struct.pack("<8sIQ", MAGIC, zlib.crc32(rest, len(header)), len(header)) + rest
