"""From a delivered folder to a branch that is ready: everything happens in a working tree of our own."""

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from neuromosaic.core.errors import RepositoryError, UsageError
from neuromosaic.delivery.material import Material
from neuromosaic.delivery.pull_requests import branches, commits
from neuromosaic.delivery.pull_requests.body import Told, body
from neuromosaic.delivery.pull_requests.branches import Base, Branch, Repository
from neuromosaic.delivery.pull_requests.checking import (
    Checked,
    Suite,
    check_repository,
    check_same_network,
    check_suite,
    interpreter,
)
from neuromosaic.delivery.pull_requests.cloning import made_whole
from neuromosaic.delivery.pull_requests.formatting import format_change, format_files
from neuromosaic.delivery.pull_requests.git import Git
from neuromosaic.delivery.pull_requests.habits import Habits, Tree, read_habits
from neuromosaic.delivery.pull_requests.placing import Place, place
from neuromosaic.delivery.pull_requests.placing_in_file import merge_by, place_in_file
from neuromosaic.delivery.pull_requests.weights import refuse_raw
from neuromosaic.delivery.pull_requests.workshop import alone, rebased, worktree


class Wanted(NamedTuple):
    """How the user wants it. `into`, `name`, `branch`, `base`: None is found out. `check`: the command that runs the
    repository's tests, "none" for no run. `ready`: no draft. `update`: there must be one already."""

    into: str | None = None
    name: str | None = None
    branch: str | None = None
    base: str | None = None
    check: str | None = None
    ready: bool = False
    update: bool = False


class Plan(NamedTuple):
    """What would be done: known before anything is written."""

    repository: Repository
    base: Base
    branch: Branch
    habits: Habits
    place: Place
    message: str
    title: str


class Prepared(NamedTuple):
    """The branch as it now stands here. `commit`: its tip; `changed`: whether this call moved it."""

    plan: Plan
    commit: str
    changed: bool
    told: Told

    @property
    def body(self) -> str:
        return body(self.told)


def plan(material: Material, repository: Repository, wanted: Wanted) -> Plan:
    """Reads only (and fetches). Raises UsageError or RepositoryError for what stands in the way."""
    base = branches.find_base(repository, wanted.base)
    name = wanted.branch or f"neuromosaic/{wanted.name or material.name}-{material.results.run}"
    if name == base.name:
        raise UsageError(f"--branch {name} is the base itself: name another")
    branch = branches.find_branch(repository, name, reached=base.reached)
    if wanted.update and branch.tip is None:
        raise UsageError(f"--update: there is no branch {name} yet")
    habits = read_habits(repository.git, base.commit)
    placed = _place(material, repository.git, base, habits, wanted)
    what = _what(placed)
    return Plan(
        repository, base, branch, habits, placed, commits.message(material, what, habits.manners),
        commits.subject(material, what, habits.manners),
    )  # fmt: skip


def _place(material: Material, git: Git, base: Base, habits: Habits, wanted: Wanted) -> Place:
    """Into the user's file where the run has extended one of this repository, and no other place is asked for."""
    tree, given = Tree.of(git, base.commit), material.extends
    if given is None or wanted.into or wanted.name or given.path not in tree.names:
        return place(material, habits, tree, wanted.into, wanted.name)
    now = git.bytes_of("show", f"{base.commit}:{given.path}").decode("utf-8")
    return place_in_file(material, given, habits, tree, now, merge_by(git, given.path))


def _what(placed: Place) -> str:
    if placed.change is None:
        return f"add {placed.folder.name} network"
    return f"extend {placed.change.names.entry} in {placed.model}"


def prepare(material: Material, repository: Repository, wanted: Wanted, suite: Suite) -> Prepared:
    """The branch, made or brought up to date; where anything fails it is as it was before."""
    planned = plan(material, repository, wanted)
    if planned.branch.tip and repository.cloned and repository.remote:
        made_whole(repository.git, repository.remote)
    with alone(repository, planned.branch.name) as spot:
        start = planned.branch.tip or planned.base.commit
        with worktree(repository, spot, start) as git:
            if planned.branch.tip:
                start = rebased(git, planned.base, planned.branch)
            return _work(material, planned, wanted, suite, git, start)


def _work(material: Material, planned: Plan, wanted: Wanted, suite: Suite, git: Git, start: str) -> Prepared:
    run = material.results.run
    earlier = branches.ours(git, planned.base.commit, start, run)
    kept = _changed_by_people(git, planned.place, earlier)
    notes = _write(git, planned, kept)
    checked = _check(material, git, planned, wanted, suite, kept)
    if kept:
        notes.append(f"Left as people changed them on the branch: {', '.join(sorted(kept))}.")
    tip = _commit(git, planned, again=earlier is not None) or start
    if tip != planned.branch.local:
        branches.set_branch(planned.repository.git, planned.branch, tip, f"run {run}")
    notes = [planned.base.note, *notes, *_of_change(material, planned.place)]
    told = Told(
        material, planned.place, checked, tuple(filter(None, notes)), planned.habits.manners.contributing
    )  # fmt: skip
    return Prepared(planned, tip, tip != planned.branch.tip, told)


def _of_change(material: Material, placed: Place) -> list[str]:
    """What a reviewer should know of a change in place."""
    if placed.change is None:
        return [f"The run extended {material.extends.path}; this is a file of its own."] if material.extends else []
    merged = f"{placed.model} had changed since the run; both changes were merged." if placed.change.merged else ""
    return [
        f"{placed.called} in {placed.model} was held against the certified network in the sandbox: with the same "
        "weights both compute the same. The repository's tests saw the file as it was, beside a hollow class of that "
        "name.",
        merged,
    ]


# ---------------------------------------------------------------- files


def _changed_by_people(git: Git, placed: Place, earlier: str | None) -> set[str]:
    """New files that somebody has changed or removed on the branch since we wrote them."""
    if earlier is None:
        return set()
    paths = list(map(str, placed.files))
    return set(git("diff", "--name-only", "-z", earlier, "HEAD", "--", *paths).split("\0")) - {""}


def _write(git: Git, planned: Plan, kept: set[str]) -> list[str]:
    """Puts the files there and formats the Python among them; notes on what could not be done."""
    _refuse_ignored(git, planned.place)
    written = {path: data for path, data in planned.place.files.items() if str(path) not in kept}
    for path, data in written.items():
        target = git.folder / path
        if target.parent.resolve() != (git.folder.resolve() / path.parent):
            raise UsageError(f"{path.parent} leads through a link: name another folder with --into")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    files = [git.folder / path for path, data in written.items() if path.suffix in {".py", ".md"} and data]
    style, python = planned.habits.style, interpreter(planned.repository.top)
    if planned.place.change is None:
        return format_files(git.folder, files, style, python)
    own = git.folder / planned.place.model
    notes = format_files(git.folder, [file for file in files if file != own], style, python)
    return [*notes, *(format_change(own, planned.place.change.before, style, python) if own in files else ())]


def _refuse_ignored(git: Git, placed: Place) -> None:
    ignored = git.ask("check-ignore", "--", *map(str, (placed.model, placed.test)))
    if ignored:
        raise UsageError(f"{ignored.splitlines()[0]} is ignored by .gitignore: put it elsewhere with --into")


def _check(material: Material, git: Git, planned: Plan, wanted: Wanted, suite: Suite, kept: set[str]) -> Checked:
    """Both kinds of tests; the files are as before afterwards."""
    placed = planned.place
    files = {path: git.folder / path for path in map(str, (placed.model, placed.test))}
    if kept & set(files):
        return Checked("left to the forge, for people have changed the files", {})
    before = {path: file.read_bytes() for path, file in files.items()}
    texts = {path: data.decode() for path, data in before.items()}
    outcomes = check_suite(placed, texts, suite)
    if placed.change:
        check_same_network(placed, material, texts[str(placed.model)], suite)
    python = interpreter(planned.repository.top)
    try:
        said = check_repository(git.folder, placed, planned.habits.layout.runner, python, wanted.check)
    except RepositoryError as error:
        unchecked = ", ".join(_submodules(git))
        hint = f" (submodules are not checked out there: {unchecked})" if unchecked else ""
        raise RepositoryError(f"{error}{hint}") from None
    finally:
        for path, data in before.items():
            files[path].write_bytes(data)
    return Checked(said, outcomes)


def _submodules(git: Git) -> list[str]:
    return [line.split("\t")[1] for line in git.lines("ls-files", "--stage") if line.startswith("160000")]


def _commit(git: Git, planned: Plan, *, again: bool) -> str | None:
    """The new commit; None where there is nothing to commit."""
    paths = [path for path in planned.place.files if (git.folder / path).exists() and not _ignored(git, path)]
    git("add", "--", *map(str, paths))
    if git.try_to("diff", "--cached", "--quiet").code == 0:
        return None
    refuse_raw(git, planned.place.weights)
    first, _, rest = planned.message.partition("\n")
    text = (
        f"{first.replace('add ', 'update ', 1).replace('Add ', 'Update ', 1)}\n{rest}" if again else planned.message
    )
    return commits.commit(git, text, planned.habits.manners)


def _ignored(git: Git, path: PurePosixPath) -> bool:
    return git.try_to("check-ignore", "-q", "--", str(path)).code == 0


# ---------------------------------------------------------------- what is shown


def patch(prepared: Prepared) -> bytes:
    """The branch as `git am` reads it."""
    git, base = prepared.plan.repository.git, prepared.plan.base.commit
    return git.bytes_of("format-patch", "--stdout", "--binary", f"{base}..{prepared.commit}")


def _import(placed: Place) -> str:
    return f"from {placed.module} import {placed.called}"


def described(planned: Plan) -> Mapping[str, Any]:
    """The plan in plain values, for --dry-run."""
    layout, style, manners = planned.habits
    return {
        "repository": str(planned.repository.top), "remote": planned.repository.remote, "base": planned.base.name,
        "branch": planned.branch.name, "exists": planned.branch.tip is not None, "title": planned.title,
        "files": sorted(map(str, planned.place.files)), "import": _import(planned.place),
        "weights": planned.place.weights.note, "tests": layout.runner, "formatter": style.formatter,
        "line_length": style.line_length, "contributing": manners.contributing,
    }  # fmt: skip
