"""`neuromosaic measure`: how fast a delivered network is here and now, and how far the figures can be believed."""

import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from neuromosaic.core.errors import UsageError
from neuromosaic.core.evaluation.energy import EnergyWatch
from neuromosaic.core.evaluation.hardware import choose_device
from neuromosaic.core.evaluation.load import LoadWatch
from neuromosaic.core.judge.process import ProcessJudge
from neuromosaic.core.protocols import Job, Program
from neuromosaic.core.sandbox.process import ProcessSandbox
from neuromosaic.core.signature import signature_of
from neuromosaic.core.workers.boundary import Accepted
from neuromosaic.interfaces.use import Delivered, read_folder

REPEATS = 200
COLUMNS = ("batch", "p50 ms", "p95", "p99", "outliers", "examples/s", "of roofline")


def measure(folder: Path, batches: Sequence[int], *, as_json: bool, boundary: Accepted = "auto") -> None:
    """Latency and throughput by batch, of one thread or the accelerator, in turn with a reference."""
    if not batches or min(batches) < 1:
        raise UsageError("batches: give whole numbers of at least 1, such as --batch 1 --batch 64")
    delivered = read_folder(folder)
    found = measured(delivered, batches, boundary)
    print(json.dumps(found, indent=2) if as_json else table(found))


def measured(delivered: Delivered, batches: Sequence[int], boundary: Accepted) -> dict[str, Any]:
    """What `measure --json` prints. Raises UsageError for a network that cannot be exported."""
    contract = delivered.preprocessing.contract
    sandbox, device = ProcessSandbox(workers=1, boundary=boundary), choose_device("auto")
    judge = ProcessJudge(workers=1, device=device)
    try:
        print("measuring ...", file=sys.stderr)
        graph = sandbox.export(Program(delivered.source, {}, 0), signature_of(contract)).graph
        if graph is None:
            raise UsageError(
                f"{delivered.folder}: its network cannot be exported, so that it can only be timed whole"
            )
        graph = replace(graph, tensors={**graph.tensors, **delivered.weights})
        arguments = {"contract": contract.model_dump(mode="json"), "batches": list(batches), "repeats": REPEATS}
        judge.warm_up()
        with LoadWatch() as watch, EnergyWatch(device) as energy:
            body = judge.run(Job("profile", graph, arguments, timeout=600.0)).body
        load = {"cores": watch.load.cores, "busiest": list(watch.load.busiest), "said": str(watch.load)}
        taken = {"joules": energy.energy.joules, "seconds": energy.energy.seconds, "said": str(energy.energy)}
        return {"folder": str(delivered.folder), "device": device, **body, "load": load, "energy": taken}
    finally:
        sandbox.close()
        judge.close()


def table(found: dict[str, Any]) -> str:
    """For people."""
    machine, speeds = found["roofline"], found["speeds"]
    rows = [COLUMNS, *(_row(one) for one in speeds)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(COLUMNS))]
    lines = ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    intensity = ", ".join(f"{one['intensity']:.3g}" for one in speeds)
    return "\n".join([
        *lines,
        f"{intensity} FLOPs per byte; the {found['device']} reaches {machine['gflops']:g} GFLOP/s and"
        f" {machine['gigabytes']:g} GB/s; reference {speeds[0]['reference_ms']:.3g} ms",
        found["load"]["said"], found["energy"]["said"],
    ])  # fmt: skip


def _row(one: dict[str, Any]) -> tuple[str, ...]:
    figures = [f"{one[name]:.3g}" for name in ("p50", "p95", "p99")]
    return (str(one["batch"]), *figures, str(one["outliers"]), f"{one['throughput']:,.0f}", f"{one['share']:.0%}")
