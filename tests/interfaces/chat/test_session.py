"""A conversation: the brief is stated, questions are answered from evidence, changes fork the run, all is kept."""

import io
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from neuromosaic.core.proposals import Adviser
from neuromosaic.core.store.store import Store
from neuromosaic.delivery.text import entries
from neuromosaic.interfaces.chat import terminal
from neuromosaic.interfaces.chat.answers import why
from neuromosaic.interfaces.chat.session import Session, said_before
from neuromosaic.workflows import forking
from neuromosaic.workflows.options import Options
from tests.small_runs import Finished

Talk = Callable[..., Session]


class Shown(list[str]):
    @property
    def last(self) -> str:
        return self[-1]


@pytest.fixture
def shown() -> Shown:
    return Shown()


@pytest.fixture
def talk(tmp_path: Path, shown: Shown) -> Talk:
    def begin(store: Store | None = None, run: str | None = None, agents: str | None = None) -> Session:
        known = store or Store(tmp_path / "store")
        return Session(known, Options(agents=agents), shown.append, lambda event: None, run=run, patient=True)

    return begin


@pytest.fixture
def about(finished: Finished, tmp_path: Path, talk: Talk) -> tuple[Session, Finished]:
    """A conversation about a finished run, in a copy of its store."""
    shutil.copytree(finished.root / "store", tmp_path / "copy")
    store = Store(tmp_path / "copy")
    return talk(store, finished.results.run), finished


# ---------------------------------------------------------------- the brief


def test_the_brief_is_stated_and_only_the_data_is_asked_for(talk: Talk, shown: Shown) -> None:
    session = talk()
    session.take("classify flowers, under 2000 parameters, in purple")
    assert "parameters: 2000" in shown.last
    assert "purple" in shown.last
    assert "Which data" in shown.last
    session.take("iris")
    assert "data: iris" in shown.last
    assert "Shall I begin?" in shown.last
    assert session.run is not None
    assert session.store.run(session.run).status == "draft"


def test_nothing_begins_without_data(talk: Talk, shown: Shown) -> None:
    session = talk()
    session.take("classify flowers")
    session.take("yes")
    assert "Which data" in shown.last
    assert not session.busy


def test_before_anything_is_wanted_there_is_nothing_to_ask_about(talk: Talk, shown: Shown) -> None:
    session = talk()
    session.greet()
    for text in ("what is the best so far?", "stop", "/why"):
        session.take(text)
    assert "There is no run yet" in shown[1]
    assert "There is no run yet" in shown[2]
    assert "/why NAME" in shown.last
    session.take("use openai/x for tests")
    session.take("classify iris")
    assert session.run is not None
    assert forking.options_of(session.store, session.run).role_models == {"TestArchitect": ("openai/x",)}


def test_a_role_of_one_s_own_is_given_a_model_in_words(talk: Talk, shown: Shown, tmp_path: Path) -> None:
    (tmp_path / "agents").mkdir()
    (tmp_path / "agents" / "expert.md").write_text("---\nname: Expert\ndescription: knows\n---\nYou know.\n")
    session = talk(agents=str(tmp_path / "agents"))
    session.take("use model X for tests")
    assert "'X' names no model" in shown.last
    assert 'such as "openai/X"' in shown.last
    session.take("use openai/x for Barber")
    assert "there is no role 'Barber': there are TestArchitect" in shown.last
    session.take("use openai/x for Expert")
    assert shown.last == "openai/x it is, for Expert."
    session.take("classify iris")
    session.take("/model Expert=openai/y")
    assert session.run is not None
    assert forking.options_of(session.store, session.run).role_models == {"Expert": ("openai/y",)}
    session.take("/model Barber=openai/y")
    assert "there is no role 'Barber'" in shown.last


def test_a_changed_draft_can_be_undone(talk: Talk, shown: Shown) -> None:
    session = talk()
    session.take("classify flowers, 4 trials")
    first = session.run
    session.take("spend 2 minutes")
    assert "seconds: 120" in shown.last
    assert "trials" not in shown.last.split("budget:")[1]
    session.take("/undo")
    assert session.run == first
    session.take("undo")
    assert "nothing to undo" in shown.last


def test_everything_said_is_in_the_run_and_comes_back(talk: Talk, shown: Shown, tmp_path: Path) -> None:
    session = talk()
    session.take("classify flowers")
    session.take("iris")
    before = said_before(session.store, str(session.run))
    assert [who for who, _ in before] == ["person", "chat", "person", "chat", "chat"]
    shown.clear()
    talk(session.store, session.run).greet()
    assert "> classify flowers" in shown
    assert "> iris" in shown


# ---------------------------------------------------------------- questions


def test_the_best_is_told_with_its_evidence(about: tuple[Session, Finished], shown: Shown) -> None:
    session, finished = about
    session.take("what is the best so far?")
    winner = finished.results.winner
    assert winner is not None
    assert winner.name in shown.last
    assert winner.evidence[f"metrics.test_{finished.results.metric}"] in shown.last


def test_questions_are_answered_from_the_store(about: tuple[Session, Finished], shown: Shown) -> None:
    session, _ = about
    wanted = {
        "/status": "Trials of the search: 3 of 3", "/pareto": "1. ", "/tests": "they caught",
        "/budget": "Models: 0 calls",
        "/model": "All roles: offline", "/brief": "data: iris", "/diff": "the first of this conversation",
        "/help": "/approve", "/fly": "no command /fly", "/approve": "has ended", "/stop": "is not at work",
        "make the sky blue": "I do not understand",
    }  # fmt: skip
    for text, told in wanted.items():
        session.take(text)
        assert told in shown.last, text


def test_why_names_the_fate_of_a_family_and_of_a_candidate(about: tuple[Session, Finished]) -> None:
    session, finished = about
    names = {e.data["family"]: e.data["name"] for e in finished.events if e.kind == "family.proposed"}
    for seat, name in names.items():
        assert f"{name} ({seat})" in why(session.store, finished.results.run, name.lower())
        assert name in why(session.store, finished.results.run, seat)
    listed = entries(finished.results)
    assert "the best of the certified" in why(session.store, finished.results.run, "candidate 1")
    assert listed[0].candidate.name in why(session.store, finished.results.run, listed[0].candidate.name)
    assert "Nothing named 'zebra'" in why(session.store, finished.results.run, "zebra")


def test_why_quotes_the_findings_that_rejected_a_family(about: tuple[Session, Finished]) -> None:
    session, finished = about
    run = finished.results.run
    store = session.store
    store.add_event(run, "family.proposed", family="r9s0", name="ResNet", designed_by="openai/x")
    finding = {"message": "4,096 parameters, limit 2,000", "severity": "error"}
    store.add_event(
        run, "gate.verdict", family="r9s0", gate="shape", passed=False, findings=[finding], evidence="e-1"
    )
    store.add_event(run, "family.rejected", family="r9s0", reason="4,096 parameters, limit 2,000")
    store.add_event(run, "certificate.refused", name="odd-net", reason="it answers differently")
    assert why(store, run, "resnet") == (
        "ResNet (r9s0) was rejected after 1 failed gates: 4,096 parameters, limit 2,000 (evidence e-1)."
    )
    assert why(store, run, "odd-net") == "odd-net was not certified: it answers differently."


# ---------------------------------------------------------------- changes


def test_half_as_big_is_half_of_what_was_measured(about: tuple[Session, Finished], tmp_path: Path) -> None:
    from neuromosaic.interfaces.chat.changes import forked
    from neuromosaic.interfaces.chat.wishes import Resize

    session, finished = about
    winner = finished.results.winner
    assert winner is not None
    changed = forked(session.store, finished.results.run, Resize(0.5), begun=True)
    assert changed.brief.constraints.parameters == winner.parameters // 2
    slower = forked(session.store, finished.results.run, Resize(0.5, "latency_ms"), begun=True)
    assert slower.brief.constraints.latency_ms == winner.latency_ms.p50 / 2


def test_a_model_for_the_tests_keeps_what_was_decided_before_them(about: tuple[Session, Finished]) -> None:
    session, finished = about
    store, run = session.store, finished.results.run
    new = forking.fork(store, run, forking.with_model(store, run, "TestArchitect", ("openai/x",), "tests"))
    assert store.step(new, "metrics") == store.step(run, "metrics")
    assert store.step(new, "suite/0") is None
    assert forking.options_of(store, new).role_models == {"TestArchitect": ("openai/x",)}
    assert forking.parent(store, new) == run


def test_another_adviser_s_model_lets_the_advised_decide_anew(
    about: tuple[Session, Finished], tmp_path: Path
) -> None:
    session, finished = about
    store, run = session.store, finished.results.run
    (tmp_path / "expert.md").write_text("---\nname: Expert\ndescription: knows\nadvises: Trainer\n---\nYou know.\n")
    options = forking.options_of(store, run).model_copy(update={"agents": str(tmp_path)})
    store.set_options(run, options.model_dump(mode="json"))
    wanted = forking.with_model(store, run, Adviser("Expert"), ("openai/x",), "Expert")
    assert "proposal" in wanted.kept
    assert "recipes" not in wanted.kept


def test_going_on_from_a_candidate_starts_with_its_values(about: tuple[Session, Finished], shown: Shown) -> None:
    session, finished = about
    store, run = session.store, finished.results.run
    wanted = forking.from_candidate(store, run, "1", "on")
    winner = finished.results.winner
    assert winner is not None
    source = wanted.steps["proposal/r0s0/0"]["proposal"]["source"]
    for name, value in winner.values.items():
        assert f"{name}: " in source
        assert f"= {value!r}".replace("'", '"') in source.replace("'", '"')
    session.take("go on from candidate 9")
    assert "is no candidate of run" in shown.last


@pytest.mark.timeout(400)
def test_more_trials_repeat_no_training(
    about: tuple[Session, Finished], shown: Shown, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    session, finished = about
    old = finished.results.run
    session.take("2 more trials")
    assert any("has ended" in text for text in shown), shown
    assert session.run is not None
    assert forking.parent(session.store, session.run) == old
    events = session.store.events(session.run)
    told = [e.data for e in events if e.kind == "trial.finished" and e.data["contestant"] == "search"]
    begun = {e.data["trial"] for e in events if e.kind == "trial.started"}
    assert len([trial for trial in told if not trial["final"]]) == 5
    known = {e.data["trial"] for e in finished.events if e.kind == "trial.finished"}
    assert not begun & known
    session.take("/diff")
    assert "now: " in shown.last
    session.take(f"/export {tmp_path / 'net'}")
    assert (tmp_path / "net" / "model.py").is_file()
    session.take(f"/export {tmp_path / 'net'}")
    assert "is there already" in shown.last


# ---------------------------------------------------------------- a script


def test_a_script_may_use_several_lines_and_comments() -> None:
    lines = ["# a script\n", "one \\\n", "two\n", "\n", "three"]
    assert list(terminal.messages(lines)) == ["one\ntwo", "three"]


def test_a_script_is_answered_line_by_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script = io.StringIO("classify flowers, under 2000 parameters\n/brief\n/quit\n/status\n")
    assert terminal.from_script(Store(tmp_path / "store"), None, Options(), script) == 0
    shown = capsys.readouterr().out
    assert shown.count("parameters: 2000") == 2
    assert "> /brief" in shown
    assert "/status" not in shown
