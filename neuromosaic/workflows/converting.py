"""Where smaller networks are wanted: certified ones in int8 and bfloat16, as candidates beside them.

A worker writes each as a file, another opens it, and what the file computes is scored on the splits that its original
was scored on. It has no Python of its own: it is used as it lies, and trained no further.
"""

from functools import partial
from typing import Any, NamedTuple

import numpy as np

from neuromosaic.core.errors import CandidateError, NeuromosaicError
from neuromosaic.core.evaluation.data.dataset import Split
from neuromosaic.core.evaluation.handing_over import BATCH, pieces
from neuromosaic.core.evaluation.intervals import interval
from neuromosaic.core.evaluation.metrics import higher_is_better, score
from neuromosaic.core.graph.document import TensorData
from neuromosaic.core.graph.packing import unpack_tensors
from neuromosaic.core.graph.tensors import from_numpy, to_numpy
from neuromosaic.core.judge.process import ProcessJudge
from neuromosaic.core.protocols import Job, Judge
from neuromosaic.core.results import CandidateResult, Latency, Numbers
from neuromosaic.core.search.pareto import pareto_front
from neuromosaic.workflows.bench import Workbench
from neuromosaic.workflows.candidates import subject
from neuromosaic.workflows.certifying import TOLERANCE, environment, in_units
from neuromosaic.workflows.fewer_bits import FORMATS, step_of
from neuromosaic.workflows.field import SEARCH
from neuromosaic.workflows.finalists import Finalist, needing_certificate
from neuromosaic.workflows.outcome import certified
from neuromosaic.workflows.state import DesignState

TRIED = 16
"""Training examples that a file is tried on as soon as it is opened."""
SECONDS = 600.0


def convert(bench: Workbench, state: DesignState) -> DesignState:
    """Where it is wanted, makes and scores the variants of the best certified networks."""
    if not bench.options.compress or bench.stopping:
        return {}
    if bench.hardware.device != "cpu" or bench.dataset.contract.task == "generation":
        bench.once("fewer bits", partial(_tell_none, bench))
        return {}
    with _Variants(bench) as variants:
        for original in _originals(bench):
            for numbers in FORMATS:
                bench.once(step_of(original.id, numbers), partial(variants.certify, original, numbers))
    return {}


def _tell_none(bench: Workbench) -> bool:
    why = "on a GPU" if bench.hardware.device != "cpu" else "for a network that draws examples"
    bench.tell("note", text=f"No network was tried in int8 or bfloat16: {why} neither is measured.")
    return True


def _originals(bench: Workbench) -> list[CandidateResult]:
    """The best one, and those that nothing beats in metric and size."""
    primary = bench.plan.primary
    sign = -1 if higher_is_better(primary) else 1
    known = [one for one in certified(bench, SEARCH) if one.lane == "graph"]
    front = pareto_front(known, lambda one: (sign * one.metrics[f"val_{primary}"], one.parameters))
    return [*known[:1], *(one for one in front if one is not known[0])]


class _File(NamedTuple):
    """`weights_bytes` of the tensors in it; `plain`: the original's, as torch.export writes it."""

    data: TensorData
    weights_bytes: int
    plain: TensorData


class _Variants:
    """One process that writes, and another that opens and runs."""

    def __init__(self, bench: Workbench) -> None:
        self._bench = bench
        self._x = bench.dataset.train.x[:TRIED]
        self._finalists = {one.candidate.id: one for one in needing_certificate(bench)}

    def __enter__(self) -> "_Variants":
        self._writer: Judge = ProcessJudge(workers=1)
        self._reader: Judge = ProcessJudge(workers=1)
        return self

    def __exit__(self, *_: object) -> None:
        self._writer.close()
        self._reader.close()

    def certify(self, original: CandidateResult, numbers: Numbers) -> dict[str, Any]:
        """{"result": a CandidateResult as JSON, "file": artifact}, or {"failed": reason}."""
        bench, name = self._bench, f"{original.name} in {numbers}"
        if bench.seconds_left() == 0:
            return {"failed": "there was no time left"}
        try:
            file = self._written(original, numbers)
            result = self._measured(original, numbers, file)
        except NeuromosaicError as error:
            bench.tell("certificate.refused", name=name, reason=str(error))
            return {"failed": str(error)}
        bench.tell("certified", name=name, metrics=result.metrics)
        return {"result": result.model_dump(mode="json"), "file": bench.store.put(to_numpy(file.data).tobytes())}

    def _written(self, original: CandidateResult, numbers: Numbers) -> _File:
        finalist = self._finalists[original.id]
        plain = self._converted(finalist, "torch-export").tensors["file"]
        made = self._converted(finalist, numbers)
        meant = to_numpy(made.tensors["outputs"])
        found = self._outputs(numbers, made.tensors["file"], self._x)
        if not np.allclose(found, meant, rtol=TOLERANCE, atol=TOLERANCE * max(1.0, float(np.abs(meant).max()))):
            raise CandidateError("the file computes something else than was written", "file-differs")
        return _File(made.tensors["file"], int(made.body["weights_bytes"]), plain)

    def _converted(self, finalist: Finalist, to: str) -> Any:
        weights = unpack_tensors(self._bench.store.get(finalist.record["weights"]))
        tensors = {"x": from_numpy(self._x), **{f"weights/{name}": data for name, data in weights.items()}}
        return self._writer.run(
            Job("convert", subject(self._bench, finalist.candidate), {"to": to}, tensors, SECONDS)
        )

    def _outputs(self, numbers: Numbers, file: TensorData, x: Any) -> Any:
        """For all of `x`; what lies on the disk goes to the reader some at a time, in the same batches."""
        return np.concatenate([self._outputs_of(numbers, file, x[rows]) for rows in pieces(x)])

    def _outputs_of(self, numbers: Numbers, file: TensorData, x: Any) -> Any:
        arguments = {"format": numbers, "sizes": [len(x)], "batch": BATCH}
        tensors = {"file": file, "x": from_numpy(x)}
        reply = self._reader.run(Job("reopen", self._any_graph(), arguments, tensors, SECONDS))
        return to_numpy(reply.tensors[f"outputs/{len(x)}"])

    def _any_graph(self) -> Any:
        """A job has a subject; these two kinds look at the file alone."""
        return subject(self._bench, next(iter(self._finalists.values())).candidate)

    def _measured(self, original: CandidateResult, numbers: Numbers, file: _File) -> CandidateResult:
        bench, data, primary = self._bench, self._bench.dataset, self._bench.plan.primary
        test = data.open_test()
        scored = {name: self._scored(numbers, file, split) for name, split in
                  (("val", data.validation), ("test", test))}  # fmt: skip
        metrics = {f"{split}_{name}": value for split, (found, _) in scored.items() for name, value in found.items()}
        if f"test_{primary}" not in metrics or f"val_{primary}" not in metrics:
            raise CandidateError(f"{primary} is undefined for what it computes", "undefined-metric")
        predicted, truth = in_units(bench, scored["test"][1]), in_units(bench, test.y)
        bounds = interval(data.contract.task, primary, predicted, truth, naive_error=data.preprocessing.naive_error)
        race = self._race(numbers, file)
        times = race["file"]["p50"] / race["beside"]["p50"]
        latency = original.latency_ms.model_copy(update={
            "p50": original.latency_ms.p50 * times,
            "p95": original.latency_ms.p95 * race["file"]["p95"] / race["beside"]["p95"],
        })  # fmt: skip
        return original.model_copy(update={
            "id": f"{original.id}-{numbers}", "name": f"{original.name} in {numbers}", "numbers": numbers,
            "made_from": original.id, "weights_bytes": file.weights_bytes, "metrics": metrics,
            "intervals": {f"test_{primary}": bounds}, "latency_ms": latency,
            "evidence": self._evidence(original, numbers, metrics, latency, race, file),
        })  # fmt: skip

    def _scored(self, numbers: Numbers, file: _File, split: Split) -> tuple[dict[str, float], Any]:
        bench, data = self._bench, self._bench.dataset
        outputs = self._outputs(numbers, file.data, split.x)
        names = (bench.plan.primary, *bench.plan.report)
        found = score(data.contract.task, in_units(bench, outputs), in_units(bench, split.y), names,
                      data.preprocessing.naive_error)  # fmt: skip
        return {name: value for name, value in found.items() if value == value}, outputs

    def _race(self, numbers: Numbers, file: _File) -> dict[str, Any]:
        """Milliseconds of a pass through the file and through the original's, by turns."""
        batch = self._bench.brief.constraints.latency_batch
        x = from_numpy(self._x[:1].repeat(batch, axis=0))
        tensors = {"file": file.data, "beside": file.plain, "x": x}
        return self._reader.run(Job("race", self._any_graph(), {"format": numbers}, tensors, SECONDS)).body

    def _evidence(
        self, original: CandidateResult, numbers: Numbers, metrics: dict[str, float], latency: Latency,
        race: dict[str, Any], file: _File,
    ) -> dict[str, str]:  # fmt: skip
        bench = self._bench
        about = {"candidate": f"{original.id}-{numbers}", "made_from": original.id, "environment": environment(bench)}
        tested = bench.prove("test-split", **about, metrics=metrics)
        timed = bench.prove("latency", **about, **latency.model_dump(), race=race)
        counted = bench.prove("inspection", **about, weights_bytes=file.weights_bytes)
        figures = {f"metrics.{name}": tested for name in metrics}
        figures |= {f"latency_ms.{name}": timed for name in ("p50", "p95")}
        return figures | {"parameters": counted}
