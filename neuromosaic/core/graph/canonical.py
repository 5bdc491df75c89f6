"""What makes two candidates the same: the identity of a graph.

A trace is first made functional (an in-place operation becomes a new value that all later readers see), then walked
from its outputs along the arguments, so that order, names and dead nodes leave no mark; tensors are numbered as the
walk meets them, so that tying does.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from neuromosaic.core.graph.arguments import Reference, operands, references, replaced
from neuromosaic.core.graph.checking import METHODS, check_document
from neuromosaic.core.graph.document import Graph, TensorData

_VIEWS = """
view reshape flatten unflatten transpose permute squeeze unsqueeze select slice expand expand_as view_as reshape_as
t mT chunk split split_with_sizes tensor_split unsafe_chunk unsafe_split unsafe_split_with_sizes unbind narrow
diagonal detach alias unfold contiguous to type_as movedim moveaxis swapaxes swapdims real imag view_as_real
view_as_complex broadcast_to broadcast_tensors dropout feature_dropout alpha_dropout atleast_1d atleast_2d
atleast_3d hsplit vsplit dsplit ravel _unsafe_view lift_fresh resolve_conj resolve_neg positive rot90 meshgrid
"""
VIEWS = frozenset(_VIEWS.split())
"""Operations whose result may share the memory of their first argument."""

STATISTICS = {"aten.batch_norm.default": (3, 4, 5), "aten.instance_norm.default": (3, 4, 5)}
"""Operations that update running statistics: the positions of mean and variance, and of the flag that says so."""

COMMUTATIVE = frozenset({"aten.add.Tensor", "aten.mul.Tensor", "aten.maximum.default", "aten.minimum.default"})


def graph_id(graph: Graph) -> str:
    """SHA-256 (hex) of structure and constants.

    The same for two graphs that differ in names, the order of independent nodes or of the terms of a sum or product,
    dead nodes, in-place for functional operations, or the values of parameters and buffers; their shapes, dtypes,
    flags and tying count.
    """
    check_document(graph)
    document = graph.document
    leaves = _leaves(document, graph.tensors)
    walk = _Walk()
    walk.add([document["inputs"]])
    for mode in ("train", "eval", *(name for name in METHODS if name in document)):
        trace = _functional(document[mode], leaves)
        walk.visit([mode, trace.output])
        for effect in sorted(trace.effects, key=lambda pair: [walk.number(pair[0]), *(part.key for part in pair)]):
            walk.visit(["effect", *effect])
    unused = (leaf.key for leaf in leaves.values() if leaf.content[0] == "state" and leaf not in walk.numbers)
    walk.add(["unused", sorted(unused)])
    return walk.digest()


@dataclass(eq=False)
class _Value:
    """A leaf or the result of an operation; `key` hashes all that it is made of, but not which tensor is which."""

    content: Any
    key: str = field(init=False)

    def __post_init__(self) -> None:
        self.key = _hash(_written(self.content, lambda value: value.key))


@dataclass(frozen=True)
class _Functional:
    """A trace without in-place operations; `effects` are tensors that it changes, with what they become."""

    output: Any
    effects: list[tuple[_Value, _Value]]


def _leaves(document: Mapping[str, Any], tensors: Mapping[str, TensorData]) -> dict[Reference, _Value]:
    leaves: dict[Reference, _Value] = {
        ("input", number): _Value(["input", number])
        for number in range(max(len(document["inputs"]), *METHODS.values()))
    }
    for entry in (*document["parameters"], *document["buffers"]):
        if "same_as" in entry:
            leaves["tensor", entry["name"]] = leaves["tensor", entry["same_as"]]
            continue
        tensor = tensors[entry["name"]]
        flags = [entry.get("requires_grad"), entry.get("persistent")]
        leaves["tensor", entry["name"]] = _Value(["state", tensor.dtype, list(tensor.shape), *flags])
    for name in document["constants"]:
        tensor = tensors[name]
        content = hashlib.sha256(tensor.data).hexdigest()
        leaves["tensor", name] = _Value(["constant", tensor.dtype, list(tensor.shape), content])
    return leaves


def _functional(trace: Mapping[str, Any], leaves: Mapping[Reference, _Value]) -> _Functional:
    memory = _Memory(leaves)
    for entry in trace["nodes"]:
        _run(entry, memory)
    changed = {
        id(leaf): (leaf, memory.read(found)) for found, leaf in leaves.items() if memory.read(found) is not leaf
    }
    return _Functional(replaced(trace["output"], memory.read), list(changed.values()))


def _run(entry: dict[str, Any], memory: "_Memory") -> None:
    name: Reference = ("node", entry["name"])
    operation, in_place = _without_underscore(entry["op"])
    args, kwargs = replaced(entry["args"], memory.read), replaced(entry["kwargs"], memory.read)
    if operation in COMMUTATIVE and len(args) == 2 and not kwargs:
        args = sorted(args, key=lambda part: _hash(_written(part, lambda value: value.key)))
    value = _Value([operation, args, kwargs, entry.get("grad"), entry.get("autocast")])
    sources = list(operands(entry))
    if in_place and sources:
        memory.overwrite(sources[0], value)
        memory.call(name, sources[0])
        return
    memory.hold(name, value, sources[0] if sources and _is_view(entry) else None)
    for position in _updated(entry):
        memory.overwrite(position, _Value(["updated", value, memory.read(position)]))


def _without_underscore(operation: str) -> tuple[str, bool]:
    kind, _, rest = operation.partition(".")
    name, _, overload = rest.partition(".")
    in_place = kind == "aten" and name.endswith("_") and not name.endswith("__")
    return (f"{kind}.{name[:-1]}.{overload}", True) if in_place else (operation, False)


def _is_view(entry: Mapping[str, Any]) -> bool:
    return entry["op"] == "operator.getitem" or entry["op"].split(".")[1] in VIEWS


def _updated(entry: Mapping[str, Any]) -> list[Reference]:
    mean, variance, flag = STATISTICS.get(entry["op"], (0, 0, 0))
    if not flag or len(entry["args"]) <= flag or entry["args"][flag] is not True:
        return []
    return list(references([entry["args"][mean], entry["args"][variance]]))


@dataclass
class _Storage:
    """Memory that several names may look at; `history`: all that has been written to it, the last write first."""

    history: _Value | None = None


class _Memory:
    """The present value of every name, and which names lie in the same memory."""

    def __init__(self, leaves: Mapping[Reference, _Value]) -> None:
        self._same: dict[Reference, Reference] = {}
        self._storage: dict[Reference, _Storage] = {}
        self._known: dict[Reference, tuple[_Value, _Value | None]] = {}  # a value, and the history that it is up to
        first: dict[int, Reference] = {}
        for name, leaf in leaves.items():
            self._same[name] = first.setdefault(id(leaf), name)
            self._storage.setdefault(self._same[name], _Storage())
            self._known[self._same[name]] = leaf, None

    def read(self, name: Reference) -> _Value:
        name = self._same[name]
        value, seen = self._known[name]
        history = self._storage[name].history
        if history is not seen:
            value = _Value(["overwritten", value, seen, history])
            self._known[name] = value, history
        return value

    def hold(self, name: Reference, value: _Value, source: Reference | None) -> None:
        self._same[name] = name
        storage = self._storage[name] = _Storage() if source is None else self._storage[self._same[source]]
        self._known[name] = value, storage.history

    def call(self, name: Reference, other: Reference) -> None:
        """`name` is from now on the very same tensor as `other`."""
        self._same[name] = self._same[other]

    def overwrite(self, name: Reference, value: _Value) -> None:
        """Whoever looks at the same memory learns of it when it is read: nobody else pays for a write."""
        before, storage = self.read(name), self._storage[self._same[name]]
        storage.history = _Value(["written", storage.history, before, value])
        self._known[self._same[name]] = value, storage.history


class _Walk:
    """Numbers values in the order in which they are reached; hashes each with the numbers of what it is made of."""

    def __init__(self) -> None:
        self.numbers: dict[_Value, int] = {}
        self._sum = hashlib.sha256()

    def number(self, value: _Value) -> int:
        return self.numbers.get(value, len(self.numbers))

    def visit(self, content: Any) -> None:
        for value in _values(content):
            self._reach(value)
        self.add(_written(content, self.numbers.__getitem__))

    def add(self, plain: Any) -> None:
        self._sum.update(_text(plain).encode() + b"\n")

    def digest(self) -> str:
        return self._sum.hexdigest()

    def _reach(self, root: _Value) -> None:
        """Depth first, arguments before what they are arguments of; a loop, since graphs are deep."""
        stack = [(root, _values(root.content))]
        while stack:
            value, arguments = stack[-1]
            ahead = next((one for one in arguments if one not in self.numbers), None)
            if ahead is not None:
                stack.append((ahead, _values(ahead.content)))
                continue
            stack.pop()
            if value not in self.numbers:
                self.add(_written(value.content, self.numbers.__getitem__))
                self.numbers[value] = len(self.numbers)


def _values(content: Any) -> Iterator[_Value]:
    if isinstance(content, _Value):
        yield content
    elif isinstance(content, (list, dict)):
        for part in content.values() if isinstance(content, dict) else content:
            yield from _values(part)


def _written(content: Any, name: Any) -> Any:
    """Plain JSON, with each value by what `name` calls it."""
    if isinstance(content, _Value):
        return {"value": name(content)}
    if isinstance(content, list):
        return [_written(part, name) for part in content]
    if isinstance(content, dict):
        return {key: _written(part, name) for key, part in content.items()}
    return content


def _hash(plain: Any) -> str:
    return hashlib.sha256(_text(plain).encode()).hexdigest()


def _text(plain: Any) -> str:
    return json.dumps(plain, sort_keys=True, separators=(",", ":"))
