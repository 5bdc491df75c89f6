"""After the delivery: a pull request in the user's repository, once a person has approved it."""

from pathlib import Path
from typing import Any

from langgraph.types import interrupt

from neuromosaic.core.errors import ForgeError, RepositoryError, UsageError
from neuromosaic.core.protocols import Program
from neuromosaic.delivery.material import read_material
from neuromosaic.delivery.pull_requests.proposing import Wanted, described, plan
from neuromosaic.delivery.pull_requests.publishing import connected, open_pull_request
from neuromosaic.workflows.bench import Workbench
from neuromosaic.workflows.state import DesignState

STEP = "pull_request"


def pull_request(bench: Workbench, state: DesignState) -> DesignState:
    """Nothing where none is wanted. What stands in its way is told, and does not make the run a failure."""
    if bench.options.repository and bench.store.step(bench.run, STEP) is None:
        try:
            outcome = _open(bench, bench.options.repository)
        except (ForgeError, RepositoryError, UsageError) as error:
            outcome = {"refused": str(error)}
        bench.once(STEP, lambda: outcome)
        bench.tell("pull_request", **outcome)
    return {}


def _open(bench: Workbench, repository: str) -> dict[str, Any]:
    material = read_material(Path(bench.store.step(bench.run, "delivered")["folder"]))
    if not bench.options.approved:
        with connected(repository, bench.store.root) as connection:
            planned = dict(described(plan(material, connection.repository, Wanted())))
        if not interrupt({"pull_request": planned}).get("approve"):
            return {"refused": "a person did not want it"}
    published = open_pull_request(
        material, repository, Wanted(), lambda suite, source: bench.sandbox.test(suite, Program(source, {}, 0)),
        bench.store.root,
    )  # fmt: skip
    return published._asdict()
