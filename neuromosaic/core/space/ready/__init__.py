"""Spaces that are ready: by name, for given inputs and outputs."""

from collections.abc import Callable, Sequence
from typing import Any

from neuromosaic.core.architecture.spec import Input
from neuromosaic.core.errors import SpaceError
from neuromosaic.core.space.cells.spaces import CellSpace
from neuromosaic.core.space.ready.cells import darts, nasbench201
from neuromosaic.core.space.ready.images import mobilenet, resnet, unet
from neuromosaic.core.space.ready.limits import MEASURES, limits
from neuromosaic.core.space.ready.others import gnn, mlp, rnn, tcn, transformer
from neuromosaic.core.space.space import SearchSpace
from neuromosaic.core.space.spelling import did_you_mean

READY: dict[str, Callable[..., SearchSpace]] = {
    "darts": darts, "gnn": gnn, "mlp": mlp, "mobilenet": mobilenet, "nasbench201": nasbench201, "resnet": resnet,
    "rnn": rnn, "tcn": tcn, "transformer": transformer, "unet": unet,
}  # fmt: skip
RANKS = {"gnn": (2,), "mlp": (1, 2, 3), "rnn": (1, 2), "tcn": (1, 2), "transformer": (1, 2)}
"""How many axes the first input has, batch left out; others take an image, [channels, h, w]."""


def ready_space(
    name: str, inputs: Sequence[int] | Input | Sequence[Input], outputs: int, **options: Any
) -> SearchSpace:
    """A space of architectures from `inputs` to `outputs` scores: its points mean ArchitectureSpecs.

    `name`: darts, gnn, mlp, mobilenet, nasbench201, resnet, rnn, tcn, transformer or unet. `inputs`: the shape of
    the one input without the batch axis, or `Input`s (ids for a sequence space; nodes and adjacency for gnn).
    `options`: limits by name (`max_layers`, `max_parameters`, `max_flops`, `max_memory_mb`), and the space's own
    sizes (`width` and `cells` of a skeleton, `stages`, `blocks`, `layers`, `levels` at most).

    >>> space = ready_space("resnet", (3, 32, 32), 10, max_parameters=200_000)
    >>> spec = space.architecture(space.sample_many(1, seed=0)[0])
    >>> spec.infer().outputs, spec.infer().parameters <= 200_000
    (((10,),), True)

    Raises SpaceError for an unknown name or option, and for inputs that do not fit.
    """
    if name not in READY:
        raise SpaceError(f"{name!r} is no ready space{did_you_mean(str(name), READY)}")
    given = _inputs(name, inputs)
    if isinstance(outputs, bool) or not isinstance(outputs, int) or outputs < 1:
        raise SpaceError(f"outputs: give a whole number of at least 1, not {outputs!r}")
    wanted = {key: value for key, value in options.items() if key in MEASURES}
    space = _made(name, given, outputs, {key: value for key, value in options.items() if key not in MEASURES})
    return limited(space, **wanted) if wanted else space


def limited(space: SearchSpace, **wanted: Any) -> SearchSpace:
    """The space of those of its specs that are within limits by name, on top of its own constraints."""
    given = [getattr(one, "function", one.text) for one in space.constraints]
    constraints = [*given, *limits(space.architecture, wanted)]
    if isinstance(space, CellSpace):
        beside = {name: p for name, p in space.parameters.items() if name in space.beside}
        return CellSpace(space.layouts, constraints, parameters=beside, name=space.name, build=space.architecture)
    return SearchSpace(space.parameters, constraints, name=space.name, build=space.architecture)


def _made(name: str, inputs: tuple[Input, ...], outputs: int, options: dict[str, Any]) -> SearchSpace:
    import inspect

    known = set(inspect.signature(READY[name]).parameters) - {"inputs", "outputs"}
    for key, value in options.items():
        if key not in known:
            raise SpaceError(f"{key}: {name} has no such option{did_you_mean(key, known | MEASURES.keys())}")
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise SpaceError(f"{key}: give a whole number of at least 1, not {value!r}")
    return READY[name](inputs, outputs, **options)


def _inputs(name: str, inputs: Any) -> tuple[Input, ...]:
    given = (inputs,) if isinstance(inputs, Input) else tuple(inputs)
    if given and not isinstance(given[0], Input):
        given = (Input("x", given),)
    if len(given) != (2 if name == "gnn" else 1):
        raise SpaceError(f"inputs: {name} takes {'nodes and adjacency' if name == 'gnn' else 'one input'}")
    ranks = RANKS.get(name, (3,))
    if len(given[0].shape) not in ranks:
        wanted = " or ".join(map(str, ranks))
        raise SpaceError(f"inputs: {name} takes a shape of {wanted} sizes, batch left out, not {given[0].shape}")
    if name in ("rnn", "tcn", "transformer") and (len(given[0].shape) == 1) != (given[0].classes is not None):
        raise SpaceError(f"inputs: {name} takes [steps, features], or ids [steps] with their number of classes")
    return given
