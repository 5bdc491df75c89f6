"""Trials of one structure side by side in one worker: the host's side."""

import math
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, get_args

from neuromosaic.core.errors import CandidateError, UsageError, WorkerError
from neuromosaic.core.evaluation.data.dataset import Dataset
from neuromosaic.core.evaluation.data.room import OnDisk, most_in_memory
from neuromosaic.core.evaluation.metrics import check_metrics
from neuromosaic.core.evaluation.recipe import Recipe
from neuromosaic.core.evaluation.suitable import check_recipe
from neuromosaic.core.evaluation.trial import Cause, TrialOutcome, Watch, run_trial
from neuromosaic.core.graph.document import Graph, TensorData
from neuromosaic.core.graph.tensors import from_numpy
from neuromosaic.core.proposals import MetricsPlan
from neuromosaic.core.protocols import Job, Judge, Message


def run_stacked_trials(
    judge: Judge, graphs: Sequence[Graph], dataset: Dataset, recipes: Sequence[Recipe], plan: MetricsPlan, *,
    fidelity: float, seeds: Sequence[int], timeout: float = 600.0,
) -> list[TrialOutcome]:  # fmt: skip
    """One outcome per (graph, recipe, seed), each what `run_trial` gives alone, to rounding.

    The graphs have one structure (one document) and may differ in their tensors: their initial weights. Recipes may
    differ in learning rate and weight decay. Each member's patience counts for itself. `seconds` are a member's
    share of the whole. Raises UsageError where the graphs, recipes or plan cannot go together.

    The worker holds the examples in memory once, and every member's outputs for the validation examples; where they
    lie on the disk, those outputs are larger than one array may be, or memory runs out, the trials run one after
    another instead, in what is left of `timeout`, and the `message` of each says why.
    """
    check_metrics(dataset.contract.task, (plan.primary, *plan.report))
    for recipe in recipes:
        check_recipe(recipe, dataset.contract)
    if any(graph.document != graphs[0].document for graph in graphs[1:]):
        raise UsageError("stacked graphs differ in their structure; train them apart")
    began, why = time.perf_counter(), too_large(dataset, len(graphs))
    if not why:
        outcomes = _side_by_side(
            judge, _job(graphs, dataset, recipes, fidelity, seeds, timeout), dataset, recipes, plan
        )
        if outcomes[0].cause != "memory":
            return outcomes
        why = "memory ran out side by side"
    alone = []
    for graph, recipe, seed in zip(graphs, recipes, seeds, strict=True):
        left = max(1.0, timeout - (time.perf_counter() - began))
        one = run_trial(judge, graph, dataset, recipe, plan, fidelity=fidelity, seed=seed, timeout=left)
        alone.append(
            replace(one, message=": ".join(filter(None, [f"trained one after another, for {why}", one.message])))
        )
    return alone


def too_large(dataset: Dataset, members: int) -> str:
    """Why so many trainings side by side would take more memory than they may; nothing where they would not."""
    arrays = (dataset.train.x, dataset.train.y, dataset.validation.x)
    if any(isinstance(array, OnDisk) for array in arrays):
        return "the data lie on the disk"
    outputs = 4 * members * len(dataset.validation.x) * math.prod(dataset.contract.output.shape)
    if outputs > most_in_memory():
        return f"their outputs would take {outputs / 1e6:,.0f} MB"
    return ""


def _side_by_side(
    judge: Judge, job: Job, dataset: Dataset, recipes: Sequence[Recipe], plan: MetricsPlan
) -> list[TrialOutcome]:
    watches = [Watch(dataset, recipe, plan, None, None) for recipe in recipes]
    began = time.perf_counter()
    try:
        reply = judge.run(job, _Watches(watches).answer)
    except CandidateError as error:
        return _failed(watches, "crash", str(error), began)
    except WorkerError as error:
        if error.cause not in get_args(Cause):
            raise
        return _failed(watches, error.cause, str(error), began)
    share = (time.perf_counter() - began) / len(watches)
    return [watch.outcome(_member(reply, number), share) for number, watch in enumerate(watches)]


def stacking_gain(judge: Judge, graph: Graph, dataset: Dataset, recipe: Recipe, count: int) -> float:
    """How many times as fast `count` trainings are stacked as one after another, measured on the first steps.

    0.0 where they cannot be stacked. A decision by it depends on the clock: store it beside what it decided.
    """
    contract = dataset.contract.model_dump(mode="json")
    arguments = {"contract": contract, "recipe": recipe.model_dump(mode="json"), "count": count}
    batch, train = recipe.batch_size, dataset.train
    rows = {"x": from_numpy(train.x[:batch]), "y": from_numpy(train.y[:batch])}
    try:
        return float(judge.run(Job("stacking_gain", graph, arguments, rows)).body["gain"])
    except CandidateError:
        return 0.0


class _Watches:
    """Deals the report of a stack out to the watch of each member that still trains."""

    def __init__(self, watches: Sequence[Watch]) -> None:
        self.watches, self.stopped = watches, set[int]()

    def answer(self, report: Message) -> Message:
        losses, outputs = report.body.get("train_losses"), report.tensors.get("outputs")
        if not isinstance(losses, list) or outputs is None or outputs.shape[:1] != (len(self.watches),):
            raise WorkerError("the stacked training reported other members than it was given")
        size = len(outputs.data) // len(self.watches)
        answers = []
        for number, loss in enumerate(losses):
            rows = outputs.data[number * size : (number + 1) * size]
            own = TensorData(outputs.dtype, outputs.shape[1:], rows)
            answers.append(self._answer(number, {**report.body, "train_loss": loss}, own))
        return Message({"answers": answers})

    def _answer(self, number: int, body: dict[str, Any], outputs: TensorData) -> dict[str, Any]:
        if number in self.stopped or body["train_loss"] is None:
            self.stopped.add(number)
            return {"stop": True, "keep": False}
        answer = self.watches[number].answer(Message(body, {"outputs": outputs})).body
        if answer["stop"]:
            self.stopped.add(number)
        return answer


def _job(
    graphs: Sequence[Graph], dataset: Dataset, recipes: Sequence[Recipe], fidelity: float, seeds: Sequence[int],
    timeout: float,
) -> Job:  # fmt: skip
    arguments = {
        "contract": dataset.contract.model_dump(mode="json"),
        "recipes": [recipe.model_dump(mode="json") for recipe in recipes],
        "fidelity": fidelity,
        "seeds": list(seeds),
    }
    arrays = {"x": dataset.train.x, "y": dataset.train.y, "validation_x": dataset.validation.x}
    tensors = {name: from_numpy(array) for name, array in arrays.items()}
    others = {
        f"{number}/{name}": tensor
        for number, graph in enumerate(graphs)
        if graph.tensors is not graphs[0].tensors
        for name, tensor in graph.tensors.items()
    }
    return Job("train_stacked", graphs[0], arguments, tensors | others, timeout)


def _member(reply: Message, number: int) -> Message:
    prefix = f"{number}/"
    weights = {name.removeprefix(prefix): data for name, data in reply.tensors.items() if name.startswith(prefix)}
    members = reply.body.get("members")
    return Message(members[number] if isinstance(members, list) and number < len(members) else {}, weights)


def _failed(watches: Sequence[Watch], cause: Any, message: str, began: float) -> list[TrialOutcome]:
    share = (time.perf_counter() - began) / len(watches)
    return [watch.failed(cause, message, share) for watch in watches]
