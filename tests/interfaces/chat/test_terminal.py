"""At a terminal: a real prompt fed by a pipe."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from neuromosaic.core.store.store import Event, Store
from neuromosaic.interfaces.chat import terminal
from neuromosaic.interfaces.chat.session import Session
from neuromosaic.interfaces.chat.terminal import Progress, completions
from neuromosaic.workflows.options import Options

ENTER, ALT_ENTER, CTRL_C, CTRL_D, PASTE = "\r", "\x1b\r", "\x03", "\x04", "\x1b[200~{}\x1b[201~"


@contextmanager
def typing(keys: str) -> Iterator[None]:
    from prompt_toolkit.application import create_app_session
    from prompt_toolkit.input import create_pipe_input
    from prompt_toolkit.output import DummyOutput

    with create_pipe_input() as pipe:
        pipe.send_text(keys)
        with create_app_session(input=pipe, output=DummyOutput()):
            yield


def said(store: Store) -> list[str]:
    run = store.runs()[0].id
    return [e.data["text"] for e in store.events(run) if e.kind == "chat.said" and e.data["who"] == "person"]


def test_typed_lines_pastes_and_history_reach_the_run(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    keys = f"classify{ALT_ENTER}flowers{ENTER}{PASTE.format('/brief')}{ENTER}{ENTER}{CTRL_D}"
    with typing(keys):
        assert terminal.at_terminal(store, None, Options()) == 0
    assert said(store) == ["classify\nflowers", "/brief"]
    assert "classify" in (tmp_path / "store" / terminal.HISTORY).read_text()


def test_ctrl_c_clears_the_line_and_keeps_the_session(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    with typing(f"wrong{CTRL_C}classify flowers{ENTER}{CTRL_D}"):
        terminal.at_terminal(store, None, Options())
    assert said(store) == ["classify flowers"]


def test_ctrl_c_stops_the_work_and_keeps_the_session(tmp_path: Path) -> None:
    shown: list[str] = []
    session = Session(Store(tmp_path), Options(), shown.append, lambda event: None, patient=False)
    session.take("classify flowers, under 2000 parameters, 2 trials")
    session.take("iris")
    session.take("yes")
    assert session.busy
    session.take("yes")
    assert "at work already" in shown[-1]
    assert session.interrupt()
    session.close()
    assert not session.busy
    assert not session.interrupt()
    assert session.store.run(str(session.run)).status in {"stopped", "interrupted"}
    session.take("/status")
    assert "stopped" in shown[-1] or "interrupted" in shown[-1]


def test_a_script_s_ctrl_c_stops_the_work_and_goes_on() -> None:
    heard: list[str] = []

    def take(message: str) -> None:
        raise KeyboardInterrupt

    session = SimpleNamespace(take=take, interrupt=lambda: heard.append("stop"), close=lambda: heard.append("end"))
    terminal._patiently(session, "x")  # type: ignore[arg-type]
    assert heard == ["stop", "end"]


def test_commands_and_names_are_completed(tmp_path: Path) -> None:
    store = Store(tmp_path)
    session = Session(store, Options(), lambda text: None, lambda event: None, patient=True)
    assert [found.text for found in completions("/st", session)] == ["/status", "/stop"]
    assert list(completions("st", session)) == []
    session.take("classify flowers")
    store.add_event(str(session.run), "family.proposed", family="r0s0", name="ResNet")
    assert [found.text for found in completions("/why r", session)] == ["ResNet"]
    assert list(completions("/status r", session)) == []


def test_the_toolbar_shows_what_is_at_work(capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progress()
    assert progress.line(working=False) == "no run yet"
    progress.follow("r1")
    progress.take(Event(0, 0.0, "role.started", {"role": "Trainer", "purpose": "propose-recipes"}))
    assert progress.line(working=True).startswith("Trainer at work: propose recipes")
    assert "Trainer" in capsys.readouterr().out
    assert progress.line(working=False) == "run r1 | nothing at work"
