"""A working tree of our own, beside the user's: made for one piece of work, gone afterwards, also after a kill."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from neuromosaic.core.errors import RepositoryError
from neuromosaic.delivery.pull_requests.branches import Base, Branch, Repository
from neuromosaic.delivery.pull_requests.git import Git


@contextmanager
def alone(repository: Repository, branch: str) -> Iterator[Path]:
    """One process at a time works on this branch of this repository; where its working tree may stand."""
    place = _home() / hashlib.sha256(f"{repository.common}\n{branch}".encode()).hexdigest()[:16]
    try:
        with FileLock(place.with_suffix(".lock"), timeout=0):
            yield place
    except Timeout:
        raise RepositoryError(f"another process works on branch {branch}: wait for it to end") from None


@contextmanager
def worktree(repository: Repository, place: Path, commit: str) -> Iterator[Git]:
    """git in a fresh tree at `commit`, on no branch: whatever happens in it, no branch knows of it."""
    _clear(repository, place)  # of a process that was killed here
    try:
        repository.git("worktree", "add", "--quiet", "--detach", str(place), commit)
        yield Git(place, repository.git.environment)
    finally:
        _clear(repository, place)


def rebased(git: Git, base: Base, branch: Branch) -> str:
    """The branch's commits on top of the base, in the working tree of `git`; the new tip.

    Raises RepositoryError where they do not fit, with the tree as it was.
    """
    assert branch.tip is not None  # a branch that is not there needs no rebase
    root = git.ask("merge-base", base.commit, branch.tip)
    if root is None:
        raise RepositoryError(
            f"branch {branch.name} and {base.name} share no commit here: if this clone is shallow, "
            "git fetch --unshallow; else name another branch with --branch"
        )
    if root == base.commit:
        return branch.tip
    said = git.try_to("rebase", "--quiet", "--no-autostash", "--onto", base.commit, root)
    if said.code:
        conflicts = git.lines("diff", "--name-only", "--diff-filter=U")
        git.try_to("rebase", "--abort")
        why = f"both changed {', '.join(conflicts)}" if conflicts else said.why
        raise RepositoryError(
            f"branch {branch.name} cannot be brought onto {base.name}: {why}. The branch is as it was: "
            f"rebase it by hand (git rebase {base.name} {branch.name}), or name another with --branch"
        )
    return git("rev-parse", "HEAD")


def _home() -> Path:
    """A folder that is nobody else's, whoever shares the machine."""
    home = Path(tempfile.gettempdir()) / f"neuromosaic-{os.getuid()}"
    home.mkdir(mode=0o700, exist_ok=True)
    about = home.lstat()
    if not home.is_dir() or home.is_symlink() or about.st_uid != os.getuid() or about.st_mode & 0o022:
        raise RepositoryError(f"{home} is not a folder of yours alone: remove it, or set TMPDIR to another place")
    return home


def _clear(repository: Repository, place: Path) -> None:
    known = repository.git("worktree", "list", "--porcelain").splitlines()
    if f"worktree {place}" in known or f"worktree {place.resolve()}" in known:
        repository.git.try_to("worktree", "remove", "--force", "--force", str(place))
    shutil.rmtree(place, ignore_errors=True)
