"""What tells the tasks apart: the losses that train them, and what a network's outputs stand for."""

from typing import Final, NamedTuple

from neuromosaic.core.brief import Task
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
}
