"""The finalists again, in fresh processes, on the test split that no earlier step has seen."""

import platform
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from importlib import metadata
from typing import Any

import numpy as np

from neuromosaic.core.errors import CandidateError, NeuromosaicError
from neuromosaic.core.evaluation.baselines import fit_baseline
from neuromosaic.core.evaluation.copies import copies
from neuromosaic.core.evaluation.generation import draws_of
from neuromosaic.core.evaluation.handing_over import pieces, predicted
from neuromosaic.core.evaluation.intervals import interval
from neuromosaic.core.evaluation.metrics import score
from neuromosaic.core.evaluation.stopwatch import time_program
from neuromosaic.core.graph.document import TensorData
from neuromosaic.core.graph.packing import unpack_tensors
from neuromosaic.core.judge.process import ProcessJudge
from neuromosaic.core.protocols import Job, Judge, Program, Sandbox
from neuromosaic.core.results import CandidateResult, Latency
from neuromosaic.core.store.openings import KIND, openings
from neuromosaic.workflows.bench import Workbench, in_background
from neuromosaic.workflows.candidates import Candidate, Family, family_of, model_source, subject
from neuromosaic.workflows.covering import cover, tried
from neuromosaic.workflows.fewer_bits import FORMATS
from neuromosaic.workflows.field import SEARCH
from neuromosaic.workflows.finalists import Finalist, needing_certificate
from neuromosaic.workflows.state import DesignState
from neuromosaic.workflows.trials import TrialRecord

TOLERANCE = 1e-3
"""Largest difference between model.py and its graph, relative to the outputs' scale: float32 sums in other orders."""


def certify(bench: Workbench, state: DesignState) -> DesignState:
    """Opens the test split once for all that is certified, and counts the opening."""
    wanted = needing_certificate(bench)
    cover(bench, [finalist.candidate for finalist in wanted])
    bench.once("test opened", lambda: _open_test(bench, [*_names(bench, wanted)]))
    bench.close_judge()  # certificates are made by a fresh one, and two at once would need twice the memory
    with Certifier(bench) as certifier:
        for finalist in wanted:
            bench.once(f"certificate/{finalist.candidate.id}", partial(certifier.certify, finalist))
    bench.once("baselines", lambda: simple_baselines(bench))
    return {}


def _names(bench: Workbench, wanted: Sequence[Finalist]) -> Iterator[str]:
    """What may be scored at this opening: the finalists, and their variants where these are wanted."""
    for finalist in wanted:
        yield finalist.candidate.name
        if bench.options.compress and finalist.contestant == SEARCH and finalist.candidate.lane == "graph":
            yield from (f"{finalist.candidate.name} in {numbers}" for numbers in FORMATS)


def _open_test(bench: Workbench, names: list[str]) -> dict[str, Any]:
    data = bench.dataset.hash
    evidence = bench.prove(KIND, data=data, candidates=names)
    times = openings(bench.store, data)
    bench.tell("test.opened", candidates=names, times=times, evidence=evidence)
    return {"evidence": evidence, "times": times}


class Certifier:
    """Fresh workers for the certificates: nothing that a search left behind can reach them.

    The sandbox has a fresh process for each job anyway.
    """

    def __init__(self, bench: Workbench) -> None:
        self._bench = bench
        self._test = bench.dataset.open_test()

    def __enter__(self) -> "Certifier":
        self._sandbox: Sandbox = self._bench.sandbox
        self._judge: Judge = ProcessJudge(workers=1, device=self._bench.hardware.device)
        in_background(self._judge.warm_up)  # while model.py is run
        return self

    def __exit__(self, *_: object) -> None:
        self._judge.close()

    def certify(self, finalist: Finalist) -> dict[str, Any]:
        """A CandidateResult as JSON, or {"failed": reason}."""
        self._bench.tell("certifying", name=finalist.candidate.name)
        try:
            result = self._measure(finalist)
        except NeuromosaicError as error:
            self._bench.tell("certificate.refused", name=finalist.candidate.name, reason=str(error))
            return {"failed": str(error)}
        self._bench.tell("certified", name=result.name, metrics=result.metrics)
        return result.model_dump(mode="json")

    def _measure(self, finalist: Finalist) -> CandidateResult:
        bench, candidate = self._bench, finalist.candidate
        family = family_of(bench, candidate.family)
        weights = unpack_tensors(bench.store.get(finalist.record["weights"]))
        program = Program(model_source(bench, candidate), {}, bench.brief.seed)
        outputs = self._outputs(candidate, program, weights)
        metrics, intervals = self._scores(finalist, outputs)
        tell_copies(bench, candidate.name, outputs, self._test.x)
        latency = self._latency(candidate, program)
        tests, covered = tried(bench, candidate, bench.suite)
        tested = {"outcomes": tests.outcomes, "coverage": {"share": covered.share, **covered._asdict()}}
        evidence = self._evidence(finalist, outputs, metrics, latency, tested)
        return CandidateResult(
            id=candidate.id, name=candidate.name, metrics=metrics, intervals=intervals, latency_ms=latency,
            designed_by=_designer(family, finalist.record),
            parameters=candidate.parameters, flops=candidate.flops, peak_memory_mb=candidate.peak_memory_mb,
            device=bench.hardware.device, lane=candidate.lane, boundary=self._sandbox.boundary, evidence=evidence,
            values=candidate.values, weights_bytes=sum(len(one.data) for one in weights.values()),
            coverage=round(covered.share, 4),
        )  # fmt: skip

    def _outputs(self, candidate: Candidate, program: Program, weights: Mapping[str, TensorData]) -> np.ndarray:
        """model.py's outputs on the test inputs; in the graph lane they must agree with the graph that was scored."""
        trained = {f"weights/{name}": data for name, data in weights.items()}
        ours = self._predict(self._sandbox, program, trained)
        if candidate.lane == "graph":
            judged = self._predict(self._judge, subject(self._bench, candidate), trained)
            scale = max(1.0, float(np.abs(judged).max()))
            if ours.shape != judged.shape or not np.allclose(ours, judged, rtol=TOLERANCE, atol=TOLERANCE * scale):
                raise CandidateError(
                    "model.py computes something else than the graph that was trained", "module-differs"
                )
            return judged
        return ours

    def _predict(self, worker: Judge | Sandbox, what: Any, tensors: dict[str, TensorData]) -> np.ndarray:
        return predicted(worker, what, self._test.x, tensors, 600, self._bench.dataset.contract)

    def _scores(
        self, finalist: Finalist, outputs: np.ndarray
    ) -> tuple[dict[str, float], dict[str, tuple[float, float]]]:
        bench, data = self._bench, self._bench.dataset
        task, names = data.contract.task, (bench.plan.primary, *bench.plan.report)
        ours, truth = in_units(bench, outputs), in_units(bench, self._test.y)
        naive = data.preprocessing.naive_error
        scored = score(task, ours, truth, names, naive)
        test = {name: value for name, value in scored.items() if value == value}  # JSON knows no NaN
        if bench.plan.primary not in test:
            raise CandidateError(f"{bench.plan.primary} is undefined on the test split", "undefined-metric")
        validation = {name: value for name, value in finalist.record["metrics"].items() if value == value}
        metrics = {f"val_{k}": v for k, v in validation.items()} | {f"test_{k}": v for k, v in test.items()}
        primary = bench.plan.primary
        return metrics, {f"test_{primary}": interval(task, primary, ours, truth, naive_error=naive)}

    def _latency(self, candidate: Candidate, program: Program) -> Latency:
        """Of model.py by the host's clock; on an accelerator, which only the judge has, of the graph."""
        batch = self._bench.brief.constraints.latency_batch
        if self._bench.hardware.device == "cpu" or candidate.lane == "python":
            timing = time_program(self._sandbox, program, self._test.x[:1].repeat(batch, axis=0))
            return Latency(p50=timing.p50, p95=timing.p95, batch=batch, threads=1)
        arguments = {"contract": self._bench.dataset.contract.model_dump(mode="json"), "batch": batch, "repeats": 200}
        measured = self._judge.run(Job("measure", subject(self._bench, candidate), arguments)).body
        return Latency(p50=measured["p50"], p95=measured["p95"], batch=batch, threads=measured["threads"])

    def _evidence(
        self, finalist: Finalist, outputs: np.ndarray, metrics: dict[str, float], latency: Latency,
        tests: Mapping[str, Any],
    ) -> dict[str, str]:  # fmt: skip
        """Evidence ids by the dotted path of the figure."""
        bench, candidate = self._bench, finalist.candidate
        about = {"candidate": candidate.id, "environment": environment(bench)}
        kept = bench.store.put(np.ascontiguousarray(outputs, dtype=np.float32).tobytes())
        trained = bench.prove(
            "training", **about, key=finalist.record["key"], recipe=bench.recipe.model_dump(mode="json")
        )
        tested = bench.prove("test-split", **about, metrics=metrics, outputs=kept, shape=list(outputs.shape))
        timed = bench.prove("latency", **about, **latency.model_dump())
        counted = bench.prove("inspection", **about, parameters=candidate.parameters, flops=candidate.flops,
                              peak_memory_mb=candidate.peak_memory_mb)  # fmt: skip
        suite = bench.prove("tests", **about, **tests)
        figures = {f"metrics.{name}": trained if name.startswith("val_") else tested for name in metrics}
        figures |= {f"latency_ms.{name}": timed for name in ("p50", "p95")}
        figures |= dict.fromkeys(("parameters", "flops", "peak_memory_mb"), counted)
        return figures | dict.fromkeys(("tests", "coverage"), suite)


def tell_copies(bench: Workbench, name: str, outputs: np.ndarray, held: np.ndarray) -> None:
    """Of a generative network: whether its draws are training examples, which no metric on held-out ones tells."""
    if bench.dataset.contract.task != "generation":
        return
    found = copies(draws_of(outputs), held, bench.dataset.train.x)
    if found is None:
        return
    proof = bench.prove("copies", name=name, draws=found.draws, held=found.held)
    verdict = "it may be handing out what it was trained on" if found.suspicious else "no sign of copies"
    shares = f"{found.draws:.1%} of the draws of {name} are next to a training example, of the test examples"
    bench.tell("note", text=f"{shares} {found.held:.1%}: {verdict} (evidence {proof}).")


def _designer(family: Family, record: TrialRecord) -> str:
    """Who designed it, and what it was made from where it is a compressed one."""
    return f"{family.designed_by}, {record['origin']}" if "origin" in record else family.designed_by


def in_units(bench: Workbench, values: np.ndarray) -> np.ndarray:
    """Regression values in the user's own units; anything else as it is."""
    return bench.dataset.preprocessing.unscale_targets(values)


def simple_baselines(bench: Workbench) -> dict[str, dict[str, float]]:
    """What needs no network: scored on the same splits."""
    data, names = bench.dataset, (bench.plan.primary, *bench.plan.report)
    test = data.open_test()
    found: dict[str, dict[str, float]] = {}
    for name, predict in fit_baseline(data.contract, data.train.x, data.train.y, bench.brief.seed).items():
        figures: dict[str, float] = {}
        for split, x, y in (("val", data.validation.x, data.validation.y), ("test", test.x, test.y)):
            outputs = np.concatenate([predict(x[rows]) for rows in pieces(x)])
            naive = data.preprocessing.naive_error
            scored = score(data.contract.task, in_units(bench, outputs), in_units(bench, y), names, naive)
            figures |= {f"{split}_{metric}": value for metric, value in scored.items() if value == value}
        found[name] = figures
        bench.tell("baseline", name=name, metrics=figures)
    return found


def environment(bench: Workbench) -> dict[str, Any]:
    """What a figure depends on besides the seed."""
    versions = {name: metadata.version(name) for name in ("neuromosaic", "torch", "numpy")}
    return {
        **versions, "python": platform.python_version(), "system": platform.system(), "machine": platform.machine(),
        "device": bench.hardware.device, "hardware": bench.hardware.name, "threads": 1,
    }  # fmt: skip
