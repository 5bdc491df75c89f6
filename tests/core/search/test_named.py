"""Our own evaluator by name: a space of networks and data, nothing else."""

import pytest

from neuromosaic.core.architecture.notation import parse_template
from neuromosaic.core.errors import SearchError, UsageError
from neuromosaic.core.evaluation.recipe import Recipe
from neuromosaic.core.space.space import SearchSpace
from neuromosaic.evaluation import BaseEvaluator, TrainingEvaluator
from neuromosaic.search import ArchitectureSearch

TEMPLATE = parse_template("input x[4]\nlinear({width: 4..8 step 4}) > relu > linear(3)")
SPACE = SearchSpace(TEMPLATE.parameters, build=TEMPLATE.fill)


def test_a_search_that_trains_needs_a_space_and_data() -> None:
    search = ArchitectureSearch(space=SPACE, evaluator="full_training", data="iris", strategy="grid", max_trials=2)
    trials = search.run()
    assert [trial.point["width"] for trial in trials] == [4, 8]
    assert [(aim.name, aim.direction) for aim in search.objectives.aims] == [("accuracy", "max")]
    assert search.best.metrics["accuracy"] > 0.5, "of three classes"
    assert search.best.metrics["parameters"] in {35, 67}


def test_it_is_an_evaluator_like_any_other() -> None:
    evaluator = TrainingEvaluator("iris", mode="full_training", recipe=Recipe(epochs=2))
    assert isinstance(evaluator, BaseEvaluator)
    assert evaluator.objective == {"accuracy": "max"}
    evaluator.close()


@pytest.mark.parametrize(
    ("wish", "fault", "words"),
    [
        ({"evaluator": "trainig", "data": "iris"}, SearchError, "did you mean 'training'"),
        ({"evaluator": "training"}, SearchError, "give data"),
        ({"evaluator": len, "data": "iris"}, SearchError, "go with evaluator='training'"),
        ({"evaluator": "training", "data": "iris", "task": "clasification"}, UsageError, "classification"),
        (
            {"evaluator": "training", "data": "iris", "evaluator_options": {"recipe": {"epoch": 2}}},
            SearchError,
            "did you mean 'epochs'",
        ),
        (
            {"evaluator": "training", "data": "iris", "evaluator_options": {"recipe": {"epochs": 0}}},
            SearchError,
            "recipe.epochs: Input should be greater than 0, not 0",
        ),
    ],
)
def test_what_does_not_fit_is_told_at_once(wish, fault, words) -> None:
    with pytest.raises(fault, match=words):
        ArchitectureSearch(space=SPACE, **wish)
