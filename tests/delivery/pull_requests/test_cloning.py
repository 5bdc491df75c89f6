"""A repository named by its address: cloned with the token, worked on, pushed from, and gone."""

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock

from neuromosaic.core.errors import NeuromosaicError, RepositoryError, UsageError
from neuromosaic.delivery.material import Material
from neuromosaic.delivery.pull_requests.cloning import at_hand, is_address
from neuromosaic.delivery.pull_requests.proposing import Wanted
from neuromosaic.delivery.pull_requests.publishing import Published, connected, open_pull_request
from tests.delivery.pull_requests.conftest import Repo, green
from tests.delivery.pull_requests.fake_forges import TOKEN, Forge, serving

BRANCH = "neuromosaic/digits-1121-0312-ab12"
QUICK = Wanted(check="none")


@pytest.fixture
def forge(tmp_path: Path, repo: Repo, monkeypatch: pytest.MonkeyPatch) -> Iterator[Forge]:
    """What is in `repo` is on a forge, behind a password, and the environment has the token for it."""
    with serving(tmp_path / "served") as served:
        monkeypatch.setenv("GH_HOST", served.address)
        monkeypatch.setenv("GH_ENTERPRISE_TOKEN", TOKEN)
        served.remote()
        repo.git("push", "--quiet", str(tmp_path / "served/acme/vision.git"), "main")
        yield served


def address(forge: Forge) -> str:
    return f"http://{forge.address}/acme/vision.git"


def propose(forge: Forge, material: Material, store: Path, wanted: Wanted = QUICK) -> Published:
    return open_pull_request(material, address(forge), wanted, green, store, "github")


def clones(store: Path) -> list[Path]:
    return sorted((store / "clones").glob("*.git"))


def test_an_address_is_cloned_pushed_to_and_the_clone_is_gone(
    forge: Forge, material: Material, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also from a store whose path is a relative one, as by default."""
    monkeypatch.chdir(tmp_path)
    first, again = propose(forge, material, Path()), propose(forge, material, tmp_path)
    assert forge.head(BRANCH) == first.commit == again.commit
    assert first.url == again.url
    assert (len(forge.pulls), first.changed, again.changed) == (1, True, False)
    assert clones(tmp_path) == []
    assert Path(first.patch).is_file()
    assert forge.description.errors == []


def test_a_branch_of_a_base_that_moved_far_on_is_rebased(
    repo: Repo, forge: Forge, material: Material, tmp_path: Path
) -> None:
    """Farther than a shallow clone reaches."""
    propose(forge, material, tmp_path)
    for number in range(60):
        repo.git("commit", "--quiet", "--allow-empty", "-m", f"Work {number}")
    repo.git("push", "--quiet", str(tmp_path / "served/acme/vision.git"), "main")
    published = propose(forge, material, tmp_path)
    bare = tmp_path / "served/acme/vision.git"
    assert repo.git("rev-parse", f"{published.commit}~1", cwd=bare) == repo.git("rev-parse", "main")
    assert len(forge.pulls) == 1


def test_the_token_is_in_no_file_and_no_message(
    forge: Forge, material: Material, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with connected(address(forge), tmp_path, "github") as connection:
        assert connection.repository.git("log", "--format=%s", "main") == "Start here"
    forge.token = "another"
    with pytest.raises(NeuromosaicError) as caught:
        propose(forge, material, tmp_path)
    (clone,) = clones(tmp_path)
    assert TOKEN not in str(caught.value) + "".join(capfd.readouterr())
    assert not [path for path in clone.rglob("*") if path.is_file() and TOKEN.encode() in path.read_bytes()]


def test_what_could_not_be_pushed_stays_for_another_try(forge: Forge, material: Material, tmp_path: Path) -> None:
    hook = tmp_path / "served/acme/vision.git/hooks/pre-receive"
    hook.write_text("#!/bin/sh\necho no >&2\nexit 1\n")
    hook.chmod(0o755)
    with pytest.raises(RepositoryError, match="the same command tries again"):
        propose(forge, material, tmp_path)
    assert len(clones(tmp_path)) == 1
    hook.unlink()
    assert propose(forge, material, tmp_path).pushed
    assert clones(tmp_path) == []


def test_what_cannot_be_cloned_is_told_and_leaves_nothing(
    forge: Forge, material: Material, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forge.token = "another"
    with pytest.raises(RepositoryError, match="could not be cloned: the credentials were not accepted"):
        propose(forge, material, tmp_path)
    with pytest.raises(RepositoryError, match="could not be cloned"):
        open_pull_request(material, f"file://{tmp_path}/nowhere", QUICK, green, tmp_path)
    assert [path for path in (tmp_path / "clones").iterdir() if path.suffix != ".lock"] == []


def test_a_password_in_the_address_is_refused_and_not_repeated(tmp_path: Path) -> None:
    secret = f"https://ada:{TOKEN}@example.org/acme/vision"
    with pytest.raises(UsageError, match="leave the password out") as caught, at_hand(secret, tmp_path, None):
        pass
    assert TOKEN not in str(caught.value)


def test_one_process_at_a_time_works_on_a_clone(forge: Forge, tmp_path: Path) -> None:
    with at_hand(address(forge), tmp_path / "clones", "github") as clone, FileLock(tmp_path / "other.lock"):
        script = textwrap.dedent(f"""
            from pathlib import Path
            from neuromosaic.core.errors import RepositoryError
            from neuromosaic.delivery.pull_requests.cloning import at_hand
            try:
                with at_hand({address(forge)!r}, Path({str(tmp_path / "clones")!r}), "github"):
                    pass
            except RepositoryError as error:
                print(error)
        """)
        said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert clone.is_dir()
    assert "another process works on a clone" in said.stdout


def test_what_is_an_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert all(map(is_address, ["https://h/a/b", "git@h:a/b", "ssh://git@h/a/b", "file:///a"]))
    assert not any(map(is_address, [".", "../vision", "/nowhere/at/all"]))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "h:a").mkdir()
    (tmp_path / "h:a/b").mkdir()
    assert not is_address("h:a/b")


# ---------------------------------------------------------------- killed at every request


SCRIPT = """
import sys, tempfile
from pathlib import Path
from neuromosaic.delivery.material import read_material
from neuromosaic.delivery.pull_requests.proposing import Wanted
from neuromosaic.delivery.pull_requests.publishing import open_pull_request
from tests.delivery.pull_requests.conftest import green

folder, where, store, tempfile.tempdir = sys.argv[1:]
open_pull_request(read_material(Path(folder)), where, Wanted(check="none"), green, Path(store), "github")
"""


def started(forge: Forge, folder: Path, where: str, store: Path) -> int:
    """A process of its own that opens the pull request; its exit code. The forge may kill it, with its children."""
    line = [sys.executable, "-c", SCRIPT, str(folder), where, str(store), os.environ["HOME"]]
    with subprocess.Popen(
        line, cwd=Path(__file__).parents[3], start_new_session=True, stderr=subprocess.PIPE, text=True
    ) as process:
        forge.client = process.pid
        _, said = process.communicate(timeout=120)
    forge.client = None
    assert process.returncode in {0, -signal.SIGKILL}, said
    return process.returncode


def killed_and_tried_again(
    forge: Forge, folder: Path, where: str, store: Path, moment: tuple[int | str, str]
) -> bool:
    """Whether it came to the kill; in any case there is one branch and one pull request in the end."""
    forge.kill_at, forge.requests = moment, 0
    died = started(forge, folder, where, store) != 0
    forge.kill_at = None
    assert started(forge, folder, where, store) == 0
    assert [pull["head"] for pull in forge.pulls] == [BRANCH]
    heads = forge.branches()
    assert sorted(heads) == ["main", BRANCH]
    assert forge.commits("main", BRANCH) == 1
    assert forge.description.errors == []
    return died


def forget(repo: Repo, forge: Forge) -> None:
    """As if nothing had been proposed."""
    forge.forget(BRANCH)
    if BRANCH in repo.branches():
        repo.git("branch", "-q", "-D", BRANCH)


def test_killed_while_the_pull_request_is_opened_there_is_one_in_the_end(
    repo: Repo, forge: Forge, folder: Path, tmp_path: Path
) -> None:
    """The forge has opened it, and kills the process before it hears so."""
    repo.git("remote", "add", "origin", address(forge))
    moment = ("POST /api/v3/repos/acme/vision/pulls", "after")
    assert killed_and_tried_again(forge, folder, str(repo.path), tmp_path, moment)


@pytest.mark.timeout(900)
@pytest.mark.soak
@pytest.mark.parametrize("by_address", [False, True], ids=["folder", "address"])
def test_killed_at_any_request_there_is_one_branch_and_one_pull_request(
    repo: Repo, forge: Forge, folder: Path, tmp_path: Path, by_address: bool
) -> None:
    """Before and after the server has done what each request asks for: fetching, pushing, asking, opening."""
    repo.git("remote", "add", "origin", address(forge))
    where = address(forge) if by_address else str(repo.path)
    reached = 0
    for number in range(1, 60):
        for when in ("before", "after"):
            reached += killed_and_tried_again(forge, folder, where, tmp_path, (number, when))
            forget(repo, forge)
        if reached < 2 * number:
            break
    assert reached > 16


# ---------------------------------------------------------------- Git LFS

needs_lfs = pytest.mark.skipif(shutil.which("git-lfs") is None, reason="git-lfs is not installed")
LFS = {".gitattributes": "*.safetensors filter=lfs diff=lfs merge=lfs -text\n"}


@needs_lfs
@pytest.mark.parametrize("by_address", [False, True], ids=["folder", "address"])
def test_weights_travel_by_git_lfs_where_the_repository_uses_it(
    repo: Repo, forge: Forge, material: Material, tmp_path: Path, by_address: bool
) -> None:
    """With the real git-lfs: a pointer in the commit, the bytes in the server's store; no hook is needed for it."""
    repo.git("lfs", "install", "--skip-repo")
    repo.commit(LFS, "Use LFS")
    repo.git("push", "--quiet", str(tmp_path / "served/acme/vision.git"), "main")
    repo.git("remote", "add", "origin", address(forge))
    where = address(forge) if by_address else str(repo.path)
    published = open_pull_request(material, where, QUICK, green, tmp_path, "github")
    weights = material.files["weights.safetensors"]
    digest = hashlib.sha256(weights).hexdigest()
    bare = tmp_path / "served/acme/vision.git"
    pointer = repo.git("show", f"{published.commit}:src/acme/models/digits/weights.safetensors", cwd=bare)
    assert f"oid sha256:{digest}" in pointer
    assert forge.large == {digest: weights}
    assert "are committed by Git LFS" in forge.pulls[0]["body"]
    again = open_pull_request(material, where, QUICK, green, tmp_path, "github")
    assert (again.commit, again.changed) == (published.commit, False)


@needs_lfs
def test_a_store_that_does_not_take_the_weights_keeps_the_branch_back(
    repo: Repo, forge: Forge, material: Material, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo.git("lfs", "install", "--skip-repo")
    repo.commit(LFS | {".lfsconfig": "[lfs]\n\turl = http://127.0.0.1:9/lfs\n"}, "Use LFS elsewhere")
    repo.git("push", "--quiet", str(tmp_path / "served/acme/vision.git"), "main")
    repo.git("remote", "add", "origin", address(forge))
    repo.git("config", "lfs.url", "http://127.0.0.1:9/lfs")
    with pytest.raises(RepositoryError, match=r"did not take the weights by Git LFS.*is ready here"):
        open_pull_request(material, str(repo.path), QUICK, green, tmp_path, "github")
    assert forge.head(BRANCH) is None
    assert BRANCH in repo.branches()


def test_lfs_that_is_not_set_up_is_told(repo: Repo, forge: Forge, material: Material, tmp_path: Path) -> None:
    """git would commit the weights themselves."""
    repo.commit(LFS, "Use LFS")
    with pytest.raises(RepositoryError, match=r"belongs into Git LFS, which is not set up here.*git lfs install"):
        open_pull_request(material, str(repo.path), QUICK, green, tmp_path)
    assert repo.branches() == ["main"]
