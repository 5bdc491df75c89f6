"""A search that somebody else evaluates, that was stopped or killed, goes on where it was."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from neuromosaic.core.errors import NotFoundError, SearchError, SearchExhausted, StoreError
from neuromosaic.core.search.ledger import Ledger, Taken, new_owner
from neuromosaic.search import ArchitectureSearch, Failure, SearchSpace, Trial
from tests.core.search.small_searches import essence, search

# ------------------------------------------------------------ ask and tell


def test_trials_can_be_run_by_someone_else() -> None:
    found = search(evaluator=None, max_trials=3)
    asked = [found.ask() for _ in range(3)]
    with pytest.raises(SearchExhausted):
        found.ask()
    found.tell(asked[2], 3.0)
    found.tell(asked[0], {"value": 1.0})
    found.tell(asked[1].number, Failure("crash", "gone"))
    again = found.ask()
    assert again.number == 1, "an infrastructure failure is given out again"
    found.tell(again, ValueError("no"))
    assert [trial.state for trial in found.trials] == ["complete", "failed", "complete"]
    with pytest.raises(SearchError, match="not under way"):
        found.tell(again, 1.0)


def test_what_is_not_told_within_its_lease_is_given_out_again() -> None:
    found = search(evaluator=None, max_trials=1)
    lost = found.ask(lease=0.01)
    time.sleep(0.02)
    again = found.ask()
    assert (again.number, again.point, again.attempts) == (lost.number, lost.point, 2)
    found.tell(again, 1.0)
    assert found.best.number == 0


def test_a_search_by_ask_and_tell_is_taken_up_where_it_was(tmp_path: Path) -> None:
    first = search(evaluator=None, max_trials=5, store=tmp_path)
    for _ in range(2):
        first.tell(first.ask(), 1.0)
    lost = [first.ask(), first.ask()]
    again = search(evaluator=None, max_trials=5, store=tmp_path)
    assert [trial.state for trial in again.resume()] == ["complete", "complete", "waiting", "waiting"]
    assert [again.ask().point for _ in range(2)] == [trial.point for trial in lost]
    assert again.ask().number == 4
    with pytest.raises(NotFoundError):
        search(evaluator=None, name="other", store=tmp_path).resume()


def test_a_search_begins_with_the_points_it_is_given(tmp_path: Path) -> None:
    start = [{"x": 1.0, "y": 2}, {"x": 0.5, "y": 0}]
    found = search(start=start, max_trials=4, store=tmp_path)
    assert [trial.point for trial in found.run()[:2]] == start
    with pytest.raises(SearchError, match=r"start was .* and is None"):
        search(max_trials=4, store=tmp_path).resume()
    assert [trial.point for trial in search(start=start, max_trials=5, store=tmp_path).resume()[:2]] == start
    with pytest.raises(SearchError, match=r"start\[1\]: .* is not in the space"):
        search(start=[start[0], {"x": 1.0}])


# ------------------------------------------------------------ stopped, killed, resumed


def test_a_stopped_search_goes_on_as_if_it_had_not_been(tmp_path: Path) -> None:
    whole = search(strategy="regularized_evolution", max_trials=30).run()
    part = search(
        strategy="regularized_evolution", max_trials=30, store=tmp_path,
        callbacks=[lambda s, t: s.stop() if t.number == 12 else None],
    )  # fmt: skip
    assert len(part.run()) == 13
    assert essence(search(strategy="regularized_evolution", max_trials=30, store=tmp_path).resume()) == essence(whole)


KILLED = """
import os, signal, sys
sys.path.insert(0, {root!r})
from neuromosaic.search import ArchitectureSearch, SearchSpace
space = SearchSpace({{"x": {{"type": "float", "min": -5, "max": 5}}, "y": {{"type": "int", "min": 0, "max": 9}}}})
log = open("calls.log", "a")
def evaluate(point, report):
    for step in range(1, 6):
        value = -((point["x"] - 1) ** 2) - point["y"] / step
        if report(step, value):
            return value
        if {kill} == (KILL := globals().get("KILL", 0) + 1):
            os.kill(os.getpid(), signal.SIGKILL)
        globals()["KILL"] = KILL
    log.write(repr(sorted(point.items())) + "\\n"); log.flush()
    return value
search = ArchitectureSearch(space=space, evaluator=evaluate, strategy="regularized_evolution", pruner="median",
                            max_trials=20, store="store")
trials = search.{verb}()
import json
print(json.dumps([(t.number, t.point, t.state, t.metrics, t.curve) for t in trials]))
"""


def child(folder: Path, verb: str, kill: int = -1) -> subprocess.CompletedProcess[str]:
    folder.mkdir(exist_ok=True)
    code = KILLED.format(root=str(Path(__file__).parents[3]), verb=verb, kill=kill)
    return subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, timeout=60)


def test_a_killed_search_repeats_nothing_that_finished_and_ends_bit_for_bit_alike(tmp_path: Path) -> None:
    whole = child(tmp_path / "whole", "run")
    assert whole.returncode == 0, whole.stderr
    for kill in (37,):
        folder = tmp_path / str(kill)
        assert child(folder, "run", kill).returncode == -signal.SIGKILL
        resumed = child(folder, "resume")
        assert json.loads(resumed.stdout) == json.loads(whole.stdout), resumed.stderr
        calls = (folder / "calls.log").read_text().splitlines()
        assert len(calls) == len(set(calls))


@pytest.mark.soak
def test_a_search_that_always_dies_in_one_trial_gives_it_up(tmp_path: Path) -> None:
    code = """
import os
from neuromosaic.search import ArchitectureSearch, SearchSpace
def evaluate(point):
    if point["y"] == 2: os._exit(9)
    return point["y"]
search = ArchitectureSearch(space=SearchSpace({"y": {"type": "int", "min": 0, "max": 3}}), evaluator=evaluate,
                            strategy="grid", max_trials=4, store="store", max_retries=0)
try: trials = search.resume()
except Exception: trials = search.run()
print(sorted((t.point["y"], t.state, t.cause) for t in trials))
"""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    for _ in range(6):
        ended = subprocess.run(
            [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, env=environment
        )
        if ended.returncode == 0:
            break
        assert ended.returncode == 9, ended.stderr
    assert "(2, 'failed', 'crash')" in ended.stdout
    assert ended.stdout.count("complete") == 3


def test_a_changed_space_is_refused_saying_what_changed(tmp_path: Path) -> None:
    search(store=tmp_path).run()
    changed = SearchSpace({"x": {"type": "float", "min": -5, "max": 6}, "z": {"type": "bool"}}, ["x < 4"])
    with pytest.raises(SearchError) as refused:
        search(space=changed, seed=1, store=tmp_path).resume()
    for said in ("'x' of the space was max 5.0 and is max 6.0", "lost the parameter 'y'", "new parameter 'z'",
                 "new constraint 'x < 4'", "seed was 0 and is 1"):  # fmt: skip
        assert said in str(refused.value)


def test_resuming_what_never_began_says_so(tmp_path: Path) -> None:
    search(store=tmp_path, name="mine").run()
    with pytest.raises(NotFoundError, match="did you mean 'mine'"):
        search(store=tmp_path, name="mines").resume()
    with pytest.raises(NotFoundError, match=r"no search 'search' in memory"):
        search().resume()


def test_a_resumed_search_may_have_more_trials(tmp_path: Path) -> None:
    search(store=tmp_path, max_trials=5).run()
    assert essence(search(store=tmp_path, max_trials=12).resume()) == essence(search().run())


def test_a_store_from_a_newer_version_is_refused(tmp_path: Path) -> None:
    search(store=tmp_path, max_trials=1).run()
    with sqlite3.connect(tmp_path / "store.sqlite") as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(StoreError, match="newer Neuromosaic"):
        search(store=tmp_path)


def test_a_full_disk_ends_the_search_with_one_sentence_and_resume_goes_on(tmp_path: Path) -> None:
    full = search(store=tmp_path, max_trials=400)
    full._ledger._sql.execute("PRAGMA max_page_count = 40")
    with pytest.raises(StoreError, match="full"):
        full.run()
    done = len([trial for trial in full.trials if trial.state == "complete"])
    assert 0 < done < 400
    again = search(store=tmp_path, max_trials=400).resume()
    assert essence(again) == essence(search(max_trials=400).run())


def test_two_processes_do_not_work_on_one_search(tmp_path: Path) -> None:
    def other_resumes(running: ArchitectureSearch, trial: Trial) -> None:
        with pytest.raises(SearchError, match="another process is at work on the search 'search'"):
            search(store=tmp_path).resume()

    assert len(search(store=tmp_path, callbacks=[other_resumes]).run()) == 12


def test_what_another_process_is_evaluating_is_waited_for_and_taken_over_when_it_dies(tmp_path: Path) -> None:
    ledger, mine, living = Ledger(tmp_path), new_owner(), new_owner()
    dead = living.replace(f"/{os.getpid()}/", "/999999999/")
    for owner in (living, dead):
        ledger.renew(owner)
    assert ledger.claim("a", living) is None
    assert ledger.claim("b", dead) is None
    assert ledger.claim("a", mine) == Taken()
    assert ledger.claim("b", mine) is None
    ledger.keep("a", living, {"value": 1.0})
    assert ledger.claim("a", mine) == {"value": 1.0}
    elsewhere = "another-machine/1/ab"
    assert ledger.claim("c", elsewhere) is None
    assert ledger.claim("c", mine) is None, "no sign of life"
    ledger.retire(mine)
    assert ledger.claim("c", living) is None
