"""Zero-cost proxies: what an untrained network's first gradients and activations say of it. Runs in a worker.

Each is a number that is larger for networks that tend to train better; none is worth more than its rank
correlation with trials of the same run: see `signals.py`. "Abdelfattah" is arXiv:2101.08134, section 3.2, whose
definitions are followed where it restates a method.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import torch
from torch import Tensor, fx

from neuromosaic.core.evaluation import measuring
from neuromosaic.core.evaluation.layout import put_back
from neuromosaic.core.evaluation.losses import LossFunction
from neuromosaic.core.graph.rebuild import Rebuilt

ACTIVATIONS: Final = ("relu", "relu6", "hardtanh", "leaky_relu", "elu", "gelu", "silu", "mish", "hardswish", "prelu",
                      "sigmoid", "tanh", "selu", "celu", "softplus")  # fmt: skip
PARTS = 2  # ZiCo's batches
JITTER = 1e-5


class Probe(NamedTuple):
    """A fresh graph with one batch: `x` float32 [n, ...] with n >= 2, `y` as for training."""

    module: Rebuilt
    x: Tensor
    y: Tensor
    loss: LossFunction

    @property
    def weights(self) -> list[Tensor]:
        """Of matrix products and convolutions, as all proxies over weights count them."""
        return [weight for weight in self.module.parameters() if weight.requires_grad and weight.ndim > 1]


def proxies(probe: Probe, seed: int = 0) -> dict[str, float]:
    """Every proxy by name; left out is what cannot be computed for this network or is not finite.

    The network's weights and buffers are left as they were.
    """
    found: dict[str, float] = {}
    for name, proxy in PROXIES.items():
        torch.manual_seed(seed)
        with put_back(probe.module):
            value = _value(proxy, probe)
        if math.isfinite(value):
            found[name] = value
    return found


def _value(proxy: Callable[[Probe], float], probe: Probe) -> float:
    probe.module.train()
    try:
        return proxy(probe)
    except (RuntimeError, ValueError):  # no double backward, no activation, no gradient...
        return math.nan


def parameters(probe: Probe) -> float:
    """Trainable ones."""
    return float(measuring.parameters(probe.module))


def flops(probe: Probe) -> float:
    """Of one forward pass of one example; a multiply-add counts as 2."""
    return measuring.flops(probe.module, (probe.x[:1],))


def grad_norm(probe: Probe) -> float:
    """The sum of the Euclidean norms of each weight's gradient (Abdelfattah)."""
    return float(sum(gradient.norm() for gradient in _gradients(probe)))


def snip(probe: Probe) -> float:
    """The sum of |weight * gradient|: connection sensitivity (Lee et al., 2019, arXiv:1810.02340, section 4.1)."""
    pairs = zip(probe.weights, _gradients(probe), strict=True)
    return float(sum((weight.detach() * gradient).abs().sum() for weight, gradient in pairs))


def grasp(probe: Probe) -> float:
    """The sum of -weight * (Hessian @ gradient) (Wang et al., 2020, arXiv:2002.07376, section 4.2, equation 8)."""
    weights = probe.weights
    gradients = torch.autograd.grad(_loss(probe), weights, create_graph=True, materialize_grads=True)
    flow = sum((gradient.detach() * gradient).sum() for gradient in gradients)
    products = torch.autograd.grad(flow, weights, materialize_grads=True)  # type: ignore[arg-type]
    return float(sum((-weight.detach() * product).sum() for weight, product in zip(weights, products, strict=True)))


def synflow(probe: Probe) -> float:
    """The logarithm of the sum of |weight * dR/dweight|, R the outputs' sum for an input of ones through absolute
    weights in eval mode, where a fresh norm is the identity (Tanaka et al., 2020, arXiv:2006.05467, section 5)."""
    held = [(weight, weight.detach().clone()) for weight in probe.module.parameters()]
    probe.module.eval()
    try:
        with torch.no_grad():
            for weight, _ in held:
                weight.abs_()
        gradients = torch.autograd.grad(_first(probe.module(torch.ones_like(probe.x[:1]))).sum(), probe.weights,
                                        materialize_grads=True)  # fmt: skip
        pairs = zip(probe.weights, gradients, strict=True)
        total = float(sum((weight.detach().double() * gradient.double()).abs().sum() for weight, gradient in pairs))
    finally:
        with torch.no_grad():
            for weight, value in held:
                weight.copy_(value)
    return math.log(total) if total > 0 else math.nan


def fisher(probe: Probe) -> float:
    """The sum over channels of the batch's mean of (activation * gradient, summed over space)^2 / 2, over all
    activations (Theis et al., 2018, arXiv:1801.05787, section 2.1, equation 9; Abdelfattah)."""
    run = _Recording(probe.module)
    loss = probe.loss(run.outputs(probe.x), probe.y)
    gradients = torch.autograd.grad(loss, run.activations, materialize_grads=True)
    return float(sum(_saliency(*pair) for pair in zip(run.activations, gradients, strict=True)))


def _saliency(activation: Tensor, gradient: Tensor) -> Tensor:
    products = activation.detach() * gradient
    return (products.flatten(2).sum(2) if products.ndim > 2 else products).pow(2).mean(0).sum() / 2


def jacob_cov(probe: Probe) -> float:
    """-sum(log(v + k) + 1 / (v + k)) over the eigenvalues v of the correlations between the examples' input
    gradients, k = 1e-5 (Mellor et al., 2020, arXiv:2006.04647v1, section 3; Abdelfattah)."""
    x = probe.x.clone().requires_grad_()
    (jacobian,) = torch.autograd.grad(_first(probe.module(x)).sum(), x)
    values = torch.linalg.eigvalsh(torch.corrcoef(jacobian.flatten(1).double())) + JITTER
    return float(-(values.log() + 1 / values).sum())


def naswot(probe: Probe) -> float:
    """log |det K|, K[i, j] the number of units that are on or off alike for two examples
    (Mellor et al., 2021, arXiv:2006.04647, section 3, equation 2)."""
    run = _Recording(probe.module)
    with torch.no_grad():
        run.outputs(probe.x)
        codes = torch.cat([(activation > 0).flatten(1).double() for activation in run.activations], dim=1)
        kernel = codes @ codes.T + (1 - codes) @ (1 - codes).T
        return float(torch.linalg.slogdet(kernel).logabsdet)


def zen(probe: Probe) -> float:
    """log E|f(x) - f(x + 0.01 e)| / 0.01 over Gaussian x and e, plus the log of the standard deviations that batch
    norms divide by (Lin et al., 2021, arXiv:2102.01063, section 4.1, algorithm 1). f is the last feature map;
    residual links, which the paper takes out, stay: a graph does not name them."""
    x, noise = torch.randn_like(probe.x), torch.randn_like(probe.x)
    run, moved = _Recording(probe.module), _Recording(probe.module)
    with torch.no_grad():
        run.outputs(x)
        moved.outputs(x + 0.01 * noise)
        change = float((run.features - moved.features).abs().mean() / 0.01)
        spreads = [float(values.var(dim=_all_but_channels(values)).mean().sqrt()) for values in run.normed]
    return math.log(change) + sum(map(math.log, spreads)) if change > 0 and all(spreads) else math.nan


def zico(probe: Probe) -> float:
    """The sum over weights' tensors of log(sum(mean |gradient| / standard deviation of the gradient)), over parts of
    the batch (Li et al., 2023, arXiv:2301.11300, section 3.3, equation 14)."""
    parts = zip(probe.x.tensor_split(PARTS), probe.y.tensor_split(PARTS), strict=True)
    several = [_gradients(probe._replace(x=x, y=y)) for x, y in parts]
    total = 0.0
    for gradients in zip(*several, strict=True):
        stacked = torch.stack(gradients).double()
        spread = stacked.std(0, correction=0)
        ratio = float((stacked.abs().mean(0) / spread)[spread > 0].sum())
        total += math.log(ratio) if ratio > 0 else 0.0
    return total


PROXIES: Final[dict[str, Callable[[Probe], float]]] = {
    "parameters": parameters, "flops": flops, "grad_norm": grad_norm, "snip": snip, "grasp": grasp,
    "synflow": synflow, "fisher": fisher, "jacob_cov": jacob_cov, "naswot": naswot, "zen": zen, "zico": zico,
}  # fmt: skip


class _Recording(fx.Interpreter):
    """A forward pass in train mode that keeps activations, what norms take in, and the last feature map."""

    def __init__(self, module: Rebuilt) -> None:
        trace = module.traces["train"]
        super().__init__(trace.run)
        self._own = [tensors[key] for tensors, key in trace.slots]
        self.activations: list[Tensor] = []
        self.normed: list[Tensor] = []
        self._last: dict[int, Tensor] = {}

    def outputs(self, x: Tensor) -> Tensor:
        self._axes = x.ndim
        return _first(self.run(x, *self._own))

    @property
    def features(self) -> Tensor:
        """The last tensor that still has all axes of the input, larger than one place; else the last one."""
        return self._last.get(self._axes, self._last[-1])

    def run_node(self, node: fx.Node) -> Any:
        if node.op == "call_function" and "batch_norm" in str(node.target):
            self.normed.append(self.fetch_args_kwargs_from_env(node)[0][0])
        result = super().run_node(node)
        if node.op == "call_function" and isinstance(result, Tensor) and result.is_floating_point():
            self._note(str(node.target), result)
        return result

    def _note(self, target: str, result: Tensor) -> None:
        if _is_activation(target):
            self.activations.append(result)
        self._last[-1] = result
        if math.prod(result.shape[2:]) > 1 or result.ndim == 2:
            self._last[result.ndim] = result


def _is_activation(target: str) -> bool:
    """`target` such as "aten.relu_.default"."""
    return target.split(".")[1].rstrip("_") in ACTIVATIONS if target.count(".") else False


def _gradients(probe: Probe) -> Sequence[Tensor]:
    return torch.autograd.grad(_loss(probe), probe.weights, materialize_grads=True)


def _loss(probe: Probe) -> Tensor:
    return probe.loss(_first(probe.module(probe.x)), probe.y)


def _first(outputs: Any) -> Tensor:
    first: Tensor = outputs if isinstance(outputs, Tensor) else outputs[0]
    return first


def _all_but_channels(values: Tensor) -> list[int]:
    return [axis for axis in range(values.ndim) if axis != 1]
