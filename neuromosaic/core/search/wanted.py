"""What a search was asked to do, read and checked."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from neuromosaic.core.errors import SearchError
from neuromosaic.core.execution.failure import Failure, WrongResult, failure_of
from neuromosaic.core.protocols import EarlyStopping, SearchStrategy
from neuromosaic.core.registration import Registration, registered
from neuromosaic.core.search.evaluator import Evaluation, as_metrics, function_of, identity_of, keywords_of
from neuromosaic.core.search.objectives import Objectives
from neuromosaic.core.search.pruners.catalogue import make_pruner, pruner_options
from neuromosaic.core.search.setup import space_document
from neuromosaic.core.search.strategies.catalogue import make_strategy, options_of
from neuromosaic.core.space.parameters import Point
from neuromosaic.core.space.space import SearchSpace
from neuromosaic.core.spelling import did_you_mean, suggest

RETRIES = 3


@dataclass(frozen=True)
class Wanted:
    """The arguments of a search, and what follows from them."""

    architecture_type: str | None
    space: SearchSpace | None
    evaluator: Any
    strategy: Any
    pruner: Any
    objectives: Any
    constraints: Mapping[str, str] | Sequence[str]
    seed: int
    options: Mapping[str, Any]
    max_retries: int | None
    cache: bool | None
    start: Sequence[Point] = ()

    def __post_init__(self) -> None:
        if (self.architecture_type is None) == (self.space is None):
            raise SearchError("give either architecture_type or space")
        if self.space is not None and not isinstance(self.space, SearchSpace):
            raise SearchError(f"space: give a SearchSpace, not {type(self.space).__name__}")
        for number, point in enumerate(self.start):
            if not self.searched.contains(point):
                raise SearchError(f"start[{number}]: {point} is not in the space")
        if self.pruner is not None and self.has_evaluator and not self.keywords & {"report", "fidelity"}:
            raise SearchError(
                "pruner: there is nothing to prune by: the evaluator takes neither `report` nor `fidelity`"
            )

    # ------------------------------------------------------------ what is searched

    @cached_property
    def registration(self) -> Registration | None:
        return None if self.architecture_type is None else registered(self.architecture_type)

    @cached_property
    def searched(self) -> SearchSpace:
        return self.registration.search_space if self.registration else self.space  # type: ignore[return-value]

    @property
    def build(self) -> Callable[[Point], Any]:
        """Makes the architecture of a point; it can travel."""
        if self.registration:
            return self.registration.architecture_class.from_dict  # type: ignore[attr-defined, no-any-return]
        return self.searched.architecture

    @cached_property
    def aims(self) -> Objectives:
        if isinstance(self.objectives, Objectives):
            return self.objectives
        own = getattr(self.evaluator, "objective", None)  # a training evaluator knows what its task is after
        return Objectives(own if self.objectives is None else self.objectives, self.constraints)

    # ------------------------------------------------------------ by whom it is scored

    @property
    def has_evaluator(self) -> bool:
        return self.evaluator is not None or (
            self.registration is not None and self.registration.evaluator_class is not None
        )

    @cached_property
    def function(self) -> Callable[..., Any]:
        if self.evaluator is None and self.registration is not None:
            return function_of(self.registration.evaluator_class)
        return function_of(self.evaluator)

    @property
    def scored_by(self) -> str:
        """Who gives the figures, for reports: those of a user's own evaluator nobody else has measured."""
        if not self.has_evaluator:
            return "whoever told them: not measured by Neuromosaic"
        subject = getattr(self.function, "__self__", self.function)
        kind = subject if hasattr(subject, "__qualname__") else type(subject)
        name = f"{kind.__module__}.{kind.__qualname__}"
        return name if name.startswith("neuromosaic.") else f"{name}: not measured by Neuromosaic"

    @cached_property
    def keywords(self) -> frozenset[str]:
        return keywords_of(self.function) if self.has_evaluator else frozenset()

    @cached_property
    def identity(self) -> str | None:
        """The evaluator's, under which its figures are kept; None where they are not."""
        cache = (
            self.registration.options.cache_evaluations if self.registration and self.cache is None else self.cache
        )
        if cache is False or not self.has_evaluator:
            return None
        return f"{self.architecture_type or ''}/{identity_of(self.function)}"

    @property
    def precision(self) -> str:
        """In which a training evaluator trains; it may have measured it, and would again."""
        recipe = getattr(self.evaluator, "recipe", None)
        return str(getattr(recipe, "precision", "float32"))

    @property
    def canonical(self) -> bool:
        return (
            bool(getattr(getattr(self.function, "__self__", None), "canonical", True)) if self.has_evaluator else True
        )

    @property
    def retries(self) -> int:
        if self.max_retries is not None:
            return self.max_retries
        return self.registration.options.max_retries if self.registration else RETRIES

    @property
    def travels(self) -> bool:
        """Whether the evaluator may work elsewhere than in this process."""
        return self.registration is None or self.registration.options.parallel_evaluation

    @property
    def figure(self) -> str:
        """The name of a bare number."""
        return self.aims.aims[0].name if len(self.aims.aims) == 1 else "value"

    def evaluation(self) -> Evaluation:
        return Evaluation(self.function, self.build, self.keywords, self.figure)

    def outcome(self, told: Any) -> Mapping[str, float] | Failure:
        """What `tell` was given, as an executor would give it."""
        if isinstance(told, Failure):
            return told
        if isinstance(told, BaseException):
            return failure_of(told)
        try:
            return as_metrics(told, self.figure)
        except WrongResult as error:
            return failure_of(error)

    # ------------------------------------------------------------ by which rules

    def make_strategy(self) -> SearchStrategy:
        self._check_options()
        made: SearchStrategy
        if isinstance(self.strategy, str):
            made = make_strategy(self.strategy, self.seed, self.aims, self._strategy_options())
        else:
            made = self._made(self.strategy, "strategy", ("suggest", "update"))
        prepare = getattr(made, "prepare", None)
        if prepare is not None:
            prepare(self.searched, getattr(self.function, "__self__", self.function) if self.has_evaluator else None)
        return made

    def make_pruner(self) -> EarlyStopping | None:
        if self.pruner is None:
            return None
        if isinstance(self.pruner, str):
            return make_pruner(self.pruner, self.aims, self._pruner_options())
        return self._made(self.pruner, "pruner", ("should_stop",))  # type: ignore[no-any-return]

    def _made(self, given: Any, what: str, methods: tuple[str, ...]) -> Any:
        made = given() if inspect.isclass(given) else given
        for method in methods:
            if not callable(getattr(made, method, None)):
                raise SearchError(f"{what}: {type(made).__name__} has no method {method}")
        return made

    def _check_options(self) -> None:
        """Raises SearchError for an option that neither the strategy nor the pruner has."""
        own = {"strategy": options_of, "pruner": pruner_options}
        named = {what: name for what in own if isinstance(name := getattr(self, what), str)}
        known = [option for what, name in named.items() for option in own[what](name)]
        for option in self.options:
            if option not in known:
                whose = ", ".join(f"{what} {name}" for what, name in named.items()) or "search"
                raise SearchError(f"{whose}: option {option!r} is unknown{_meant(option, known)}")

    def _pruner_options(self) -> dict[str, Any]:
        known = pruner_options(self.pruner) if isinstance(self.pruner, str) else ()
        return {name: value for name, value in self.options.items() if name in known}

    def _strategy_options(self) -> dict[str, Any]:
        ours = self._pruner_options()
        return {name: value for name, value in self.options.items() if name not in ours}

    def document(self) -> dict[str, Any]:
        """What a resumed search must have in common with the one that began, as JSON data."""
        return {
            "space": space_document(self.searched),
            "strategy": _named(self.strategy), "pruner": _named(self.pruner),
            "options": {name: repr(value) for name, value in sorted(self.options.items())},
            "objectives": None if self.objectives is None else self.aims.to_dict()["objectives"],
            "constraints": self.aims.to_dict()["constraints"], "seed": self.seed,
            **({"start": list(map(dict, self.start))} if self.start else {}),
            **({} if self.precision == "float32" else {"precision": self.precision}),
        }  # fmt: skip


def _meant(option: str, known: Sequence[str]) -> str:
    """What an unknown option was to be: one of these, or an argument of the search itself."""
    from neuromosaic.core.search.study import ArchitectureSearch

    arguments = [name for name in inspect.signature(ArchitectureSearch).parameters if name != "options"]
    return did_you_mean(option, [*known, *arguments]) or suggest(option, known)


def _named(part: Any) -> str | None:
    if part is None or isinstance(part, str):
        return part
    return part.__qualname__ if inspect.isclass(part) else type(part).__qualname__
