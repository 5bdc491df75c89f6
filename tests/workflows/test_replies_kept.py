"""No answer is paid for twice: a run repeated in the same store asks no model again."""

from pathlib import Path

import pytest

from neuromosaic.core.store.store import Store
from neuromosaic.testing import example_hardware
from neuromosaic.workflows import planning, runs
from neuromosaic.workflows.bench import Workbench
from neuromosaic.workflows.options import Options
from tests.chat_server import chat_server
from tests.faulty_model import impatience, play, thrift
from tests.frugal_model import Frugal
from tests.served_designer import serve_designer
from tests.small_runs import iris


def test_a_repeated_run_asks_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    measured = iter((40.0, 55.0))  # other work on the machine moves it from run to run
    machine = example_hardware()
    monkeypatch.setattr(planning, "profile", lambda device: machine.model_copy(update={"gflops": next(measured)}))
    with chat_server() as server, impatience(), thrift():
        server.answers = [serve_designer(monkeypatch, Frugal())]
        assert play(tmp_path, server, ("openai/t",)).came_to == "met"
        asked = len(server.bodies)
        assert asked > 5
        assert play(tmp_path, server, ("openai/t",)).came_to == "met"
        assert len(server.bodies) == asked
    store = Store(tmp_path / "store")
    calls = [[e.data for e in store.events(run.id) if e.kind == "model.called"] for run in store.runs()]
    assert sorted(all(call["cached"] for call in own) for own in calls) == [False, True]
    assert [len(own) for own in calls] == [asked, asked]


@pytest.mark.parametrize(("now", "told"), [(25.0, 40.0), (79.0, 40.0), (10.0, 10.0), (90.0, 90.0)])
def test_the_machine_is_told_as_before_while_it_is_about_as_fast(
    now: float, told: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(tmp_path / "store")
    earlier, later = (runs.create(store, iris(), Options()) for _ in range(2))
    store.once(earlier, "hardware", lambda: example_hardware().model_dump(mode="json"))
    store.once(later, "brief", lambda: iris().model_dump(mode="json"))
    seen = example_hardware().model_copy(update={"gflops": now})
    monkeypatch.setattr(planning, "profile", lambda device: seen)
    bench = Workbench(store, later)
    assert planning._machine(bench).gflops == told
    bench.close()
