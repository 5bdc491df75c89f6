"""Every pruner by its name, with its options checked."""

import inspect
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from neuromosaic.core.errors import SearchError
from neuromosaic.core.protocols import EarlyStopping
from neuromosaic.core.search.objectives import Objectives
from neuromosaic.core.search.strategies.catalogue import checked_options
from neuromosaic.core.spelling import suggest

Factory = Callable[..., EarlyStopping]
_HERE = "neuromosaic.core.search.pruners"
_FACTORIES: dict[str, str | Factory] = {
    "asha": f"{_HERE}.halving:AshaPruner",
    "hyperband": f"{_HERE}.halving:HyperbandPruner",
    "learning_curve": f"{_HERE}.curve:LearningCurvePruner",
    "median": f"{_HERE}.median:MedianPruner",
    "multi_objective": f"{_HERE}.several:MultiObjectivePruner",
    "patience": f"{_HERE}.simple:PatiencePruner",
    "successive_halving": f"{_HERE}.halving:SuccessiveHalvingPruner",
    "threshold": f"{_HERE}.simple:ThresholdPruner",
}


def pruner_names() -> tuple[str, ...]:
    """The names that `make_pruner` knows, in alphabetical order.

    >>> pruner_names()[:2]
    ('asha', 'hyperband')
    """
    return tuple(sorted(_FACTORIES))


def register_pruner(name: str, factory: Factory) -> None:
    """Makes `factory(objectives, **options)` known by a name."""
    _FACTORIES[name] = factory


def make_pruner(name: str, objectives: Objectives, options: Mapping[str, Any] | None = None) -> EarlyStopping:
    """The pruner of that name. Raises SearchError for unknown names and options, and for values out of range."""
    factory = _factory(name)
    return factory(objectives, **checked_options(name, factory, options or {}, "pruner"))


def pruner_options(name: str) -> tuple[str, ...]:
    """The names of a pruner's options. Raises SearchError for an unknown name."""
    every = inspect.signature(_factory(name)).parameters.values()
    return tuple(one.name for one in every if one.kind is inspect.Parameter.KEYWORD_ONLY)


def _factory(name: str) -> Factory:
    if name not in _FACTORIES:
        raise SearchError(f"pruner: {name!r} is unknown{suggest(str(name), _FACTORIES)}")
    found = _FACTORIES[name]
    if isinstance(found, str):
        module, _, attribute = found.partition(":")
        found = _FACTORIES[name] = getattr(import_module(module), attribute)
    return found
