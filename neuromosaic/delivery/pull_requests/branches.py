"""Bases and branches: where a pull request begins, and where its own branch stands, here and at the remote."""

import re
from pathlib import Path
from typing import NamedTuple

from neuromosaic.core.errors import RepositoryError, UsageError
from neuromosaic.core.spelling import suggest
from neuromosaic.delivery.pull_requests.commits import RUN
from neuromosaic.delivery.pull_requests.git import Git, without_secrets

_ABSENT = "0" * 40


class Repository(NamedTuple):
    """`top`: the folder that the user named, or the root of the tree around it; `common`: what all its worktrees
    share; `remote` None: there is none; `cloned`: it is a clone of ours."""

    git: Git
    top: Path
    common: Path
    remote: str | None
    cloned: bool = False


class Base(NamedTuple):
    """What the pull request goes into. `reached`: whether the remote answered; else its last known state counts."""

    name: str
    commit: str
    reached: bool
    note: str = ""


class Branch(NamedTuple):
    """`tip` None: there is none yet. `local` and `remote`: where the branch stands here and there; None: nowhere."""

    name: str
    tip: str | None
    local: str | None
    remote: str | None


def open_repository(folder: Path, environment: dict[str, str] | None = None) -> Repository:
    """Raises RepositoryError where there is none, it has no commit, or nothing can be written into it."""
    git = Git(folder, environment or {})
    said = git.try_to("rev-parse", "--path-format=absolute", "--git-common-dir")
    if said.code:
        what = said.why if "dubious ownership" in said.err else "it is no git repository (git init makes one)"
        raise RepositoryError(f"cannot work in {folder}: {what}")
    if (
        git.ask("rev-parse", "--verify", "-q", "HEAD^{commit}") is None
        and git.ask("rev-list", "-n1", "--all") is None
    ):
        raise RepositoryError(f"{folder} has no commit yet: a pull request needs something to go into")
    common = Path(said.out)
    _refuse_read_only(common)
    top = Path(git.ask("rev-parse", "--show-toplevel") or folder.resolve())
    return Repository(git, top, common, _remote(git))


def _refuse_read_only(common: Path) -> None:
    import os

    for place in (common, common / "objects", common / "refs"):
        if place.is_dir() and not os.access(place, os.W_OK):
            raise RepositoryError(
                f"{common} is read-only: clone the repository to where you may write, and name that"
            )


def _remote(git: Git) -> str | None:
    names = git.lines("remote")
    wanted = git.ask("config", "remote.pushDefault")
    return next((name for name in (wanted, "origin") if name in names), names[0] if names else None)


# ---------------------------------------------------------------- the base


def find_base(repository: Repository, wanted: str | None) -> Base:
    """The branch named, else the remote's main one, else the one checked out; fetched where there is a remote.

    Raises UsageError for a name that is no branch, or where none can be told.
    """
    git, remote = repository.git, repository.remote
    name = wanted or _default(git, remote)
    if name is None:
        raise UsageError("HEAD is on no branch, and there is no main or master: say with --base what to go into")
    fetched = _fetch(git, remote, name) if remote else ""
    places = [*([f"refs/remotes/{remote}/{name}"] if remote else []), f"refs/heads/{name}"]
    commit = next(filter(None, (_commit(git, place) for place in places)), None)
    if commit is None:
        known = git.lines("for-each-ref", "--format=%(refname:lstrip=2)", "refs/heads")
        raise UsageError(f"--base {name}: no such branch{suggest(name, known)}")
    note = f"{remote} was not reached ({fetched}): its last known state counts." if fetched else ""
    return Base(name, commit, reached=bool(remote) and not fetched, note=note)


def _commit(git: Git, ref: str) -> str | None:
    return git.ask("rev-parse", "--verify", "-q", f"{ref}^{{commit}}")


def _default(git: Git, remote: str | None) -> str | None:
    known = git.ask("symbolic-ref", "-q", "--short", f"refs/remotes/{remote}/HEAD") if remote else None
    if known:
        return known.partition("/")[2]
    said = git.ask("ls-remote", "--symref", remote, "HEAD") if remote else None
    if said and (found := re.match(r"ref: refs/heads/(\S+)\s+HEAD", said)):
        return found[1]
    current = git.ask("symbolic-ref", "-q", "--short", "HEAD")
    heads = git.lines("for-each-ref", "--format=%(refname:lstrip=2)", "refs/heads")
    return current or next((name for name in ("main", "master") if name in heads), None)


def _fetch(git: Git, remote: str, name: str) -> str:
    """Why the remote was not reached, or nothing. A branch that it does not have is no matter here."""
    said = git.try_to("fetch", "--quiet", "--no-tags", remote, f"+refs/heads/{name}:refs/remotes/{remote}/{name}")
    if re.search(_UNKNOWN, said.err, re.IGNORECASE):
        raise RepositoryError(f"{remote} did not let us in: {refusal(said.err)}")
    return "" if said.code == 0 or "couldn't find remote ref" in said.err else said.why


# ---------------------------------------------------------------- the branch


def find_branch(repository: Repository, name: str, *, reached: bool) -> Branch:
    """Where the branch goes on from: here or at the remote, whichever is ahead.

    Raises RepositoryError where it is checked out somewhere, or both have gone their own ways.
    """
    git, remote = repository.git, repository.remote
    if git.try_to("check-ref-format", "--branch", name).code:
        raise UsageError(f"--branch {name!r} is no name for a branch")
    _refuse_checked_out(git, name)
    local = git.ask("rev-parse", "--verify", "-q", f"refs/heads/{name}")
    if not remote or not reached:
        return Branch(name, local, local, None)
    seen = git.ask("rev-parse", "--verify", "-q", f"refs/remotes/{remote}/{name}")
    there = (git.ask("ls-remote", remote, f"refs/heads/{name}") or "").partition("\t")[0] or None
    if there and there != seen:
        git("fetch", "--quiet", "--no-tags", remote, f"+refs/heads/{name}:refs/remotes/{remote}/{name}")
    return Branch(name, _ahead(git, name, local, there, seen), local, there)


def _ahead(git: Git, name: str, local: str | None, there: str | None, seen: str | None) -> str | None:
    """Of two tips the later one. What we pushed last and nobody touched since is never ahead of what we have."""
    if local is None or there is None or local == there:
        return local or there
    if there == seen or _contains(git, local, there):
        return local
    if _contains(git, there, local):
        return there
    raise RepositoryError(
        f"branch {name} has gone different ways here and at the remote: bring them together "
        f"(git switch {name} && git pull --rebase), or name another with --branch"
    )


def _contains(git: Git, later: str, earlier: str) -> bool:
    return git.try_to("merge-base", "--is-ancestor", earlier, later).code == 0


def _refuse_checked_out(git: Git, name: str) -> None:
    """Moving a branch under somebody's working tree would make it look changed."""
    for entry in git("worktree", "list", "--porcelain").split("\n\n"):
        if f"branch refs/heads/{name}" in entry.splitlines():
            where = entry.splitlines()[0].removeprefix("worktree ")
            raise RepositoryError(
                f"branch {name} is checked out in {where}: switch to another one there, or name another with --branch"
            )


def set_branch(git: Git, branch: Branch, commit: str, why: str) -> None:
    """Moves the branch in one step, or not at all where somebody else has moved it meanwhile."""
    said = git.try_to(
        "update-ref", "-m", f"neuromosaic: {why}", f"refs/heads/{branch.name}", commit, branch.local or _ABSENT
    )
    if said.code:
        raise RepositoryError(f"branch {branch.name} could not be set ({said.why}): run the same command again")


def ours(git: Git, base: str, tip: str, run: str) -> str | None:
    """The latest commit of this run between base and tip."""
    return git.ask("log", "-1", "--format=%H", f"--grep=^{RUN}: {re.escape(run)}$", f"{base}..{tip}")


# ---------------------------------------------------------------- pushing


def push(repository: Repository, branch: Branch, commit: str, *, lfs: bool = False) -> None:
    """Pushes the branch; never over what somebody else has put there. `lfs`: what Git LFS keeps goes first.

    Raises RepositoryError saying what to do.
    """
    remote, git = repository.remote, repository.git
    assert remote is not None  # the caller has looked
    kept = f"branch {branch.name} is ready here, and the same command tries again"
    if lfs and (sent := git.try_to("lfs", "push", remote, f"refs/heads/{branch.name}")).code:
        raise RepositoryError(f"{remote} did not take the weights by Git LFS: {sent.why}; {kept}")
    lease = f"--force-with-lease=refs/heads/{branch.name}:{branch.remote or ''}"
    said = git.try_to("push", "--porcelain", lease, remote, f"{commit}:refs/heads/{branch.name}")
    if said.code:
        raise RepositoryError(f"{remote} did not take the branch: {refusal(said.out + chr(10) + said.err)}; {kept}")


def refusal(text: str) -> str:
    """In words: who refused, and what to do."""
    told = [line.strip() for line in without_secrets(text).splitlines() if line.strip()]
    quoted = "; ".join(line for line in told if line.startswith(("remote:", "!", "fatal:", "error:")))[:600]
    for pattern, advice in _REFUSALS:
        if re.search(pattern, text, re.IGNORECASE):
            return f"{advice} ({quoted})"
    return quoted or "no reason given"


_UNKNOWN = r"authentication failed|could not read (username|password)|invalid username|HTTP 401|error: 40[13]"
"""How git says that it was not let in."""

_REFUSALS = (
    (r"GH006|protected branch|protected from", "the branch is protected: name another with --branch"),
    (r"stale info|fetch first|non-fast-forward", "somebody else has pushed to it meanwhile: run it again"),
    (_UNKNOWN,
     "the credentials were not accepted: renew the token, or see `git push` for yourself"),
    (r"could not resolve host|could not connect|failed to connect|timed out|unable to access",
     "it was not reached: look at the network and the remote's address (git remote -v)"),
    (r"pre-receive hook declined|hook declined", "a rule of the server refused it"),
    (r"does not appear to be a git repository|repository .*not found", "there is no such repository: git remote -v"),
)  # fmt: skip
