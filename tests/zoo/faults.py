"""One small check for each code of a fault, in plain PyTorch: the referee between the specimens and our ladder."""

import ast
import inspect
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils._python_dispatch import TorchDispatchMode

from tests.zoo.building import answer, build, draw, examples, namespace, sizes_of, tensors
from tests.zoo.catalogue import Specimen

ALLOWED = {"torch", "math", "typing", "dataclasses", "collections", "functools", "itertools", "abc", "enum"}
BATCHES = 4
"""A routed network need not use all of its experts for one batch."""
PATIENCE = 0.4
"""Seconds of processor time."""
MEMORY = 4e9
"""Bytes of one tensor."""


def syntax(source: str, specimen: Specimen) -> bool:
    try:
        ast.parse(source)
    except SyntaxError:
        return True
    return False


def import_not_allowed(source: str, specimen: Specimen) -> bool:
    names = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names.append(node.module or "")
    return any(name.partition(".")[0] not in ALLOWED for name in names)


def no_model(source: str, specimen: Specimen) -> bool:
    found = getattr(namespace(source), "Model", None)
    return not (isinstance(found, type) and issubclass(found, nn.Module))


def argument_without_default(source: str, specimen: Specimen) -> bool:
    arguments = inspect.signature(namespace(source).Model).parameters.values()
    needed = {argument.name for argument in arguments if argument.default is argument.empty}
    return bool(specimen.inputs) and not needed <= set(specimen.init)  # else the file's own factory gives them


def constructor(source: str, specimen: Specimen) -> bool:
    return _raises(lambda: build(source, specimen))


def forward_raised(source: str, specimen: Specimen) -> bool:
    module, inputs = build(source, specimen), draw(specimen, source, examples(specimen))
    return _raises(lambda: answer(module, inputs))


def not_a_tensor(source: str, specimen: Specimen) -> bool:
    outputs = _answer(source, specimen)
    return not tensors(outputs) or (len(specimen.outputs) == 1 and not isinstance(outputs, Tensor))


def output_shape(source: str, specimen: Specimen) -> bool:
    expected = [(examples(specimen), *sizes_of(shape)) for shape in specimen.outputs]
    found = [tuple(output.shape) for output in tensors(_answer(source, specimen))]
    return bool(expected) and found != expected


def output_dtype(source: str, specimen: Specimen) -> bool:
    return any(output.dtype != torch.float32 for output in tensors(_answer(source, specimen)))


def train_raised(source: str, specimen: Specimen) -> bool:
    module, inputs = _ready(source, specimen)
    answer(module, inputs)
    return _raises(lambda: _step(module, inputs, specimen))


def no_gradient(source: str, specimen: Specimen) -> bool:
    module, _ = _ready(source, specimen)
    trained = [parameter for parameter in module.parameters() if parameter.requires_grad]
    for number in range(BATCHES):
        _step(module, draw(specimen, source, examples(specimen), seed=number), specimen)
        if all(parameter.grad is not None for parameter in trained):
            return False
    return bool(trained)


def non_finite_output(source: str, specimen: Specimen) -> bool:
    module, inputs = _ready(source, specimen)
    torch.manual_seed(0)
    outputs = [*tensors(answer(module, inputs)), *tensors(module.train()(*inputs))]
    return not all(output.isfinite().all() for output in outputs)


def non_finite_gradient(source: str, specimen: Specimen) -> bool:
    """Of outputs that are finite."""
    module, inputs = _ready(source, specimen)
    if not all(output.isfinite().all() for output in _step(module, inputs, specimen)):
        return False
    gradients = [parameter.grad for parameter in module.parameters() if parameter.grad is not None]
    return not all(gradient.isfinite().all() for gradient in gradients)


def batch_leak(source: str, specimen: Specimen) -> bool:
    """Whether an example's answers change with the others of its batch. One seed: what is drawn is the same."""
    if specimen.batch_axis is None or not specimen.inputs:
        return False
    module, inputs = _ready(source, specimen)
    others = draw(specimen, source, examples(specimen), seed=1)
    before = tensors(answer(module, inputs))
    for kept in (0, -1):
        mixed = tuple(_with_row(other, x, kept) for x, other in zip(inputs, others, strict=True))
        after = tensors(answer(module, mixed))
        if not all(_close(one[kept], other[kept]) for one, other in zip(before, after, strict=True)):
            return True
    return False


def double_softmax(source: str, specimen: Specimen) -> bool:
    if specimen.loss != "cross_entropy":
        return False
    (scores,) = tensors(_answer(source, specimen))
    sums = scores.sum(-1)
    return bool((scores >= 0).all() and torch.allclose(sums, torch.ones_like(sums), atol=1e-4))


def non_deterministic(source: str, specimen: Specimen) -> bool:
    module, inputs = _ready(source, specimen)
    one, other = tensors(answer(module, inputs)), tensors(answer(module, inputs))
    return not all(map(_close, one, other))


def not_causal(source: str, specimen: Specimen) -> bool:
    if specimen.task != "language_modelling":
        return False
    module, (ids,) = _ready(source, specimen)
    (changed,) = draw(specimen, source, examples(specimen), seed=1)
    for step in (1, ids.shape[1] // 2, ids.shape[1] - 1):
        later = torch.cat([ids[:, :step], changed[:, step:]], dim=1)
        if not _close(answer(module, (ids,))[:, :step], answer(module, (later,))[:, :step]):
            return True
    return False


def state_dict(source: str, specimen: Specimen) -> bool:
    """Whether a second network, with the first one's state loaded, is another one."""
    (one, inputs), (other, _) = _ready(source, specimen), _ready(source, specimen, seed=1)
    if _raises(lambda: other.load_state_dict(one.state_dict())):
        return True
    return not all(map(_close, tensors(answer(one, inputs)), tensors(answer(other, inputs))))


def timeout(source: str, specimen: Specimen) -> bool:
    module, inputs = build(source, specimen), draw(specimen, source, examples(specimen))
    try:
        with _at_most(PATIENCE):
            answer(module, inputs)
    except TimeoutError:
        return True
    return False


def memory(source: str, specimen: Specimen) -> bool:
    """Counted without taking any of it."""
    inputs = tuple(x.to("meta") for x in draw(specimen, source, 1))
    with torch.device("meta"), _Largest() as largest:
        answer(build(source, specimen), inputs)
    return largest.bytes > MEMORY


CHECKS: dict[str, Callable[[str, Specimen], bool]] = {
    check.__name__.replace("_", "-"): check
    for check in (
        syntax, import_not_allowed, no_model, argument_without_default, constructor, memory, timeout, forward_raised,
        not_a_tensor, output_shape, output_dtype, train_raised, no_gradient, non_finite_output, non_finite_gradient,
        batch_leak, double_softmax, non_deterministic, not_causal, state_dict,
    )
}  # fmt: skip


# ---------------------------------------------------------------- what the checks share


def _ready(source: str, specimen: Specimen, seed: int = 0) -> tuple[nn.Module, tuple[Tensor, ...]]:
    module, inputs = build(source, specimen, seed), draw(specimen, source, examples(specimen))
    if any(isinstance(p, nn.parameter.UninitializedParameter) for p in module.parameters()):
        answer(module, inputs)
    return module, inputs


def _answer(source: str, specimen: Specimen) -> Any:
    return answer(*_ready(source, specimen))


def _step(module: nn.Module, inputs: tuple[Tensor, ...], specimen: Specimen) -> list[Tensor]:
    """Forward and backward in train mode; the outputs."""
    torch.manual_seed(0)
    outputs = tensors(module.train()(*inputs))
    loss = _loss(outputs, specimen)
    if loss.requires_grad:
        loss.backward()  # type: ignore[no-untyped-call]
    return outputs


def _loss(outputs: list[Tensor], specimen: Specimen) -> Tensor:
    """The specimen's own; else the outputs under random weights."""
    first = outputs[0]
    if specimen.loss == "cross_entropy":
        targets = torch.randint(0, first.shape[-1], first.shape[:-1])
        return functional.cross_entropy(first.flatten(0, -2), targets.flatten())
    if specimen.loss == "mse":
        return functional.mse_loss(first, torch.randn_like(first))
    return torch.stack([(output * torch.randn(output.shape)).sum() for output in outputs]).sum()


def _with_row(other: Tensor, x: Tensor, kept: int) -> Tensor:
    mixed = other.clone()
    mixed[kept] = x[kept]
    return mixed


def _close(one: Tensor, other: Tensor) -> bool:
    scale = max(float(one.abs().max()), 1e-6)
    return one.shape == other.shape and bool((one - other).abs().max() <= 1e-3 * scale)


def _raises(call: Callable[[], Any]) -> bool:
    try:
        call()
    except Exception:  # noqa: BLE001  (whatever a faulty network raises)
        return True
    return False


@contextmanager
def _at_most(seconds: float) -> Iterator[None]:
    def stop(number: int, frame: FrameType | None) -> None:
        raise TimeoutError

    kept = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, kept)


class _Largest(TorchDispatchMode):
    """The largest tensor that any operation returned, in bytes."""

    bytes = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        outputs = func(*args, **(kwargs or {}))
        for tensor in tensors(outputs):
            self.bytes = max(self.bytes, tensor.numel() * tensor.element_size())
        return outputs
