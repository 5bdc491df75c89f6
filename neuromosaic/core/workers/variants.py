"""A network with smaller numbers: 8-bit integers or bfloat16, as plain operations that any PyTorch 2 runs.

torch's quantised tensors and their kernels are deprecated as of 2.13, and their successor is a library of its own, so
the integers here are ordinary int8 tensors, and the arithmetic is written out in the program that is saved.
"""

import copy
from collections.abc import Callable
from typing import Any, Final

import torch
from torch import Tensor, fx, nn

LARGEST: Final = 127
"""Of the levels -127 ... 127: symmetrical, so that zero is exact and no offsets are needed."""
SMALLEST: Final = 1e-12
"""A step that is never zero, for rows and weights that are."""

_aten = torch.ops.aten
_RECURRENT: Final = frozenset(
    getattr(getattr(_aten, name), which)
    for which, names in {
        "input": ("lstm", "gru", "rnn_tanh", "rnn_relu"),
        "default": ("lstm_cell", "gru_cell", "rnn_tanh_cell", "rnn_relu_cell"),
    }.items()
    for name in names
)


class Int8Linear(nn.Module):
    """y = x W^T + b with W and x as 8-bit integers and sums of 32 bits.

    One step per output for W, fixed; one per row for x, found as it comes ("dynamic"). Jacob et al. 2018,
    "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference", section 2;
    steps per output as in Krishnamoorthi 2018, arXiv:1806.08342, section 3.1.
    """

    levels: Tensor
    step: Tensor
    bias: Tensor | None

    def __init__(self, weight: Tensor, bias: Tensor | None) -> None:
        super().__init__()
        levels, step = quantised(weight)
        self.register_buffer("levels", levels.t().contiguous())
        self.register_buffer("step", step)
        self.register_buffer("bias", bias)

    def forward(self, x: Tensor) -> Tensor:
        rows = x.reshape(-1, x.shape[-1])
        step = rows.abs().amax(1, keepdim=True).clamp(min=SMALLEST) / LARGEST
        sums = torch._int_mm((rows / step).round().to(torch.int8), self.levels)
        y = sums.to(rows.dtype) * (step * self.step)
        y = y if self.bias is None else y + self.bias
        return y.reshape(*x.shape[:-1], y.shape[-1])


class Int8Weight(nn.Module):
    """A matrix kept as 8-bit integers, and given back as floats: the layer computes as before."""

    levels: Tensor
    step: Tensor

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        levels, step = quantised(weight)
        self.register_buffer("levels", levels)
        self.register_buffer("step", step[:, None])

    def forward(self) -> Tensor:
        return self.levels.to(self.step.dtype) * self.step


def quantised(weight: Tensor) -> tuple[Tensor, Tensor]:
    """int8 levels [outputs, inputs] and the size of a step [outputs], float32."""
    step = weight.detach().abs().amax(1).clamp(min=SMALLEST) / LARGEST
    return (weight.detach() / step[:, None]).round().to(torch.int8), step


def in_int8(program: torch.export.ExportedProgram) -> tuple[fx.GraphModule, dict[str, Any]]:
    """Linear layers in integers, the matrices of recurrent ones kept as integers; how many of each.

    Raises ValueError where the network has neither.
    """
    module = program.module(check_guards=False)
    assert isinstance(module, fx.GraphModule)
    linear, recurrent = 0, 0
    for node in list(module.graph.nodes):
        if node.target is _aten.linear.default and _is_matrix(module, node.args[1]):
            _put_linear(module, node, f"int8_linear_{linear}")
            linear += 1
        elif node.target in _RECURRENT:
            _put_weights(module, node, f"int8_recurrent_{recurrent}")
            recurrent += 1
    if not linear + recurrent:
        raise ValueError("it has no linear or recurrent layer whose weights could be integers")
    return _tidied(module), {"linear": linear, "recurrent": recurrent}


def _put_linear(module: fx.GraphModule, node: fx.Node, name: str) -> None:
    x, weight, *rest = (*node.args, *node.kwargs.values())
    bias = _held(module, rest[0]) if rest and rest[0] is not None else None
    module.add_submodule(name, Int8Linear(_held(module, weight), bias))
    with module.graph.inserting_before(node):
        node.replace_all_uses_with(module.graph.call_module(name, (x,)))
    module.graph.erase_node(node)


def _put_weights(module: fx.GraphModule, node: fx.Node, name: str) -> None:
    made: dict[fx.Node, fx.Node] = {}

    def put(argument: fx.Node) -> fx.Node:
        if not _is_matrix(module, argument):
            return argument
        if argument not in made:
            own = f"{name}_{len(made)}"
            module.add_submodule(own, Int8Weight(_held(module, argument)))
            with module.graph.inserting_before(node):
                made[argument] = module.graph.call_module(own)
        return made[argument]

    node.args = fx.node.map_arg(node.args, put)


def in_bfloat16(program: torch.export.ExportedProgram) -> tuple[fx.GraphModule, dict[str, Any]]:
    """Weights and arithmetic in bfloat16; inputs and outputs stay float32."""
    module = copy.deepcopy(program.module(check_guards=False))  # it shares its tensors with the network
    assert isinstance(module, fx.GraphModule)
    for node in list(module.graph.nodes):
        if node.op == "call_function":
            node.args = fx.node.map_aggregate(node.args, _in_half)
            node.kwargs = fx.node.map_aggregate(node.kwargs, _in_half)
        elif node.op == "placeholder":
            _cast_behind(module.graph, node)
        elif node.op == "output":
            node.args = fx.node.map_arg(node.args, _cast_before(module.graph, node))
    return _tidied(module.bfloat16()), {}


def _in_half(argument: Any) -> Any:
    return torch.bfloat16 if argument in (torch.float32, torch.float64) else argument


def _cast_behind(graph: fx.Graph, node: fx.Node) -> None:
    if not node.meta["val"].is_floating_point():
        return
    with graph.inserting_after(node):
        cast = graph.call_function(_aten.to.dtype, (node, torch.bfloat16))
    node.replace_all_uses_with(cast, delete_user_cb=lambda user: user is not cast)


def _cast_before(graph: fx.Graph, end: fx.Node) -> Callable[[fx.Node], fx.Node]:
    def cast(node: fx.Node) -> fx.Node:
        if not node.meta["val"].is_floating_point():
            return node
        with graph.inserting_before(end):
            return graph.call_function(_aten.to.dtype, (node, torch.float32))

    return cast


def _tidied(module: fx.GraphModule) -> fx.GraphModule:
    """Without the tensors that nothing uses any more."""
    for node in list(module.graph.nodes):
        if node.op == "get_attr" and not node.users:
            module.graph.erase_node(node)
    used = {str(node.target) for node in module.graph.nodes if node.op == "get_attr"}
    for name, _ in [*module.named_parameters(remove_duplicate=False), *module.named_buffers(remove_duplicate=False)]:
        path, _, key = name.rpartition(".")
        owner = module.get_submodule(path)
        if name not in used and not isinstance(owner, Int8Linear | Int8Weight):
            delattr(owner, key)
    module.recompile()
    return module


def _is_matrix(module: fx.GraphModule, argument: Any) -> bool:
    if not isinstance(argument, fx.Node) or argument.op != "get_attr":
        return False
    held = _held(module, argument)
    return held.dim() == 2 and held.is_floating_point()


def _held(module: fx.GraphModule, node: Any) -> Tensor:
    path, _, key = str(node.target).rpartition(".")
    held = getattr(module.get_submodule(path), key)
    assert isinstance(held, Tensor)
    return held.detach()
