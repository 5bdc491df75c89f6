"""`neuromosaic pr`: a finished run's network as a branch and a pull request of the user's own repository."""

import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from neuromosaic.core.errors import UsageError
from neuromosaic.core.protocols import Program
from neuromosaic.core.store.store import Store
from neuromosaic.core.workers.boundary import Accepted
from neuromosaic.delivery.material import Material, read_material
from neuromosaic.delivery.pull_requests.checking import Suite
from neuromosaic.delivery.pull_requests.cloning import forget
from neuromosaic.delivery.pull_requests.proposing import Wanted, described, plan
from neuromosaic.delivery.pull_requests.publishing import CLONES, Choice, Published, connected, open_pull_request
from neuromosaic.workflows.delivering import delivered_folder


class Request(NamedTuple):
    """What the command line said."""

    run: str
    repo: str
    candidate: str | None = None
    wanted: Wanted = Wanted()
    forge: Choice | None = None
    boundary: Accepted = "auto"


def pull_request(root: Path, request: Request, *, as_json: bool, dry_run: bool) -> None:
    """Makes the branch ready, pushes it, and opens or updates the pull request; or says what it would do."""
    with tempfile.TemporaryDirectory(prefix="neuromosaic-") as spare:
        material = material_of(root, request.run, request.candidate, Path(spare))
    if dry_run:
        _say_plan(root, material, request, as_json=as_json)
        return
    with _suite_runner(request.boundary) as run_suite:
        published = open_pull_request(material, request.repo, request.wanted, run_suite, root, request.forge)
    _note(root, material, published)
    report(published, as_json=as_json)


def _say_plan(root: Path, material: Material, request: Request, *, as_json: bool) -> None:
    with connected(request.repo, root, request.forge) as connection:
        planned = plan(material, connection.repository, request.wanted)
        said = dict(described(planned))
        if planned.branch.local is None:
            forget(connection.repository.git.folder, root / CLONES)
    print(json.dumps(said, indent=2)) if as_json else _print(said)


def material_of(root: Path, run: str, candidate: str | None, spare: Path) -> Material:
    """From a delivered folder, else from a run of the store; `spare` is for what must be delivered again."""
    folder = Path(run)
    if folder.is_dir():
        if candidate:
            raise UsageError("--candidate goes with a run: a delivered folder holds one network")
        return read_material(folder)
    return read_material(delivered_folder(Store(root), run, candidate, spare / "delivery"))


@contextmanager
def _suite_runner(boundary: Accepted) -> Iterator[Suite]:
    """Runs suites behind the boundary."""
    from neuromosaic.core.sandbox.process import ProcessSandbox

    sandbox = ProcessSandbox(workers=1, boundary=boundary)
    try:
        yield lambda suite, source: sandbox.test(suite, Program(source, {}, 0), timeout=300)
    finally:
        sandbox.close()


def _note(root: Path, material: Material, published: Published) -> None:
    """The run's history says where its network went, if the run is of this store."""
    run = material.results.run
    if (root / "store.sqlite").exists():
        store = Store(root)
        if run in {record.id for record in store.runs()}:
            store.add_event(run, "pull_request", branch=published.branch, commit=published.commit, url=published.url)


def report(published: Published, *, as_json: bool) -> None:
    """Where the branch and the pull request are; what else there is to say goes to stderr."""
    if as_json:
        print(json.dumps(published._asdict(), indent=2))
        return
    state = "ready" if published.changed else "up to date"
    print(f"branch {published.branch} is {state} ({published.commit[:12]})")
    for note in published.notes:
        print(note, file=sys.stderr)
    print(published.url or f"patch: {published.patch}")


def _print(said: dict[str, Any]) -> None:
    for name, value in said.items():
        text = "\n".join(f"{'':14} {line}" for line in value).strip() if isinstance(value, list) else value
        print(f"{name.replace('_', ' '):14} {'-' if text is None else text}")
