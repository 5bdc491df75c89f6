"""A contest gives every search the same number of distinct, admitted networks, whatever interrupts it."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from neuromosaic.core.errors import NotFoundError
from neuromosaic.core.search.contest import TRIES_PER_TRIAL, Contest, Contestant
from neuromosaic.core.search.families import Choice, Families
from neuromosaic.core.search.study import ArchitectureSearch
from neuromosaic.core.space.space import SearchSpace

SPACE = SearchSpace({"width": {"type": "int", "min": 1, "max": 64}, "depth": {"type": "int", "min": 1, "max": 8}})
FAMILIES = Families({"a": SPACE, "b": SPACE})
NAMES = ("search", "random_search")


@dataclass(frozen=True)
class Network:
    choice: Choice

    @property
    def id(self) -> str:
        return self.choice.key


def made(point: dict[str, Any]) -> Network:
    return Network(FAMILIES.choice(point))


def worth(network: Network) -> float:
    """Best at family a, width 40, depth 6."""
    family, values = network.choice
    return -abs(int(values["width"]) - 40) - 5 * abs(int(values["depth"]) - 6) - 20 * (family == "b")


class Evaluator:
    """Counts what it is asked for; dies before the outcome of evaluation `until` is known."""

    def __init__(self, until: int | None = None) -> None:
        self.batches: list[list[tuple[str, Network]]] = []
        self.until = until

    def __call__(self, batch: Sequence[tuple[str, Network]]) -> list[Mapping[str, float]]:
        self.batches.append(list(batch))
        if len(self.batches) == self.until:
            raise KeyboardInterrupt
        return [{"fitness": worth(network)} for _, network in batch]


def contest(
    store: Path | None = None, *, seed: int = 0, admit: Any = made, evaluate: Any = None, over: Any = lambda: False,
    strategy: str = "local_search", space: SearchSpace = FAMILIES, start: Sequence[Any] = (),
) -> Contest[Network]:  # fmt: skip
    """A search, which climbs from `start`, and a random one; those in the store are taken up."""
    searches = [
        ArchitectureSearch(space=space, strategy=strategy if name == "search" else "random", objectives="fitness",
                           seed=seed, max_trials=10_000, store=store, name=name,
                           start=start if name == "search" else ())
        for name in NAMES
    ]  # fmt: skip
    for search in searches:
        with suppress(NotFoundError):
            search.resume()
    entered = [Contestant(name, search, admit) for name, search in zip(NAMES, searches, strict=True)]
    return Contest(entered, evaluate or Evaluator(), over)


def played(run: Contest[Network]) -> list[Any]:
    return [one.trials for one in run.contestants]


def test_every_search_gets_the_same_number_of_distinct_networks() -> None:
    run = contest()
    run.run(17)
    for one in run.contestants:
        assert len(one.trials) == 17
        assert len({network.id for network, _ in one.trials}) == 17


def test_one_seed_gives_one_course_and_another_seed_another() -> None:
    first, again, other = contest(seed=3), contest(seed=3), contest(seed=4)
    for run in (first, again, other):
        run.run(20)
    assert played(first) == played(again)
    assert played(first) != played(other)


def test_a_contest_that_is_run_in_parts_goes_on_as_if_it_had_not_stopped() -> None:
    whole, parts = contest(), contest()
    whole.run(20)
    parts.run(7)
    parts.run(20)
    whole_again = contest()
    whole_again.run(7)
    whole_again.run(20)
    assert played(parts) == played(whole_again)
    assert [len(trials) for trials in played(parts)] == [20, 20]


@pytest.mark.parametrize("until", range(1, 8))
def test_killed_in_any_batch_it_repeats_that_batch_alone_and_ends_as_if_never_killed(
    tmp_path: Path, until: int
) -> None:
    whole = contest(admit=few)
    whole.run(13)
    dying = Evaluator(until)
    with pytest.raises(KeyboardInterrupt):
        contest(tmp_path, admit=few, evaluate=dying).run(13)
    again = Evaluator()
    resumed = contest(tmp_path, admit=few, evaluate=again)
    resumed.run(13)
    assert played(resumed) == played(whole)
    assert again.batches[0] == dying.batches[-1]
    assert sum(map(len, [*dying.batches[:-1], *again.batches])) == 26


def few(point: dict[str, Any]) -> Network | None:
    """Refuses the wide ones; depths beyond 4 make the same network."""
    network = made(point)
    values = network.choice.values
    shallow = Network(Choice(network.choice.family, {**values, "depth": min(4, int(values["depth"]))}))
    return shallow if int(values["width"]) < 40 else None


@pytest.mark.parametrize("told", range(4))
def test_killed_while_outcomes_are_told_it_goes_on_where_it_was(
    tmp_path: Path, told: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = contest(admit=few)
    whole.run(9)
    take, taken = Contestant.take, 0

    def dying(one: Contestant[Network], *outcome: Any) -> None:
        nonlocal taken
        if taken == 4 + told:
            raise KeyboardInterrupt
        taken += 1
        take(one, *outcome)

    monkeypatch.setattr(Contestant, "take", dying)
    with pytest.raises(KeyboardInterrupt):
        contest(tmp_path, admit=few).run(9)
    monkeypatch.setattr(Contestant, "take", take)
    resumed = contest(tmp_path, admit=few)
    resumed.run(9)
    assert played(resumed) == played(whole)


def test_refused_points_cost_no_trial_and_the_search_is_told() -> None:
    run = contest(admit=few)
    run.run(12)
    search = run.contestants[1].search
    assert len(run.contestants[1].trials) == 12
    assert {trial.cause for trial in search.trials if trial.state == "failed"} == {"constraint"}
    assert all(int(network.choice.values["width"]) < 40 for network, _ in run.contestants[1].trials)


def coarse(point: dict[str, Any]) -> Network:
    """All families and depths, and eight widths each, make one network."""
    return Network(Choice("a", {"width": int(made(point).choice.values["width"]) // 8, "depth": 1}))


def test_points_that_mean_one_network_are_evaluated_once_and_all_are_told_of_it() -> None:
    evaluate = Evaluator()
    run = contest(evaluate=evaluate, admit=coarse)
    run.run(7)
    for name, one in zip(NAMES, run.contestants, strict=True):
        asked = [network.id for batch in evaluate.batches for who, network in batch if who == name]
        assert len(asked) == len(set(asked)) == 7
        assert len([trial for trial in one.search.trials if trial.state == "complete"]) >= 7
        assert all(trial.has_ended for trial in one.search.trials)


def test_a_space_without_an_admissible_point_ends_the_contest(tmp_path: Path) -> None:
    for _ in range(2):
        run = contest(tmp_path, admit=lambda point: None)
        run.run(12)
        assert played(run) == [[], []]
        assert [len(one.search.trials) for one in run.contestants] == [TRIES_PER_TRIAL] * 2


@pytest.mark.parametrize("strategy", ["auto", "grid", "evolutionary"])
def test_a_space_smaller_than_the_budget_ends_it_with_each_network_once(strategy: str) -> None:
    small = Families({"a": SearchSpace({"wide": {"type": "bool"}})})
    run = contest(
        space=small, admit=lambda point: Network(small.choice(point)), strategy=strategy,
        evaluate=lambda batch: [{"fitness": 0.0} for _ in batch],
    )  # fmt: skip
    run.run(50)
    assert [len(one.trials) for one in run.contestants] == [2, 2]


def test_it_ends_when_it_is_over() -> None:
    asked = iter([False, False, True])
    run = contest(over=lambda: next(asked))
    run.run(100)
    assert [len(trials) for trials in played(run)] == [4, 4]


def test_what_was_cut_short_counts_here_and_is_done_again_by_whoever_goes_on(tmp_path: Path) -> None:
    asked = iter([False, True])
    cut = contest(tmp_path, evaluate=lambda batch: [None for _ in batch], over=lambda: next(asked))
    cut.run(10)
    assert [len(trials) for trials in played(cut)] == [2, 2]
    whole, resumed = contest(), contest(tmp_path)
    for run in (whole, resumed):
        run.run(10)
    assert played(resumed) == played(whole)


def test_what_came_to_nothing_is_a_trial_that_failed() -> None:
    run = contest(evaluate=lambda batch: [{} for _ in batch])
    run.run(3)
    search = run.contestants[0].search
    assert [(trial.state, trial.cause) for trial in search.trials] == [("failed", "result")] * 3


def test_a_search_that_begins_with_points_tries_them_first() -> None:
    choices = [Choice("b", {"width": 39, "depth": 5}), Choice("a", {"width": 2, "depth": 2})]
    start = [FAMILIES.point(choice) for choice in choices]
    run = contest(start=start)
    run.run(2)
    assert [network.choice for network, _ in run.contestants[0].trials] == choices
