"""The precision of training is what a network's own steps prove to be fastest, and else float32."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from neuromosaic.core.brief import Contract, TensorSpec
from neuromosaic.core.errors import CandidateError, UsageError, WorkerError
from neuromosaic.core.evaluation import probing
from neuromosaic.core.evaluation.data.dataset import Split
from neuromosaic.core.evaluation.precision import decide, measured
from neuromosaic.core.evaluation.probing import FIRST_STEPS, ROUNDS, try_precisions
from neuromosaic.core.evaluation.recipe import Recipe
from neuromosaic.core.graph.document import Graph
from neuromosaic.core.graph.export import export_module
from neuromosaic.core.judge.process import ProcessJudge

CONTRACT = Contract(
    task="classification", input=TensorSpec(shape=(12,)), output=TensorSpec(shape=(3,)), kind="tabular"
)
RECIPE = Recipe(batch_size=20)


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(12, 16), nn.BatchNorm1d(16), nn.Dropout(0.2), nn.Tanh(), nn.Linear(16, 3))


def examples(count: int = 90) -> tuple[Tensor, Tensor]:
    x = torch.randn(count, 12, generator=torch.Generator().manual_seed(0))
    return x, x[:, :3].argmax(1)


class Clock:
    """Shows the time that the steps should have taken: so many seconds each, by precision."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **seconds: float) -> None:
        self.now, step = 0.0, probing.Loop.step

        def told(loop: Any, *given: Any) -> Any:
            self.now += seconds[loop.recipe.precision]
            return step(loop, *given)

        monkeypatch.setattr(probing, "_clock", lambda _: lambda: self.now)
        monkeypatch.setattr(probing.Loop, "step", told)


def tried(module: nn.Module, recipe: Recipe = RECIPE) -> dict[str, Any]:
    found = try_precisions(module, *examples(), recipe, seed=0, device="cpu", contract=CONTRACT)
    return {name: one._asdict() for name, one in found.items()}


def test_every_precision_is_timed_and_its_losses_seen_and_nothing_stays_of_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    Clock(monkeypatch, float32=0.02, bf16=0.01, fp16=0.03)
    module = network()
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    found = tried(module)
    assert all(torch.equal(tensor, before[name]) for name, tensor in module.state_dict().items())
    assert [*found] == ["float32", "bf16", "fp16"]
    assert {name: len(one["seconds"]) for name, one in found.items()} == dict.fromkeys(found, ROUNDS)
    assert found["bf16"]["seconds"] == pytest.approx([0.01] * ROUNDS)
    losses = [one["losses"] for one in found.values()]
    assert {len(one) for one in losses} == {FIRST_STEPS}
    assert losses[0] != losses[1] != losses[2]
    assert losses[0] == tried(module)["float32"]["losses"]


def test_what_takes_twice_as_long_is_tried_no_further(monkeypatch: pytest.MonkeyPatch) -> None:
    Clock(monkeypatch, float32=0.01, bf16=0.011, fp16=0.03)
    found = tried(network())
    assert (len(found["fp16"]["seconds"]), found["fp16"]["losses"]) == (1, [])
    decided = decide(found)
    assert decided.precision == "float32"
    assert decided.reason == "float32: bf16 took 1.1 times as long; fp16 took 3.0 times as long"


def test_the_fastest_is_used_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    Clock(monkeypatch, float32=0.04, bf16=0.02, fp16=0.03)
    decided = decide(tried(network()))
    assert decided.precision == "bf16"
    assert decided.reason == "bf16: 2.0 times as fast as float32 on this machine, used"
    assert decided.gains == pytest.approx({"bf16": 2.0, "fp16": 1.333}, abs=1e-3)


class Overflows(nn.Module):
    """Finite in float32, infinite in float16."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(12, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x * 3e5) * 1e-5


def test_a_loss_that_is_not_finite_is_no_candidate(monkeypatch: pytest.MonkeyPatch) -> None:
    Clock(monkeypatch, float32=0.04, bf16=0.04, fp16=0.02)
    decided = decide(tried(Overflows()))
    assert decided.precision == "float32"
    assert "fp16 was 2.0 times as fast, but its loss was not finite after 0 steps" in decided.reason


def figures(seconds: list[float], losses: list[float] | None = None) -> dict[str, list[float]]:
    return {"seconds": seconds, "losses": [1.0, 0.5] if losses is None else losses}


@pytest.mark.parametrize(
    ("seconds", "losses", "chosen", "told"),
    [
        ([0.9] * 9, None, "bf16", "bf16: 1.1 times as fast"),
        ([0.95] * 9, None, "float32", "bf16 was 1.05 times as fast, not surely 1.1 times"),
        ([0.5] * 8 + [1.0], None, "bf16", "2.0 times"),
        ([0.5] * 7 + [1.0] * 2, None, "float32", "bf16 was 2.00 times as fast, not surely 1.1 times"),
        ([1.3] * 9, None, "float32", "bf16 took 1.3 times as long"),
        ([0.5] * 9, [1.0, 0.52], "bf16", "2.0 times"),
        ([0.5] * 9, [1.0, 0.6], "float32", "but its first losses were 0.8 instead of 0.75"),
        ([0.5] * 9, [1.0, -0.6], "float32", "but its first losses were 0.2 instead of 0.75"),
    ],
)  # fmt: skip
def test_another_precision_must_be_surely_faster_and_lose_nothing(
    seconds: list[float], losses: list[float] | None, chosen: str, told: str
) -> None:
    decided = decide({"float32": figures([1.0] * 9), "bf16": figures(seconds, losses)})
    assert decided.precision == chosen
    assert told in decided.reason


def test_a_recipe_that_does_not_fit_is_refused() -> None:
    with pytest.raises(UsageError, match="loss"):
        try_precisions(network(), *examples(), Recipe(loss="mse"), seed=0, device="cpu", contract=CONTRACT)


# ---------------------------------------------------------------- by the judge


def graph(module: nn.Module) -> Graph:
    return export_module(module, (torch.zeros(2, 12),))


def dataset() -> Any:
    x, y = (tensor.numpy() for tensor in examples())
    return SimpleNamespace(contract=CONTRACT, train=Split(x, y))


@pytest.fixture(scope="module")
def judge() -> Iterator[ProcessJudge]:
    made = ProcessJudge(workers=1)
    yield made
    made.close()


def test_the_judge_measures_the_network_itself(judge: ProcessJudge) -> None:
    decided = measured(judge, graph(network()), dataset(), RECIPE, seed=0)
    assert {"bf16", "fp16"} == decided.gains.keys()
    assert all(gain > 0 for gain in decided.gains.values())
    assert decided.reason.startswith(decided.precision)


class Failing:
    def __init__(self, error: Exception) -> None:
        self.error = error

    def run(self, *_: Any) -> Any:
        raise self.error


@pytest.mark.parametrize("error", [CandidateError("no kernel for BFloat16"), WorkerError("killed", "memory")])
def test_what_cannot_be_tried_leaves_float32(error: Exception) -> None:
    decided = measured(Failing(error), graph(network()), dataset(), RECIPE, seed=0)  # type: ignore[arg-type]
    assert decided.precision == "float32"
    assert str(error) in decided.reason


def test_a_worker_that_does_not_start_is_no_reason() -> None:
    with pytest.raises(WorkerError, match="no worker"):
        measured(Failing(WorkerError("no worker", "setup")), graph(network()), dataset(), RECIPE, seed=0)  # type: ignore[arg-type]
