"""Repositories of different habits: what is delivered passes their own checks, unchanged."""

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from neuromosaic.core.errors import RepositoryError
from neuromosaic.core.sandbox.process import ProcessSandbox
from neuromosaic.delivery.material import Material
from neuromosaic.delivery.pull_requests.branches import open_repository
from neuromosaic.delivery.pull_requests.checking import interpreter
from neuromosaic.delivery.pull_requests.formatting import same_program
from neuromosaic.delivery.pull_requests.proposing import Wanted, prepare
from tests.delivery.pull_requests.conftest import SRC, Repo, green

PYTHON = shlex.quote(sys.executable)
RUFF = f"{PYTHON} -m ruff"
PYTEST = "def test_a():\n    assert True\n"
TYPED = "[tool.ruff]\nline-length = 79\n[tool.ruff.lint]\nselect = ['E', 'F', 'I', 'W']\n"

REPOSITORIES = {
    "src layout, ruff, narrow lines": (
        SRC | {"pyproject.toml":
               f'[project]\nname = "acme"\n[tool.pytest.ini_options]\npythonpath = ["src"]\n{TYPED}'},
        [f"{RUFF} check --no-cache .", f"{RUFF} format --no-cache --check .", f"{PYTHON} -m pytest -q"],
    ),
    "flat layout, tests as a package, a lock file": (
        {"acme/__init__.py": "", "acme/models/__init__.py": "", "tests/__init__.py": "",
         "tests/models/__init__.py": "",
         "tests/models/test_a.py": "from acme import models\n\n\ndef test_a():\n    assert models\n",
         "uv.lock": "version = 1\n", "pyproject.toml": '[project]\nname = "acme"\n'},
        [f"{PYTHON} -m pytest -q"],
    ),
    "tests beside the code, a line limit, no formatter": (
        {"acme/__init__.py": "", "acme/a.py": "A = 1\n", "acme/a_test.py": f"from acme import a\n\n\n{PYTEST}",
         "setup.cfg": "[flake8]\nmax-line-length = 118\n[tool:pytest]\npython_files = *_test.py\n"},
        [f"{PYTHON} -m pytest -q", f"{RUFF} check --no-cache --isolated --line-length 118 --select E,W acme"],
    ),
    "unittest": (
        {"acme/__init__.py": "", "tests/__init__.py": "", "requirements.txt": "torch\n", "tests/test_a.py":
         "import unittest\n\n\nclass A(unittest.TestCase):\n    def test_a(self):\n        self.assertTrue(True)\n"},
        [f"{PYTHON} -m unittest discover"],
    ),
    "scripts without a package, ruff with single quotes": (
        {"train.py": "X = 1\n", "tests/test_train.py": PYTEST, "conftest.py": "",
         "ruff.toml": "line-length = 100\n[format]\nquote-style = 'single'\n"},
        [f"{PYTHON} -m pytest -q", f"{RUFF} format --no-cache --check ."],
    ),
}  # fmt: skip


@pytest.fixture(autouse=True)
def plain_pytest(monkeypatch: pytest.MonkeyPatch) -> None:
    """The repositories' pytest is without our plugins: quicker, and nobody's options are assumed."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p no:cacheprovider")
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")


@pytest.mark.parametrize("habit", REPOSITORIES)
def test_what_is_delivered_passes_the_repositorys_own_checks(habit: str, material: Material, tmp_path: Path) -> None:
    files, checks = REPOSITORIES[habit]
    repo = Repo(tmp_path / "repo", files)
    prepared = prepare(material, open_repository(repo.path), Wanted(), green)
    assert "passed" in prepared.told.checked.repository
    repo.git("switch", "--quiet", prepared.plan.branch.name)
    for check in checks:
        done = subprocess.run(shlex.split(check), cwd=repo.path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{check}: {done.stdout}{done.stderr}"
    assert repo.git("status", "--porcelain") == ""


def test_the_new_tests_run_behind_the_boundary_as_they_are_committed(repo: Repo, material: Material) -> None:
    sandbox = ProcessSandbox(workers=1)
    seen = []

    def run(suite: str, source: str) -> object:
        from neuromosaic.core.protocols import Program

        seen.append(suite)
        return sandbox.test(suite, Program(source, {}, 0))

    try:
        prepared = prepare(material, open_repository(repo.path), Wanted(check="none"), run)  # type: ignore[arg-type]
    finally:
        sandbox.close()
    assert set(prepared.told.checked.suite.values()) == {"passed"}
    assert "from model import Model" in seen[0]


def test_nothing_that_was_proposed_runs_on_this_machine(repo: Repo, material: Material, tmp_path: Path) -> None:
    """The repository's tests, our import of the model among them, run beside stand-ins."""
    spy = f"open({str(tmp_path / 'ran')!r}, 'w').write('x')\n"
    sly = {
        "model.py": spy.encode() + material.files["model.py"],
        "test_model.py": spy.encode() + material.files["test_model.py"],
    }
    prepare(Material(material.results, {**material.files, **sly}), open_repository(repo.path), Wanted(), green)
    assert not (tmp_path / "ran").exists()
    assert "ran" in repo.git("show", "neuromosaic/digits-1121-0312-ab12:src/acme/models/digits/model.py")


def test_the_repositorys_failing_tests_are_quoted(tmp_path: Path, material: Material) -> None:
    repo = Repo(tmp_path / "repo", {**SRC, "tests/test_acme.py": "def test_a():\n    assert 'ripe' == 'rotten'\n"})
    with pytest.raises(RepositoryError, match=r"'ripe' == 'rotten'"):
        prepare(material, open_repository(repo.path), Wanted(), green)


def test_a_missing_pytest_is_told_and_no_reason_to_stop(tmp_path: Path, repo: Repo, material: Material) -> None:
    python = repo.path / ".venv/bin/python"
    python.parent.mkdir(parents=True)
    python.write_text('#!/bin/sh\necho "$0: No module named pytest" >&2\nexit 1\n')
    python.chmod(0o755)
    assert interpreter(repo.path) == python
    prepared = prepare(material, open_repository(repo.path), Wanted(), green)
    assert "pytest is not installed" in prepared.told.checked.repository


def test_a_missing_formatter_is_told(tmp_path: Path, material: Material, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    repo = Repo(tmp_path / "repo", {**SRC, "pyproject.toml": "[tool.black]\n"})
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    prepared = prepare(material, open_repository(repo.path), Wanted(check="none"), green)
    assert any(note.startswith("black is not installed here") for note in prepared.told.notes)


def test_what_a_formatter_must_not_change() -> None:
    assert same_program("import b\nimport a\nx = 'y'\n", 'import a\nimport b\n\nx = "y"\n')
    assert not same_program("x = 1\n", "x = 2\n")
    assert not same_program("x = 1\n", "x = (\n")
