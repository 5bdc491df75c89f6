"""`neuromosaic predict` and `retrain`: a delivered folder at work. Its model.py runs behind the boundary like any."""

import csv
import json
import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from neuromosaic.core.brief import Brief
from neuromosaic.core.errors import UsageError
from neuromosaic.core.evaluation.data.preprocessing import Preprocessing
from neuromosaic.core.evaluation.generation import NATS, is_density, measured
from neuromosaic.core.evaluation.handing_over import predicted
from neuromosaic.core.graph.document import TensorData
from neuromosaic.core.graph.tensors import from_numpy
from neuromosaic.core.protocols import Program
from neuromosaic.core.sandbox.process import ProcessSandbox
from neuromosaic.core.store.openings import count_later_opening
from neuromosaic.core.workers.boundary import Accepted


class Delivered(NamedTuple):
    """A delivered folder as read: source, weights by state_dict name, preprocessing, results.json."""

    folder: Path
    source: str
    weights: dict[str, TensorData]
    preprocessing: Preprocessing
    results: dict[str, Any]

    @property
    def primary(self) -> str:
        """The metric that the design was ranked by."""
        return str(self.results["metric"])


def read_folder(folder: Path) -> Delivered:
    """Raises UsageError naming what is missing or damaged."""
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        weights = {name: from_numpy(array) for name, array in load_file(folder / "weights.safetensors").items()}
        return Delivered(
            folder, (folder / "model.py").read_text(encoding="utf-8"), weights,
            Preprocessing.model_validate_json((folder / "preprocessing.json").read_text(encoding="utf-8")),
            json.loads((folder / "results.json").read_text(encoding="utf-8")),
        )  # fmt: skip
    except FileNotFoundError as error:
        raise UsageError(f"{folder} is no delivered folder: {Path(str(error.filename)).name} is missing") from None
    except (OSError, ValueError, SafetensorError) as error:
        raise UsageError(f"{folder} cannot be used, a file in it is damaged: {error}") from None


class Settings(NamedTuple):
    """How a delivered network is trained again: above one of `devices` of the `accelerator`, together by Fabric."""

    from_scratch: bool = False
    epochs: float | None = None
    seed: int = 0
    boundary: Accepted = "auto"
    devices: int = 1
    accelerator: str = "auto"


def predict(folder: Path, ref: str, out: Path | None, *, as_json: bool, boundary: Accepted = "auto") -> None:
    """Class names with probabilities, values in the data's units, the most likely next characters, or how unlikely
    each example is, in nats for each of its values."""
    from neuromosaic.core.evaluation.data.loading import load_inputs

    delivered = read_folder(folder)
    x, _ = load_inputs(ref, delivered.preprocessing)
    outputs = _outputs(delivered, x, boundary)
    rows = _rows(delivered.preprocessing, outputs)
    if as_json:
        print(json.dumps(rows, ensure_ascii=False))
    elif out is not None:
        _refuse_existing(out)
        with out.open("w", newline="", encoding="utf-8") as file:
            _write_csv(file, rows)
        print(f"{len(rows)} predictions in {out}", file=sys.stderr)
    else:
        _write_csv(sys.stdout, rows)


def _outputs(delivered: Delivered, x: np.ndarray, boundary: Accepted) -> np.ndarray:
    """What the network returns; of a density what the judge measures of each example."""
    contract, program = delivered.preprocessing.contract, Program(delivered.source, {}, 0)
    weights = {f"weights/{name}": data for name, data in delivered.weights.items()}
    sandbox = ProcessSandbox(workers=1, boundary=boundary)
    try:
        if not is_density(contract):
            return predicted(sandbox, program, x, weights, timeout=3600)
        most = measured(len(x), x[0].size)
        parts = np.split(x, range(most, len(x), most))
        return np.concatenate([predicted(sandbox, program, part, weights, 3600, contract) for part in parts])
    finally:
        sandbox.close()


def _rows(preprocessing: Preprocessing, outputs: np.ndarray) -> list[dict[str, Any]]:
    if is_density(preprocessing.contract):
        labels = outputs[:, NATS].reshape(len(outputs), -1).mean(axis=1).astype(float).round(4).tolist()
    else:
        labels = preprocessing.labels(outputs)
    rows = [{"row": row, "prediction": label} for row, label in enumerate(labels)]
    for row, told in zip(rows, _chances(preprocessing, outputs), strict=False):
        row.update(told)
    return rows


def _chances(preprocessing: Preprocessing, outputs: np.ndarray) -> list[dict[str, float]]:
    """The probability of the class that was chosen, or of each label; nothing for other tasks."""
    if preprocessing.task == "classification":
        from neuromosaic.core.evaluation.metrics import probabilities

        return [{"probability": round(float(chances.max()), 4)} for chances in probabilities(outputs)]
    if preprocessing.task == "multi_label":
        from neuromosaic.core.evaluation.multi_label import chances

        names = [f"probability of {name}" for name in preprocessing.classes]
        return [dict(zip(names, map(float, row.round(4)), strict=True)) for row in chances(outputs)]
    return []


def _write_csv(file: Any, rows: list[dict[str, Any]]) -> None:
    writer = csv.DictWriter(file, fieldnames=list(rows[0]) if rows else ["row", "prediction"])
    writer.writeheader()
    writer.writerows(rows)


def _refuse_existing(path: Path) -> None:
    if path.exists():
        raise UsageError(f"{path} exists already: name another place, or move it away")


def retrain(root: Path, folder: Path, ref: str, out: Path | None, settings: Settings, *, as_json: bool) -> None:
    """Trains in the same way as the design was, and writes a folder like the first with what the new data gave.

    That the new data's test split was opened is counted in the store at `root`.
    """
    from neuromosaic.interfaces.retraining import train_again, write

    delivered = read_folder(folder)
    target = out or folder.with_name(f"{folder.name}-retrained")
    _refuse_existing(target)
    target_column = delivered.results["brief"].get("target")
    brief = Brief(data=ref, target=target_column, seed=settings.seed)
    trained = train_again(delivered, brief, settings, say=_say)
    opened = count_later_opening(root, str(delivered.results["run"]), str(trained.settings["data"]), [target.name], 0)
    write(target, delivered, trained)
    if as_json:
        print(json.dumps({"folder": str(target), "metrics": trained.metrics, "test_opened": opened}, indent=2))
    else:
        figures = ", ".join(f"{name} {value:.4g}" for name, value in trained.metrics.items())
        print(f"{target}: {figures}")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
