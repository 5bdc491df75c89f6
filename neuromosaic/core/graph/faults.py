"""The faults that a good test suite finds: each kind makes broken graphs out of a sound one.

A kind yields (description, graph) in the order of its draw. It may yield nothing: a network without a mask has no
mask to shift. All of it is JSON in, JSON out: no PyTorch here.
"""

import copy
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from neuromosaic.core.graph.document import Graph, TensorData
from neuromosaic.core.graph.editing import (
    append,
    changed,
    entry_at,
    followed,
    keeps_shape,
    live_references,
    output_shape,
    sites,
    with_output,
    without,
)
from neuromosaic.core.graph.tensors import from_numpy, to_numpy

Broken = Iterator[tuple[str, Graph]]

DROPPABLE = {
    "gelu", "silu", "hardswish", "mish", "elu", "leaky_relu", "selu", "celu", "relu6", "relu", "tanh", "sigmoid",
    "batch_norm", "layer_norm", "group_norm", "rms_norm", "instance_norm", "add", "mul", "linear", "conv1d", "conv2d",
    "softmax", "max_pool2d", "masked_fill",
}  # fmt: skip
"""Without any of these a network is broken. Another activation, or no dropout, makes another sound network: no test
written from a contract can tell it from a good one."""
WEIGHTED = {
    "linear", "conv1d", "conv2d", "conv3d", "conv_transpose2d", "embedding", "batch_norm", "layer_norm", "group_norm",
    "rms_norm", "matmul", "einsum",
}  # fmt: skip


def cut_gradient(graph: Graph, draw: random.Random) -> Broken:
    """What comes before a layer learns nothing."""
    for site in sites(graph, WEIGHTED, draw):
        yield f"no gradient flows back through {site}", followed(graph, site, "aten.detach.default")


def dropped_layer(graph: Graph, draw: random.Random) -> Broken:
    for site in sites(graph, DROPPABLE, draw):
        if keeps_shape(graph, site):
            yield f"{site} is left out", without(graph, site)


def wrong_width(graph: Graph, draw: random.Random) -> Broken:
    width = (output_shape(graph) or [None])[-1]
    if width is None:
        return
    twice = with_output(graph, lambda trace, out: append(trace, "aten.cat.default", [out, out], -1))
    less = with_output(graph, lambda trace, out: append(trace, "aten.slice.Tensor", out, -1, 0, width - 1))
    yield from [(f"the output has width {width - 1}, not {width}", less)] if width > 1 else []
    yield f"the output has width {2 * width}, not {width}", twice


def swapped_axes(graph: Graph, draw: random.Random) -> Broken:
    rank = len(output_shape(graph) or [])
    if rank > 1:
        one, other = (rank - 2, rank - 1) if rank > 2 else (0, 1)
        graph = with_output(graph, lambda trace, out: append(trace, "aten.transpose.int", out, one, other))
        yield f"axes {one} and {other} of the output are swapped", graph


def batch_leak(graph: Graph, draw: random.Random) -> Broken:
    def leak(trace: dict[str, Any], out: Any) -> Any:
        return append(trace, "aten.add.Tensor", out, append(trace, "aten.mean.dim", out, [0], True))

    yield "every output has the mean over the batch added", with_output(graph, leak)


def frozen_parameter(graph: Graph, draw: random.Random) -> Broken:
    live = live_references(graph.document["train"])
    names = [entry["name"] for entry in graph.document["parameters"] if ("tensor", entry["name"]) in live]
    for name in draw.sample(names, len(names)):
        document = copy.deepcopy(graph.document)
        entries = [entry for entry in document["parameters"] if name in (entry["name"], entry.get("same_as"))]
        if any(entry["requires_grad"] for entry in entries):
            for entry in entries:
                entry["requires_grad"] = False
            yield (
                f"{name} is frozen (requires_grad=False, still among the parameters)",
                replace(graph, document=document),
            )


def constant_output(graph: Graph, draw: random.Random) -> Broken:
    yield "the output is always 0", with_output(graph, lambda trace, out: append(trace, "aten.mul.Tensor", out, 0))


def noisy_eval(graph: Graph, draw: random.Random) -> Broken:
    def add_noise(trace: dict[str, Any], out: Any) -> Any:
        return append(trace, "aten.add.Tensor", out, append(trace, "aten.randn_like.default", out), alpha=0.1)

    yield "outputs are noisy in eval mode", with_output(graph, add_noise, modes=("eval",))


def nan_output(graph: Graph, draw: random.Random) -> Broken:
    yield "negative outputs are NaN", with_output(graph, lambda trace, out: append(trace, "aten.sqrt.default", out))


def wrong_dtype(graph: Graph, draw: random.Random) -> Broken:
    double = {"dtype": "float64"}
    graph = with_output(graph, lambda trace, out: append(trace, "aten.to.dtype", out, double))
    yield "the output is float64, not float32", graph


def softmax_output(graph: Graph, draw: random.Random) -> Broken:
    graph = with_output(graph, lambda trace, out: append(trace, "aten.softmax.int", out, -1))
    yield "the output went through softmax", graph


def future_leak(graph: Graph, draw: random.Random) -> Broken:
    """A mask or the output lets a place in time see what comes after it."""
    yield from _shifted_masks(graph)
    for site in sites(graph, ("triu", "tril"), draw):
        yield f"{site} starts one diagonal later", changed(graph, site, _next_diagonal)
    for site in sites(graph, ("scaled_dot_product_attention",), draw):
        if entry_at(graph, site)["args"][5:6] == [True]:
            yield f"{site} is not causal", changed(graph, site, _not_causal)
    shape, source = output_shape(graph) or [], graph.document["inputs"][0].get("shape") or []
    if len(shape) == 3 and len(source) > 1 and shape[1] == source[1]:
        early = with_output(graph, lambda trace, out: append(trace, "aten.roll.default", out, [-1], [1]))
        yield "every output comes one step early", early


def _next_diagonal(entry: dict[str, Any]) -> None:
    diagonal = entry["args"][1] if len(entry["args"]) > 1 else 0
    if type(diagonal) is int:
        entry["args"] = [entry["args"][0], diagonal + 1]


def _not_causal(entry: dict[str, Any]) -> None:
    entry["args"] = [*entry["args"][:5], False, *entry["args"][6:]]


def _shifted_masks(graph: Graph) -> Broken:
    """Buffers and constants that are triangular: the diagonal moves by one."""
    names = [entry["name"] for entry in graph.document["buffers"] if "same_as" not in entry]
    for name in (*names, *graph.document["constants"]):
        mask = _shifted(graph.tensors[name])
        if mask is not None:
            yield f"the mask {name} starts one diagonal later", replace(graph, tensors={**graph.tensors, name: mask})


def _shifted(tensor: TensorData) -> TensorData | None:
    import numpy as np

    if len(tensor.shape) < 2 or tensor.shape[-1] != tensor.shape[-2] or tensor.dtype == "bfloat16":
        return None
    mask = to_numpy(tensor)
    last = mask.reshape(-1, *mask.shape[-2:])[0]
    allowed, masked = last[-1:, :1], last[:1, -1:]
    triangle = np.tril(np.ones(last.shape, bool))
    if allowed.size == 0 or allowed == masked or not np.array_equal(last, np.where(triangle, allowed, masked)):
        return None
    return from_numpy(np.concatenate([mask[..., :1], mask[..., :-1]], axis=-1))


KINDS: dict[str, Callable[[Graph, random.Random], Broken]] = {
    "cut gradient": cut_gradient,
    "dropped layer": dropped_layer,
    "wrong width": wrong_width,
    "batch leak": batch_leak,
    "future leak": future_leak,
    "frozen parameter": frozen_parameter,
    "constant output": constant_output,
    "noise in eval": noisy_eval,
    "swapped axes": swapped_axes,
    "NaN output": nan_output,
    "wrong dtype": wrong_dtype,
    "softmax output": softmax_output,
}
