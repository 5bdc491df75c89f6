"""A strategy, pruner or executor of the user's own: what it gets wrong is said of it, and harms nothing else."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import pytest

from neuromosaic.core.errors import SearchError
from neuromosaic.search import SearchSpace
from tests.core.search.small_searches import search

Point = dict[str, Any]


class Own:
    """Suggests what it is given, trial by trial."""

    def __init__(self, *points: Any) -> None:
        self.points = points
        self.told: list[Point] = []

    def suggest(self, space: SearchSpace, trial_number: int) -> Point:
        return self.points[trial_number]  # type: ignore[no-any-return]

    def update(self, architecture: Point, metrics: Mapping[str, float]) -> None:
        self.told.append(architecture)


def test_points_of_numpys_numbers_are_taken_as_pythons() -> None:
    strategy = Own({"x": np.float64(0.5), "y": np.int64(3)})
    done = search(strategy=strategy, max_trials=1).run()
    assert done[0].point == {"x": 0.5, "y": 3}
    assert [type(one) for one in done[0].point.values()] == [float, int]


def test_a_strategy_that_writes_into_what_it_is_told_changes_no_trial() -> None:
    class Careless(Own):
        def update(self, architecture: Point, metrics: Mapping[str, float]) -> None:
            architecture["y"] = 9

    done = search(strategy=Careless({"x": 0.5, "y": 3}), max_trials=1).run()
    assert done[0].point == {"x": 0.5, "y": 3}


def test_a_strategy_that_raises_is_named_with_the_trial() -> None:
    with pytest.raises(SearchError, match=r"strategy Own failed to suggest trial 1: IndexError") as caught:
        search(strategy=Own({"x": 0.5, "y": 3})).run()
    assert isinstance(caught.value.__cause__, IndexError)


def test_a_strategy_that_cannot_take_a_result_is_named_with_the_trial() -> None:
    class Forgetful(Own):
        def update(self, architecture: Point, metrics: Mapping[str, float]) -> None:
            raise KeyError(architecture["y"])

    with pytest.raises(SearchError, match="strategy Forgetful failed to take what became of trial 0: KeyError: 3"):
        search(strategy=Forgetful({"x": 0.5, "y": 3})).run()


def test_a_pruner_that_raises_is_named_in_the_trials_cause() -> None:
    class Torn:
        def should_stop(self, trial_id: str, step: int, metrics: Mapping[str, float], history: Any) -> bool:
            raise ValueError("no idea")

    def evaluate(point: Point, report: Any) -> float:
        report(1, point["x"])
        return float(point["x"])

    done = search(evaluator=evaluate, pruner=Torn(), max_trials=2).run()
    assert [trial.state for trial in done] == ["failed", "failed"]
    assert "the pruner Torn failed on trial 1 at step 1: ValueError: no idea" in done[1].message


def test_an_executor_without_its_methods_is_refused() -> None:
    class Half:
        def execute_trials(self, trial_fn: Any, configs: Iterable[Any]) -> Iterator[Any]:
            return ((one, trial_fn(one)) for one in configs)

    with pytest.raises(SearchError, match="executor: Half has no method shutdown"):
        search(executor=Half()).run()


class Listing:
    """Gives all it has at the end, as `give` makes it of a config and its outcome."""

    def __init__(self, give: Any) -> None:
        self.give = give

    def execute_trials(self, trial_fn: Any, configs: Iterable[Any]) -> Any:
        return [self.give(one, trial_fn) for one in configs]

    def shutdown(self) -> None: ...


def test_an_executor_of_ones_own_is_enough() -> None:
    executor = Listing(lambda config, trial_fn: (config, trial_fn(config)))
    assert [trial.state for trial in search(executor=executor, max_trials=3).run()] == ["complete"] * 3


@pytest.mark.parametrize(
    ("give", "said"),
    [
        (lambda config, trial_fn: trial_fn(config), "Listing.execute_trials gave {'value': .* not a config"),
        (lambda config, trial_fn: config.nothing, "executor Listing failed to run the trials: AttributeError"),
    ],
)
def test_an_executor_that_breaks_its_contract_is_named(give: Any, said: str) -> None:
    with pytest.raises(SearchError, match=said):
        search(executor=Listing(give), cache=False).run()


def test_an_outcome_that_is_no_figure_is_a_failed_trial() -> None:
    done = search(executor=Listing(lambda config, trial_fn: (config, "fine")), max_trials=1, cache=False).run()
    assert (done[0].state, done[0].cause) == ("failed", "result")
