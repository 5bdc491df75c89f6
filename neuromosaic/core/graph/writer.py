"""Writes an exported program's torch.fx graph as one trace of a graph's document."""

import math
import operator
from collections import OrderedDict, defaultdict, namedtuple
from collections.abc import Mapping
from typing import Any

import torch
from torch import fx
from torch.export import ExportedProgram
from torch.export.graph_signature import InputKind

from neuromosaic.core.errors import ExportError
from neuromosaic.core.graph.allowlist import ALLOWED, name_of
from neuromosaic.core.graph.arguments import DEVICE, DTYPES, MEMORY_FORMATS, node, operands, references

GUARDS = ("_assert_", "sym_constrain_range", "_check")
"""Operations that only test what torch.export assumed; the judge finds out by running."""

FILLED = {
    "aten.empty.memory_format": ("aten.zeros.default", 1),
    "aten.empty_like.default": ("aten.zeros_like.default", 1),
    "aten.empty_strided.default": ("aten.zeros.default", 1),
    "aten.empty_permuted.default": ("aten.zeros.default", 1),
    "aten.new_empty.default": ("aten.new_zeros.default", 2),
    "aten.new_empty_strided.default": ("aten.new_zeros.default", 2),
}
"""Memory as it was found becomes zeros: the operation instead, and how many of its arguments are kept."""

SYNONYMS = {
    f"aten.__{prefix}{name}__.{which}": f"aten.bitwise_{name}{suffix}.{which}"
    for name in ("and", "or", "xor")
    for prefix, suffix in (("", ""), ("i", "_"))
    for which in ("Tensor", "Scalar")
}
"""Python's operators on flags, by their usual names."""

_DROPPED = {"pin_memory", "non_blocking"}
_NO_GRAD, _AUTOCAST = torch.ops.higher_order.wrap_with_set_grad_enabled, torch.ops.higher_order.wrap_with_autocast


def write_trace(program: ExportedProgram, names: Mapping[str, str], constants: Mapping[str, str]) -> dict[str, Any]:
    """{"nodes": [...], "output": structure} of one mode.

    `names`: state_dict name of a parameter or buffer to the first name of that tensor; `constants`: the same for the
    program's constants. Raises ExportError for anything that a document cannot hold.
    """
    writer = _Writer()
    bound = _placeholders(program, names, constants)
    leaves = writer.write(program.graph_module, bound, {})
    spec = program.call_spec.out_spec
    return {"nodes": _without_dead_numbers(writer.nodes, leaves), "output": _structure(spec, iter(leaves))}


def _placeholders(program: ExportedProgram, names: Mapping[str, str], constants: Mapping[str, str]) -> list[Any]:
    bound: list[Any] = []
    inputs = 0
    for spec in program.graph_signature.input_specs:
        if spec.kind is InputKind.USER_INPUT:
            bound.append({"input": inputs})
            inputs += 1
        elif spec.kind in (InputKind.PARAMETER, InputKind.BUFFER):
            bound.append({"tensor": names[spec.target or ""]})
        elif spec.kind is InputKind.CONSTANT_TENSOR:
            bound.append({"tensor": constants[spec.target or ""]})
        else:
            raise ExportError(f"the network uses {spec.target!r}, which is neither a tensor nor an operation on one")
    return bound


def known_size(size: int | torch.SymInt) -> int | None:
    """None for a free one. A symbol may stand for a number, if the code allowed it no other value."""
    return size if isinstance(size, int) else size.node.maybe_as_int()


class _Writer:
    """Collects the nodes of one trace; regions without gradient or with autocast are written into the same list."""

    def __init__(self) -> None:
        self.nodes: list[dict[str, Any]] = []
        self._names: set[str] = set()

    def write(self, module: fx.GraphModule, bound: list[Any], modes: dict[str, Any]) -> list[Any]:
        """The encoded outputs of `module` called with the encoded values `bound`."""
        values: dict[fx.Node, Any] = dict(
            zip((n for n in module.graph.nodes if n.op == "placeholder"), bound, strict=True)
        )
        for step in module.graph.nodes:
            if step.op == "call_function":
                values[step] = self._call(module, step, values, modes)
            elif step.op == "output":
                return [_encode(leaf, values) for leaf in step.args[0]]
        return []

    def _call(self, module: fx.GraphModule, step: fx.Node, values: dict[fx.Node, Any], modes: dict[str, Any]) -> Any:
        if step.target in (_NO_GRAD, _AUTOCAST):
            return self._region(module, step, values, modes)
        if step.target is operator.getitem and isinstance(step.args[0], fx.Node):
            outputs = values[step.args[0]]
            if isinstance(outputs, list):  # of a region, which has been written in place
                return outputs[step.args[1]]  # type: ignore[index]
        name = name_of(step.target)
        if name.partition(".")[2].startswith(GUARDS):
            return None
        if "out" in step.kwargs:
            return self._into(step, values, modes)
        return self._node(step, name, values, modes)

    def _into(self, step: fx.Node, values: dict[fx.Node, Any], modes: dict[str, Any]) -> dict[str, str]:
        """`f(x, out=y)` is written as `y.copy_(f(x))`; spectral norm keeps its vectors so."""
        made, kept = step.meta.get("val"), step.kwargs["out"]
        target = kept.meta.get("val") if isinstance(kept, fx.Node) else None
        if not isinstance(target, torch.Tensor) or not isinstance(made, torch.Tensor):
            raise ExportError(f"{step.target} writes into something other than one tensor", layer=_layer(step))
        name = _without_out(step.target)
        value = self._node(step, name, values, modes, {key: v for key, v in step.kwargs.items() if key != "out"})
        written = self._unique(f"{step.name}_out")
        entry = {"name": written, "op": "aten.copy_.default", "args": [_encode(kept, values), value], "kwargs": {}}
        self.nodes.append({**entry, **modes, **_described(step, _layer(step))})
        return node(written)

    def _region(
        self, module: fx.GraphModule, step: fx.Node, values: dict[fx.Node, Any], modes: dict[str, Any]
    ) -> Any:
        if step.target is _NO_GRAD:
            enabled, body, *arguments = step.args
            inner = {**modes, "grad": enabled}
        else:
            _, dtype, enabled, _, body, *arguments = step.args
            inner = {**modes, "autocast": str(dtype).removeprefix("torch.") if enabled else False}
        region = module.get_submodule(str(body.target))  # type: ignore[union-attr]
        return self.write(region, [_encode(argument, values) for argument in arguments], inner)  # type: ignore[arg-type]

    def _node(
        self, step: fx.Node, name: str, values: dict[fx.Node, Any], modes: dict[str, Any],
        given: Mapping[str, Any] | None = None,
    ) -> dict[str, str]:  # fmt: skip
        """`given`: keyword arguments other than the step's own."""
        layer = _layer(step)
        name = SYNONYMS.get(name, name)
        if name not in ALLOWED and name not in FILLED:
            raise ExportError(f"the network uses {name}, which a judge does not run", layer=layer)
        try:
            args = [_encode(value, values) for value in step.args]
            keywords = step.kwargs if given is None else given
            kwargs = {key: _encode(value, values) for key, value in keywords.items() if _kept(key, value)}
        except ExportError as error:
            raise ExportError(f"{name}: {error}", layer=layer) from None
        if name in FILLED:
            name, count = FILLED[name]
            args = args[:count]
            kwargs = {key: value for key, value in kwargs.items() if key in ("dtype", "device")}
        entry = {"name": self._unique(step.name), "op": name, "args": args, "kwargs": kwargs, **modes}
        self.nodes.append({**entry, **_described(step, layer)})
        return node(entry["name"])

    def _unique(self, name: str) -> str:
        fresh, number = name, 1
        while fresh in self._names:
            fresh, number = f"{name}_{number}", number + 1
        self._names.add(fresh)
        return fresh


def _without_out(operation: Any) -> str:
    """The name of the same operation that returns what this one writes into `out`; its own where there is none."""
    wanted = [(argument.name, str(argument.type)) for argument in operation._schema.arguments if not argument.is_out]
    packet = operation.overloadpacket
    for name in packet.overloads():
        overload = getattr(packet, name)
        if [(argument.name, str(argument.type)) for argument in overload._schema.arguments] == wanted:
            return name_of(overload)
    return name_of(operation)


def _encode(value: Any, values: Mapping[fx.Node, Any]) -> Any:
    if isinstance(value, fx.Node):
        if isinstance(values.get(value), dict):
            return values[value]
        raise ExportError(f"the value {value} cannot be used outside of its region")
    if isinstance(value, (list, tuple)):
        return [_encode(part, values) for part in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else {"float": repr(value)}
    if value is None or isinstance(value, (bool, int, str)):
        return value
    return _encode_named(value)


def _encode_named(value: Any) -> dict[str, str]:
    if isinstance(value, torch.device):
        return dict(DEVICE)
    name = str(value).removeprefix("torch.")
    if isinstance(value, torch.dtype) and name in DTYPES:
        return {"dtype": name}
    if isinstance(value, torch.memory_format) and name in MEMORY_FORMATS:
        return {"memory_format": name}
    raise ExportError(f"an argument {value!r} has no form in a graph")


def _kept(key: str, value: Any) -> bool:
    return key not in _DROPPED and value is not torch.strided


def _layer(step: fx.Node) -> str | None:
    stack = step.meta.get("nn_module_stack") or {}
    path = str(next(reversed(stack.values()), ("",))[0])
    return None if path.startswith("_empty_nn_module_stack") else path.partition("@")[0]


def _described(step: fx.Node, layer: str | None) -> dict[str, Any]:
    value = step.meta.get("val")
    described: dict[str, Any] = {} if layer is None else {"layer": layer}
    if isinstance(value, torch.Tensor):
        described["shape"] = [known_size(size) for size in value.shape]
        described["dtype"] = str(value.dtype).removeprefix("torch.")
    return described


def _without_dead_numbers(nodes: list[dict[str, Any]], leaves: list[Any]) -> list[dict[str, Any]]:
    """Drops what only fed guards: Python numbers that nothing else reads."""
    used = set(references(leaves))
    kept = []
    for entry in reversed(nodes):
        number = not entry["op"].startswith("aten.") or entry["op"] == "aten.sym_size.int"
        if not number or ("node", entry["name"]) in used:
            kept.append(entry)
            used.update(operands(entry))
    return kept[::-1]


def _structure(spec: Any, leaves: Any) -> Any:
    """{"tuple": [..]}, {"list": [..]}, {"dict": {key: ..}} around encoded leaves."""
    if spec.is_leaf():
        return next(leaves)
    parts = [_structure(child, leaves) for child in spec.children()]
    kind = spec.type
    if kind in (list, tuple, namedtuple):
        return {"list" if kind is list else "tuple": parts}
    keys = spec.context[1] if kind is defaultdict else spec.context
    if kind in (dict, OrderedDict, defaultdict) and all(isinstance(key, str) for key in keys):
        return {"dict": dict(zip(keys, parts, strict=True))}
    raise ExportError(
        f"forward returns a {kind.__name__}; return a tensor, a tuple, a list or a dict with string keys"
    )
