"""The engine gives every contestant the same number of distinct, admitted trials."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from neuromosaic.core.search.engine import Contest, Contestant
from neuromosaic.core.search.families import Choice, FamilyRange
from neuromosaic.core.search.strategies import Evolution, RandomSearch
from neuromosaic.core.space.space import SearchSpace

SPACE = SearchSpace({"width": {"type": "int", "min": 1, "max": 64}, "depth": {"type": "int", "min": 1, "max": 8}})
FAMILIES = {"a": FamilyRange(SPACE, {"width": 8, "depth": 2}), "b": FamilyRange(SPACE, {"width": 4, "depth": 1})}


@dataclass(frozen=True)
class Point:
    choice: Choice

    @property
    def id(self) -> str:
        return self.choice.key


def fitness(choice: Choice) -> float:
    """Best at family a, width 40, depth 6."""
    width, depth = int(choice.values["width"]), int(choice.values["depth"])
    return -abs(width - 40) - 5 * abs(depth - 6) - 20 * (choice.family == "b")


def evaluate(batch: Sequence[tuple[str, Point]]) -> list[Mapping[str, float]]:
    return [{"fitness": fitness(point.choice)} for _, point in batch]


def contest(seed: int = 0, admit=Point, batch: int = 2, **options) -> Contest[Point]:
    contestants = [Contestant("search", Evolution(seed)), Contestant("random_search", RandomSearch(seed))]
    return Contest(contestants, admit, options.pop("evaluate", evaluate), batch=batch, **options)


def best(contestant: Contestant[Point]) -> float:
    return max(metrics["fitness"] for _, metrics in contestant.trials)


def test_every_contestant_gets_the_same_number_of_distinct_trials() -> None:
    run = contest()
    run.run(FAMILIES, 17)
    for contestant in run.contestants:
        assert len(contestant.trials) == 17
        assert len({point.id for point, _ in contestant.trials}) == 17


def test_one_seed_gives_one_course_and_another_seed_another() -> None:
    first, again, other = contest(3), contest(3), contest(4)
    for run in (first, again, other):
        run.run(FAMILIES, 20)
    assert first.contestants[0].trials == again.contestants[0].trials
    assert first.contestants[0].trials != other.contestants[0].trials


def test_a_search_interrupted_between_two_calls_goes_on_as_if_it_had_not_been() -> None:
    whole, parts = contest(), contest()
    whole.run(FAMILIES, 20)
    parts.run(FAMILIES, 8)
    parts.run(FAMILIES, 20)
    assert whole.contestants[0].trials == parts.contestants[0].trials


def test_refused_points_cost_no_trial() -> None:
    run = contest(admit=lambda choice: Point(choice) if choice.values["width"] < 20 else None)
    run.run(FAMILIES, 12)
    widths = [point.choice.values["width"] for point, _ in run.contestants[1].trials]
    assert len(widths) == 12
    assert max(widths) < 20


def test_a_space_without_an_admissible_point_ends_the_search() -> None:
    run = contest(admit=lambda choice: None)
    run.run(FAMILIES, 12)
    assert [contestant.trials for contestant in run.contestants] == [[], []]


def test_a_space_smaller_than_the_budget_ends_the_search_with_each_point_once() -> None:
    space = SearchSpace({"wide": {"type": "bool"}})
    run = contest(evaluate=lambda batch: [{"fitness": 0.0} for _ in batch])
    run.run({"a": FamilyRange(space, {"wide": True})}, 50)
    assert [len(contestant.trials) for contestant in run.contestants] == [2, 2]


def test_the_search_ends_when_it_is_told_that_it_is_over() -> None:
    asked = iter([False, False, True])
    run = contest(over=lambda: next(asked))
    run.run(FAMILIES, 100)
    assert len(run.contestants[0].trials) == 4


def test_evolution_beats_random_search_on_a_smooth_function() -> None:
    won = 0
    for seed in range(20):
        run = contest(seed)
        run.run(FAMILIES, 60)
        won += best(run.contestants[0]) > best(run.contestants[1])
    assert won >= 14


def test_the_warm_up_draws_what_random_search_draws_so_that_they_are_paid_once() -> None:
    run = contest()
    run.run(FAMILIES, 6)
    search, baseline = ([point.choice for point, _ in c.trials] for c in run.contestants)
    assert search[:2] == [Choice("a", FAMILIES["a"].default), Choice("b", FAMILIES["b"].default)]
    assert search[2:6] == baseline[:4]
