"""A delivered network in other formats. Each is opened again by another process and compared before it counts.

model.py itself runs in the sandbox; what is written is made of its graph by the judge, which never ran that Python.
"""

import hashlib
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any, Final, Literal, NamedTuple

import numpy as np

from neuromosaic.core.errors import CandidateError, RunFailedError, UsageError
from neuromosaic.core.evaluation.data.preprocessing import Preprocessing
from neuromosaic.core.graph.document import Graph, TensorData
from neuromosaic.core.graph.examples import draw_inputs
from neuromosaic.core.graph.tensors import from_numpy, from_torch, to_numpy
from neuromosaic.core.protocols import Job, Judge, Message, Program, Sandbox
from neuromosaic.core.signature import signature_of
from neuromosaic.delivery.material import Material

Format = Literal["safetensors", "source", "torch-export", "torchscript", "onnx", "int8", "bf16"]
FILES: Final[dict[Format, tuple[str, ...]]] = {
    "safetensors": ("weights.safetensors",),
    "source": ("model.py", "weights.safetensors", "preprocessing.json", "card.md"),
    "torch-export": ("model.pt2",),
    "torchscript": ("model.torchscript.pt",),
    "onnx": ("model.onnx",),
    "int8": ("model.int8.pt2",),
    "bf16": ("model.bf16.pt2",),
}
SMALLER: Final = ("int8", "bf16")
"""Variants: they compute something else than model.py, so that it is measured how much else."""
BATCHES, SEED = (1, 2, 7, 16), 20_261
"""Sizes of fresh inputs that both are run on: no training, validation or test has seen them."""
TOLERANCE = 1e-3
"""Largest difference relative to the outputs' scale: float32 sums in other orders."""
SECONDS = 600.0


class Exported(NamedTuple):
    """`files` by name; `difference`: the largest one between its outputs and those of model.py, for batches of all
    sizes in `batches`. `told`: what else there is to know of the format."""

    format: Format
    files: Mapping[str, bytes]
    difference: float
    told: Mapping[str, Any] = {}
    batches: tuple[int, ...] = BATCHES

    def described(self) -> dict[str, object]:
        digests = {name: hashlib.sha256(data).hexdigest() for name, data in self.files.items()}
        sizes = {name: len(data) for name, data in self.files.items()}
        return {"format": self.format, "difference": self.difference, "batches": self.batches, "sha256": digests,
                "bytes": sizes, **self.told}  # fmt: skip


class Exporter:
    """Exports one network; it is run in the sandbox once, whatever the formats.

    `judge` writes the files and `reader`, another process, opens them.
    """

    def __init__(self, material: Material, sandbox: Sandbox, judge: Judge, reader: Judge) -> None:
        self.material, self._sandbox, self._judge, self._reader = material, sandbox, judge, reader
        preprocessing = Preprocessing.model_validate_json(material.text("preprocessing.json"))
        self._signature = signature_of(preprocessing.contract)
        self._program = Program(material.text("model.py"), {}, material.results.seed)
        (inputs,) = draw_inputs(self._signature, max(BATCHES), SEED)
        self._x = from_torch(inputs)
        self._weights = _weights(material.files["weights.safetensors"])
        self._graph = self._exported()
        self._expected = self._predict(sandbox, self._program, self._x)

    def export(self, wanted: Format) -> Exported:
        """Raises RunFailedError where the format cannot hold this network, or computes something else."""
        if wanted in ("safetensors", "source"):
            return self._as_it_is(wanted)
        written = self._written(wanted)
        file = written.tensors["file"]
        (name,) = FILES[wanted]
        meant = to_numpy(written.tensors["outputs"]) if wanted in SMALLER else self._expected
        difference = self._opened_again(wanted, file, meant)
        return Exported(wanted, {name: to_numpy(file).tobytes()}, difference, written.body)

    def outputs(self, x: TensorData) -> np.ndarray:
        """Of the network's graph with the delivered weights."""
        return self._predict(self._judge, self._graph, x)

    def outputs_of(self, exported: Exported, x: TensorData, rows: int) -> np.ndarray:
        """Of a file, opened again; `rows`: how many `x` has."""
        return self._run(exported.format, _file(exported), x, (rows,))[rows]

    def race(self, exported: Exported, original: Exported, batch: int) -> dict[str, Any]:
        """Milliseconds of a pass through a file ("file") and through that of torch-export ("beside"), by turns."""
        (inputs,) = draw_inputs(self._signature, batch, SEED)
        tensors = {"file": _file(exported), "beside": _file(original), "x": from_torch(inputs)}
        reply = self._reader.run(Job("race", self._graph, {"format": exported.format}, tensors, SECONDS))
        return {**reply.body, "batch": batch}

    @property
    def _name(self) -> str:
        return self.material.candidate.name

    def _written(self, wanted: Format) -> Message:
        try:
            job = Job("convert", self._graph, {"to": wanted}, {"x": self._x, **self._weights}, SECONDS)
            return self._judge.run(job)
        except CandidateError as error:
            raise RunFailedError(f"{wanted} cannot hold {self._name}: {error}") from None

    def _opened_again(self, wanted: Format, file: TensorData, meant: np.ndarray) -> float:
        """The largest difference from model.py. `meant`: what it must compute, of a variant as written."""
        found = self._run(wanted, file, self._x, BATCHES)
        for size in BATCHES:
            self._compared(found[size], meant[:size], wanted)
        return max(float(np.abs(found[size] - self._expected[:size]).max()) for size in BATCHES)

    def _run(self, wanted: Format, file: TensorData, x: TensorData, sizes: tuple[int, ...]) -> dict[int, np.ndarray]:
        """What the file computes for the first rows of `x`, by their number."""
        job = Job(
            "reopen", self._graph, {"format": wanted, "sizes": sizes, "batch": 256}, {"file": file, "x": x}, SECONDS
        )
        try:
            reply = self._reader.run(job).tensors
        except CandidateError as error:
            raise RunFailedError(f"{wanted} of {self._name} cannot be opened again: {error}") from None
        return {size: to_numpy(reply[f"outputs/{size}"]) for size in sizes}

    def _predict(self, worker: Sandbox | Judge, subject: Program | Graph, x: TensorData) -> np.ndarray:
        job = Job("predict", subject, {"batch": 256}, {"x": x, **self._weights}, SECONDS)
        return to_numpy(worker.run(job).tensors["outputs"])

    def _as_it_is(self, wanted: Format) -> Exported:
        """The delivered files, once the judge's graph with the weights as read has agreed with model.py."""
        outputs = self.outputs(self._x)
        files = {name: self.material.files[name] for name in FILES[wanted]}
        return Exported(wanted, files, self._compared(outputs, self._expected, wanted))

    def _exported(self) -> Graph:
        exported = self._sandbox.export(self._program, self._signature, timeout=SECONDS)
        if exported.graph is None:
            why = exported.obstacle.message if exported.obstacle else "it gives no graph"
            raise RunFailedError(f"{self._name} cannot be exported, its Python is all there is of it: {why}")
        return exported.graph

    def _compared(self, ours: np.ndarray, expected: np.ndarray, wanted: Format) -> float:
        """The largest difference. Raises RunFailedError where it is more than rounding."""
        what = f"{wanted} of {self._name}"
        if ours.shape != expected.shape:
            raise RunFailedError(f"{what} returns {ours.shape} where model.py returns {expected.shape}")
        difference = float(np.abs(ours - expected).max())
        if not difference <= TOLERANCE * max(1.0, float(np.abs(expected).max())):
            raise RunFailedError(f"{what} differs from model.py by {difference:.3g}: nothing is written")
        return difference


def check_installed(wanted: Format) -> None:
    """Raises UsageError naming what is missing for a format, and how it is installed."""
    needed = ("onnx", "onnxruntime", "onnxscript") if wanted == "onnx" else ()
    if missing := [name for name in needed if find_spec(name) is None]:
        raise UsageError(f"--to onnx needs {', '.join(missing)}: pip install 'neuromosaic[onnx]'")


def _file(exported: Exported) -> TensorData:
    return from_numpy(np.frombuffer(next(iter(exported.files.values())), dtype=np.uint8))


def _weights(data: bytes) -> dict[str, TensorData]:
    from safetensors.numpy import load

    return {f"weights/{name}": from_numpy(array) for name, array in load(data).items()}
