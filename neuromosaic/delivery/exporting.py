"""A delivered network in other formats. Each is loaded again and compared with model.py before it counts.

model.py itself runs in the sandbox; what is written is made of its graph by the judge, which never ran that Python.
"""

import hashlib
from collections.abc import Mapping
from typing import Final, Literal, NamedTuple

import numpy as np

from neuromosaic.core.errors import CandidateError, RunFailedError
from neuromosaic.core.evaluation.data.preprocessing import Preprocessing
from neuromosaic.core.graph.document import Graph, TensorData
from neuromosaic.core.graph.examples import draw_inputs
from neuromosaic.core.graph.tensors import from_numpy, from_torch, to_numpy
from neuromosaic.core.protocols import Job, Judge, Program, Sandbox
from neuromosaic.core.signature import Signature, signature_of
from neuromosaic.delivery.pull_requests.material import Material

Format = Literal["safetensors", "source", "torch-export", "torchscript"]
FILES: Final[dict[Format, tuple[str, ...]]] = {
    "safetensors": ("weights.safetensors",),
    "source": ("model.py", "weights.safetensors", "preprocessing.json", "card.md"),
    "torch-export": ("model.pt2",),
    "torchscript": ("model.torchscript.pt",),
}
ROWS, SEED = 7, 20_261
"""Fresh inputs that both are run on: no training, validation or test has seen them."""
TOLERANCE = 1e-3
"""Largest difference relative to the outputs' scale: float32 sums in other orders."""
SECONDS = 600.0


class Exported(NamedTuple):
    """`files` by name; `difference`: the largest one between its outputs and those of model.py, on `rows` inputs at
    once and on one alone."""

    format: Format
    files: Mapping[str, bytes]
    difference: float
    rows: int = ROWS

    def described(self) -> dict[str, object]:
        digests = {name: hashlib.sha256(data).hexdigest() for name, data in self.files.items()}
        return {"format": self.format, "difference": self.difference, "rows": self.rows, "sha256": digests}


class Exporter:
    """Exports one network; it is run in the sandbox once, whatever the formats."""

    def __init__(self, material: Material, sandbox: Sandbox, judge: Judge) -> None:
        self._material, self._judge, self._sandbox = material, judge, sandbox
        preprocessing = Preprocessing.model_validate_json(material.text("preprocessing.json"))
        self._signature: Signature = signature_of(preprocessing.contract)
        self._program = Program(material.text("model.py"), {}, material.results.seed)
        (inputs,) = draw_inputs(self._signature, ROWS, SEED)
        self._x = from_torch(inputs)
        self._weights = _weights(material.files["weights.safetensors"])
        self._graph = self._exported()
        self._expected = self._predict(sandbox, self._program)

    def export(self, wanted: Format) -> Exported:
        """Raises RunFailedError where the format cannot hold this network, or computes something else."""
        if wanted in ("safetensors", "source"):
            return self._as_it_is(wanted)
        try:
            job = Job("convert", self._graph, {"to": wanted}, {"x": self._x, **self._weights}, SECONDS)
            reply = self._judge.run(job).tensors
        except CandidateError as error:
            raise RunFailedError(f"{wanted} cannot hold {self._name}: {error}") from None
        found = [(to_numpy(reply["outputs"]), self._expected), (to_numpy(reply["first"]), self._expected[:1])]
        difference = max(self._compared(ours, expected, wanted) for ours, expected in found)
        (name,) = FILES[wanted]
        return Exported(wanted, {name: to_numpy(reply["file"]).tobytes()}, difference)

    @property
    def _name(self) -> str:
        return self._material.candidate.name

    def _as_it_is(self, wanted: Format) -> Exported:
        """The delivered files, once the judge's graph with the weights as read has agreed with model.py."""
        outputs = self._predict(self._judge, self._graph)
        files = {name: self._material.files[name] for name in FILES[wanted]}
        return Exported(wanted, files, self._compared(outputs, self._expected, wanted))

    def _exported(self) -> Graph:
        exported = self._sandbox.export(self._program, self._signature, timeout=SECONDS)
        if exported.graph is None:
            why = exported.obstacle.message if exported.obstacle else "it gives no graph"
            raise RunFailedError(f"{self._name} cannot be exported, its Python is all there is of it: {why}")
        return exported.graph

    def _predict(self, worker: Sandbox | Judge, subject: Program | Graph) -> np.ndarray:
        job = Job("predict", subject, {"batch": 256}, {"x": self._x, **self._weights}, SECONDS)
        return to_numpy(worker.run(job).tensors["outputs"])

    def _compared(self, ours: np.ndarray, expected: np.ndarray, wanted: Format) -> float:
        """The largest difference. Raises RunFailedError where it is more than rounding."""
        what = f"{wanted} of {self._name}"
        if ours.shape != expected.shape:
            raise RunFailedError(f"{what} returns {ours.shape} where model.py returns {expected.shape}")
        difference = float(np.abs(ours - expected).max())
        if not difference <= TOLERANCE * max(1.0, float(np.abs(expected).max())):
            raise RunFailedError(f"{what} differs from model.py by {difference:.3g}: nothing is written")
        return difference


def _weights(data: bytes) -> dict[str, TensorData]:
    from safetensors.numpy import load

    return {f"weights/{name}": from_numpy(array) for name, array in load(data).items()}
