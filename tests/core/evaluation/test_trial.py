import dataclasses
import json
import math
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from neuromosaic.core.brief import Contract, TensorSpec
from neuromosaic.core.errors import CandidateError, UsageError, WorkerError
from neuromosaic.core.evaluation.data.dataset import Dataset, Split
from neuromosaic.core.evaluation.recipe import Recipe
from neuromosaic.core.evaluation.training import predict
from neuromosaic.core.evaluation.trial import TrialOutcome, run_trial
from neuromosaic.core.graph.document import Graph, TensorData
from neuromosaic.core.graph.tensors import from_torch, to_torch
from neuromosaic.core.proposals import MetricsPlan
from neuromosaic.core.protocols import Converse, Job, Message
from neuromosaic.core.workers import jobs

PLAN = MetricsPlan(loss="cross_entropy", primary="accuracy", report=("macro_f1", "auroc"))
SUBJECT = Graph({}, {})


class InProcess:
    """A judge that works in this process: every message still goes through JSON and bytes."""

    def __init__(self, build: Callable[[], nn.Module]) -> None:
        self.build, self.jobs, self.answers = build, list[Job](), list[dict[str, Any]]()

    def run(self, job: Job, converse: Converse | None = None) -> Message:
        assert converse is not None
        self.jobs.append(job)
        host = converse

        def told(report: Message) -> Message:
            answer = host(Message(json.loads(json.dumps(report.body)), report.tensors))
            self.answers.append(json.loads(json.dumps(answer.body)))
            return answer

        return jobs.train(
            self.build(), dataclasses.replace(job, arguments=json.loads(json.dumps(job.arguments))), told
        )

    def close(self) -> None:
        pass


class Scripted(InProcess):
    """Reports what it was told to, then ends as it was told to."""

    def __init__(self, reports: list[Message], end: Message | Exception) -> None:
        super().__init__(nn.Identity)
        self.reports, self.end = reports, end

    def run(self, job: Job, converse: Converse | None = None) -> Message:
        assert converse is not None
        self.answers = [converse(report).body for report in self.reports]
        if isinstance(self.end, Exception):
            raise self.end
        return self.end


def reported(epoch: int, outputs: Any) -> Message:
    array = np.asarray(outputs, np.float32)
    body = {"epoch": epoch, "of": 9, "train_loss": 1.0, "seconds": 0.1 * epoch}
    return Message(body, {"outputs": TensorData("float32", array.shape, array.tobytes())})


def scores(right: int, sure: float = 1.0) -> list[list[float]]:
    """Outputs for four examples of class 0, the first `right` of them right."""
    return [[sure, 0.0] if number < right else [0.0, sure] for number in range(4)]


def dataset(
    contract: Contract, train: Split, validation: Split, unscale: Callable[[Any], Any] = lambda y: y
) -> Dataset:
    fields = {"contract": contract, "train": train, "validation": validation}
    preprocessing = SimpleNamespace(unscale_targets=unscale, naive_error=math.nan)
    return SimpleNamespace(**fields, preprocessing=preprocessing)  # type: ignore[return-value]


@pytest.fixture
def digits_data(digits: SimpleNamespace, image_contract: Contract) -> Dataset:
    return dataset(image_contract, digits.train, digits.validation)


@pytest.fixture
def four() -> Dataset:
    contract = Contract(
        task="classification", input=TensorSpec(shape=(3,)), output=TensorSpec(shape=(2,)), kind="tabular"
    )
    split = Split(np.zeros((4, 3), np.float32), np.zeros(4, np.int64))
    return dataset(contract, split, split)


def trial(
    worker: Any, data: Dataset, recipe: Recipe | None = None, plan: MetricsPlan = PLAN, **more: Any
) -> TrialOutcome:
    return run_trial(worker, SUBJECT, data, recipe or Recipe(), plan, **{"fidelity": 1.0, "seed": 0, **more})


FINISHED = Message({"epochs": 1, "cause": "finished"}, {"w": TensorData("float32", (1,), b"\0\0\0\0")})


def test_a_trial_on_the_digits(digits_data: Dataset, small_cnn: Callable[[], nn.Module]) -> None:
    worker, rows = InProcess(small_cnn), list[dict[str, float]]()
    outcome = trial(worker, digits_data, Recipe(epochs=10), on_epoch=rows.append, timeout=77)
    assert outcome.cause == "finished"
    assert outcome.metrics["accuracy"] >= 0.95
    assert set(outcome.metrics) == {"loss", "accuracy", "macro_f1", "auroc"}
    assert outcome.curve == rows
    assert [row["epoch"] for row in rows] == list(range(1, 11))
    assert set(rows[0]) == {"epoch", "train_loss", "seconds", "loss", "accuracy"}
    assert outcome.metrics["accuracy"] == max(row["accuracy"] for row in rows)
    assert worker.jobs[0].timeout == 77
    assert outcome.seconds > rows[-1]["seconds"]

    restored = small_cnn()
    restored.load_state_dict({name: to_torch(tensor) for name, tensor in outcome.weights.items()})
    said = predict(restored, torch.as_tensor(digits_data.validation.x)).argmax(1).numpy()
    assert (said == digits_data.validation.y).mean() == outcome.metrics["accuracy"]


def test_no_validation_label_leaves_the_host(digits_data: Dataset, small_cnn: Callable[[], nn.Module]) -> None:
    worker = InProcess(small_cnn)
    trial(worker, digits_data, Recipe(epochs=0.1))
    assert set(worker.jobs[0].tensors) == {"x", "y", "validation_x"}
    assert worker.jobs[0].tensors["y"].data == digits_data.train.y.tobytes()
    assert all(set(answer) == {"stop", "keep"} for answer in worker.answers)


def test_the_same_trial_twice_is_the_same(digits_data: Dataset, small_cnn: Callable[[], nn.Module]) -> None:
    one, again = (trial(InProcess(small_cnn), digits_data, Recipe(epochs=4), fidelity=0.5) for _ in range(2))
    assert one.metrics == again.metrics
    assert one.weights == again.weights
    assert len(one.curve) == 2


def test_metrics_of_a_regression_are_in_the_users_units_and_its_loss_is_not() -> None:
    contract = Contract(
        task="regression", input=TensorSpec(shape=(2,)), output=TensorSpec(shape=(1,)), kind="tabular"
    )
    x = np.random.default_rng(0).normal(size=(300, 2)).astype(np.float32)
    y = (x[:, :1] - x[:, 1:]) / np.float32(2)
    data = dataset(contract, Split(x, y), Split(x[:60], y[:60]), unscale=lambda y: y.astype(np.float64) * 1000 + 5000)
    plan = MetricsPlan(loss="mse", primary="rmse", report=("mae", "r2"))
    recipe = Recipe(loss="mse", epochs=3, learning_rate=0.01)
    outcome = trial(InProcess(lambda: nn.Linear(2, 1)), data, recipe, plan)
    assert outcome.metrics["rmse"] == pytest.approx(1000 * math.sqrt(outcome.metrics["loss"]), rel=1e-6)
    assert set(outcome.metrics) == {"loss", "rmse", "mae", "r2"}


def test_the_best_epoch_has_the_best_primary_metric_then_the_lowest_loss(four: Dataset) -> None:
    epochs = [scores(2), scores(3), scores(1), scores(3, sure=0.5), scores(3)]
    worker = Scripted([reported(number, outputs) for number, outputs in enumerate(epochs, 1)], FINISHED)
    outcome = trial(worker, four, plan=MetricsPlan(loss="cross_entropy", primary="accuracy"))
    kept = [answer["keep"] for answer in worker.answers]
    assert outcome.curve[1]["loss"] != outcome.curve[3]["loss"]
    assert kept == [True, True, False, outcome.curve[3]["loss"] < outcome.curve[1]["loss"], False]
    assert outcome.metrics["loss"] == min(outcome.curve[1]["loss"], outcome.curve[3]["loss"])
    assert outcome.weights == FINISHED.tensors


def test_patience_stops_after_that_many_epochs_without_a_lower_loss(four: Dataset) -> None:
    epochs = [scores(2), scores(4), scores(3), scores(3), scores(4, sure=2), scores(0), scores(0)]
    worker = Scripted([reported(number, outputs) for number, outputs in enumerate(epochs, 1)], FINISHED)
    trial(worker, four, Recipe(patience=2))
    assert [answer["stop"] for answer in worker.answers] == [False, False, False, True, False, False, True]


def test_patience_ends_a_real_training(digits_data: Dataset) -> None:
    class Fixed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(1))

        def forward(self, x: Tensor) -> Tensor:
            return (x.flatten(1)[:, :10] * 0 + self.weight) * 1

    outcome = trial(InProcess(Fixed), digits_data, Recipe(epochs=50, patience=3))
    assert outcome.cause == "stopped"
    assert len(outcome.curve) == 4


def test_whoever_watches_can_stop_it(digits_data: Dataset, small_cnn: Callable[[], nn.Module]) -> None:
    asked = []

    def should_stop(step: int, row: Any) -> bool:
        asked.append((step, row["accuracy"]))
        return step == 2

    outcome = trial(InProcess(small_cnn), digits_data, Recipe(epochs=9), should_stop=should_stop)
    assert outcome.cause == "stopped"
    assert [step for step, _ in asked] == [1, 2]
    assert outcome.metrics["accuracy"] == max(accuracy for _, accuracy in asked)
    assert outcome.weights


def test_a_diverging_training_is_an_outcome(digits_data: Dataset) -> None:
    class Wild(nn.Linear):
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x.flatten(1)).exp().exp()

    outcome = trial(InProcess(lambda: Wild(64, 10)), digits_data, Recipe(epochs=3, learning_rate=10))
    assert outcome.cause == "diverged"
    assert outcome.metrics == outcome.weights == {}
    assert outcome.message


def test_finite_losses_with_outputs_that_are_not_are_diverged_too(four: Dataset) -> None:
    bad = [[math.nan, 0.0]] * 4
    outcome = trial(Scripted([reported(1, bad), reported(2, bad)], FINISHED), four)
    assert outcome.cause == "diverged"
    assert outcome.metrics == outcome.weights == {}
    assert len(outcome.curve) == 2
    assert math.isnan(outcome.curve[0]["accuracy"])


def test_what_was_kept_before_it_diverged_counts(four: Dataset) -> None:
    end = dataclasses.replace(FINISHED, body={"epochs": 2, "cause": "diverged"})
    outcome = trial(Scripted([reported(1, scores(3)), reported(2, [[math.inf, 0.0]] * 4)], end), four)
    assert outcome.cause == "diverged"
    assert outcome.metrics["accuracy"] == 0.75
    assert outcome.weights == FINISHED.tensors


@pytest.mark.parametrize("cause", ["crash", "timeout", "memory"])
def test_a_worker_that_dies_is_an_outcome_without_metrics(four: Dataset, cause: Any) -> None:
    outcome = trial(Scripted([reported(1, scores(4))], WorkerError("it died", cause)), four)
    twice = "memory ran out with batches of 4; tried again with each in 2 parts: " if cause == "memory" else ""
    assert (outcome.cause, outcome.message) == (cause, f"{twice}it died")
    assert outcome.metrics == outcome.weights == {}
    assert outcome.curve[0]["accuracy"] == 1


def test_a_candidate_that_raises_has_crashed(four: Dataset) -> None:
    outcome = trial(Scripted([], CandidateError("mat1 and mat2 cannot be multiplied")), four)
    assert (outcome.cause, outcome.message) == ("crash", "mat1 and mat2 cannot be multiplied")


def test_a_worker_that_could_not_be_set_up_is_no_verdict_on_the_candidate(four: Dataset) -> None:
    with pytest.raises(WorkerError, match="no memory left"):
        trial(Scripted([], WorkerError("no memory left", "setup")), four)


@pytest.mark.parametrize(
    ("report", "message"),
    [
        (Message({"epoch": 1, "train_loss": 1, "seconds": 1}), "reported none as validation outputs"),
        (reported(1, [[0.0, 1.0]] * 3), r"reported float32\[3, 2\] as validation outputs, not float32\[4, 2\]"),
        (dataclasses.replace(reported(1, scores(1)), body={"epoch": "x"}), "cannot be read"),
        (dataclasses.replace(reported(1, scores(1)), body={}), "cannot be read"),
        (
            dataclasses.replace(reported(1, scores(1)), body={"epoch": math.inf, "train_loss": 1, "seconds": 1}),
            "read",
        ),
    ],
)
def test_a_report_that_lies_about_its_form_is_a_crash(four: Dataset, report: Message, message: str) -> None:
    outcome = trial(Scripted([report], FINISHED), four)
    assert outcome.cause == "crash"
    with pytest.raises(AssertionError, match=message):
        raise AssertionError(outcome.message)


def test_an_unknown_end_is_a_crash(four: Dataset) -> None:
    outcome = trial(Scripted([reported(1, scores(4))], Message({"cause": "perfect"})), four)
    assert outcome.cause == "crash"
    assert outcome.metrics == {}


@pytest.mark.parametrize(
    ("recipe", "plan"),
    [
        (Recipe(augment=("flip",)), PLAN),
        (Recipe(), MetricsPlan(loss="cross_entropy", primary="rmse")),
        (Recipe(), MetricsPlan(loss="cross_entropy", primary="accuracy", report=("beauty",))),
    ],
)
def test_a_recipe_or_plan_that_does_not_fit_is_refused_before_any_work(
    four: Dataset, recipe: Recipe, plan: MetricsPlan
) -> None:
    worker = Scripted([], FINISHED)
    with pytest.raises(UsageError):
        trial(worker, four, recipe, plan)


class Exhausted(InProcess):
    """Has memory for parts of a batch of up to so many."""

    def __init__(self, build: Callable[[], nn.Module], largest: int) -> None:
        super().__init__(build)
        self.largest = largest

    def run(self, job: Job, converse: Converse | None = None) -> Message:
        if self.part(job) > self.largest:
            self.jobs.append(job)
            raise WorkerError("killed", "memory")
        return super().run(job, converse)

    @staticmethod
    def part(job: Job) -> int:
        return int(job.arguments["recipe"]["batch_size"] // job.arguments["recipe"]["accumulate"])


def sizes(judge: InProcess) -> list[int]:
    return [Exhausted.part(job) for job in judge.jobs]


def attempt(judge: InProcess, data: Dataset, batch: int) -> TrialOutcome:
    return run_trial(judge, SUBJECT, data, Recipe(epochs=1, batch_size=batch), PLAN, fidelity=1, seed=0)


def test_where_memory_runs_out_smaller_parts_are_tried_once_and_the_recipe_stays(digits_data: Dataset) -> None:
    def build() -> nn.Module:
        torch.manual_seed(0)
        return nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))

    judge = Exhausted(build, largest=150)
    outcome = attempt(judge, digits_data, 300)
    assert sizes(judge) == [300, 150]
    assert [job.arguments["sparing"] for job in judge.jobs] == [False, True]
    assert outcome.cause == "finished"
    assert outcome.message == "memory ran out with batches of 300; tried again with each in 2 parts"
    whole = attempt(InProcess(build), digits_data, 300)
    assert outcome.metrics == pytest.approx(whole.metrics, rel=1e-4)
    for name, tensor in whole.weights.items():
        torch.testing.assert_close(to_torch(outcome.weights[name]), to_torch(tensor), rtol=1e-3, atol=1e-5)


def test_memory_that_runs_out_twice_is_the_outcome(digits_data: Dataset) -> None:
    judge = Exhausted(nn.Identity, largest=1)
    outcome = attempt(judge, digits_data, 60_000)
    assert sizes(judge) == [60_000, 30_000]
    assert outcome.cause == "memory"
    assert outcome.message.endswith("batches of 1200; tried again with each in 2 parts: killed")
    assert outcome.metrics == {}


def test_a_part_of_two_is_not_halved(digits_data: Dataset) -> None:
    judge = Exhausted(nn.Identity, largest=1)
    assert attempt(judge, digits_data, 2).message == "killed"
    assert sizes(judge) == [2]


def test_a_paused_trial_goes_on_from_what_it_left(digits_data: Dataset, small_cnn: Callable[[], nn.Module]) -> None:
    judge, recipe = InProcess(small_cnn), Recipe(epochs=3)
    whole = trial(judge, digits_data, recipe)
    first = trial(judge, digits_data, recipe, pause_at=1)
    assert (first.cause, len(first.curve)) == ("paused", 1)
    assert first.metrics["accuracy"] == first.curve[0]["accuracy"]
    assert first.weights.keys() == whole.weights.keys()
    assert first.paused is not None
    rest = trial(judge, digits_data, recipe, resume=first.paused)
    assert rest.cause == "finished"
    assert rest.paused is None
    assert rest.metrics == whole.metrics
    assert rest.weights == whole.weights
    assert [{**row, "seconds": 0} for row in rest.curve] == [{**row, "seconds": 0} for row in whole.curve]
    assert rest.curve[1]["seconds"] > first.curve[0]["seconds"]


def test_what_went_on_in_smaller_parts_stays_with_them(
    digits_data: Dataset, small_cnn: Callable[[], nn.Module]
) -> None:
    judge = Exhausted(small_cnn, largest=150)
    recipe = Recipe(epochs=2, batch_size=300)
    first = trial(judge, digits_data, recipe, pause_at=1)
    assert first.paused is not None
    assert first.paused.accumulate == 2
    trial(judge, digits_data, recipe, resume=first.paused)
    assert sizes(judge) == [300, 150, 150]


def test_training_begins_at_the_given_weights_that_have_a_place(digits_data: Dataset) -> None:
    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.given = nn.Linear(64, 10)
            self.other = nn.Linear(10, 10)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.other(self.given(x.flatten(1)))

    weights = {"weight": from_torch(torch.full((10, 64), 0.25)), "bias": from_torch(torch.ones(3))}
    recipe = Recipe(epochs=0.01, learning_rate=1e-9, batch_size=8)
    outcome = trial(InProcess(Two), digits_data, recipe, weights=weights)
    torch.testing.assert_close(to_torch(outcome.weights["given.weight"]), torch.full((10, 64), 0.25))
    assert to_torch(outcome.weights["given.bias"]).std() > 0
    assert to_torch(outcome.weights["other.weight"]).std() > 0


def test_a_loss_that_rises_from_the_start_is_told_with_what_to_do(four: Dataset) -> None:
    def rising(losses: list[float]) -> TrialOutcome:
        reports = [reported(epoch, scores(2)) for epoch in range(1, len(losses) + 1)]
        for report, loss in zip(reports, losses, strict=True):
            report.body["train_loss"] = loss
        return trial(Scripted(reports, FINISHED), four)

    assert rising([1.0, 2.0, 1.5]).message == (
        "the training loss rose from the start, 1 to 1.5: take a lower learning rate"
    )
    assert rising([1.0, 2.0]).message == ""
    assert rising([1.0, 2.0, 0.9]).message == ""


def test_a_generator_that_collapsed_is_told_with_who_won() -> None:
    held = np.random.default_rng(0).standard_normal((40, 2)).astype(np.float32)
    spec = TensorSpec(shape=(2,))
    pair = Contract(task="generation", input=spec, output=spec, kind="tabular", latent=2, generative="gan")
    data = dataset(pair, Split(held, held), Split(held, held))
    plan = MetricsPlan(loss="own", primary="energy_distance")

    def ending(draws: Any, judged: float) -> str:
        report = reported(1, np.asarray(draws, np.float32)[:, None])
        report.body["terms"] = {"discriminator_loss": judged}
        return trial(Scripted([report], FINISHED), data, Recipe(loss="own"), plan).message

    alike = np.zeros_like(held) + 3
    said = ending(alike, 0.7)
    assert said.startswith("the generator collapsed: its draws are much alike and come near 0% of the validation")
    assert "discriminator tells" not in said
    assert "while its discriminator tells them all with a loss of 0.01" in ending(alike, 0.01)
    assert ending(30 + 2 * held, 0.7).startswith("the generator lost its way: its draws come near 0%")
    assert ending(-held, 0.7) == ""
