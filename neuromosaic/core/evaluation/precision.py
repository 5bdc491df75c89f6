"""In which precision a run trains: what its own network proved to be fastest in, on the machine at hand."""

import statistics
from collections.abc import Mapping
from typing import Any, Final

from neuromosaic.core.brief import Value
from neuromosaic.core.errors import CandidateError, WorkerError
from neuromosaic.core.evaluation.data.dataset import Dataset
from neuromosaic.core.evaluation.recipe import Precision, Recipe
from neuromosaic.core.graph.document import Graph
from neuromosaic.core.graph.tensors import from_numpy
from neuromosaic.core.protocols import Job, Judge

GAIN: Final = 1.1
"""Times as fast as float32, at least: less than a tenth is not worth other last digits."""
SURE: Final = 1
"""Rounds of nine that may say otherwise: where the median gain were below `GAIN`, two in a hundred would come so."""
TOLERANCE: Final = 0.02
"""Of the mean loss of the first steps, by which another precision may differ from float32."""
BATCHES: Final = 8
TIMEOUT: Final = 300.0  # seconds


class Decided(Value):
    """In which precision is trained, and the sentence that tells why. `gains`: times as fast as float32, by the
    median round."""

    precision: Precision
    reason: str
    gains: dict[str, float]


def decide(tried: Mapping[str, Any]) -> Decided:
    """The fastest precision whose gain is beyond doubt and whose losses agree with float32's; else float32.

    `tried`: by precision the "seconds" of each round and the first "losses", as `probing.Tried` has them.
    """
    own = tried["float32"]
    gains = {name: _gain(one, own) for name, one in tried.items() if name != "float32"}
    refused = {name: fault for name in gains if (fault := _fault(name, tried[name], own, gains[name]))}
    fitting = sorted(gains.keys() - refused.keys(), key=lambda name: -gains[name])
    rounded = {name: round(gain, 3) for name, gain in gains.items()}
    if not fitting:
        return Decided(precision="float32", reason=f"float32: {'; '.join(refused.values())}", gains=rounded)
    best = fitting[0]
    told = f"{best}: {gains[best]:.1f} times as fast as float32 on this machine, used"
    return Decided.model_validate({"precision": best, "reason": told, "gains": rounded})


def measured(judge: Judge, graph: Graph, dataset: Dataset, recipe: Recipe, seed: int) -> Decided:
    """Has the judge train the network for some steps in each precision; float32 where that comes to nothing.

    The clock decides: whoever asks stores the answer beside what came of it, and asks no second time.
    """
    rows = slice(0, BATCHES * recipe.batch_size)
    arrays = {"x": dataset.train.x[rows], "y": dataset.train.y[rows]}
    arguments = {
        "contract": dataset.contract.model_dump(mode="json"), "recipe": recipe.model_dump(mode="json"), "seed": seed,
    }  # fmt: skip
    job = Job("precision", graph, arguments, {name: from_numpy(array) for name, array in arrays.items()}, TIMEOUT)
    try:
        return decide(judge.run(job).body["tried"])
    except (CandidateError, WorkerError) as error:
        if isinstance(error, WorkerError) and error.cause == "setup":
            raise
        return Decided(precision="float32", reason=f"float32: the others could not be tried ({error})", gains={})


def _ratios(one: Mapping[str, Any], own: Mapping[str, Any]) -> list[float]:
    """float32's seconds over the other's, round by round."""
    return sorted(mine / other for mine, other in zip(own["seconds"], one["seconds"], strict=False))


def _gain(one: Mapping[str, Any], own: Mapping[str, Any]) -> float:
    return statistics.median(_ratios(one, own))


def _fault(name: str, one: Mapping[str, Any], own: Mapping[str, Any], gain: float) -> str:
    """Why it is not taken; empty where it may be."""
    if gain < 1:
        return f"{name} took {1 / gain:.1f} times as long"
    if gain < GAIN or _ratios(one, own)[SURE] < GAIN:
        return f"{name} was {gain:.2f} times as fast, not surely {GAIN:g} times"
    if len(one["losses"]) < len(own["losses"]):
        return f"{name} was {gain:.1f} times as fast, but its loss was not finite after {len(one['losses'])} steps"
    mean, expected = statistics.fmean(one["losses"]), statistics.fmean(own["losses"])
    if abs(mean - expected) > TOLERANCE * abs(expected):
        return f"{name} was {gain:.1f} times as fast, but its first losses were {mean:.4g} instead of {expected:.4g}"
    return ""
