"""Pairs that are trained in turn: each side by its own loss, to the same end however often it was interrupted."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from neuromosaic.core.brief import Brief, Contract, TensorSpec
from neuromosaic.core.errors import CandidateError, DataError, UsageError
from neuromosaic.core.evaluation.baselines import fit_baseline
from neuromosaic.core.evaluation.data import load_dataset
from neuromosaic.core.evaluation.generation import METRICS, noise_for, reported_shape
from neuromosaic.core.evaluation.intervals import interval
from neuromosaic.core.evaluation.metrics import higher_is_better, measurable, score
from neuromosaic.core.evaluation.probing import FIRST_STEPS, try_precisions
from neuromosaic.core.evaluation.recipe import Recipe
from neuromosaic.core.evaluation.stacked import check_stack
from neuromosaic.core.evaluation.training import Trained, predict, train
from neuromosaic.core.evaluation.turns import turns_of
from neuromosaic.core.graph.export import export_module
from neuromosaic.core.graph.rebuild import Rebuilt, rebuild

SPEC = TensorSpec(shape=(2,))
GAN = Contract(task="generation", input=SPEC, output=SPEC, kind="tabular", latent=2, generative="gan")
RECIPE = Recipe(loss="own", epochs=4, batch_size=32, learning_rate=5e-3, averaging=0.9, schedule="constant")


class Pair(nn.Module):
    """Small perceptrons; `detached` cuts the discriminator's loss off from the generator, or does not."""

    def __init__(self, detached: bool = False) -> None:
        super().__init__()
        self.detached = detached
        self.generator = nn.Sequential(nn.Linear(2, 16), nn.SiLU(), nn.Linear(16, 2))
        self.discriminator = nn.Sequential(nn.Linear(2, 16), nn.SiLU(), nn.Linear(16, 1))

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        output = self.decode(torch.randn_like(x) if self.training else x)
        real, made = self.discriminator(x), self.discriminator(output.detach() if self.detached else output)
        judged = (softplus(-real) + softplus(made)).mean()
        return {"output": output, "loss": softplus(-self.discriminator(output)).mean(), "discriminator_loss": judged}

    def decode(self, codes: Tensor) -> Tensor:
        return self.generator(codes)


def ring(count: int = 256) -> Tensor:
    angle = 2 * math.pi * torch.rand(count, generator=torch.Generator().manual_seed(1))
    return torch.stack([angle.cos(), angle.sin()], 1) * 2**0.5


def graph_of(module: nn.Module) -> Rebuilt:
    x = torch.zeros(2, 2)
    rebuilt = rebuild(export_module(module, (x,), methods={"decode": (x,)}))
    assert isinstance(rebuilt, Rebuilt)
    return rebuilt


def trained(module: nn.Module, recipe: Recipe = RECIPE, **more: Any) -> Trained:
    held = ring(64)
    noise = torch.from_numpy(noise_for(GAN, 64)["noise"])
    given = {"report": lambda *_: (False, False), **more}
    return train(
        module, ring(), ring(), recipe, fidelity=1, seed=0, device="cpu", validation_x=held, contract=GAN,
        noise=noise, **given,
    )  # fmt: skip


def fresh(**more: Any) -> Pair:
    torch.manual_seed(0)
    return Pair(**more)


# ---------------------------------------------------------------- who moves when


def test_each_side_follows_its_own_loss_and_holds_still_for_the_others() -> None:
    pair = fresh()
    judging, making = turns_of(pair, "gan")
    assert (judging.loss, making.loss) == ("discriminator_loss", "loss")
    for turn, moving in ((judging, pair.discriminator), (making, pair.generator)):
        pair.zero_grad()
        with turn.taken():
            pair(ring(8))[turn.loss].backward()
        assert {id(p) for p in pair.parameters() if p.grad is not None} == {id(p) for p in moving.parameters()}
    assert all(parameter.requires_grad for parameter in pair.parameters())


def test_what_is_no_pair_has_one_turn_in_which_all_move() -> None:
    for generative in (None, "autoencoder"):
        (turn,) = turns_of(nn.Linear(2, 2), generative)  # type: ignore[arg-type]
        assert (turn.loss, list(turn.held)) == ("loss", [])


@pytest.mark.parametrize(("left", "fault"), [("generator", "under `discriminator`"), ("discriminator", "besides")])
def test_a_pair_that_lacks_a_side_is_refused(left: str, fault: str) -> None:
    with pytest.raises(CandidateError, match=fault):
        turns_of(nn.ModuleDict({left: nn.Linear(2, 2)}), "gan")


def test_a_generator_that_is_not_detached_learns_the_same_as_a_graph_too() -> None:
    one, other = trained(graph_of(fresh())).weights, trained(fresh(detached=True)).weights
    assert one is not None
    assert other is not None
    for name, tensor in one.items():
        torch.testing.assert_close(tensor, other[name], rtol=1e-5, atol=1e-6)


def test_in_turn_is_what_two_optimisers_by_hand_do() -> None:
    ours = fresh()
    end = trained(ours, RECIPE.model_copy(update={"averaging": 0.0, "weight_decay": 0.0, "gradient_clip": None,
                                                  "warmup": 0.0, "epochs": 1.0})).weights  # fmt: skip
    assert end is not None
    hand, x = fresh(), ring()
    sides = {"discriminator_loss": hand.discriminator, "loss": hand.generator}
    optimizers = {
        name: torch.optim.AdamW(side.parameters(), lr=5e-3, betas=(0.0, 0.99), weight_decay=0.0)
        for name, side in sides.items()
    }
    from neuromosaic.core.evaluation.loop import shuffling

    order = torch.randperm(len(x), generator=shuffling(0))
    torch.manual_seed(0)
    for rows in torch.split(order, 32):
        for name, side in sides.items():
            gradients = torch.autograd.grad(hand(x[rows])[name], list(side.parameters()))
            for parameter, gradient in zip(side.parameters(), gradients, strict=True):
                parameter.grad = gradient
            optimizers[name].step()
    for name, tensor in hand.state_dict().items():
        torch.testing.assert_close(end[name], tensor, rtol=1e-4, atol=1e-6)


# ---------------------------------------------------------------- the loop


def test_the_same_seed_trains_the_same_pair_and_draws_come_nearer() -> None:
    distances: list[float] = []

    def report(epoch: int, of: int, loss: float, seconds: float, outputs: Tensor, terms: dict[str, float]) -> Any:
        assert outputs.shape == (64, *reported_shape(GAN))
        assert set(terms) == {"discriminator_loss"}
        distances.append(METRICS["loss"](outputs.numpy(), ring(64).numpy()))
        return False, False

    recipe = RECIPE.model_copy(update={"epochs": 30, "learning_rate": 2e-2})
    one, other = (trained(fresh(), recipe, report=report).weights for _ in range(2))
    assert one is not None
    assert other is not None
    assert all(torch.equal(tensor, other[name]) for name, tensor in one.items())
    assert distances[29] < 0.3 * distances[0]


def test_a_pair_that_was_put_away_goes_on_to_the_last_bit() -> None:
    whole = trained(fresh()).weights
    paused = trained(fresh(), pause_at=2)
    assert paused.cause == "paused"
    torch.manual_seed(99)
    resumed = trained(fresh(), state=paused.state).weights
    assert whole is not None
    assert resumed is not None
    assert all(torch.equal(tensor, resumed[name]) for name, tensor in whole.items())


def test_a_pair_is_probed_as_it_is_trained() -> None:
    recipe, told = RECIPE.model_copy(update={"epochs": 3, "warmup": 0.0}), list[float]()
    trained(graph_of(fresh()), recipe, report=lambda *given: (bool(told.append(given[2])), False))
    found = try_precisions(graph_of(fresh()), ring(), ring(), recipe, seed=0, device="cpu", contract=GAN)
    losses = found["float32"].losses
    assert len(losses) == FIRST_STEPS == 3 * 8
    assert [sum(losses[first : first + 8]) / 8 for first in (0, 8, 16)] == pytest.approx(told, rel=1e-5)


@pytest.mark.parametrize(
    "change", [{"accumulate": 2}, {"precision": "bf16"}, {"precision": "fp16"}, {"optimizer": "sgd"}]
)
def test_parts_precision_and_optimiser_work_for_pairs(change: dict[str, Any]) -> None:
    pair = fresh()
    start = {name: tensor.clone() for name, tensor in pair.state_dict().items()}
    end = trained(pair, RECIPE.model_copy(update=change))
    assert end.cause == "finished"
    assert end.weights is not None
    assert all(not torch.equal(tensor, start[name]) for name, tensor in end.weights.items())


@pytest.mark.parametrize("side", ["loss", "discriminator_loss"])
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_loss_of_either_side_that_is_not_finite_ends_it(side: str, value: float) -> None:
    class Broken(Pair):
        def forward(self, x: Tensor) -> dict[str, Tensor]:
            found = super().forward(x)
            return {**found, side: found[side] + value}

    assert trained(Broken()).cause == "diverged"


def test_a_pair_without_a_loss_for_its_discriminator_is_refused() -> None:
    class Alone(Pair):
        def forward(self, x: Tensor) -> dict[str, Tensor]:
            return {name: value for name, value in super().forward(x).items() if name != "discriminator_loss"}

    with pytest.raises(CandidateError, match="no scalar named `discriminator_loss`"):
        trained(Alone())


def test_pairs_are_not_stacked() -> None:
    with pytest.raises(UsageError, match="none of a network's own"):
        check_stack(graph_of(fresh()), [RECIPE.model_copy(update={"averaging": 0.0})])


# ---------------------------------------------------------------- what is measured


def test_a_draw_is_of_the_hosts_noise_alone() -> None:
    pair, noise = fresh(), torch.randn(5, 1, 2)
    outputs = predict(graph_of(pair), ring(5), noise=noise, generative="gan")
    torch.testing.assert_close(outputs[:, 0], pair.decode(noise[:, 0]).detach())


def test_coverage_tells_what_is_left_out() -> None:
    held, alike = (ring(400).numpy()[::2], ring(400).numpy()[1::2])
    collapsed = np.repeat(alike[:1], len(held), 0)
    half = np.where(alike[:, :1] > 0, alike, -alike)
    found = [METRICS["coverage"](draws[:, None], held) for draws in (alike, half, collapsed)]
    assert found[0] > 0.9
    assert 0.4 < found[1] < 0.6
    assert found[2] < 0.1
    assert higher_is_better("coverage")
    low, high = interval("generation", "coverage", half[:, None], held)
    assert low < found[1] < high


def test_a_pair_has_no_error_of_what_comes_back() -> None:
    assert measurable(GAN) == ("energy_distance", "coverage")
    held = ring(50).numpy()
    found = score("generation", held[:, None], held, ("reconstruction_rmse", "energy_distance"))
    assert math.isnan(found["reconstruction_rmse"])
    assert found["loss"] == found["energy_distance"]


def test_baselines_draw_beside_a_pair() -> None:
    x, held = ring().numpy(), ring(100).numpy()
    for name, fitted in fit_baseline(GAN, x, x, seed=0).items():
        outputs = fitted(held)
        assert outputs.shape == (100, *reported_shape(GAN))
        assert math.isfinite(score("generation", outputs, held, measurable(GAN))["energy_distance"]), name


# ---------------------------------------------------------------- data


@pytest.mark.parametrize(("columns", "latent", "found"), [(12, None, 12), (40, None, 16), (12, 3, 3), (1, None, 1)])
def test_codes_are_no_larger_than_examples(tmp_path: Path, columns: int, latent: int | None, found: int) -> None:
    np.savez(tmp_path / "data.npz", x=np.random.default_rng(0).standard_normal((60, columns)))
    brief = Brief(data=str(tmp_path / "data.npz"), task="generation", generative="gan", latent=latent)
    dataset = load_dataset(brief)
    assert (dataset.contract.generative, dataset.contract.latent) == ("gan", found)
    assert any(f"codes of {found} numbers" in note for note in dataset.notes) == (latent is None)


def test_a_code_larger_than_an_example_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "data.npz", x=np.random.default_rng(0).standard_normal((60, 4)))
    with pytest.raises(DataError, match="a code of 9 numbers for examples of 4"):
        load_dataset(Brief(data=str(tmp_path / "data.npz"), task="generation", generative="gan", latent=9))
