"""A repository that is named by its address: cloned for the work, and gone once the branch is pushed."""

import hashlib
import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from urllib.parse import urlsplit

from filelock import FileLock, Timeout

from neuromosaic.core.errors import RepositoryError, UsageError
from neuromosaic.delivery.pull_requests.branches import refusal
from neuromosaic.delivery.pull_requests.forges.address import Kind, read_address
from neuromosaic.delivery.pull_requests.forges.tokens import askpass, find_token
from neuromosaic.delivery.pull_requests.git import Git

DEPTH = 50
"""Commits that a clone begins with: as many as a repository's habits are read from."""


def is_address(where: str) -> bool:
    """Whether git would go to a server for it; what is there as a folder is a folder.

    >>> is_address("https://example.org/acme/vision.git"), is_address("../vision")
    (True, False)
    """
    if Path(where).exists():
        return False
    return "://" in where or read_address(where) is not None


@contextmanager
def at_hand(where: str, clones: Path, kind: Kind | None) -> Iterator[Path]:
    """The repository's folder: as named, or a bare clone in `clones`, which one process at a time works on.

    Raises UsageError for an address with a password in it, and RepositoryError where it cannot be cloned.
    """
    if not is_address(where):
        yield Path(where)
        return
    if "://" in where and urlsplit(where).password:
        raise UsageError("--repo: leave the password out of the address, which ends up in files: git asks for it")
    clones.mkdir(parents=True, exist_ok=True)
    place = clones.resolve() / f"{hashlib.sha256(where.encode()).hexdigest()[:16]}.git"
    try:
        with FileLock(place.with_suffix(".lock"), timeout=0):
            yield place if place.is_dir() else _clone(where, place, kind)
    except Timeout:
        raise RepositoryError(f"another process works on a clone of {where}: wait for it to end") from None


def _clone(where: str, place: Path, kind: Kind | None) -> Path:
    """Appears whole or not at all. Bare, for the work is done in a tree of its own."""
    part = place.with_suffix(".part")
    shutil.rmtree(part, ignore_errors=True)  # of a process that was killed here
    address = read_address(where)
    token = find_token(kind, address) if kind and address and address.by_http else None
    login: AbstractContextManager[dict[str, str]] = nullcontext({})
    if kind and address and token:
        login = askpass(kind, address, token)
    with login as environment:
        said = Git(place.parent, environment).try_to(
            "clone", "--quiet", "--bare", "--no-tags", f"--depth={DEPTH}", "--", where, str(part)
        )
    if said.code:
        shutil.rmtree(part, ignore_errors=True)
        raise RepositoryError(f"{where} could not be cloned: {refusal(said.err)}")
    part.rename(place)
    return place


def forget(folder: Path, clones: Path) -> None:
    """Removes a clone whose branch has arrived; a folder that the user named stays."""
    if folder.parent == clones.resolve():
        shutil.rmtree(folder, ignore_errors=True)


def made_whole(git: Git, remote: str) -> None:
    """All of the history, where a branch of ours may begin before what a clone of ours holds."""
    if git.ask("rev-parse", "--is-shallow-repository") == "true":
        git("fetch", "--quiet", "--unshallow", remote)
