"""What a judge does with an autoregressive network: one that says of each value how it is spread, given those before.

`conditionals(x)` gives [n, 3, components, ...]: for each value of each example the logits, the means and the
logarithms of the widths of a mixture of normal distributions. Values come in the order of `in_order`. The likelihood
of an example is the product of its values' densities (van den Oord et al., 2016, arXiv:1601.06759, equation 1), which
the judge works out itself. That is a density only as long as no mixture hangs on its own value or on a later one, so
the judge hides these and looks whether anything changes. Widths below the noise in which examples are judged count as
that noise: no honest network gains by less, and what one that looked ahead could gain at a value stays small.

Draws are made by the judge as well, value after value: each is the quantile of its mixture at which the host's noise
lies in the normal distribution.
"""

import math
from typing import Any, Final, NamedTuple

import torch
from torch import Tensor, nn

from neuromosaic.core.errors import CandidateError
from neuromosaic.core.evaluation.generation import BLUR, measured

KINDS: Final = 3
"""Of numbers that make a component: logit, mean, logarithm of the width."""
MOST_COMPONENTS: Final = 100
AT_ONCE: Final = 256
"""Examples that go through a network together."""
LOOKS, MORE_LOOKS = 2, 8
"""Passes in which every example has its values hidden from some place on: in training, and where draws are made."""
CHANGE, HUGE = 1e-3, 1e6
"""A share of a number above 1, else of 1: kernels differ by far less, one who looks ahead by more. And infinity."""
IMAGE: Final = 3  # axes
HALVINGS, TAIL = 40, 9.0
"""By which a quantile is found, and where the search begins, in widths beyond the outermost means."""


class Peek(NamedTuple):
    """Where conditionals change though all values before are as they were: at index `at` of an example, by what comes
    at `seen` or later."""

    at: tuple[int, ...]
    seen: tuple[int, ...]

    def __str__(self) -> str:
        return (
            f"conditionals of the value at {list(self.at)} change with what comes at {list(self.seen)} or later, "
            "which is not before it"
        )


class Mixture(NamedTuple):
    """Of normal distributions: float64 [n, components, ...] each."""

    log_weights: Tensor
    means: Tensor
    widths: Tensor

    def log_density(self, values: Tensor) -> Tensor:
        """Of float64 values [n, ...]."""
        scaled = (values.unsqueeze(1) - self.means) / self.widths
        each = self.log_weights - 0.5 * scaled**2 - self.widths.log() - 0.5 * math.log(2 * math.pi)
        return each.logsumexp(1)

    def below(self, values: Tensor) -> Tensor:
        """The probability of less than float64 values [n, ...]."""
        shares: Tensor = torch.special.ndtr((values.unsqueeze(1) - self.means) / self.widths)
        return (self.log_weights.exp() * shares).sum(1)

    def mean(self) -> Tensor:
        return (self.log_weights.exp() * self.means).sum(1)

    def quantile(self, shares: Tensor) -> Tensor:
        """The values below which these shares [n, ...] lie, by bisection."""
        low = (self.means - TAIL * self.widths).amin(1)
        high = (self.means + TAIL * self.widths).amax(1)
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            above = self.below(middle) < shares
            low, high = torch.where(above, middle, low), torch.where(above, high, middle)
        return (low + high) / 2


# ---------------------------------------------------------------- the order of values


def in_order(values: Tensor, axes: int) -> Tensor:
    """The last `axes` as one, in the order of the values: an image's pixels row by row, each with all its channels;
    anything else from first to last."""
    values = values.movedim(-IMAGE, -1) if axes == IMAGE else values
    return values.flatten(-axes)


def out_of_order(flat: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Examples [n, *shape] of their values in order [n, values]."""
    if len(shape) != IMAGE:
        return flat.view(len(flat), *shape)
    channels, height, width = shape
    return flat.view(len(flat), height, width, channels).movedim(-1, 1).contiguous()


def index_of(place: int, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The index in an example of the value that is this far in the order."""
    places = torch.arange(math.prod(shape))
    there = out_of_order(places.unsqueeze(0), shape)[0] == place
    return tuple(int(axis[0]) for axis in there.nonzero(as_tuple=True))


# ---------------------------------------------------------------- what the network says


def said(module: Any, x: Tensor) -> Tensor:
    """What `conditionals` gives of examples [n, ...], with the values in order, [n, 3, components, values].

    Raises CandidateError where it has another shape.
    """
    made = [conditionals(module, part) for part in torch.split(x, AT_ONCE)]
    return in_order(torch.cat(made), x.ndim - 1)


def conditionals(module: Any, x: Tensor) -> Tensor:
    """What the network's method gives of examples [n, ...]; raises CandidateError where it has another shape."""
    made = module.conditionals(x)
    if isinstance(made, Tensor) and made.dtype == torch.float32 and _fits(list(made.shape), list(x.shape)):
        return made
    found = list(made.shape) if isinstance(made, Tensor) else type(made).__name__
    wanted = f"float32 [{len(x)}, {KINDS}, components, {', '.join(map(str, x.shape[1:]))}]"
    message = f"conditionals gives {found}, not {wanted} of 1 to {MOST_COMPONENTS} components"
    raise CandidateError(message, "conditionals-shape")


def _fits(shape: list[int], x: list[int]) -> bool:
    same = [*shape[:2], *shape[3:]] == [x[0], KINDS, *x[1:]]
    return same and 1 <= shape[2] <= MOST_COMPONENTS


def mixture(made: Tensor) -> Mixture:
    """Of [n, 3, components, ...]."""
    logits, means, log_widths = made.double().unbind(1)
    return Mixture(logits.log_softmax(1), means, log_widths.exp().clamp(min=BLUR))


# ---------------------------------------------------------------- looking ahead


def hidden(x: Tensor, places: Tensor) -> Tensor:
    """Examples [n, ...] with other values from the place in order [n] of each on."""
    flat = in_order(x, x.ndim - 1)
    draw = torch.Generator().manual_seed(0)
    others = torch.randn(flat.shape, generator=draw).to(flat)
    kept = torch.arange(flat.shape[1], device=x.device) < places.unsqueeze(1)
    return out_of_order(torch.where(kept, flat, others), tuple(x.shape[1:]))


def peek(module: Any, x: Tensor, made: Tensor, places: Tensor) -> Peek | None:
    """Whether what the network `said` of examples [n, ...] changes up to the places [n], when all from there on is
    hidden: the first such value, and the last place that it still hung on."""
    before, after = (_bounded(one) for one in (made, said(module, hidden(x, places))))
    scale = torch.minimum(before.abs(), after.abs()).clamp(min=1.0)
    moved = ((before - after).abs() > CHANGE * scale).any(2).any(1)
    moved &= torch.arange(moved.shape[1], device=x.device) <= places.unsqueeze(1)
    if not moved.any():
        return None
    first = int(moved.any(0).nonzero()[0])
    seen = int(places[moved[:, first]].max())
    shape = tuple(x.shape[1:])
    return Peek(index_of(first, shape), index_of(seen, shape))


def _bounded(made: Tensor) -> Tensor:
    """Infinities are numbers here: one that comes and goes is a change."""
    return made.nan_to_num().clamp(-HUGE, HUGE)


def peek_anywhere(module: Any, x: Tensor) -> Peek | None:
    """The same of every value of one example [1, ...], each place hidden in turn."""
    size = x[0].numel()
    many = x.expand(size, *x.shape[1:])
    made = said(module, x).expand(size, -1, -1, -1)
    return peek(module, many, made, torch.arange(size, device=x.device))


def _check_looks(module: nn.Module, x: Tensor, made: Tensor, looks: int) -> None:
    draw = torch.Generator().manual_seed(0)
    for _ in range(looks):
        places = torch.randint(made.shape[-1], (len(x),), generator=draw).to(x.device)
        if (found := peek(module, x, made, places)) is not None:
            raise CandidateError(str(found), "not-causal")


# ---------------------------------------------------------------- what is scored


def answered(module: nn.Module, x: Tensor, noise: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Of examples [n, ...]: what each value was expected to be, draws, and nats of each example [of those measured].

    `noise` as `noise_for` gives it; draws are only made where it is a number. Raises CandidateError where a value's
    density hangs on what comes with it or later.
    """
    near = x + BLUR * noise[:, 1].view_as(x)
    wanted = int(noise[:, 0].isfinite().all(1).sum())
    counted = measured(len(x), x[0].numel())
    made = said(module, near)
    _check_looks(module, near[:counted], made[:counted], MORE_LOOKS if wanted else LOOKS)
    found = mixture(made)
    nats = -found.log_density(in_order(near, x.ndim - 1).double())[:counted].sum(1)
    back = out_of_order(found.mean().to(x.dtype), tuple(x.shape[1:]))
    return back, drawn(module, noise[:wanted, 0], x), nats


def drawn(module: nn.Module, noise: Tensor, like: Tensor) -> Tensor:
    """Examples of the shape of `like`'s, one for each row of normal noise [n, values]."""
    shape = tuple(like.shape[1:])
    shares = torch.special.ndtr(noise.double())
    flat = noise.new_zeros(noise.shape)
    for place in range(noise.shape[1] if len(noise) else 0):
        made = said(module, out_of_order(flat, shape))[..., place]
        flat[:, place] = mixture(made).quantile(shares[:, place]).to(flat.dtype)
    return out_of_order(flat, shape)
