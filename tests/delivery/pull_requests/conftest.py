"""Small repositories as people keep them, and one delivered folder."""

import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from neuromosaic.core.protocols import SuiteOutcome
from neuromosaic.delivery.contents import Delivery
from neuromosaic.delivery.folder import deliver
from neuromosaic.delivery.material import Material, read_material
from neuromosaic.delivery.pull_requests.branches import open_repository
from neuromosaic.delivery.pull_requests.proposing import Prepared, Wanted, prepare

SRC = {
    "pyproject.toml": '[project]\nname = "acme"\n',
    "src/acme/__init__.py": "",
    "src/acme/models/__init__.py": "",
    "tests/test_acme.py": "import acme\n\n\ndef test_it_imports():\n    assert acme\n",
}


class Repo:
    """A repository on disk. `git("status")` gives what git prints."""

    def __init__(self, path: Path, files: Mapping[str, str], *, message: str = "Start here") -> None:
        self.path = path
        path.mkdir(parents=True)
        self.git("init", "--quiet", "--initial-branch=main")
        self.commit(files, message)

    def git(self, *arguments: str, cwd: Path | None = None) -> str:
        done = subprocess.run(
            ["git", *arguments],
            cwd=cwd or self.path,
            check=True,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
        )
        return done.stdout.strip()

    def write(self, files: Mapping[str, str]) -> None:
        for name, text in files.items():
            (self.path / name).parent.mkdir(parents=True, exist_ok=True)
            (self.path / name).write_text(text)

    def commit(self, files: Mapping[str, str], message: str) -> None:
        self.write(files)
        self.git("add", "--all")
        self.git("commit", "--quiet", "-m", message)

    def bare(self, path: Path) -> Path:
        """A bare clone of it, as its remote "origin"."""
        self.git("clone", "--quiet", "--bare", str(self.path), str(path))
        self.git("remote", "add", "origin", str(path))
        self.git("fetch", "--quiet", "origin")
        return path

    def state(self) -> tuple[str, ...]:
        """What a user would notice: the tree, the index, where HEAD is, and stashes."""
        return (
            self.git("status", "--porcelain", "--ignored"), self.git("ls-files", "--stage"),
            (self.path / ".git/HEAD").read_text(), self.git("rev-parse", "HEAD"), self.git("stash", "list"),
        )  # fmt: skip

    def branches(self) -> list[str]:
        return self.git("for-each-ref", "--format=%(refname:lstrip=2)", "refs/heads").splitlines()

    def leftovers(self) -> list[str]:
        """Working trees besides its own."""
        return self.git("worktree", "list", "--porcelain").split("\n\n")[1:]


def green(suite: str, source: str) -> SuiteOutcome:
    """In place of the sandbox, which tests of its own try."""
    return SuiteOutcome({"test_output_has_the_shape_of_the_contract": "passed"})


def proposed(repo: Repo, material: Material, wanted: Wanted | None = None) -> Prepared:
    """`prepare` without the repository's tests, which take a second each."""
    return prepare(material, open_repository(repo.path), wanted or Wanted(check="none"), green)


@pytest.fixture(autouse=True)
def own_git(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """A person's configuration, and nobody else's."""
    home = tmp_path_factory.mktemp("home")
    (home / "config").write_text(
        "[user]\n\tname = Ada\n\temail = ada@example.org\n[init]\n\tdefaultBranch = main\n"
        '[protocol "file"]\n\tallow = always\n'
    )
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(home / "config"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("HOME", str(home))
    for name in ("VIRTUAL_ENV", "GITHUB_TOKEN", "GH_TOKEN", "GITLAB_TOKEN", "GITEA_TOKEN", "FORGEJO_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(tempfile, "tempdir", str(home))


@pytest.fixture(scope="session")
def folder(digits: Delivery, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A delivered folder."""
    return deliver(tmp_path_factory.mktemp("delivered") / "net", digits)[0].parent


@pytest.fixture(scope="session")
def material(folder: Path) -> Material:
    return read_material(folder)


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    """src layout, pytest, no remote."""
    return Repo(tmp_path / "acme", SRC)


@pytest.fixture
def shared(repo: Repo, tmp_path: Path) -> Repo:
    """The same with a bare repository behind it."""
    repo.bare(tmp_path / "origin.git")
    return repo
