"""A network as data: layers and connections, whole and consistent by construction."""

import itertools
import keyword
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from neuromosaic.core.architecture.base import BaseArchitecture
from neuromosaic.core.architecture.operation import Cost, Data, Scalar, costed, find
from neuromosaic.core.errors import ArchitectureError
from neuromosaic.core.spelling import did_you_mean

RESERVED = frozenset(
    {
        "T", "Tensor", "add_module", "apply", "bfloat16", "buffers", "call_super_init", "children", "compile",
        "cpu", "cuda", "double", "dump_patches", "eval", "extra_repr", "float", "forward", "get_buffer",
        "get_extra_state", "get_parameter", "get_submodule", "half", "initialise",
        "initialise_embeddings", "initialise_recurrent", "input", "ipu", "itertools",
        "load_state_dict", "math", "modules", "mtia", "named_buffers", "named_children", "named_modules",
        "named_parameters", "nn", "parameters", "register_buffer", "register_module", "register_parameter",
        "requires_grad_", "self", "set_extra_state", "set_submodule", "share_memory", "state_dict", "super",
        "to", "to_empty", "torch", "train", "training", "tuple", "type", "xpu", "zero_grad",
    }
)  # fmt: skip
"""Names that PyTorch's modules or the emitted source need for themselves."""


@dataclass(frozen=True)
class Input:
    """`shape` without batch: [channels, h, w], [steps, features], [features]; [steps] of ids in [0, classes)."""

    name: str
    shape: tuple[int, ...]
    classes: int | None = None


@dataclass(frozen=True)
class Layer:
    """`config`: the operation's fields, those left out that have their default."""

    name: str
    type: str
    config: Mapping[str, Scalar] = field(default_factory=dict)

    def __hash__(self) -> int:
        return hash((self.name, self.type, tuple(sorted(self.config.items()))))


class Inferred(NamedTuple):
    """Costs of each layer in order; `parameters` and `flops` (one example, a multiply-add counts as 2) of all."""

    layers: dict[str, Cost]
    parameters: int
    flops: int
    outputs: tuple[tuple[int, ...], ...]


Metrics = Mapping[str, float]


@dataclass(frozen=True)
class ArchitectureSpec(BaseArchitecture):
    """A DAG of operations. One that exists is valid: everything is checked, and every shape known, when it is made.

    `connections` are pairs (source, target); a source is an input or a layer, and several into one layer are its
    inputs in their order. Left empty, the layers follow one another. `outputs` left empty: the last layer.
    `id` tells networks apart by what they compute: names, metadata, metrics and the order in which independent
    branches are listed do not matter.

    >>> spec = ArchitectureSpec.chain((3, 32, 32), ("conv", {"channels": 8}), ("relu", {}), ("global_pool", {}))
    >>> spec.infer().parameters, spec.infer().outputs
    (224, ((8,),))

    Raises ArchitectureError with the path of the fault.
    """

    layers: tuple[Layer, ...]
    connections: tuple[tuple[str, str], ...] = ()
    inputs: tuple[Input, ...] = ()
    outputs: tuple[str, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)
    metrics: Metrics = field(default_factory=dict)

    def __post_init__(self) -> None:
        put = object.__setattr__
        _check_inputs(self.inputs)
        put(self, "layers", tuple(_checked(layer, n) for n, layer in enumerate(self.layers)))
        if not self.layers:
            raise ArchitectureError("a network has at least one layer", "layers")
        _check_names(self.inputs, self.layers)
        if not self.connections:
            put(self, "connections", _in_a_row(self.inputs, self.layers))
        put(self, "outputs", tuple(self.outputs) or (self.layers[-1].name,))
        put(self, "sources", _sources(self))
        put(self, "layers", _sorted(self))
        put(self, "connections", tuple((s, x.name) for x in self.layers for s in self.sources[x.name]))
        put(self, "inferred", _infer(self))

    sources: Mapping[str, tuple[str, ...]] = field(init=False, repr=False, compare=False)
    inferred: Inferred = field(init=False, repr=False, compare=False)

    def __hash__(self) -> int:
        return hash(self.id)

    @classmethod
    def chain(cls, shape: Sequence[int], *layers: tuple[str, Mapping[str, Scalar]]) -> "ArchitectureSpec":
        """Layers in a row behind one input, named by their type and number."""
        named = tuple(Layer(f"{kind}{n}", kind, config) for n, (kind, config) in enumerate(layers, 1))
        return cls(named, inputs=(Input("x", tuple(shape)),))

    @cached_property
    def id(self) -> str:
        from neuromosaic.core.architecture.identity import identify

        return identify(self)

    def infer(self) -> Inferred:
        """Shapes, parameters and FLOPs of every layer, exact, without PyTorch."""
        return self.inferred

    def summary(self) -> str:
        """A table in text: each layer's type, output shape (batch left out), parameters and FLOPs of one example."""
        from neuromosaic.core.architecture.summary import summary

        return summary(self)

    def picture(self) -> str:
        """The network as SVG, inputs on top."""
        from neuromosaic.core.architecture.picture import picture

        return picture(self)

    def to_dict(self) -> dict[str, Any]:
        """JSON data: id, inputs, layers, connections, outputs, metadata, metrics."""
        return {
            "id": self.id,
            "inputs": [
                {"name": x.name, "shape": list(x.shape)} | ({"classes": x.classes} if x.classes else {})
                for x in self.inputs
            ],
            "layers": [{"name": x.name, "type": x.type, "config": dict(x.config)} for x in self.layers],
            "connections": [list(pair) for pair in self.connections],
            "outputs": list(self.outputs), "metadata": dict(self.metadata), "metrics": dict(self.metrics),
        }  # fmt: skip

    @classmethod
    def from_dict(cls, config: Mapping[str, Any]) -> "ArchitectureSpec":
        """Of what `to_dict` returns; `id`, `connections`, `outputs`, `metadata` and `metrics` may be left out."""
        from neuromosaic.core.architecture.reading import read_spec

        return read_spec(config)

    def to_source(self) -> str:
        """A stand-alone file with the class `Model`: formatted, typed, needing PyTorch alone."""
        from neuromosaic.core.architecture.emission import emit

        return emit(self)

    def to_model(self) -> Any:
        """The nn.Module that `to_source` describes, built by running that very text."""
        from neuromosaic.core.architecture.building import build

        return build(self)


def _check_inputs(inputs: Sequence[Input]) -> None:
    if not inputs:
        raise ArchitectureError("a network has at least one input", "inputs")
    for n, each in enumerate(inputs):
        whole = all(type(size) is int and size > 0 for size in each.shape)
        if not whole or not 1 <= len(each.shape) <= 3:
            raise ArchitectureError(f"one to three positive whole numbers, not {each.shape}", f"inputs[{n}].shape")
        if each.classes is not None and (type(each.classes) is not int or each.classes < 1 or len(each.shape) != 1):
            raise ArchitectureError("ids have the shape [steps] and one class or more", f"inputs[{n}].classes")


def _checked(layer: Layer, n: int) -> Layer:
    operation = find(layer.type, f"layers[{n}].type")
    return Layer(layer.name, layer.type, operation.check(layer.config, f"layers[{n}].config"))


def _check_names(inputs: Sequence[Input], layers: Sequence[Layer]) -> None:
    seen: set[str] = set()
    names = [(each.name, f"inputs[{n}].name") for n, each in enumerate(inputs)]
    for name, path in names + [(each.name, f"layers[{n}].name") for n, each in enumerate(layers)]:
        if fault := _name_fault(name, seen):
            raise ArchitectureError(fault, path)
        seen.add(name)


def _name_fault(name: object, seen: set[str]) -> str | None:
    if not isinstance(name, str) or not name.isidentifier() or not name.isascii() or keyword.iskeyword(name):
        return f"a name is letters, digits and underscores, not {name!r}"
    if name in RESERVED or name.startswith("_"):
        return f"{name!r} is a name that PyTorch needs: choose another"
    return f"{name!r} is there twice" if name in seen else None


def _in_a_row(inputs: Sequence[Input], layers: Sequence[Layer]) -> tuple[tuple[str, str], ...]:
    if len(inputs) > 1:
        raise ArchitectureError("with several inputs, say what is connected to what", "connections")
    names = [inputs[0].name, *(layer.name for layer in layers)]
    return tuple(itertools.pairwise(names))


def _sources(spec: ArchitectureSpec) -> dict[str, tuple[str, ...]]:
    """Of each layer, in the order of the connections."""
    layers = {layer.name for layer in spec.layers}
    known = layers | {each.name for each in spec.inputs}
    found: dict[str, list[str]] = {layer.name: [] for layer in spec.layers}
    for n, (source, target) in enumerate(spec.connections):
        _require(source, known, f"connections[{n}][0]")
        _require(target, layers, f"connections[{n}][1]")
        found[target].append(source)
    for n, name in enumerate(spec.outputs):
        _require(name, layers, f"outputs[{n}]")
    _check_ends(spec, found)
    return {name: tuple(sources) for name, sources in found.items()}


def _require(name: str, known: set[str], path: str) -> None:
    if name not in known:
        raise ArchitectureError(f"there is no {name!r}{did_you_mean(name, known)}", path)


def _check_ends(spec: ArchitectureSpec, found: Mapping[str, list[str]]) -> None:
    """Every layer has an input, and every value is used."""
    used = {source for source, _ in spec.connections} | set(spec.outputs)
    ends = [(each.name, f"inputs[{n}]") for n, each in enumerate(spec.inputs)]
    for name, path in ends + [(each.name, f"layers[{n}]") for n, each in enumerate(spec.layers)]:
        if name not in used:
            raise ArchitectureError(f"{name!r} dangles: nothing takes what it returns", path)
        if not found.get(name, True):
            raise ArchitectureError(f"{name!r} dangles: nothing is connected to it", path)


def _sorted(spec: ArchitectureSpec) -> tuple[Layer, ...]:
    """Sources in front, else as listed."""
    done = {each.name for each in spec.inputs}
    if _is_sorted(spec, set(done)):
        return spec.layers
    ordered: list[Layer] = []
    waiting = list(spec.layers)
    while waiting:
        ready = next((x for x in waiting if all(source in done for source in spec.sources[x.name])), None)
        if ready is None:
            raise ArchitectureError(f"a cycle leads through {', '.join(x.name for x in waiting)}", "connections")
        waiting.remove(ready)
        ordered.append(ready)
        done.add(ready.name)
    return tuple(ordered)


def _is_sorted(spec: ArchitectureSpec, done: set[str]) -> bool:
    for layer in spec.layers:
        if not done.issuperset(spec.sources[layer.name]):
            return False
        done.add(layer.name)
    return True


def _infer(spec: ArchitectureSpec) -> Inferred:
    values = {each.name: Data(each.shape, each.classes) for each in spec.inputs}
    costs: dict[str, Cost] = {}
    for n, layer in enumerate(spec.layers):
        try:
            given = tuple(values[source] for source in spec.sources[layer.name])
            costs[layer.name] = costed(layer.type, tuple(layer.config.items()), given)
        except ArchitectureError as error:
            raise ArchitectureError(f"{layer.name}: {error}", f"layers[{n}]") from None
        values[layer.name] = costs[layer.name].output
    parameters, flops = sum(c.parameters for c in costs.values()), sum(c.flops for c in costs.values())
    return Inferred(costs, parameters, flops, tuple(values[name].shape for name in spec.outputs))
