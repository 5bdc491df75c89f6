"""Levels: what is asked for, what suffices, what is said of what is missing."""

from typing import get_args

import pytest

from neuromosaic.core.errors import WorkerError
from neuromosaic.core.workers import boundary, bubblewrap
from neuromosaic.core.workers.boundary import BARE, LEVELS, SPAWNED, Accepted, least, obstacle, require


@pytest.fixture(autouse=True)
def on_linux(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boundary, "can_fork", lambda: True)
    monkeypatch.setattr(bubblewrap, "why_not", lambda _: "bubblewrap is not installed: install it")


@pytest.mark.parametrize(
    ("accepted", "refused"),
    [
        ("none", []),
        ("auto", LEVELS[:2]),
        ("seccomp", LEVELS[:2]),
        ("landlock", LEVELS[:3]),
        ("bubblewrap", LEVELS[:4]),
    ],
)  # fmt: skip
def test_what_is_below_the_accepted_level_is_refused(accepted: Accepted, refused: list[str]) -> None:
    for level in LEVELS:
        if level not in refused:
            require(level, accepted)
            continue
        with pytest.raises(WorkerError, match=f"would be .{{0,2}}{level.replace('+', '.')}") as caught:
            require(level, accepted)
        assert caught.value.cause == "setup"
        assert least(accepted) in str(caught.value)


def test_a_refusal_says_what_is_missing_and_what_to_do() -> None:
    with pytest.raises(WorkerError, match="bubblewrap is not installed: install it; or accept less"):
        require("landlock+seccomp", "bubblewrap")
    with pytest.raises(WorkerError, match=r"Landlock: Linux 6\.2"):
        require("seccomp", "landlock")
    with pytest.raises(WorkerError, match="no seccomp filters"):
        require(BARE, "auto")


def test_where_nothing_can_be_forked_an_interpreter_a_job_is_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boundary, "can_fork", lambda: False)
    require(SPAWNED, "auto")
    with pytest.raises(WorkerError, match="no seccomp filters"):
        require(SPAWNED, "seccomp")


def test_every_level_has_a_next_one_but_the_last() -> None:
    assert [obstacle(level) is None for level in LEVELS] == [False, False, False, False, True]


def test_every_choice_names_a_level() -> None:
    assert {least(each) for each in get_args(Accepted)} == set(LEVELS) - {SPAWNED}
