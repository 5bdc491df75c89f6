"""How an attempt is played: which jobs are run on it, and what the host makes of the answers."""

from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, Final, cast

import numpy as np
from numpy.typing import NDArray

from neuromosaic.core.errors import CandidateError, InfrastructureError, NeuromosaicError, WorkerError
from neuromosaic.core.evaluation.data.dataset import Dataset, Split
from neuromosaic.core.evaluation.recipe import Recipe
from neuromosaic.core.evaluation.trial import run_trial
from neuromosaic.core.graph.canonical import graph_id
from neuromosaic.core.graph.document import Graph, TensorData
from neuromosaic.core.graph.tensors import from_numpy, to_numpy
from neuromosaic.core.proposals import MetricsPlan
from neuromosaic.core.protocols import Job, Judge, Program, Sandbox, Verdict
from neuromosaic.core.validation.behave import Examples
from neuromosaic.core.validation.climb import Climb
from neuromosaic.core.validation.ladder import Known, Ladder
from tests.hostile.bench import CONSTRAINTS, CONTRACT, EXAMPLES, HONEST, SIGNATURE, SUITE, Bench, examples

HALF: Final = 0.5
"""Of ten classes: nobody who has not seen the labels names half of them."""
UNSEEN: Final = 200
CERTIFYING_SECONDS: Final = 20.0


@dataclass
class Told:
    """What came of the jobs: `accepted` by the host, on what `figures`, in which `lane`; or why not.

    `warned`: an accepted verdict that names the disagreement between the Python and its graph.
    `wrong`: what the host itself saw go wrong (not what a worker says).
    """

    accepted: bool = False
    lane: str | None = None
    figures: dict[str, float] = field(default_factory=dict)
    codes: tuple[str, ...] = ()
    reason: str = ""
    warned: bool = False
    wrong: list[str] = field(default_factory=list)


def warm_up(bench: Bench, name: str) -> None:
    """What the host itself loads with the first is no attempt's doing."""
    if name not in bench.played:
        bench.played.add(name)
        told = PLAYS[name](bench, Program(HONEST, {}, seed=0), CERTIFYING_SECONDS)
        assert told.accepted, told


def play(bench: Bench, name: str, source: str, seconds: float) -> Told:
    """Plays the source; whatever the host's own code raises, beside its own errors, is the attempt's success."""
    program = Program(source, {}, seed=0)
    try:
        return PLAYS[name](bench, program, seconds)
    except InfrastructureError as error:
        setup = isinstance(error, WorkerError) and error.cause == "setup"
        return Told(reason=str(error), wrong=["passed itself off as a fault of the machine"] if setup else [])
    except NeuromosaicError as error:
        return Told(reason=str(error), codes=(getattr(error, "code", ""),))
    except Exception as error:  # noqa: BLE001 (this is what is looked for)
        return Told(reason=repr(error), wrong=[f"broke the host with {type(error).__name__}"])


def _export(bench: Bench, program: Program, seconds: float) -> Told:
    exported = bench.sandbox.export(program, SIGNATURE, seconds)
    return Told(accepted=exported.graph is not None, lane="graph" if exported.graph else "python")


def _test(bench: Bench, program: Program, seconds: float) -> Told:
    outcome = bench.sandbox.test(SUITE, program, seconds)
    return Told(accepted=outcome.green, reason=" ".join(outcome.messages.values()))


def _train(bench: Bench, program: Program, seconds: float) -> Told:
    """Trains in the python lane; the host scores the validation outputs on labels that it keeps to itself."""
    recipe = Recipe(loss="cross_entropy", epochs=2, batch_size=EXAMPLES)
    plan = MetricsPlan(loss="cross_entropy", primary="accuracy")
    outcome = run_trial(
        bench.sandbox, program, unlearnable(), recipe, plan, fidelity=1.0, seed=0, timeout=seconds
    )  # fmt: skip
    knew = outcome.metrics.get("accuracy", 0.0) > HALF
    return Told(
        outcome.cause == "finished", "python", outcome.metrics, reason=outcome.message,
        wrong=["knew labels that it never got"] if knew else [],
    )  # fmt: skip


def unlearnable() -> Dataset:
    """Validation labels that nothing predicts, other ones each time."""
    draw = np.random.default_rng()
    x = draw.standard_normal((UNSEEN, 1, 8, 8)).astype(np.float32)
    validation = Split(x, draw.integers(0, 10, UNSEEN))
    plain = SimpleNamespace(unscale_targets=lambda y: y, naive_error=float("nan"))
    fields = {"contract": CONTRACT, "train": Split(*examples()), "validation": validation, "preprocessing": plain}
    return cast(Dataset, SimpleNamespace(**fields))


def _ladder(bench: Bench, program: Program, seconds: float) -> Told:
    """All gates with a suite, and then the certificate: model.py itself must compute what its graph computes."""
    x, y = examples()
    shown = Examples({"x/0": from_numpy(x), "y": from_numpy(y)})
    ladder = Unlinted(bench.sandbox, bench.judge, SIGNATURE, CONSTRAINTS, shown, timeout=seconds)
    try:
        climb = ladder.climb(program, SUITE)
    except CandidateError as error:
        return Told(reason=str(error), wrong=["got away without a verdict"])
    told = _told(climb)
    if told.accepted and climb.graph is not None and (reason := certificate_refused(bench, program, climb.graph)):
        return Told(False, climb.lane, climb.figures, told.codes, reason)
    return told


class Unlinted(Ladder):
    """Looks at no text: the policy on that is no boundary."""

    def _parse(self, climb: Climb, program: Program, known: Known) -> tuple[Climb, Verdict]:
        return climb, Verdict("parse")


def _told(climb: Climb) -> Told:
    codes = tuple(finding.code for finding in climb.findings)
    reason = "; ".join(finding.message for finding in climb.findings)
    return Told(climb.accepted, climb.lane, climb.figures, codes, reason, warned="suite-disagrees" in codes)


def certificate_refused(bench: Bench, program: Program, graph: Graph) -> str | None:
    """Why model.py is not the graph that was scored, on inputs and weights that the host chose; None where it is."""
    x = np.random.default_rng().standard_normal((64, 1, 8, 8)).astype(np.float32)
    entries = [*graph.document["parameters"], *(b for b in graph.document["buffers"] if b["persistent"])]
    draw = np.random.default_rng(3)
    tensors = {"x": from_numpy(x)}
    for entry in entries:
        data = graph.tensors[entry.get("same_as", entry["name"])]
        if data.dtype == "float32":
            data = from_numpy(to_numpy(data) + 0.01 * draw.standard_normal(data.shape).astype(np.float32))
        tensors[f"weights/{entry['name']}"] = data
    outputs = []
    for worker, subject in ((bench.sandbox, program), (bench.judge, graph)):
        try:
            outputs.append(_outputs(worker, subject, tensors, CERTIFYING_SECONDS))
        except (CandidateError, WorkerError) as error:
            return f"no certificate: {error}"
    same = outputs[0].shape == outputs[1].shape and np.allclose(*outputs, rtol=1e-3, atol=1e-3)
    return None if same else "no certificate: model.py computes something else than its graph"


def _outputs(worker: Sandbox | Judge, subject: Any, tensors: dict[str, TensorData], seconds: float) -> NDArray[Any]:
    return to_numpy(worker.run(Job("predict", subject, {"batch": 64}, tensors, seconds)).tensors["outputs"])


def _graph(bench: Bench, program: Program, seconds: float) -> Told:
    """Whatever graph the process sends goes to the judge: the host's own work on it must be short as well."""
    graph = bench.sandbox.export(program, SIGNATURE, seconds).graph
    if graph is None:
        return Told(lane="python")
    graph_id(graph)
    arguments = {"signature": SIGNATURE.model_dump(mode="json")}
    body = bench.judge.run(Job("inspect", graph, arguments, {}, seconds)).body
    x, _ = examples()
    outputs = _outputs(bench.judge, graph, {"x": from_numpy(x)}, seconds)
    accepted = outputs.shape == (EXAMPLES, 10) and not body["findings"]
    return Told(accepted, "graph", {"parameters": float(body["parameters"])})


PLAYS: Final[dict[str, Callable[[Bench, Program, float], Told]]] = {
    "export": _export, "test": _test, "train": _train, "ladder": _ladder, "graph": _graph,
}  # fmt: skip
