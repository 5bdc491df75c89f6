"""Spaces that are ready: by name, for given inputs and outputs."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from neuromosaic.core.architecture.spec import Input
from neuromosaic.core.errors import SpaceError
from neuromosaic.core.space.ready.cells import darts, nasbench201
from neuromosaic.core.space.ready.framing import Fixed, framed
from neuromosaic.core.space.ready.images import mobilenet, resnet, unet
from neuromosaic.core.space.ready.limits import NAMES, limits, sizes
from neuromosaic.core.space.ready.others import gnn, mlp, rnn, tcn, transformer
from neuromosaic.core.space.space import SearchSpace
from neuromosaic.core.spelling import suggest

READY: dict[str, Callable[..., SearchSpace]] = {
    "darts": darts, "gnn": gnn, "mlp": mlp, "mobilenet": mobilenet, "nasbench201": nasbench201, "resnet": resnet,
    "rnn": rnn, "tcn": tcn, "transformer": transformer, "unet": unet,
}  # fmt: skip
RANKS = {"gnn": (2,), "mlp": (1, 2, 3), "rnn": (1, 2), "tcn": (1, 2), "transformer": (1, 2)}
"""How many axes the first input has, batch left out; others take an image, [channels, h, w]."""


def ready_space(
    name: str,
    inputs: Sequence[int] | Input | Sequence[Input],
    outputs: int,
    *,
    before: Fixed = (),
    after: Fixed = (),
    **options: Any,
) -> SearchSpace:
    """A space of architectures from `inputs` to `outputs` scores: its points mean ArchitectureSpecs.

    `name`: darts, gnn, mlp, mobilenet, nasbench201, resnet, rnn, tcn, transformer or unet. `inputs`: the shape of
    the one input without the batch axis, or `Input`s (ids for a sequence space; nodes and adjacency for gnn).
    `before` and `after`: fixed layers around the searched ones, as ("conv_block", {"channels": 16}).
    `options`: limits by name (`max_layers`, `max_parameters`, `max_flops`, `max_memory_mb`, `max_latency_ms` with
    `target_platform`: see `limits`), and the space's own sizes (`width` and `cells` of a skeleton, at most so many
    `stages`, `blocks`, `layers`, `levels`).

    >>> space = ready_space("resnet", (3, 32, 32), 10, max_parameters=200_000)
    >>> spec = space.architecture(space.sample_many(1, seed=0)[0])
    >>> spec.infer().outputs, spec.infer().parameters <= 200_000
    (((10,),), True)

    Raises SpaceError for an unknown name or option, and for inputs that do not fit.
    """
    if name not in READY:
        raise SpaceError(f"{name!r} is no ready space{suggest(str(name), READY)}")
    given = _read_inputs(name, inputs)
    if isinstance(outputs, bool) or not isinstance(outputs, int) or outputs < 1:
        raise SpaceError(f"outputs: give a whole number of at least 1, not {outputs!r}")
    wanted = {key: value for key, value in options.items() if key in NAMES}
    rest = {key: value for key, value in options.items() if key not in NAMES}
    if before or after:
        if len(given) > 1:
            raise SpaceError(f"before, after: {name} has several inputs and cannot be framed")
        space = framed(given[0], lambda inner: _made(name, _checked(name, (inner,)), outputs, rest), before, after)
    else:
        space = _made(name, _checked(name, given), outputs, rest)
    if wanted:
        space = limited(space, **wanted)
    space.measures = partial(sizes, space.architecture)
    return space


def limited(space: SearchSpace, **wanted: Any) -> SearchSpace:
    """The space of those of its specs that are within limits by name, on top of its own constraints."""
    return space.with_build(space.architecture, limits(space.architecture, wanted))


def _made(name: str, inputs: tuple[Input, ...], outputs: int, options: dict[str, Any]) -> SearchSpace:
    import inspect

    known = set(inspect.signature(READY[name]).parameters) - {"inputs", "outputs"}
    for key, value in options.items():
        if key not in known:
            raise SpaceError(f"{key}: {name} has no such option{suggest(key, known.union(NAMES))}")
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise SpaceError(f"{key}: give a whole number of at least 1, not {value!r}")
    return READY[name](inputs, outputs, **options)


def _read_inputs(name: str, inputs: Any) -> tuple[Input, ...]:
    given = (inputs,) if isinstance(inputs, Input) else tuple(inputs)
    if given and not isinstance(given[0], Input):
        given = (Input("x", given),)
    if len(given) != (2 if name == "gnn" else 1):
        raise SpaceError(f"inputs: {name} takes {'nodes and adjacency' if name == 'gnn' else 'one input'}")
    return given


def _checked(name: str, given: tuple[Input, ...]) -> tuple[Input, ...]:
    ranks = RANKS.get(name, (3,))
    if len(given[0].shape) not in ranks:
        wanted = " or ".join(map(str, ranks))
        raise SpaceError(f"inputs: {name} takes a shape of {wanted} sizes, batch left out, not {given[0].shape}")
    if name in ("rnn", "tcn", "transformer") and (len(given[0].shape) == 1) != (given[0].classes is not None):
        raise SpaceError(f"inputs: {name} takes [steps, features], or ids [steps] with their number of classes")
    return given
