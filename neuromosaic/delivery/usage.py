"""How a delivered network is used: Python that runs as shown, in the delivered folder, without Neuromosaic."""

from typing import assert_never

from neuromosaic.core.evaluation.data.inputs import (
    GraphInputs,
    ImageInputs,
    SequenceInputs,
    TabularInputs,
    TextInputs,
)
from neuromosaic.core.evaluation.data.preprocessing import Preprocessing
from neuromosaic.core.evaluation.data.targets import ItselfTargets

LOADING = """\
import json
from pathlib import Path

import torch
from safetensors.torch import load_file

from model import Model

model = Model()
model.load_state_dict(load_file("weights.safetensors"))
model.eval()
known = json.loads(Path("preprocessing.json").read_text(encoding="utf-8"))
"""


def snippet(preprocessing: Preprocessing) -> str:
    """Loads the network, prepares one batch, and says what came out in the user's own terms."""
    return f"{LOADING}\n{_inputs(preprocessing)}{_answers(preprocessing)}"


def _inputs(preprocessing: Preprocessing) -> str:
    inputs = preprocessing.inputs
    match inputs:
        case ImageInputs():
            shape, view = ", ".join(map(str, inputs.shape)), ".view(-1, 1, 1)"
            return _scaled(f"torch.zeros(2, {shape})", "your images, [batch, channels, height, width]", view)
        case SequenceInputs():
            shape = ", ".join(map(str, inputs.shape))
            return _scaled(f"torch.zeros(2, {shape})", "your sequences, [batch, time, features]", "")
        case TabularInputs() if not inputs.categories:
            rows = f"torch.zeros(2, {len(inputs.columns)})"
            return _scaled(rows, 'your rows, columns as in known["inputs"]["columns"]', "")
        case TabularInputs():
            return f"x = torch.zeros(2, {len(inputs.features)})  # your rows: numbers scaled, then texts one-hot\n"
        case GraphInputs():
            features, nodes = len(inputs.scaling.mean), inputs.nodes
            what = "your graphs, [batch, nodes, features]"
            adjacency = (
                f"adjacency = torch.zeros(2, {nodes}, {nodes})  # weights of the edges, [batch, nodes, nodes]\n"
            )
            return (
                _scaled(f"torch.zeros(2, {nodes}, {features})", what, "")
                + adjacency
                + "x = torch.cat([x, adjacency], dim=-1)\n"
            )
        case TextInputs():
            return _TEXT
        case unknown:
            assert_never(unknown)


def _scaled(raw: str, what: str, view: str) -> str:
    return (
        'scaling = known["inputs"]["scaling"]\n'
        f'mean, std = (torch.tensor(scaling[name]){view} for name in ("mean", "std"))\n'
        f"raw = {raw}  # {what}, in the units of the training data\n"
        "x = (raw - mean) / std\n"
    )


def _answers(preprocessing: Preprocessing) -> str:
    match preprocessing.task:
        case "classification":
            return _RUN + 'print([known["targets"]["classes"][place] for place in outputs.argmax(-1).tolist()])\n'
        case "sequence_labelling" | "node_classification":
            return _RUN + (
                'classes = known["targets"]["classes"]\n'
                "print([[classes[place] for place in row] for row in outputs.argmax(-1).tolist()])\n"
            )
        case "segmentation":
            return _RUN + 'print(outputs.argmax(1))  # at each pixel a place in known["targets"]["classes"]\n'
        case "multi_label":
            return _RUN + (
                'names = known["targets"]["names"]\n'
                "print([[names[place] for place in row.nonzero().flatten().tolist()] for row in outputs > 0])\n"
            )
        case "regression" | "forecasting":
            return _RUN + (
                'targets = known["targets"]\n'
                'print(outputs * torch.tensor(targets["std"]) + torch.tensor(targets["mean"]))\n'
            )
        case "generation" | "metric_learning":
            return _generative(preprocessing) if preprocessing.task == "generation" else _RUN + _RUN_EMBEDDING
        case "language_modelling":
            return ""
        case unknown:
            assert_never(unknown)


def _generative(preprocessing: Preprocessing) -> str:
    itself = preprocessing.targets
    return _RUN_GENERATIVE + _RUN_BY_KIND[itself.generative if isinstance(itself, ItselfTargets) else "autoencoder"]


_RUN = "with torch.no_grad():\n    outputs = model(x)\n"

_RUN_EMBEDDING = """\
unit = torch.nn.functional.normalize(outputs, dim=1)
print(unit @ unit.T)  # 1 where two are as alike as can be
"""

_RUN_GENERATIVE = """\
with torch.no_grad():
    draws = model.sample(2)  # examples that there never were; times std plus mean: in your units
"""
_RUN_BY_KIND = {
    "autoencoder": """\
    back = model.decode(model.encode(x))  # your own, through their codes
print(draws.shape, (back - x).square().mean().sqrt())
""",
    "gan": "print(draws.shape, draws.std(0).mean())  # how far they differ from one another\n",
    "flow": """\
    nats = model(x)["loss"]  # how unlikely your own are, for each of their values
print(draws.shape, nats)
""",
    "diffusion": """\
    level = torch.full((2,), 0.5)
    noisy = (x + torch.randn_like(x)) / 2**0.5  # your own, in as much noise as there is of them
    back = model.denoise(noisy, level)
print(draws.shape, (back - x).square().mean().sqrt())
""",
    "autoregressive": """\
    nats = model(x)["loss"]  # how unlikely your own are, for each of their values
print(draws.shape, nats)
""",
}

_TEXT = """\
characters, context = known["inputs"]["characters"], known["inputs"]["context"]
ids = [0]  # or the places of your own text in `characters`
for _ in range(80):
    seen = ids[-context:]
    x = torch.zeros(1, context, dtype=torch.int64)  # the network looks back only: what follows does not matter
    x[0, : len(seen)] = torch.tensor(seen)
    with torch.no_grad():
        scores = model(x)[0, len(seen) - 1]
    ids.append(int(torch.multinomial(scores.softmax(-1), 1)))
print("".join(characters[place] for place in ids))
"""
