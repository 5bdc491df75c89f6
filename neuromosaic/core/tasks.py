"""What tells the tasks apart: the losses that train them, and what a network's outputs stand for."""

from typing import Final, NamedTuple

from neuromosaic.core.brief import Contract, Generative, Task, TensorSpec
from neuromosaic.core.evaluation.recipe import Loss


class TaskForm(NamedTuple):
    """`losses` that can train the task, the usual one first; what its `outputs` are called.

    `scores`: outputs are raw scores that the loss squashes, not values.
    """

    losses: tuple[Loss, ...]
    outputs: str
    scores: bool = True


FORMS: Final[dict[Task, TaskForm]] = {
    "classification": TaskForm(("cross_entropy",), "classes"),
    "multi_label": TaskForm(("binary_cross_entropy",), "labels"),
    "regression": TaskForm(("mse", "huber"), "targets", scores=False),
    "language_modelling": TaskForm(("cross_entropy",), "outputs"),
    "sequence_labelling": TaskForm(("cross_entropy",), "classes"),
    "node_classification": TaskForm(("cross_entropy",), "classes"),
    "segmentation": TaskForm(("cross_entropy",), "classes"),
    "forecasting": TaskForm(("mse", "huber"), "targets", scores=False),
    "generation": TaskForm(("own",), "values", scores=False),
    "metric_learning": TaskForm(("contrastive", "triplet"), "dimensions", scores=False),
}
CLASS_BY_POSITION: Final = ("sequence_labelling", "segmentation", "node_classification")
"""Tasks with a class of its own for each step, pixel or node of an input."""
BY_POSITION: Final = ("language_modelling", *CLASS_BY_POSITION)
"""Tasks with an answer for each position of an input, not one for the whole."""
SPECIAL: Final = (*BY_POSITION, "generation")
"""Tasks that only families made for them can do."""
IGNORED: Final = -100
"""The target of a position that does not count, such as padding: what PyTorch's cross-entropy leaves out."""


LOSS, DISCRIMINATOR_LOSS = "loss", "discriminator_loss"
"""The names of a generative network's own loss, and of the other that a pair has, in the dict that it returns."""
METRICS_OF: Final[dict[Generative, tuple[str, ...]]] = {
    "autoencoder": ("reconstruction_rmse", "energy_distance"),
    "flow": ("negative_log_likelihood", "energy_distance"),
    "diffusion": ("negative_log_likelihood", "energy_distance"),
    "gan": ("energy_distance", "coverage"),
    "autoregressive": ("negative_log_likelihood", "energy_distance"),
}
"""By which each kind of generative network is judged; the first ranks."""

CALLED: Final[dict[Generative, str]] = {
    "autoencoder": "an autoencoder", "flow": "a flow", "diffusion": "a diffusion",
    "gan": "a gan", "autoregressive": "an autoregressive network",
}  # fmt: skip
"""Each kind of generative network in a sentence."""


def outputs_of(contract: Contract) -> int:
    """Classes, labels, targets or tokens: the size of the axis that the loss looks along."""
    shape = contract.output.shape or (1,)
    return shape[0] if contract.task == "segmentation" else shape[-1]


def targets_of(contract: Contract) -> TensorSpec:
    """What a loss compares the outputs for one example with: its class, its classes by position, or numbers of the
    output's shape."""
    output, classes = contract.output.shape, outputs_of(contract)
    match contract.task:
        case "classification":
            return TensorSpec(shape=(), dtype="int64", upper=classes)
        case "metric_learning":
            return TensorSpec(shape=(), dtype="int64", upper=2)
        case "segmentation":
            return TensorSpec(shape=output[1:], dtype="int64", upper=classes)
        case task if task in (*CLASS_BY_POSITION, "language_modelling"):
            return TensorSpec(shape=output[:-1], dtype="int64", upper=classes)
        case _:
            return TensorSpec(shape=output)
