"""A graph as a person reads it: its layers in order, what each gives, costs and reads."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from neuromosaic.core.graph.arguments import Reference, operands, reference, references
from neuromosaic.core.graph.document import Graph, TensorData

Node = Mapping[str, Any]

RESHAPING = frozenset({
    "view", "reshape", "permute", "transpose", "unsqueeze", "squeeze", "unflatten", "contiguous", "expand", "select",
    "slice", "chunk", "split", "unbind", "getitem", "clone", "t", "movedim", "alias", "detach", "to", "expand_as",
})  # fmt: skip
"""Operations that move numbers about and compute nothing."""

ALONE = frozenset({
    "linear", "embedding", "lstm", "gru", "rnn_tanh", "rnn_relu", "scaled_dot_product_attention", "matmul", "bmm",
    "cat", "einsum", "max_pool1d", "max_pool2d", "avg_pool1d", "avg_pool2d", "adaptive_avg_pool1d", "mean",
    "adaptive_avg_pool2d", "adaptive_max_pool2d", "multi_head_attention_forward",
})  # fmt: skip
"""Operations that begin a layer of their own; so do convolutions, and whatever brings two branches together."""

WORDS = {
    "add": "sum", "mul": "product", "sub": "difference", "div": "quotient", "cat": "join", "bmm": "matrix product",
    "matmul": "matrix product", "scaled_dot_product_attention": "attention", "adaptive_avg_pool2d": "average pool",
    "adaptive_avg_pool1d": "average pool", "avg_pool1d": "average pool", "avg_pool2d": "average pool",
    "max_pool1d": "max pool", "max_pool2d": "max pool", "adaptive_max_pool2d": "max pool", "relu": "ReLU",
    "gelu": "GELU", "silu": "SiLU", "elu": "ELU", "selu": "SELU", "feature_dropout": "dropout", "pow": "power",
    "multi_head_attention_forward": "attention",
}  # fmt: skip
"""What engineers call an operation, where that is not its own name with spaces."""


class Layer(NamedTuple):
    """Operations that follow on each other and nothing else reads from between.

    `path` of the module that they begin in ("early.0.conv1"; "" for the network's own forward); `words` for each
    operation; `shape` of what comes out, None for a free size; `parameters` first read here; `sources`: places of the
    layers that it reads, -1 for the network's first input, -2 for its second.
    """

    path: str
    words: tuple[str, ...]
    shape: tuple[int | None, ...]
    parameters: int
    sources: tuple[int, ...]


def outline(graph: Graph) -> list[Layer]:
    """The layers of a graph in eval mode, in the order in which they are computed."""
    wanted = _behind_the_output(graph.document["eval"])
    nodes = [node for node in graph.document["eval"]["nodes"] if is_computed(node) and node["name"] in wanted]
    walk = _Walk(graph, nodes)
    for node in nodes:
        walk.add(node)
    return walk.layers


def _behind_the_output(trace: Node) -> set[str]:
    """Names of the nodes that the output is made of; of a dict with `output`, without the scalars beside it."""
    parts = trace["output"].get("dict", {}) if isinstance(trace["output"], dict) else {}
    if "output" not in parts:
        return {node["name"] for node in trace["nodes"]}
    wanted = {name for kind, name in references([parts["output"]]) if kind == "node"}
    for node in reversed(trace["nodes"]):
        if node["name"] in wanted:
            read = references([node["args"], list(node["kwargs"].values())])
            wanted |= {name for kind, name in read if kind == "node"}
    return {str(name) for name in wanted}


class _Walk:
    """Puts each node into the open layer, or opens the next one with it."""

    def __init__(self, graph: Graph, nodes: list[Node]) -> None:
        self.layers: list[Layer] = []
        self._tensors = graph.tensors
        self._same = {entry["name"]: entry.get("same_as", entry["name"]) for entry in graph.document["parameters"]}
        self._uncounted = set(self._same.values())
        self._readers = Counter(source for node in nodes for source in set(_nodes(node)))
        self._places: dict[str, int] = {}
        self._last = ""

    def add(self, node: Node) -> None:
        before = set(self._sources(node))
        if not before and not any(kind == "tensor" for kind, _ in operands(dict(node))):
            return  # zeros to begin with, places to count by: nothing of the network's
        if self._joins(node, before):
            self.layers[-1] = self._extended(self.layers[-1], node)
        else:
            word = describe(node, self._tensors)
            self.layers.append(
                Layer(node.get("layer") or "", (word,), _shape(node), self._parameters(node), tuple(sorted(before)))
            )
        self._places[node["name"]] = len(self.layers) - 1
        self._last = node["name"]

    def _joins(self, node: Node, before: set[int]) -> bool:
        """It follows on the last node, which nothing else reads, in the same block, and is nothing to begin with."""
        name = base(node)
        if set(_nodes(node)) != {self._last} or before != {len(self.layers) - 1}:
            return False
        begins = name in ALONE or name.startswith("conv") or self._leaves_the_block(node)
        return not begins and (self._readers[self._last] == 1 or name == "getitem")

    def _leaves_the_block(self, node: Node) -> bool:
        block, _, inside = self.layers[-1].path.partition(".")
        return bool(inside) and (node.get("layer") or "").partition(".")[0] != block

    def _extended(self, layer: Layer, node: Node) -> Layer:
        word = describe(node, self._tensors)
        words = layer.words if not word or word == layer.words[-1] else (*layer.words, word)
        shape = _shape(node) or layer.shape
        return layer._replace(words=words, shape=shape, parameters=layer.parameters + self._parameters(node))

    def _sources(self, node: Node) -> Iterator[int]:
        for kind, target in operands(dict(node)):
            if kind == "input":
                yield -1 - int(target)
            elif kind == "node" and target in self._places:
                yield self._places[str(target)]

    def _parameters(self, node: Node) -> int:
        """Of the tensors that no earlier node has read."""
        read = {self._same.get(str(target)) for kind, target in operands(dict(node)) if kind == "tensor"}
        new = read & self._uncounted
        self._uncounted -= new
        return sum(math.prod(self._tensors[str(name)].shape) for name in new)


# ---------------------------------------------------------------- one operation


def base(node: Node) -> str:
    """ "conv2d" of "aten.conv2d.default", in place or not."""
    return str(node["op"]).split(".")[1].strip("_")


def describe(node: Node, tensors: Mapping[str, TensorData]) -> str:
    """ "conv 3x3, 16 to 20, stride 2"; sizes as far as the weights tell them."""
    name = base(node)
    weight = _weight(node, tensors)
    if name.startswith("conv") and weight is not None:
        return _convolution(node, weight)
    if name == "linear" and weight is not None:
        return f"linear {weight[1]} to {weight[0]}"
    if name == "embedding" and (table := _tensor(node["args"][0], tensors)) is not None:
        return f"embedding {table[0]} to {table[1]}"
    if name in RESHAPING:
        return "reshape"
    return WORDS.get(name) or (name.upper() if name in ("lstm", "gru") else name.replace("_", " "))


def _convolution(node: Node, weight: tuple[int, ...]) -> str:
    arguments = node["args"]
    stride = arguments[3] if len(arguments) > 3 else 1
    groups = next((value for value in arguments[6:] if type(value) is int), 1)
    kernel = "x".join(map(str, weight[2:]))
    turned = "transpose" in node["op"]
    outputs, inputs = (weight[1] * groups, weight[0]) if turned else (weight[0], weight[1] * groups)
    kind = "depthwise conv" if groups == inputs > 1 else "grouped conv" if groups > 1 else "conv"
    step = max((size for size in stride if type(size) is int), default=1) if isinstance(stride, list) else 1
    channels = str(inputs) if inputs == outputs else f"{inputs} to {outputs}"
    return f"{'transposed ' * turned}{kind} {kernel}, {channels}" + (f", stride {step}" if step > 1 else "")


def _weight(node: Node, tensors: Mapping[str, TensorData]) -> tuple[int, ...] | None:
    return _tensor(node["args"][1], tensors) if len(node["args"]) > 1 else None


def _tensor(value: Any, tensors: Mapping[str, TensorData]) -> tuple[int, ...] | None:
    found: Reference | None = reference(value)
    return tensors[str(found[1])].shape if found and found[0] == "tensor" else None


def _shape(node: Node) -> tuple[int | None, ...]:
    return tuple(node.get("shape", ()))


def _nodes(node: Node) -> Iterator[str]:
    return (str(target) for kind, target in operands(dict(node)) if kind == "node")


def is_computed(node: Node) -> bool:
    """Not Python's arithmetic on sizes."""
    return "shape" in node or (str(node["op"]).startswith("aten.") and node["op"] != "aten.sym_size.int")
