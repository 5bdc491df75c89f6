"""No attempt to break out or to cheat gets through; without walls, most do."""

import ast
from collections import Counter
from typing import Any

import pytest

from neuromosaic.core.protocols import Program
from neuromosaic.core.sandbox.process import ProcessSandbox
from tests.hostile import expected, playing
from tests.hostile.attempts import CATEGORIES, Attempt, attempts, sample
from tests.hostile.bench import SIGNATURE
from tests.hostile.playing import Result
from tests.hostile.settings import Setting, run, settings

ALL = attempts()
NAMES = [str(attempt) for attempt in sample(2)]


@pytest.fixture(scope="module")
def sandbox() -> Any:
    made = ProcessSandbox(workers=1, memory_mb=600)
    yield made
    made.close()


def names(results: list[dict[str, Any]], kind: str) -> set[str]:
    return {result["attempt"] for result in results if result[kind]}


# ---------------------------------------------------------------- the corpus


def test_there_are_enough_of_each_kind() -> None:
    found = Counter(attempt.category for attempt in ALL)
    assert len(ALL) >= expected.FEWEST_ATTEMPTS
    assert found["tampering"] >= expected.FEWEST_TAMPERINGS
    assert min(found[category] for category in CATEGORIES) >= 10


def test_each_says_in_one_sentence_what_it_tries_and_no_other_says_the_same() -> None:
    sentences = [attempt.sentence for attempt in ALL]
    assert all(sentence.endswith(".") and len(sentence) > 20 for sentence in sentences)
    assert len(set(sentences)) == len(ALL)


def test_none_has_a_name_that_pytest_would_import() -> None:
    assert not [attempt for attempt in ALL if attempt.name == "conftest" or attempt.name.startswith("test_")]
    assert not [attempt for attempt in ALL if attempt.name.endswith("_test")]


@pytest.mark.parametrize("attempt", ALL, ids=str)
def test_without_its_attack_it_is_another_module(attempt: Attempt) -> None:
    ast.parse(attempt.disarmed)
    assert attempt.disarmed != attempt.source
    assert "# attack" not in attempt.disarmed


@pytest.mark.parametrize(
    "attempt",
    [
        pytest.param(attempt, id=str(attempt), marks=() if number % 20 == 0 else pytest.mark.soak)
        for number, attempt in enumerate(ALL)
    ],
)
def test_without_its_attack_it_runs_and_is_exported(attempt: Attempt, sandbox: ProcessSandbox) -> None:
    exported = sandbox.export(Program(attempt.disarmed, {}, 0), SIGNATURE)
    in_python = attempt.name in ("lies_in_python", "figure_beyond_floats", "learning_beyond_numbers")
    assert (exported.graph is None) == in_python, exported.obstacle


# ---------------------------------------------------------------- played


@pytest.mark.parametrize(
    ("first", "plays"),
    [((), 1), (("filled the host's disk",), 2), (("filled the host's disk", "left a process"), 1)],
)
def test_only_what_other_work_may_have_done_is_looked_at_again(
    first: tuple[str, ...], plays: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = [Result("one", "files", first), Result("one", "files", ())]
    monkeypatch.setattr(playing, "_tried", lambda bench, attempt: results.pop(0))
    assert playing.try_attempt(None, ALL[0]).sprung == (first if plays == 1 else ())  # type: ignore[arg-type]
    assert len(results) == 2 - plays


def test_a_sample_of_each_category_does_not_get_through() -> None:
    results, summary = run(Setting("as it is", "as we are"), *NAMES)
    assert len(results) == len(NAMES)
    assert summary["level"] != "rlimits"
    assert (names(results, "sprung"), names(results, "believed")) == (set(), set())


@pytest.mark.soak
def test_most_of_the_sample_gets_through_where_there_are_no_walls() -> None:
    results, _ = run(Setting("none", "as we are"), *NAMES[::2])
    assert len(names(results, "sprung") | names(results, "believed")) >= expected.SHARE_OF_CONTROLS * len(results)


@pytest.mark.soak
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("setting", settings(), ids="-".join)
def test_the_whole_corpus(setting: Setting) -> None:
    results, summary = run(setting, timeout=1150)
    assert len(results) == len(ALL)
    print(summary)
    if setting.level == "none":
        got_through = names(results, "sprung") | names(results, "believed")
        assert len(got_through) >= expected.SHARE_OF_CONTROLS * len(results)
        return
    assert summary["level"] == setting.level, "this machine cannot show that level"
    assert {result["attempt"]: result["sprung"] for result in results if result["sprung"]} == {}
    assert names(results, "believed") == set()
    assert names(results, "warned") == expected.WARNED
    assert names(results, "claimed") == expected.CLAIMED
