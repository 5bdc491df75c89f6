"""What the command line says becomes a brief; a person at the terminal is asked, and may edit."""

import io
import sys
from pathlib import Path
from typing import Any

import pytest

from neuromosaic.core.brief import Brief
from neuromosaic.core.errors import BriefError, UsageError, WaitingForApproval
from neuromosaic.core.store.store import Store
from neuromosaic.interfaces import design
from neuromosaic.interfaces.design import Wanted, brief_of, options_of


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_options_come_before_what_the_file_says(tmp_path: Path) -> None:
    path = tmp_path / "brief.yaml"
    path.write_text("sentence: classify\ndata: wine\nseed: 3\nbudget: {trials: 9, cost_usd: 1}\n")
    brief = brief_of(Wanted(brief=str(path), data="iris", minutes=2, trials=4))
    assert (brief.sentence, brief.data, brief.seed) == ("classify", "iris", 3)
    assert (brief.budget.trials, brief.budget.seconds, brief.budget.cost_usd) == (4, 120, 1)


def test_models_are_fallbacks_or_seated_by_role(tmp_path: Path) -> None:
    options = options_of(Wanted(model=["Trainer=openai/a", "openai/b", "offline", "Trainer=offline"]), tmp_path)
    assert options.models == ("openai/b", "offline")
    assert options.role_models == {"Trainer": ("openai/a", "offline")}
    assert options_of(Wanted(), tmp_path).models == ("offline",)


def test_the_precision_is_as_named_or_left_to_the_run(tmp_path: Path) -> None:
    assert options_of(Wanted(), tmp_path).precision is None
    assert options_of(Wanted(precision="auto"), tmp_path).precision == "auto"
    with pytest.raises(UsageError, match="--precision: there is no 'int4'; use auto, float32, bf16, fp16"):
        options_of(Wanted(precision="int4"), tmp_path)


# ---------------------------------------------------------------- a waiting run


ASKED: dict[str, Any] = {"brief": Brief(data="iris").model_dump(mode="json"), "not_understood": ["quickly"],
                         "questions": ["How fast?"]}  # fmt: skip


@pytest.fixture
def waiting(tmp_path: Path) -> tuple[Store, str]:
    store = Store(tmp_path / "store")
    run = store.create_run({"data": "iris"}, {})
    store.add_event(run, "run.asks", **ASKED)
    store.set_status(run, "waiting")
    return store, run


def at_a_terminal(monkeypatch: pytest.MonkeyPatch, typed: str) -> Terminal:
    shown = Terminal()
    monkeypatch.setattr(sys, "stdin", Terminal(typed))
    monkeypatch.setattr(sys, "stderr", shown)
    return shown


@pytest.mark.parametrize(
    ("typed", "answer"),
    [("\n", {"approve": True}), ("yes\n", {"approve": True}), ("under 2 ms\n", {"answer": "under 2 ms"})],
)
def test_at_a_terminal_the_person_is_asked_at_once(
    typed: str, answer: dict[str, Any], waiting: tuple[Store, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    store, run = waiting
    shown = at_a_terminal(monkeypatch, typed)
    given: list[Any] = []
    monkeypatch.setattr(design, "_work", lambda store, run, reply, **_: given.append(reply) or 0)
    assert design._ask_or_wait(store, run, WaitingForApproval("waits"), as_json=False) == 0
    assert given == [answer]
    assert "Not understood: quickly" in shown.getvalue()
    assert "Question: How fast?" in shown.getvalue()


def test_not_now_or_no_terminal_leaves_the_run_waiting(
    waiting: tuple[Store, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    store, run = waiting
    with pytest.raises(WaitingForApproval):
        design._ask_or_wait(store, run, WaitingForApproval("waits"), as_json=True)
    at_a_terminal(monkeypatch, "n\n")
    with pytest.raises(WaitingForApproval):
        design._ask_or_wait(store, run, WaitingForApproval("waits"), as_json=False)


HINTING = """
import pathlib, sys
path = pathlib.Path(sys.argv[1])
path.write_text(path.read_text().replace("hints: ''", "hints: small"))
"""


def editor(tmp_path: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "editor.py"
    script.write_text(text)
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("EDITOR", f"{sys.executable} {script}")


def test_an_edited_brief_is_what_is_approved(
    tmp_path: Path, waiting: tuple[Store, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    store, run = waiting
    editor(tmp_path, HINTING, monkeypatch)
    given: list[Any] = []
    monkeypatch.setattr(design, "_work", lambda store, run, reply, **_: given.append(reply) or 0)
    at_a_terminal(monkeypatch, "e\n")
    assert design._ask_or_wait(store, run, WaitingForApproval("waits"), as_json=False) == 0
    assert given[0]["brief"]["hints"] == "small"
    assert given[0]["brief"]["data"] == "iris"


def test_an_editor_that_fails_or_is_missing_approves_nothing(
    tmp_path: Path, waiting: tuple[Store, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    store, run = waiting
    editor(tmp_path, "raise SystemExit(4)", monkeypatch)
    with pytest.raises(BriefError, match="ended with code 4"):
        design.approve(store.root, run, edit=True, as_json=False)
    monkeypatch.setenv("EDITOR", "no-such-editor-here")
    with pytest.raises(UsageError, match="cannot start the editor"):
        design.approve(store.root, run, edit=True, as_json=False)
