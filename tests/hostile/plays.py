"""How an attempt is played: which jobs are run on it, and what the host makes of the answers."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from neuromosaic.core.errors import CandidateError, InfrastructureError, NeuromosaicError, WorkerError
from neuromosaic.core.evaluation.recipe import Recipe
from neuromosaic.core.graph.document import Graph
from neuromosaic.core.graph.tensors import from_numpy, to_numpy
from neuromosaic.core.protocols import Job, Judge, Message, Program, Sandbox
from neuromosaic.core.validation.climb import Climb
from neuromosaic.core.validation.ladder import Ladder
from tests.hostile.bench import CONSTRAINTS, CONTRACT, EXAMPLES, SUITE, Bench, examples

HALF_CHANCE: Final = 0.5
"""Of ten classes: nobody who has not seen the labels names half of them."""


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
    graph = bench.sandbox.export(program, CONTRACT, seconds)
    return Told(accepted=bool(graph.tensors), lane="graph")


def _test(bench: Bench, program: Program, seconds: float) -> Told:
    outcome = bench.sandbox.test(SUITE, program, seconds)
    return Told(accepted=outcome.green, reason=" ".join(outcome.messages.values()))


def _behave(bench: Bench, program: Program, seconds: float) -> Told:
    x, y = examples()
    arguments = {"contract": CONTRACT.model_dump(mode="json"), "loss": "cross_entropy", "batch": EXAMPLES}
    job = Job("behave", program, arguments, {"x": from_numpy(x), "y": from_numpy(y)}, seconds)
    reply = bench.sandbox.run(job)
    return Told(accepted=not reply.body.get("findings"), reason=str(reply.body.get("findings")))


def _train(bench: Bench, program: Program, seconds: float) -> Told:
    """Trains in the python lane; the host scores the validation outputs on labels that it keeps to itself."""
    x, y = examples()
    validation = np.random.default_rng().standard_normal((200, 1, 8, 8)).astype(np.float32)
    labels = np.random.default_rng().integers(0, 10, 200)
    recipe = Recipe(loss="cross_entropy", epochs=2, batch_size=EXAMPLES)
    arguments = {
        "contract": CONTRACT.model_dump(mode="json"), "recipe": recipe.model_dump(mode="json"), "fidelity": 1.0,
        "seed": 0,
    }  # fmt: skip
    arrays = {"x": x, "y": y, "validation_x": validation}
    job = Job("train", program, arguments, {name: from_numpy(array) for name, array in arrays.items()}, seconds)
    best = 0.0

    def score(report: Message) -> Message:
        nonlocal best
        outputs = to_numpy(report.tensors["outputs"]) if "outputs" in report.tensors else np.zeros((200, 10))
        if outputs.shape == (200, 10):
            best = max(best, float((outputs.argmax(1) == labels).mean()))
        return Message({"stop": False, "keep": False})

    bench.sandbox.run(job, score)
    return Told(lane="python", wrong=["knew labels that it never got"] if best > HALF_CHANCE else [])


def _ladder(bench: Bench, program: Program, seconds: float) -> Told:
    """All gates with a suite, and then the certificate: model.py itself must compute what its graph computes."""
    ladder = Ladder(bench.sandbox, bench.judge, CONTRACT, CONSTRAINTS, *examples(), "cross_entropy", seconds)
    climb = ladder.climb_point(program)  # past the text's lint, which is no boundary
    if not climb.accepted:
        return _told(climb)
    steps = [lambda climb: ladder._behave(climb, program), lambda climb: ladder._test(climb, program, SUITE)]
    climb = _joined(climb, ladder._up(_keeping(climb, steps)))
    told = _told(climb)
    if told.accepted and climb.graph is not None and (reason := certificate_refused(bench, program, climb.graph)):
        return Told(False, climb.lane, climb.figures, told.codes, reason)
    return told


def _keeping(climb: Climb, steps: list[Any]) -> list[Any]:
    """The steps, begun from a climb that has come this far."""
    first, *rest = steps
    return [lambda _: first(climb), *rest]


def _joined(before: Climb, after: Climb) -> Climb:
    from dataclasses import replace

    return replace(after, verdicts=(*before.verdicts, *(v for v in after.verdicts if v not in before.verdicts)))


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
            outputs.append(_outputs(worker, subject, tensors))
        except (CandidateError, WorkerError) as error:
            return f"no certificate: {error}"
    same = outputs[0].shape == outputs[1].shape and np.allclose(*outputs, rtol=1e-3, atol=1e-3)
    return None if same else "no certificate: model.py computes something else than its graph"


def _outputs(worker: Sandbox | Judge, subject: Program | Graph, tensors: dict[str, Any]) -> np.ndarray:
    return to_numpy(worker.run(Job("predict", subject, {"batch": 64}, tensors, 20)).tensors["outputs"])


def _graph(bench: Bench, program: Program, seconds: float) -> Told:
    """Whatever graph the process sends goes to the judge: the host's own work on it must be short as well."""
    graph = bench.sandbox.export(program, CONTRACT, seconds)
    from neuromosaic.core.graph.canonical import graph_id

    graph_id(graph)
    x, y = examples()
    told = Told(lane="graph")
    with contextlib.suppress(CandidateError):
        body = bench.judge.run(Job("inspect", graph, {"contract": CONTRACT.model_dump(mode="json")}, {}, seconds)).body
        told.figures = {"parameters": float(body["parameters"])}
        outputs = _outputs(bench.judge, graph, {"x": from_numpy(x), "y": from_numpy(y.astype(np.int64))})
        told.accepted = outputs.shape == (EXAMPLES, 10) and not body["findings"]
    return told


PLAYS: Final[dict[str, Callable[[Bench, Program, float], Told]]] = {
    "export": _export, "test": _test, "behave": _behave, "train": _train, "ladder": _ladder, "graph": _graph,
}  # fmt: skip
