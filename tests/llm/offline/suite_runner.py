"""Runs suites on models: each in a fork of one process that has PyTorch and pytest loaded already."""

import gc
import json
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

Outcomes = dict[str, str]


def run_suites(cases: dict[str, tuple[str, str]], folder: Path) -> None:
    """Runs each case's (suite, source of model.py) in a folder of its own."""
    for name, (suite, source) in cases.items():
        (folder / name).mkdir()
        (folder / name / "suite.txt").write_text(suite)
        (folder / name / "model.py").write_text(source)
    alone = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    subprocess.run([sys.executable, __file__, str(folder)], check=True, stdout=subprocess.DEVNULL, env=alone)


def read_outcomes(folder: Path, cases: Iterable[str]) -> dict[str, Outcomes]:
    """Per case the outcome of each of its tests."""
    return {name: json.loads((folder / name / "outcomes.json").read_text()) for name in cases}


def failed(outcomes: Outcomes) -> set[str]:
    """The tests that failed or broke, without their parameters."""
    return {name.partition("[")[0] for name, outcome in outcomes.items() if outcome != "passed"}


def _run_all(folder: Path) -> None:
    import pytest  # noqa: F401
    import torch

    torch.set_num_threads(1)
    _warm()
    for case in sorted(folder.iterdir()):
        child = os.fork()
        if child == 0:
            _run_one(case)
            os._exit(0)
        os.waitpid(child, 0)


def _warm() -> None:
    """Loads what the first step of an optimiser and the first comparison load, once for all forks."""
    import torch

    weight = torch.nn.Parameter(torch.zeros(2))
    weight.grad = torch.ones(2)
    torch.optim.AdamW([weight]).step()
    torch.testing.assert_close(weight, weight)
    gc.freeze()


def _run_one(case: Path) -> None:
    from neuromosaic.core.workers.suite import run_suite

    sys.path.insert(0, str(case))
    outcome = run_suite((case / "suite.txt").read_text(), case)
    (case / "outcomes.json").write_text(json.dumps(outcome.outcomes))


if __name__ == "__main__":
    _run_all(Path(sys.argv[1]))
