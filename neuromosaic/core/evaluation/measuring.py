"""What a network costs: parameters, FLOPs, memory, time. Runs in a worker."""

import gc
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.multiprocessing.reductions import StorageWeakRef
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

Inputs = tuple[Tensor, ...]

WARM_UP_SECONDS, SECONDS = 0.2, 2.0  # at most, each
FEWEST = 5  # timings, also where the network is slow


def parameters(module: nn.Module) -> int:
    """Trainable ones; a tensor used in several places counts once."""
    return sum(parameter.numel() for parameter in module.parameters() if parameter.requires_grad)


# ---------------------------------------------------------------- FLOPs


def flops(module: nn.Module, inputs: Inputs) -> float:
    """Of one forward pass in eval mode of `inputs`.

    A multiply-add counts as 2. Counted are matrix products, convolutions, attention and recurrent layers, as
    `torch.utils.flop_counter` does, besides what it misses: products with vectors, and a product by broadcasting
    that is larger than both its factors, which is a matrix product spelt out. Activations, norms and pooling are not.
    """
    with evaluated(module), _plain_kernels(), FlopCounterMode(display=False, custom_mapping=_MISSED) as counter:
        module(*inputs)
    return float(counter.get_total_flops())


@contextmanager
def _plain_kernels() -> Iterator[None]:
    """Without the fused kernels that hide a layer's matrix products from the counter."""
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with torch.backends.cudnn.flags(enabled=False), sdpa_kernel(SDPBackend.MATH):
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)


def _recurrent_layer(x: Sequence[int], inner: Sequence[int], recurrent: Sequence[int], *_: Any, **__: Any) -> int:
    """oneDNN's LSTM: both weights of a layer meet each of `x`'s [time, batch] (or [batch, time]) vectors."""
    return 2 * x[0] * x[1] * (torch.Size(inner).numel() + torch.Size(recurrent).numel())


def _vector_product(matrix: Sequence[int], *_: Any, **__: Any) -> int:
    return 2 * torch.Size(matrix).numel()


def _added_vector_product(_: Any, matrix: Sequence[int], *__: Any, **___: Any) -> int:
    return 2 * torch.Size(matrix).numel()


def _outer_product(one: Any, other: Any, *_: Any, out_shape: Sequence[int], **__: Any) -> int:
    factors = [torch.Size(shape).numel() for shape in (one, other) if isinstance(shape, torch.Size)]
    size = torch.Size(out_shape).numel()
    return 2 * size if size > max(factors, default=size) else 0


_aten = torch.ops.aten
_MISSED: dict[Any, Callable[..., int]] = {
    _aten.mv: _vector_product,
    _aten.dot: _vector_product,
    _aten.addmv: _added_vector_product,
    _aten.mkldnn_rnn_layer: _recurrent_layer,
    _aten.mul: _outer_product,
}

# ---------------------------------------------------------------- memory


class Memory(NamedTuple):
    """Bytes of one forward pass: `peak`, the most alive at once; `allocated`, the sum of all that were made."""

    peak: int
    allocated: int


def memory(module: nn.Module, inputs: Inputs) -> Memory:
    """Of one forward pass in eval mode without gradients.

    Weights, buffers and inputs are included; what a kernel sets aside for itself is seen on CUDA alone. What is
    allocated in all is about what training keeps for the backward pass. On the meta device nothing is computed.
    """
    held = [*module.parameters(), *module.buffers(), *inputs]
    live = _LiveBytes(held)
    with evaluated(module), live:
        module(*inputs)
    peak = _cuda_peak(module, inputs, held) if inputs[0].is_cuda else live.peak
    return Memory(peak, live.allocated)


class _LiveBytes(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Follows the storages that operations return until nothing holds them any more."""

    def __init__(self, held: Sequence[Tensor]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._live: dict[StorageWeakRef, int] = {}
        self.peak = self.allocated = 0
        self._add(held)

    def __torch_dispatch__(
        self, func: Any, types: Sequence[type], args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        self._add([leaf for leaf in tree_leaves(result) if isinstance(leaf, Tensor)])
        return result

    def _add(self, tensors: Sequence[Tensor]) -> None:
        self._live = {reference: size for reference, size in self._live.items() if not reference.expired()}  # type: ignore[no-untyped-call]
        for tensor in tensors:
            storage = tensor.untyped_storage()
            reference = StorageWeakRef(storage)  # type: ignore[no-untyped-call]
            self.allocated += 0 if reference in self._live else storage.nbytes()
            self._live[reference] = storage.nbytes()
        self.peak = max(self.peak, sum(self._live.values()))


def _cuda_peak(module: nn.Module, inputs: Inputs, held: Sequence[Tensor]) -> int:
    storages = {tensor.untyped_storage().data_ptr(): tensor.untyped_storage().nbytes() for tensor in held}
    torch.cuda.synchronize()
    before = torch.cuda.memory_allocated()
    torch.cuda.reset_peak_memory_stats()
    with evaluated(module):
        module(*inputs)
        torch.cuda.synchronize()
    return torch.cuda.max_memory_allocated() - before + sum(storages.values())


# ---------------------------------------------------------------- time


class Latency(NamedTuple):
    """Milliseconds for one forward pass of the batch that was given.

    `reference_ms` is the median of a fixed small network timed in turn with it: where two measurements differ in
    it, the machine was not equally quiet.
    """

    p50: float
    p95: float
    reference_ms: float
    threads: int


def latency(module: nn.Module, inputs: Inputs, repeats: int) -> Latency:
    """Of `repeats` forward passes in eval mode; of fewer, though at least five, where two seconds are over."""
    own, fixed = timings(module, inputs, repeats)
    return Latency(statistics.median(own), percentile(own, 0.95), statistics.median(fixed), torch.get_num_threads())


def timings(module: nn.Module, inputs: Inputs, repeats: int) -> list[list[float]]:
    """Milliseconds of each pass, and of each of the reference's, which takes turns with it; see `latency`."""
    wait = waiter(inputs[0].device)
    reference, x = _reference(inputs[0].device)
    subjects: list[Callable[[], object]] = [lambda: module(*inputs), lambda: reference(x)]
    with evaluated(module), torch.inference_mode(), _no_collection():
        _warm_up(subjects, wait)
        return _interleaved(subjects, wait, repeats)


def _interleaved(subjects: list[Callable[[], object]], wait: Callable[[], object], repeats: int) -> list[list[float]]:
    """Milliseconds of each subject, one after the other in turn, so that a busy spell hits both alike."""
    times: list[list[float]] = [[] for _ in subjects]
    end = time.perf_counter() + SECONDS
    for number in range(max(repeats, FEWEST)):
        if number >= FEWEST and time.perf_counter() > end:
            break
        for subject, collected in zip(subjects, times, strict=True):
            collected.append(_milliseconds(subject, wait))
    return times


def _milliseconds(subject: Callable[[], object], wait: Callable[[], object]) -> float:
    start = time.perf_counter_ns()
    subject()
    wait()
    return (time.perf_counter_ns() - start) / 1e6


def _warm_up(subjects: list[Callable[[], object]], wait: Callable[[], object], rounds: int = 10) -> None:
    end = time.perf_counter() + WARM_UP_SECONDS
    for number in range(rounds):
        if number and time.perf_counter() > end:
            return
        for subject in subjects:
            _milliseconds(subject, wait)


def _reference(device: torch.device) -> tuple[nn.Module, Tensor]:
    """Two products of 256x256 matrices, of constant values: no random number is drawn."""
    layers = [nn.Linear(256, 256, bias=False, device="meta") for _ in range(2)]
    reference = nn.Sequential(layers[0], nn.ReLU(), layers[1]).to_empty(device=device).eval()
    for weight in reference.parameters():
        nn.init.constant_(weight, 1 / 256)
    return reference, torch.ones(256, 256, device=device)


def waiter(device: torch.device) -> Callable[[], object]:
    """What waits until the device has done all that it was given."""
    known: dict[str, Callable[[], object]] = {"cuda": torch.cuda.synchronize, "mps": torch.mps.synchronize}
    return known.get(device.type, lambda: None)


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` of all do not exceed."""
    return sorted(values)[max(0, -int(-share * len(values) // 1) - 1)]


@contextmanager
def evaluated(module: nn.Module) -> Iterator[None]:
    """Eval mode without gradients; the mode is put back."""
    training = module.training
    module.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        module.train(training)


@contextmanager
def _no_collection() -> Iterator[None]:
    """Without a garbage collection in the middle of a timing."""
    enabled = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
