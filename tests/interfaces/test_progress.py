"""A person at a terminal sees what is at work, the best so far, time and money."""

import io
import sys
from pathlib import Path

import pytest
from rich.console import Console

from neuromosaic.core.store.store import Event, Store
from neuromosaic.interfaces.progress import Board, watching

TRIAL = {
    "trial": "t1",
    "name": "mlp-1a2b3c",
    "contestant": "search",
    "fidelity": 0.3,
    "final": False,
    "cause": "finished",
}
FINISHED = {**TRIAL, "parameters": 812, "metric": "accuracy", "value": 0.9}


def event(kind: str, **data: object) -> Event:
    return Event(0, 0.0, kind, dict(data))


def shown(board: Board) -> str:
    console = Console(file=io.StringIO(), width=120, force_terminal=False)
    console.print(board.render())
    return console.file.getvalue()  # type: ignore[attr-defined]


def test_the_board_follows_a_run_from_role_to_certificate() -> None:
    board = Board("1121-0001")
    board.take(event("role.started", role="NetworkArchitect", purpose="propose-family"))
    assert "NetworkArchitect at work: propose family" in shown(board)
    board.take(event("gate.verdict", family="r0s0", gate="shape"))
    assert "r0s0 after gate shape" in shown(board)
    board.take(event("envelope", trials=3))
    board.take(event("trial.started", **TRIAL))
    board.take(event("trial.epoch", **TRIAL, epoch=2.0, of=9, loss=0.4, primary="accuracy", accuracy=0.8))
    assert "mlp-1a2b3c: epoch 2 of 9, loss 0.4, accuracy 0.8" in shown(board)
    board.take(event("trial.finished", **FINISHED))
    assert "trial 1 of 6" in shown(board)
    assert "best accuracy 0.9 (mlp-1a2b3c)" in shown(board)
    board.take(event("finalists.started", names=["mlp-1a2b3c"], fidelity=1.0))
    assert "training the finalists longer" in shown(board)
    board.take(event("certifying", name="mlp-1a2b3c"))
    assert "certifying mlp-1a2b3c" in shown(board)
    board.take(event("stop.requested"))
    assert "Ctrl-C again breaks off" in shown(board)


def test_the_best_is_the_searchs_own_and_in_the_metrics_direction() -> None:
    board = Board("run")
    for name, contestant, value in (("a", "search", 0.5), ("b", "search", 0.3), ("c", "random_search", 0.1),
                                    ("d", "search", None)):  # fmt: skip
        board.take(
            event(
                "trial.finished",
                **{**FINISHED, "metric": "rmse", "name": name, "contestant": contestant, "value": value},
            )
        )
    assert "best rmse 0.3 (b)" in shown(board)


def test_money_and_time_left_are_shown_where_there_is_a_limit() -> None:
    board = Board("run")
    assert "left" not in shown(board)
    board.take(event("budget", seconds=3600))
    board.take(event("model.called", cost_usd=0.25))
    board.take(event("model.called", cost_usd=None))
    said = shown(board)
    assert "left 60:00 min" in said or "left 1:00 h" in said
    assert "$0.25" in said


def test_without_a_terminal_events_are_plain_lines_on_stderr(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with watching(Store(tmp_path), "run") as observe:
        observe(event("note", text="hello"))
        observe(event("nothing.to.say"))
    captured = capsys.readouterr()
    assert captured.err == "  hello\n"
    assert captured.out == ""


def test_at_a_terminal_lines_scroll_above_the_board(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with watching(Store(tmp_path), "run") as observe:
        observe(event("note", text="hello [there]"))
        observe(event("role.started", role="Trainer", purpose="propose-recipes"))
    assert "hello [there]" in terminal.getvalue()
