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
from neuromosaic.delivery.pull_requests.checking import Suite
from neuromosaic.delivery.pull_requests.material import Material, read_material
from neuromosaic.delivery.pull_requests.proposing import Prepared, Wanted, described, patch, plan, prepare
from neuromosaic.delivery.pull_requests.publishing import Choice, Published, connected, publish
from neuromosaic.workflows.delivering import delivered_folder


class Request(NamedTuple):
    """What the command line said."""

    run: str
    repo: Path
    candidate: str | None = None
    wanted: Wanted = Wanted()
    forge: Choice | None = None
    boundary: Accepted = "auto"


def pull_request(root: Path, request: Request, *, as_json: bool, dry_run: bool) -> None:
    """Makes the branch ready, pushes it, and opens or updates the pull request; or says what it would do."""
    with tempfile.TemporaryDirectory(prefix="neuromosaic-") as spare:
        material = _material(root, request, Path(spare))
    with connected(request.repo, request.forge) as connection:
        if dry_run:
            said = dict(described(plan(material, connection.repository, request.wanted)))
            print(json.dumps(said, indent=2)) if as_json else _print(said)
            return
        with _suite_runner(request.boundary) as run_suite:
            prepared = prepare(material, connection.repository, request.wanted, run_suite)
        file = _keep_patch(root, prepared)
        published = publish(prepared, request.wanted, connection)
    _note(root, material, published)
    _report(prepared.changed, published, file, as_json=as_json)


def _keep_patch(root: Path, prepared: Prepared) -> Path:
    """Before anything is pushed: whatever the network does, the work is there."""
    file = root / "patches" / f"{prepared.plan.branch.name.replace('/', '-')}.patch"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(patch(prepared))
    return file


def _material(root: Path, request: Request, spare: Path) -> Material:
    """From a delivered folder, else from a run of the store."""
    folder = Path(request.run)
    if folder.is_dir():
        if request.candidate:
            raise UsageError("--candidate goes with a run: a delivered folder holds one network")
        return read_material(folder)
    return read_material(delivered_folder(Store(root), request.run, request.candidate, spare / "delivery"))


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


def _report(changed: bool, published: Published, file: Path, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps({**published._asdict(), "changed": changed, "patch": str(file)}, indent=2))
        return
    print(f"branch {published.branch} is {'ready' if changed else 'up to date'} ({published.commit[:12]})")
    for note in published.notes:
        print(note, file=sys.stderr)
    print(published.url or f"patch: {file}")


def _print(said: dict[str, Any]) -> None:
    for name, value in said.items():
        text = "\n".join(f"{'':14} {line}" for line in value).strip() if isinstance(value, list) else value
        print(f"{name.replace('_', ' '):14} {'-' if text is None else text}")
