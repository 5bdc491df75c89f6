"""Every strategy by its name, with its options checked."""

import inspect
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, TypeAlias, get_type_hints

from pydantic import ConfigDict, ValidationError, create_model

from neuromosaic.core.errors import SearchError
from neuromosaic.core.protocols import SearchStrategy
from neuromosaic.core.search.objectives import Objectives
from neuromosaic.core.spelling import suggest

Factory: TypeAlias = Callable[..., SearchStrategy]

_HERE = "neuromosaic.core.search.strategies"
_FACTORIES: dict[str, str | Factory] = {
    "auto": f"{_HERE}.auto:AutoSearch",
    "bayesian": f"{_HERE}.bayesian:BayesianSearch",
    "cmaes": f"{_HERE}.optuna_samplers:CMAES",
    "differentiable": f"{_HERE}.differentiable:DifferentiableSearch",
    "evolutionary": f"{_HERE}.evolution:Evolution",
    "grid": f"{_HERE}.grid:GridSearch",
    "local_search": f"{_HERE}.local_search:LocalSearch",
    "nsga2": f"{_HERE}.optuna_samplers:NSGA2",
    "portfolio": f"{_HERE}.portfolio:Portfolio",
    "progressive": f"{_HERE}.progressive:Progressive",
    "random": f"{_HERE}.random_search:RandomSearch",
    "regularized_evolution": f"{_HERE}.evolution:RegularizedEvolution",
    "reinforcement_learning": f"{_HERE}.reinforcement:ReinforcementLearning",
    "tpe": f"{_HERE}.optuna_samplers:TPE",
}


def strategy_names() -> tuple[str, ...]:
    """The names that `make_strategy` knows, in alphabetical order.

    >>> "random" in strategy_names()
    True
    """
    return tuple(sorted(_FACTORIES))


def register_strategy(name: str, factory: Factory) -> None:
    """Makes `factory(seed, objectives, **options)` known by a name; a name that is taken is replaced.

    Its keyword-only parameters are the options, checked against their annotations. Raises SearchError for a name
    that is no identifier, as the command line could not take it.
    """
    if not name.isidentifier():
        raise SearchError(f"strategy {name!r}: a name is made of letters, digits and underscores")
    _FACTORIES[name] = factory


def make_strategy(
    name: str, seed: int, objectives: Objectives, options: Mapping[str, Any] | None = None
) -> SearchStrategy:
    """The strategy of that name. Raises SearchError for unknown names and options, and for values out of range.

    >>> strategy = make_strategy("regularized_evolution", 0, Objectives("accuracy"), {"population_size": 20})
    >>> make_strategy("radnom", 0, Objectives("accuracy"))
    Traceback (most recent call last):
    neuromosaic.core.errors.SearchError: strategy: 'radnom' is unknown (did you mean 'random'?)
    """
    factory = _factory(name)
    return factory(seed, objectives, **checked_options(name, factory, options or {}))


def options_of(name: str) -> Mapping[str, Any]:
    """The options of a strategy with their defaults. Raises SearchError for an unknown name."""
    return {option: parameter.default for option, parameter in _parameters(_factory(name)).items()}


def checked_options(
    name: str, factory: Callable[..., Any], options: Mapping[str, Any], what: str = "strategy"
) -> dict[str, Any]:
    """The options, each of its annotated type. Raises SearchError naming the one that is unknown or out of range."""
    parameters = _parameters(factory)
    for option in options:
        if option not in parameters:
            raise SearchError(f"{what} {name}: option {option!r} is unknown{suggest(str(option), parameters)}")
    hints = get_type_hints(factory.__init__ if inspect.isclass(factory) else factory, include_extras=True)
    fields: dict[str, Any] = {one: (hints.get(one, Any), parameter.default) for one, parameter in parameters.items()}
    model = create_model("Options", __config__=ConfigDict(strict=True, arbitrary_types_allowed=True), **fields)
    try:
        read = model(**options)
    except ValidationError as error:
        fault = error.errors()[0]
        path = ".".join(map(str, fault["loc"]))
        raise SearchError(f"{what} {name}: option {path}: {fault['msg']}, not {fault['input']!r}") from None
    return {option: getattr(read, option) for option in options}


def _factory(name: str) -> Factory:
    if name not in _FACTORIES:
        raise SearchError(f"strategy: {name!r} is unknown{suggest(str(name), _FACTORIES)}")
    found = _FACTORIES[name]
    if isinstance(found, str):
        module, _, attribute = found.partition(":")
        found = _FACTORIES[name] = getattr(import_module(module), attribute)
    return found


def _parameters(factory: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    every = inspect.signature(factory).parameters.values()
    return {one.name: one for one in every if one.kind is inspect.Parameter.KEYWORD_ONLY}
