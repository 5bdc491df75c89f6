"""The last node: the results, and the folder that is handed over."""

from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from neuromosaic.core.errors import UsageError
from neuromosaic.core.graph.document import Graph
from neuromosaic.core.graph.packing import unpack, unpack_tensors
from neuromosaic.core.results import CandidateResult, Results
from neuromosaic.core.spelling import suggest
from neuromosaic.core.store.store import Store
from neuromosaic.delivery.contents import Delivery, Predictions
from neuromosaic.delivery.folder import MANIFEST, deliver, untouched
from neuromosaic.delivery.history import read_history
from neuromosaic.delivery.text import judged
from neuromosaic.workflows.bench import Workbench, mutants_of
from neuromosaic.workflows.candidates import Candidate, model_source
from neuromosaic.workflows.certifying import in_units
from neuromosaic.workflows.extending import needed, unchanged_test
from neuromosaic.workflows.fewer_bits import files_of
from neuromosaic.workflows.field import BASELINE, SEARCH
from neuromosaic.workflows.finalists import Finalist, known_finalists
from neuromosaic.workflows.outcome import certified, results
from neuromosaic.workflows.proposed_loss import trained_with
from neuromosaic.workflows.state import DesignState


def deliver_run(bench: Workbench, state: DesignState) -> DesignState:
    """Writes the folder once; where it stands is an event, since it may have had to step aside for a user's files."""
    found = Results.model_validate(bench.once("results", lambda: results(bench).model_dump(mode="json")))
    folder = Path(bench.options.folder or Path("designs") / bench.run)
    if bench.store.step(bench.run, "delivered") is None:
        written = deliver(folder, contents(bench, found))
        where = bench.once("delivered", lambda: {"folder": str(written[0].parent)})
        bench.tell("delivered", **where)
    return {}


def delivered_folder(store: Store, run: str, candidate: str | None, spare: Path) -> Path:
    """Where the run's network stands as it was delivered; delivered again to `spare` where it does not any more.

    `candidate`: the beginning of the id, or the name, of another certified one. Raises UsageError where there is no
    such one, or the run has not come to results.
    """
    record = store.run(run)
    found = Results.model_validate(store.step(record.id, "results") or _unfinished(record.id))
    known = store.step(record.id, "delivered")
    if (
        candidate is None
        and known
        and (Path(known["folder"]) / MANIFEST).is_file()
        and untouched(Path(known["folder"]))
    ):
        return Path(known["folder"])
    bench = Workbench(store, record.id)
    try:
        return deliver(spare, contents(bench, chosen_again(found, candidate)))[0].parent
    finally:
        bench.close()


def _unfinished(run: str) -> NoReturn:
    raise UsageError(f"run {run} has no results yet: `neuromosaic resume {run}` goes on with it")


def chosen_again(found: Results, wanted: str | None) -> Results:
    """The results with another certified candidate in the first place, judged by the same brief."""
    if wanted is None:
        return found
    known = {one.id: one for one in (found.winner, found.nearest, *found.pareto) if one and one.made_from is None}
    fitting = [one for one in known.values() if one.id.startswith(wanted) or one.name == wanted]
    if len(fitting) != 1:
        fault = "fits several candidates" if fitting else "is no certified candidate"
        names = [one.name for one in known.values()]
        raise UsageError(f"--candidate {wanted} {fault} of run {found.run}{suggest(wanted, names)}")
    limits = judged(found, fitting[0])
    first = "winner" if all(limit.met for limit in limits) else "nearest"
    return found.model_copy(update={"winner": None, "nearest": None, first: fitting[0], "constraints": limits})


def contents(bench: Workbench, found: Results) -> Delivery:
    """Everything that the folder is made of, from the store."""
    best = found.winner or found.nearest
    assert best is not None  # `results` has raised where there is neither
    finalist = next(finalist for finalist in known_finalists(bench) if finalist.candidate.id == best.id)
    source = model_source(bench, finalist.candidate)
    return Delivery(
        results=found, model_source=source, suite_source=bench.suite,
        unchanged_source=bench.once(f"unchanged/{best.id}", lambda: unchanged_test(bench, source)),
        weights=unpack_tensors(bench.store.get(finalist.record["weights"])),
        preprocessing=bench.dataset.preprocessing.model_dump_json(indent=2),
        data=bench.dataset.summary, data_hash=bench.dataset.hash, hardware=bench.hardware,
        curves=_curves(known_finalists(bench)), predictions=_predictions(bench, best),
        history=read_history(bench.store.events(bench.run), found.models),
        mutants=[{**row, "killed_by": tuple(row["killed_by"])} for row in mutants_of(bench.store, bench.run)["rows"]],
        tests=bench.store.evidence(best.evidence["tests"])["outcomes"], evidence=_evidence(bench, found),
        variants=files_of(bench, best, found.pareto),
        notes=[*bench.dataset.notes, *needed(bench)], graph=_graph(bench, finalist.candidate),
        extends=bench.options.extend.file if bench.options.extend else None,
        loss_source=trained_with(bench),
    )  # fmt: skip


def _graph(bench: Workbench, candidate: Candidate) -> Graph | None:
    return unpack(bench.store.get(candidate.graph)) if candidate.graph else None


def _curves(finalists: list[Finalist]) -> dict[str, list[dict[str, float]]]:
    return {finalist.candidate.id: finalist.record["curve"] for finalist in finalists}


def _predictions(bench: Workbench, best: CandidateResult) -> Predictions:
    """The certified outputs, as they were stored: the test split's inputs are not needed again, only its labels."""
    kept = bench.store.evidence(best.evidence["metrics.test_loss"])
    outputs = np.frombuffer(bench.store.get(kept["outputs"]), dtype=np.float32).reshape(kept["shape"])
    return Predictions(in_units(bench, outputs), in_units(bench, bench.dataset.open_test().y))


def _evidence(bench: Workbench, found: Results) -> dict[str, dict[str, Any]]:
    known = [*certified(bench, SEARCH, BASELINE), *found.pareto]
    ids = {evidence for candidate in known for evidence in candidate.evidence.values()}
    ids |= {event.data["evidence"] for event in bench.store.events(bench.run) if event.data.get("evidence")}
    return {evidence: bench.store.evidence(evidence) for evidence in sorted(ids)}
