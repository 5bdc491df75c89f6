"""One trial: a worker trains, the host scores what it predicts, and no validation label leaves the host."""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args

from numpy.typing import NDArray

from neuromosaic.core.errors import CandidateError, WorkerError
from neuromosaic.core.evaluation.checkpoint import STATE, Checkpoint, Row
from neuromosaic.core.evaluation.data.dataset import Dataset
from neuromosaic.core.evaluation.generation import draws_of, noise_for, reported_shape
from neuromosaic.core.evaluation.handing_over import handed_over
from neuromosaic.core.evaluation.metrics import check_metrics, is_better, score
from neuromosaic.core.evaluation.recipe import Recipe
from neuromosaic.core.evaluation.suitable import check_recipe
from neuromosaic.core.graph.document import Graph, TensorData
from neuromosaic.core.graph.tensors import to_numpy
from neuromosaic.core.proposals import MetricsPlan
from neuromosaic.core.protocols import Job, Judge, Message, Program, Sandbox
from neuromosaic.core.tasks import DISCRIMINATOR_LOSS, FORMS

Cause = Literal["finished", "stopped", "paused", "diverged", "crash", "timeout", "memory"]
FEWEST_TO_RISE = 3  # epochs
COLLAPSED, WON, ALIKE = 0.1, 0.05, 0.5
"""Share of the examples that a pair's draws come near, and its discriminator's loss, below which one side has won;
and the spread of the draws, as a share of the examples', below which they are much alike."""
TERM = "train_"
"""Before the names of a network's own terms in the rows of its curve."""
LONGEST_NAME = 60
SMALLEST_HALVED = 4
"""Parts of a batch below this are not halved: norms need two examples."""
FOR_GRAPHS_ALONE = (
    "the data do not fit into memory, and from the disk only networks that can be exported are trained: mend what "
    "keeps this one from being exported, or give a part of the data"
)
ShouldStop = Callable[[int, Mapping[str, float]], bool]


@dataclass(frozen=True)
class TrialOutcome:
    """What came of one training.

    `metrics`: on validation, after the best epoch: the one with the best primary metric, and of equal ones the one
    with the lowest validation loss. `weights` by state_dict name are those of that epoch. Both are empty where no
    epoch gave finite outputs ("diverged") or the worker did not live to hand the weights over ("crash", "timeout",
    "memory": `message` says why). `message` also tells of smaller parts, where memory ran out at first, of a loss
    that rose from the start, and of a pair whose draws are all alike. `curve` has one row per epoch: "epoch",
    "train_loss", "seconds" since training began, "loss" (on validation) and the primary metric, and under
    "train_NAME" the means of the scalars that the network declares. `seconds` by the host's clock, start of the
    worker included. `paused`: from which it goes on, where the cause is "paused".
    """

    cause: Cause
    metrics: dict[str, float]
    curve: list[Row]
    weights: dict[str, TensorData] = field(repr=False)
    seconds: float
    message: str = ""
    paused: Checkpoint | None = field(default=None, repr=False)


def run_trial(
    worker: Judge | Sandbox,
    subject: Graph | Program,
    dataset: Dataset,
    recipe: Recipe,
    plan: MetricsPlan,
    *,
    fidelity: float,
    seed: int,
    should_stop: ShouldStop | None = None,
    on_epoch: Callable[[Row], None] | None = None,
    timeout: float = 600.0,
    pause_at: int | None = None,
    resume: Checkpoint | None = None,
    weights: Mapping[str, TensorData] | None = None,
    teacher: NDArray[Any] | None = None,
) -> TrialOutcome:
    """Trains `subject` by `recipe` for `fidelity` of its epochs, and scores each epoch.

    Metrics of a regression are in the user's units; "loss", there the mean squared error, in the scaled ones that
    training sees. `should_stop(epoch, row)` is asked and `on_epoch(row)` told after each epoch; the recipe's
    patience stops too. Where memory runs out it is tried once more, from the start, with each batch in twice as
    many parts and activations that are computed again: the same recipe, to rounding (batch norms see the parts), and
    `message` says so. `timeout` in seconds, both together. After epoch `pause_at` it is paused; `resume` goes on from
    there, with the same subject, recipe, fidelity and seed. Training begins at `weights` wherever one of them has its
    place (`core.graph.placing`), else as the subject comes. `teacher`: another network's outputs for the training
    examples, which it learns besides the labels. Raises UsageError where the recipe or the plan does not
    fit the data, and WorkerError only where a worker could not be set up: what happens to a candidate is an outcome.
    """
    check_recipe(recipe, dataset.contract)
    check_metrics(dataset.contract.task, (plan.primary, *plan.report))
    training = _Training(
        worker, subject, dataset, plan, fidelity, seed, should_stop, on_epoch, pause_at, weights or {}, teacher
    )
    parts = recipe.accumulate if resume is None else resume.accumulate
    sparing = parts > recipe.accumulate
    outcome = training.attempt(recipe.model_copy(update={"accumulate": parts}), sparing, timeout, resume)
    batch = min(recipe.batch_size, len(dataset.train.x))
    if outcome.cause != "memory" or batch // parts < SMALLEST_HALVED or outcome.seconds >= timeout:
        return outcome
    smaller = recipe.model_copy(update={"accumulate": 2 * parts})
    again = training.attempt(smaller, True, timeout - outcome.seconds, None)
    told = f"memory ran out with batches of {batch}; tried again with each in {2 * parts} parts"
    message = f"{told}: {again.message}" if again.message else told
    return replace(again, seconds=outcome.seconds + again.seconds, message=message)


@dataclass(frozen=True)
class _Training:
    """What two attempts at one trial have in common."""

    worker: Judge | Sandbox
    subject: Graph | Program
    dataset: Dataset
    plan: MetricsPlan
    fidelity: float
    seed: int
    should_stop: ShouldStop | None
    on_epoch: Callable[[Row], None] | None
    pause_at: int | None
    weights: Mapping[str, TensorData]
    teacher: NDArray[Any] | None

    def attempt(self, recipe: Recipe, sparing: bool, timeout: float, resume: Checkpoint | None) -> TrialOutcome:
        watch = Watch(self.dataset, recipe, self.plan, self.should_stop, self.on_epoch, resume)
        began, job = time.perf_counter(), self._job(recipe, sparing, timeout, resume)
        if job.files and isinstance(self.subject, Program):
            return watch.failed("memory", FOR_GRAPHS_ALONE, 0.0)
        try:
            reply = self.worker.run(job, watch.answer)
        except CandidateError as error:
            return watch.failed("crash", str(error), time.perf_counter() - began)
        except WorkerError as error:
            if error.cause not in get_args(Cause):
                raise
            return watch.failed(error.cause, str(error), time.perf_counter() - began)
        return watch.outcome(reply, time.perf_counter() - began)

    def _job(self, recipe: Recipe, sparing: bool, timeout: float, resume: Checkpoint | None) -> Job:
        arguments = {
            "contract": self.dataset.contract.model_dump(mode="json"),
            "recipe": recipe.model_dump(mode="json"),
            "fidelity": self.fidelity,
            "seed": self.seed,
            "pause_at": self.pause_at,
            "sparing": sparing,
        }
        train = self.dataset.train
        arrays = {"x": train.x, "y": train.y, "validation_x": self.dataset.validation.x}
        arrays |= {} if self.teacher is None else {"teacher": self.teacher}
        ranked_by_draws = self.plan.primary == "energy_distance"
        arrays |= noise_for(self.dataset.contract, len(self.dataset.validation), ranked_by_draws)
        tensors, files = handed_over(arrays)
        held = {f"{STATE}{name}": tensor for name, tensor in (resume.state if resume else {}).items()}
        held |= {} if resume else {f"weights/{name}": tensor for name, tensor in self.weights.items()}
        return Job("train", self.subject, arguments, tensors | held, timeout, files)


class Watch:
    """The host's side of one training: scores each epoch, remembers the best, says when to stop."""

    def __init__(
        self,
        dataset: Dataset,
        recipe: Recipe,
        plan: MetricsPlan,
        should_stop: ShouldStop | None,
        on_epoch: Callable[[Row], None] | None,
        resume: Checkpoint | None = None,
    ) -> None:
        self.contract, self.y = dataset.contract, dataset.validation.y
        self.in_units = dataset.preprocessing.unscale_targets
        self.naive_error = dataset.preprocessing.naive_error
        self.recipe, self.plan = recipe, plan
        self.should_stop, self.on_epoch = should_stop, on_epoch
        self.curve: list[Row] = []
        self.best: Row = {plan.primary: math.nan, "loss": math.nan}
        self.best_outputs: NDArray[Any] | None = None
        if resume is not None:
            self.curve, self.best, self.best_outputs = [*resume.curve], resume.best, resume.best_outputs

    def answer(self, report: Message) -> Message:
        """Called with every epoch's report; the answer tells the worker what to do."""
        outputs = self._outputs(report)
        row = self._row(report.body, outputs)
        if keep := self._beats_best(row):
            self.best, self.best_outputs = row, outputs
        self.curve.append(row)
        if self.on_epoch is not None:
            self.on_epoch(row)
        return Message({"stop": self._stops(row), "keep": keep})

    def score(self, outputs: NDArray[Any], everything: bool = False) -> Row:
        """ "loss" and the primary metric, or all of the plan's."""
        task, names = self.contract.task, (self.plan.primary, *(self.plan.report if everything else ()))
        scores = score(task, self.in_units(outputs), self.in_units(self.y), names, self.naive_error)
        if not FORMS[task].scores:
            scores["loss"] = score(task, outputs, self.y, ())["loss"]
        return scores

    def outcome(self, reply: Message, seconds: float) -> TrialOutcome:
        cause = reply.body.get("cause")
        if cause not in ("finished", "stopped", "paused", "diverged"):
            return self.failed("crash", f"the worker ended its training with the unknown cause {cause!r}", seconds)
        if self.best_outputs is None:
            return self.failed("diverged", "no epoch gave finite losses and outputs", seconds)
        weights = {name: tensor for name, tensor in reply.tensors.items() if not name.startswith(STATE)}
        held = {name.removeprefix(STATE): reply.tensors[name] for name in reply.tensors.keys() - weights.keys()}
        paused = self._checkpoint(held) if cause == "paused" else None
        return TrialOutcome(cause, self.metrics(), self.curve, weights, seconds, self._remark(), paused=paused)

    def _remark(self) -> str:
        return self._collapse() if self.contract.generative == "gan" else self._rise()

    def _collapse(self) -> str:
        """Of a pair: that its draws leave out nearly all examples. Neither side's loss says how well it draws."""
        share = score(self.contract.task, self._best(), self.y, ("coverage",))["coverage"]
        if share >= COLLAPSED:
            return ""
        alike = draws_of(self._best()).std(axis=0).mean() < ALIKE * self.y.std(axis=0).mean()
        what = "collapsed: its draws are much alike and" if alike else "lost its way: its draws"
        judged = self.curve[-1].get(f"{TERM}{DISCRIMINATOR_LOSS}", math.inf)
        won = f", while its discriminator tells them all with a loss of {judged:.2g}" if judged < WON else ""
        near = f"come near {share:.0%} of the validation examples"
        return f"the generator {what} {near}{won}; take a lower learning rate, or a discriminator that is less sure"

    def _rise(self) -> str:
        """A training loss that was lowest in its first epoch, for what it says of the recipe."""
        losses = [row["train_loss"] for row in self.curve]
        if len(losses) < FEWEST_TO_RISE or min(losses[1:]) <= losses[0]:
            return ""
        return (
            f"the training loss rose from the start, {losses[0]:.4g} to {losses[-1]:.4g}: take a lower learning rate"
        )

    def metrics(self) -> dict[str, float]:
        """All of the plan's, of the best epoch so far, which there must be."""
        return self.score(self._best(), everything=True)

    def _best(self) -> NDArray[Any]:
        assert self.best_outputs is not None
        return self.best_outputs

    def _checkpoint(self, state: dict[str, TensorData]) -> Checkpoint:
        return Checkpoint(self.recipe.accumulate, [*self.curve], self.best, self.best_outputs, state)

    def failed(self, cause: Any, message: str, seconds: float) -> TrialOutcome:
        return TrialOutcome(cause, {}, self.curve, {}, seconds, message)

    def _outputs(self, report: Message) -> NDArray[Any]:
        """Raises WorkerError where the report does not hold one output per validation example."""
        expected = (len(self.y), *reported_shape(self.contract))
        data = report.tensors.get("outputs")
        if data is None or data.dtype != "float32" or data.shape != expected:
            found = "none" if data is None else f"{data.dtype}{list(data.shape)}"
            raise WorkerError(f"the training reported {found} as validation outputs, not float32{list(expected)}")
        outputs: NDArray[Any] = to_numpy(data)
        return outputs

    def _row(self, body: Mapping[str, Any], outputs: NDArray[Any]) -> Row:
        try:
            told = {name: float(body[name]) for name in ("epoch", "train_loss", "seconds")}
            int(told["epoch"])  # infinity is a number and no epoch
        except (KeyError, TypeError, ValueError, OverflowError):
            raise WorkerError(f"the training reported an epoch that cannot be read: {dict(body)!r:.200}") from None
        return {**_terms(body.get("terms")), **told, **self.score(outputs)}

    def _beats_best(self, row: Row) -> bool:
        primary = self.plan.primary
        if row[primary] == self.best[primary]:
            return row["loss"] < self.best["loss"]
        return is_better(primary, row[primary], self.best[primary])

    def _stops(self, row: Row) -> bool:
        asked = self.should_stop is not None and self.should_stop(int(row["epoch"]), row)
        return asked or self._out_of_patience()

    def _out_of_patience(self) -> bool:
        """As many epochs as the recipe's patience have passed since the lowest validation loss."""
        if self.recipe.patience is None:
            return False
        losses = [math.inf if math.isnan(row["loss"]) else row["loss"] for row in self.curve]
        return len(losses) - 1 - losses.index(min(losses)) >= self.recipe.patience


def _terms(told: Any) -> Row:
    """The scalars that a network declared, as far as they can be read: they are shown, and decide nothing."""
    if not isinstance(told, dict):
        return {}
    known = {name: value for name, value in told.items() if isinstance(name, str) and isinstance(value, float)}
    return {f"{TERM}{name[:LONGEST_NAME]}": value for name, value in known.items() if math.isfinite(value)}
