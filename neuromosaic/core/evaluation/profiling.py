"""A network's speed by batch, and how much of what the machine can do it uses. Runs in a worker."""

import statistics
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from neuromosaic.core.evaluation.hardware import Roofline
from neuromosaic.core.evaluation.measuring import Inputs, evaluated, flops, percentile, timings

OUTLIER = 2.0  # times the median


class Speed(NamedTuple):
    """Of one batch: milliseconds a pass, examples a second (by the median), and the work that a pass is.

    `outliers`: passes that took more than twice the median. `reference_ms`: the median of a fixed small network timed
    in turn with it. `intensity`: FLOPs per byte that operations read and write, where nothing stays in a cache.
    `share`: of the speed that the machine's roofline allows at that intensity (Williams et al., 2009, CACM 52(4));
    above 1 where caches spare traffic.
    """

    batch: int
    p50: float
    p95: float
    p99: float
    outliers: int
    throughput: float
    reference_ms: float
    flops: float
    moved_bytes: float
    intensity: float
    share: float


def speed(module: nn.Module, inputs: Inputs, repeats: int, machine: Roofline) -> Speed:
    """Of passes in eval mode on `inputs` [batch, ...], in turn with the reference: see `measuring.latency`."""
    own, fixed = timings(module, inputs, repeats)
    batch, median = len(inputs[0]), statistics.median(own)
    work, moved = flops(module, inputs), float(traffic(module, inputs))
    intensity = work / moved if moved else 0.0
    allowed = machine.allows(intensity)
    return Speed(
        batch, median, percentile(own, 0.95), percentile(own, 0.99), sum(one > OUTLIER * median for one in own),
        1e3 * batch / median, statistics.median(fixed), work, moved, intensity,
        work / median / 1e6 / allowed if allowed else 0.0,
    )  # fmt: skip


def traffic(module: nn.Module, inputs: Inputs) -> int:
    """Bytes that the operations of one pass in eval mode read and write, each operand counted once per operation."""
    counter = _Traffic()  # type: ignore[no-untyped-call]
    with evaluated(module), counter:
        module(*inputs)
    return counter.total


class _Traffic(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Adds up operands and results; an operation that only looks at its operand in another way moves nothing."""

    total = 0

    def __torch_dispatch__(
        self, func: Any, types: Sequence[type], args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        read, written = _tensors((args, kwargs or {})), _tensors(result)
        held = {tensor.untyped_storage().data_ptr() for tensor in read}
        looks = bool(written) and all(tensor.untyped_storage().data_ptr() in held for tensor in written)
        if not looks or func._schema.is_mutable:
            self.total += _bytes(read) + _bytes(written)
        return result


def _tensors(tree: Any) -> list[Tensor]:
    return [leaf for leaf in tree_leaves(tree) if isinstance(leaf, Tensor)]


def _bytes(tensors: Iterable[Tensor]) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)


def speeds(
    module: nn.Module, draw: Callable[[int], Inputs], batches: Sequence[int], repeats: int, machine: Roofline
) -> list[Speed]:
    """By batch; `draw` gives the inputs of one."""
    return [speed(module, draw(batch), repeats, machine) for batch in batches]
