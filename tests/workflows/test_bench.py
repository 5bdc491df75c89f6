"""The workbench: what time has been spent, over all processes of a run."""

import subprocess
import sys
from pathlib import Path

import pytest

from neuromosaic.core.brief import Brief, Budget
from neuromosaic.core.store.store import Event, Store
from neuromosaic.workflows.bench import Workbench, working_time
from neuromosaic.workflows.options import Options
from neuromosaic.workflows.runs import create


def test_a_new_run_has_spent_next_to_nothing_of_its_time(tmp_path: Path) -> None:
    store = Store(tmp_path)
    brief = Brief(sentence="digits", budget=Budget(seconds=600))
    bench = Workbench(store, create(store, brief, Options()))
    bench.once_as("brief", Brief, lambda: brief)
    left = bench.seconds_left()
    assert left is not None
    assert 590 < left <= 600
    assert bench.seconds_left(0.5) == pytest.approx(300, abs=10)


def test_a_resumed_run_counts_what_earlier_processes_spent_but_not_the_pause() -> None:
    moments = [("run.created", 0), ("process.started", 5), ("trial", 30), ("process.started", 900), ("trial", 910)]
    events = [Event(number, time, kind, {}) for number, (kind, time) in enumerate(moments)]
    assert working_time(events) == 35
    assert working_time(events[:1]) == 0
    assert working_time([]) == 0


def test_what_is_begun_for_later_says_nothing_where_the_program_ends_meanwhile() -> None:
    program = """
import time
from concurrent.futures import ThreadPoolExecutor
from neuromosaic.core.judge.process import ProcessJudge
from neuromosaic.workflows.bench import in_background

ThreadPoolExecutor(1).submit(time.sleep, 0.5)  # the program waits for it at its end

def late():
    time.sleep(0.2)
    ProcessJudge(workers=2).warm_up()

in_background(late)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
