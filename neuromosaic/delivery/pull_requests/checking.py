"""What runs before anything is committed: the repository's own tests, and the new ones.

The repository's tests run as their people run them, on this machine, but beside hollow stand-ins for the new files:
they show that paths, imports and names fit. The new tests run the proposed network, so they run behind the boundary.
"""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from neuromosaic.core.errors import RepositoryError
from neuromosaic.core.evaluation.data.preprocessing import Preprocessing
from neuromosaic.core.protocols import SuiteOutcome
from neuromosaic.core.validation.unchanged import suite_of
from neuromosaic.delivery.material import Material
from neuromosaic.delivery.pull_requests.git import environment
from neuromosaic.delivery.pull_requests.habits import Runner
from neuromosaic.delivery.pull_requests.placing import Place, original

SECONDS = 1800
SKIPPED = "none"
_LINES = 12
"""Lines of a failed test run that the error quotes."""

Suite = Callable[[str, str], SuiteOutcome]
"""Runs a test suite on the source of model.py, behind the boundary."""


class Checked(NamedTuple):
    """`repository`: what came of its own tests, in words; `suite`: outcome per new test."""

    repository: str
    suite: Mapping[str, str]


def check_suite(place: Place, files: Mapping[str, str], run: Suite) -> Mapping[str, str]:
    """The new tests on the new model, both as they will be committed. Raises RepositoryError where one fails."""
    source = files[str(place.model)]
    theirs = place.change.names.as_delivered(source) if place.change else source
    outcome = run(original(files[str(place.test)], place), theirs)
    if outcome.green:
        return outcome.outcomes
    bad = [name for name, state in outcome.outcomes.items() if state in {"failed", "error"}]
    reasons = "; ".join(f"{name}: {outcome.messages.get(name, 'failed')}" for name in bad[:3]) or "no test passed"
    raise RepositoryError(f"the delivered tests fail on the delivered model as they would be committed: {reasons}")


def check_same_network(place: Place, material: Material, changed: str, run: Suite) -> None:
    """The network in the user's changed file is the one that was certified: with its weights it computes the same.

    Raises RepositoryError where it is not.
    """
    assert place.change is not None  # the caller has looked
    contract = Preprocessing.model_validate_json(material.text("preprocessing.json")).contract
    suite = suite_of(material.text("model.py"), "Model", contract.input)
    outcome = run(suite, place.change.names.as_delivered(changed))
    if not outcome.green:
        why = "; ".join(outcome.messages.values()) or "it could not be tried"
        raise RepositoryError(
            f"{place.called} in {place.model} is not the network that was certified ({why}): what has changed in the "
            "file since the run changes what it computes. Design again from the file as it is"
        )


def check_repository(folder: Path, place: Place, runner: Runner, python: Path, command: str | None) -> str:
    """Runs the repository's tests in `folder`; what came of them, in words.

    `command`: what to run instead of what was found out; "none" runs nothing. Raises RepositoryError where they fail.
    """
    if command == SKIPPED:
        return "not run, as was asked for"
    stand_ins(folder, place, runner)  # what was proposed runs in the sandbox alone
    line = shlex.split(command) if command else _command(runner, python, place)
    shown = command or f"python {shlex.join(line[1:])}"
    entries = [str(folder / entry) for entry in dict.fromkeys((*place.path_entries, "src", "."))]
    said = _run(line, folder, os.pathsep.join(entries), shown)
    if runner == "pytest" and command is None and re.search(r"No module named '?pytest", said.stderr):
        return "not run: pytest is not installed for the repository (name a command with --check)"
    if said.returncode:
        raise RepositoryError(
            f"the repository's tests fail with the new files in place ({shown}): {_end(said)}; "
            "mend them, or name another command with --check ('none' runs none)"
        )
    return f"`{shown}` passed"


def stand_ins(folder: Path, place: Place, runner: Runner) -> None:
    """In place of the new Python files, hollow ones of ours: the same names, and nothing that was proposed."""
    before = place.change.before if place.change else '"""Stands in for the model."""\n'
    (folder / place.model).write_bytes(f'{before}\n\nclass {place.called}:\n    """Hollow."""\n'.encode())
    (folder / place.test).write_text(_STAND_IN[runner].format(module=place.module, called=place.called))


_STAND_IN = {
    "pytest": '''\
"""Stands in for the tests."""

from {module} import {called}


def test_the_model_is_where_its_tests_look_for_it():
    assert {called}.__doc__ == "Hollow."
''',
    "unittest": '''\
"""Stands in for the tests."""

import unittest

from {module} import {called}


class WhereItIs(unittest.TestCase):
    def test_the_model_is_where_its_tests_look_for_it(self):
        self.assertEqual({called}.__doc__, "Hollow.")
''',
}


def interpreter(top: Path) -> Path:
    """The Python of the repository's environment, else of the active one, else ours."""
    active = os.environ.get("VIRTUAL_ENV")
    places = [top / ".venv", top / "venv", *([Path(active)] if active else [])]
    found = (place / "bin" / "python" for place in places)
    return next((path for path in found if path.is_file()), Path(sys.executable))


def _command(runner: Runner, python: Path, place: Place) -> list[str]:
    if runner == "pytest":
        return [str(python), "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider"]
    folder = str(place.test.parent)
    return [str(python), "-m", "unittest", "discover", "-s", folder, "-t", ".", "-p", _pattern(place)]


def _pattern(place: Place) -> str:
    return "*_test.py" if place.test.name.endswith("_test.py") else "test*.py"


def _run(line: Sequence[str], folder: Path, path: str, shown: str) -> "subprocess.CompletedProcess[str]":
    before = os.environ.get("PYTHONPATH")
    extra = {"PYTHONPATH": os.pathsep.join([path, *([before] if before else [])]), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        return subprocess.run(
            line, cwd=folder, env=environment() | extra, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=SECONDS, check=False, errors="replace",
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise RepositoryError(f"the repository's tests ({shown}) took more than {SECONDS // 60} minutes") from None
    except OSError as error:
        raise RepositoryError(f"cannot run the repository's tests ({shown}): {error.strerror or error}") from None


def _end(said: "subprocess.CompletedProcess[str]") -> str:
    lines = [line.strip() for line in (said.stdout + "\n" + said.stderr).splitlines() if line.strip()]
    return " | ".join(lines[-_LINES:]) or f"exit code {said.returncode}"
