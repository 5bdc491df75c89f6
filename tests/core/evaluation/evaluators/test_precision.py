"""An evaluator trains all architectures in one precision, which it measured once, before it went anywhere."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cloudpickle
import pytest

from neuromosaic.core.errors import SearchError, UsageError
from neuromosaic.core.evaluation.evaluators import precision
from neuromosaic.core.evaluation.evaluators.evaluator import TrainingEvaluator
from neuromosaic.core.evaluation.precision import Decided
from neuromosaic.core.evaluation.recipe import Recipe
from neuromosaic.core.judge.process import ProcessJudge
from neuromosaic.core.search.evaluator import identity_of
from neuromosaic.core.search.study import ArchitectureSearch
from neuromosaic.core.space.ready import ready_space
from neuromosaic.core.space.space import SearchSpace

RECIPE = Recipe(epochs=1, learning_rate=5e-3)


@pytest.fixture(scope="module")
def judge() -> Iterator[ProcessJudge]:
    made = ProcessJudge(workers=1)
    yield made
    made.close()


def space() -> SearchSpace:
    return ready_space("mlp", (1, 8, 8), 10, layers=1)


def evaluator(judge: ProcessJudge, **options: Any) -> TrainingEvaluator:
    return TrainingEvaluator("digits", mode="full_training", judge=judge, recipe=RECIPE, **options)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the clock is going to say, one answer after the other."""
    answers: list[str] = []

    def measured(*_: Any) -> Decided:
        chosen = answers.pop(0)
        return Decided.model_validate({"precision": chosen, "reason": f"{chosen}: measured", "gains": {}})

    monkeypatch.setattr(precision, "measured", measured)
    return answers


def test_a_named_precision_takes_the_place_of_the_recipe_s(judge: ProcessJudge) -> None:
    named = evaluator(judge, precision="bf16")
    assert (named.base_recipe.precision, named.why_precision) == ("bf16", "")
    assert named.evaluate(space().architecture(space().sample_many(1, seed=0)[0]))["accuracy"] > 0.2
    assert evaluator(judge).base_recipe == RECIPE


def test_what_was_measured_travels_and_is_not_measured_again(judge: ProcessJudge, clock: list[str]) -> None:
    clock[:] = ["bf16", "float32"]
    measured = evaluator(judge, precision="auto", space=space())
    assert (measured.base_recipe.precision, measured.why_precision) == ("bf16", "bf16: measured")
    measured._here.shared, measured._here.judge = False, None  # the judge stays behind
    travelled = cloudpickle.loads(cloudpickle.dumps(measured))
    assert travelled.base_recipe.precision == "bf16"
    named = evaluator(judge, precision="bf16", space=measured.space)
    assert identity_of(named.evaluate) == identity_of(measured.evaluate)  # they share the figures of a store
    assert clock == ["float32"]


@pytest.mark.parametrize(
    ("wanted", "told"), [("auto", "give space, or name a precision"), ("fp8", "use auto, float32")]
)
def test_what_cannot_be_settled_says_what_can(judge: ProcessJudge, wanted: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        evaluator(judge, precision=wanted)


def test_a_search_does_not_go_on_in_another_precision(tmp_path: Path, judge: ProcessJudge, clock: list[str]) -> None:
    clock[:] = ["bf16", "bf16", "float32"]

    def search(**more: Any) -> ArchitectureSearch:
        return ArchitectureSearch(
            space=space(), evaluator=evaluator(judge, space=space(), **more), strategy="random", max_trials=1,
            store=tmp_path,
        )  # fmt: skip

    assert search(precision="auto").run()[0].state == "complete"
    assert len(search(precision="auto").resume()) == 1
    with pytest.raises(SearchError, match="precision was 'bf16' and is 'float32'; change it back"):
        search(precision="auto").resume()
    assert len(search(precision="bf16").resume()) == 1
