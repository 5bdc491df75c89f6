"""A graph becomes a module again: what the judge scores.

Nothing in the document is believed: operations come from the allowlist, references must point backwards, names of
variables are made here, and what a node computes is found out by running it.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import torch
from torch import fx, nn

from neuromosaic.core.errors import CandidateError
from neuromosaic.core.graph.allowlist import callable_of, keywords_of
from neuromosaic.core.graph.arguments import FLOATS, Reference, reference, references
from neuromosaic.core.graph.checking import METHODS, check_document
from neuromosaic.core.graph.document import Graph
from neuromosaic.core.graph.tensors import to_torch


def rebuild(graph: Graph) -> nn.Module:
    """The network of a graph, on the CPU, in train mode.

    Its state_dict, `named_parameters()` and `named_buffers()` have the names and order of the module that was
    exported (constants are held besides); tied tensors are one tensor; `train()` and `eval()` choose the trace.

    Raises CandidateError, naming the node, where the document is malformed or asks for what is not allowed.
    """
    check_document(graph)
    module = Rebuilt()
    _hold_state(module, graph)
    for mode in ("train", "eval"):
        module.traces[mode] = _trace(module, graph.document[mode], len(graph.document["inputs"]))
    for name in METHODS:
        if name in graph.document:
            module.traces[name] = _trace(module, graph.document[name], METHODS[name])
    return module


class Trace(NamedTuple):
    """`run` takes the inputs, then the tensors in `slots`, each (a module's dict of tensors, key); it returns the
    leaves of `structure`."""

    run: fx.GraphModule
    slots: list[tuple[dict[str, Any], str]]
    structure: Any


class Rebuilt(nn.Module):
    """The two traces of a graph over one set of tensors, and those of a generative network's methods.

    Traces and constants are kept beside the registries of nn.Module, and tensors are put straight into these, so that
    no name from a document can shadow anything: a layer may be called `train`.
    """

    traces: dict[str, Trace]
    constants: dict[str, torch.Tensor]

    def __init__(self) -> None:
        super().__init__()
        self.__dict__["traces"] = {}
        self.__dict__["constants"] = {}

    def forward(self, *inputs: torch.Tensor) -> Any:
        return self._run("train" if self.training else "eval", *inputs)

    def encode(self, x: torch.Tensor) -> Any:
        """The codes of examples; raises CandidateError where the network has none."""
        return self._run("encode", x)

    def decode(self, codes: torch.Tensor) -> Any:
        """An example for each code; raises CandidateError where the network makes none."""
        return self._run("decode", codes)

    def denoise(self, noisy: torch.Tensor, level: torch.Tensor) -> Any:
        """The examples behind noisy ones; raises CandidateError where the network has no such method."""
        return self._run("denoise", noisy, level)

    def conditionals(self, x: torch.Tensor) -> Any:
        """How each value is spread; raises CandidateError where the network has no such method."""
        return self._run("conditionals", x)

    def _run(self, name: str, *inputs: torch.Tensor) -> Any:
        if name not in self.traces:
            raise CandidateError(f"the network has no method {name}", code=f"no-{name}")
        trace = self.traces[name]
        leaves = trace.run.forward(*inputs, *[tensors[key] for tensors, key in trace.slots])
        return leaves[0] if trace.structure is None else _assembled(trace.structure, iter(leaves))

    def _apply(self, fn: Any, recurse: bool = True) -> "Rebuilt":
        """Constants move along to another device or dtype, as buffers do."""
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        self.constants.update({name: fn(tensor) for name, tensor in self.constants.items()})
        return self


def _hold_state(module: Rebuilt, graph: Graph) -> None:
    held: dict[str, torch.Tensor] = {}
    for entry in graph.document["parameters"]:
        if "same_as" not in entry:
            held[entry["name"]] = _parameter(graph, entry)
        owner, key = _owner(module, entry["name"])
        owner._parameters[key] = held[entry.get("same_as", entry["name"])]  # type: ignore[assignment]
    for entry in graph.document["buffers"]:
        if "same_as" not in entry:
            held[entry["name"]] = _tensor(graph, entry["name"])
        owner, key = _owner(module, entry["name"])
        owner._buffers[key] = held[entry.get("same_as", entry["name"])]
        if not entry["persistent"]:
            owner._non_persistent_buffers_set.add(key)
    module.constants.update({name: _tensor(graph, name) for name in graph.document["constants"]})


def _parameter(graph: Graph, entry: dict[str, Any]) -> nn.Parameter:
    tensor = _tensor(graph, entry["name"])
    if entry["requires_grad"] and not (tensor.is_floating_point() or tensor.is_complex()):
        raise CandidateError(f"parameter {entry['name']!r} of dtype {tensor.dtype} cannot have a gradient")
    return nn.Parameter(tensor, entry["requires_grad"])


def _tensor(graph: Graph, name: str) -> torch.Tensor:
    try:
        return to_torch(graph.tensors[name])
    except (RuntimeError, ValueError, TypeError) as error:
        raise CandidateError(f"the graph cannot be rebuilt: tensor {name!r}: {error}", code="bad-graph") from None


def _owner(module: nn.Module, name: str) -> tuple[nn.Module, str]:
    *path, key = name.split(".")
    for part in path:
        child = module._modules.get(part)
        if child is None:
            child = module._modules[part] = nn.Module()
        module = child
    return module, key


def _trace(module: Rebuilt, trace: dict[str, Any], inputs: int) -> Trace:
    graph = fx.Graph()
    values: dict[Reference, fx.Node] = {
        ("input", number): graph.placeholder(f"x{number}") for number in range(inputs)
    }
    slots = []
    for number, name in enumerate(_tensors_of(trace)):
        values["tensor", name] = graph.placeholder(f"t{number}")
        slots.append(_slot(module, name))
    device = values["input", -1] = graph.call_function(getattr, (values["input", 0], "device"))
    for number, entry in enumerate(trace["nodes"]):
        values["node", entry["name"]] = _call(graph, entry, values, f"n{number}")
    leaves, structure = _flattened(trace["output"])
    graph.output(tuple(_decode(leaf, values) for leaf in leaves))
    if not device.users:
        graph.erase_node(device)
    return Trace(fx.GraphModule(nn.Module(), graph), slots, structure)


def _tensors_of(trace: dict[str, Any]) -> list[str]:
    found = references([trace["nodes"], trace["output"]])
    return list(dict.fromkeys(str(target) for kind, target in found if kind == "tensor"))


def _slot(module: Rebuilt, name: str) -> tuple[dict[str, Any], str]:
    if name in module.constants:
        return module.constants, name
    owner, key = _owner(module, name)
    return (owner._parameters if key in owner._parameters else owner._buffers), key


def _call(graph: fx.Graph, entry: dict[str, Any], values: dict[Reference, fx.Node], name: str) -> fx.Node:
    function = callable_of(entry["op"])
    if not set(entry["kwargs"]) <= keywords_of(entry["op"]):
        fault = f"node {entry['name']!r} gives {entry['op']} keywords that it does not take"
        raise CandidateError(f"the graph cannot be rebuilt: {fault}", code="bad-graph", layer=entry.get("layer"))
    args = tuple(_decode(value, values) for value in entry["args"])
    kwargs = {key: _decode(value, values) for key, value in entry["kwargs"].items()}
    if "grad" in entry or "autocast" in entry:
        autocast = entry.get("autocast")
        dtype = getattr(torch, autocast) if isinstance(autocast, str) else autocast
        args = (entry["op"], values["input", -1], entry.get("grad"), dtype, args, kwargs)
        function, kwargs = _in_region, {}
    return graph.create_node("call_function", function, args, kwargs, name=name)


def _in_region(
    name: str, device: torch.device, grad: bool | None, autocast: Any, args: Sequence[Any], kwargs: dict[str, Any]
) -> Any:
    """One operation of a `torch.no_grad()`, `torch.enable_grad()` or `torch.autocast()` region.

    Each operation enters its region by itself, so that no graph can leave a mode switched on behind it. It comes by
    its name, for torch.fx cannot write a Python function as an argument.
    """
    function = callable_of(name)
    grad = torch.is_grad_enabled() if grad is None else grad
    if autocast is None:
        with torch.set_grad_enabled(grad):
            return function(*args, **kwargs)
    kind = device.type if torch.amp.is_autocast_available(device.type) else "cpu"
    with (
        torch.set_grad_enabled(grad),
        torch.autocast(kind, dtype=autocast or None, enabled=bool(autocast), cache_enabled=False),
    ):
        return function(*args, **kwargs)


def _decode(value: Any, values: dict[Reference, fx.Node]) -> Any:
    found = reference(value)
    if found:
        return values[found]
    if isinstance(value, list):
        return [_decode(part, values) for part in value]
    if isinstance(value, dict):
        ((kind, name),) = value.items()
        if kind == "device":
            return values["input", -1]
        return FLOATS[name] if kind == "float" else getattr(torch, name)
    return value


def _flattened(structure: Any) -> tuple[list[Any], Any]:
    """The leaves of an output, and its structure with their places; None for a single leaf."""
    if not (isinstance(structure, dict) and set(structure) & {"tuple", "list", "dict"}):
        return [structure], None
    leaves: list[Any] = []

    def visit(part: Any) -> Any:
        if isinstance(part, dict):
            for kind in ("tuple", "list"):
                if kind in part:
                    return {kind: [visit(child) for child in part[kind]]}
            if "dict" in part:
                return {"dict": {key: visit(child) for key, child in part["dict"].items()}}
        leaves.append(part)
        return None

    return leaves, visit(structure)


def _assembled(structure: Any, leaves: Iterator[Any]) -> Any:
    if structure is None:
        return next(leaves)
    ((kind, parts),) = structure.items()
    if kind == "dict":
        return {key: _assembled(part, leaves) for key, part in parts.items()}
    return (list if kind == "list" else tuple)(_assembled(part, leaves) for part in parts)
