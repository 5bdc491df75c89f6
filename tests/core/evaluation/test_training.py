import itertools
import math
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from neuromosaic.core.brief import Contract, TensorSpec
from neuromosaic.core.errors import UsageError
from neuromosaic.core.evaluation.loop import Loop
from neuromosaic.core.evaluation.recipe import Recipe
from neuromosaic.core.evaluation.training import Trained, predict, train

REGRESSION = Contract(task="regression", input=TensorSpec(shape=(3,)), output=TensorSpec(shape=(2,)), kind="tabular")
LINEAR = Contract(task="classification", input=TensorSpec(shape=(4,)), output=TensorSpec(shape=(2,)), kind="tabular")


class Reports:
    """Collects the reports and gives the answers it was made with, then (False, False)."""

    def __init__(self, *answers: tuple[bool, bool]) -> None:
        self.answers = itertools.chain(answers, itertools.repeat((False, False)))
        self.seen: list[SimpleNamespace] = []

    def __call__(
        self, epoch: int, of: int, train_loss: float, seconds: float, outputs: Tensor, terms: dict[str, float]
    ) -> tuple[bool, bool]:  # fmt: skip
        told = {"loss": train_loss, "seconds": seconds, "outputs": outputs, "terms": terms}
        self.seen.append(SimpleNamespace(epoch=epoch, of=of, **told))
        return next(self.answers)


def trained(
    module: nn.Module,
    data: Any,
    recipe: Recipe,
    reports: Reports,
    contract: Contract,
    seed: int = 0,
    fidelity: float = 1,
    **more: Any,
) -> Trained:
    x, y, validation_x = (torch.as_tensor(array) for array in (data.train.x, data.train.y, data.validation.x))
    return train(
        module,
        x,
        y,
        recipe,
        fidelity=fidelity,
        seed=seed,
        device="cpu",
        validation_x=validation_x,
        contract=contract,
        report=reports,
        **more,
    )


def rows(count: int, contract: Contract) -> SimpleNamespace:
    """A small linear problem of the contract's form."""
    draw = torch.Generator().manual_seed(0)
    x = torch.randn(count, *contract.input.shape, generator=draw)
    y = x[:, :2].argmax(1) if contract.task == "classification" else x[:, :2] * 2 - 1
    return SimpleNamespace(train=SimpleNamespace(x=x, y=y), validation=SimpleNamespace(x=x[:50], y=y[:50]))


def same(one: dict[str, Tensor] | None, other: dict[str, Tensor] | None) -> bool:
    assert one is not None
    assert other is not None
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_a_small_cnn_learns_the_digits(
    digits: SimpleNamespace, small_cnn: Callable[[], nn.Module], image_contract: Contract
) -> None:
    reports = Reports()
    result = trained(small_cnn(), digits, Recipe(epochs=10), reports, image_contract)
    accuracy = (reports.seen[-1].outputs.argmax(1).numpy() == digits.validation.y).mean()
    assert accuracy >= 0.95
    assert result.cause == "finished"
    assert [report.epoch for report in reports.seen] == list(range(1, 11))
    assert {report.of for report in reports.seen} == {10} == {result.epochs}
    assert reports.seen[-1].loss < reports.seen[0].loss / 3
    assert all(one.seconds < other.seconds for one, other in itertools.pairwise(reports.seen))


@pytest.mark.parametrize("augment", [(), ("shift", "flip", "rotate", "noise", "mixup")])
def test_the_same_seed_gives_the_same_weights_and_another_seed_others(
    augment: Any, digits: SimpleNamespace, small_cnn: Callable[[], nn.Module], image_contract: Contract
) -> None:
    recipe = Recipe(epochs=1.4, augment=augment)
    one, again, other = (
        trained(small_cnn(), digits, recipe, Reports(), image_contract, seed=seed).weights for seed in (1, 1, 2)
    )
    assert same(one, again)
    assert not same(one, other)


def test_weights_are_the_ones_kept_last_else_the_final_ones() -> None:
    data = rows(100, LINEAR)
    module, reports = nn.Linear(4, 2), Reports((False, True), (False, True))
    result = trained(module, data, Recipe(epochs=4), reports, LINEAR)
    kept = nn.Linear(4, 2)
    assert result.weights is not None
    kept.load_state_dict(result.weights)
    assert torch.equal(predict(kept, data.validation.x), reports.seen[1].outputs)
    assert not same(result.weights, module.state_dict())
    assert same(trained(module, data, Recipe(epochs=4), Reports(), LINEAR).weights, module.state_dict())


def test_kept_weights_do_not_follow_later_training() -> None:
    module = nn.Linear(4, 2)
    result = trained(module, rows(100, LINEAR), Recipe(epochs=1), Reports((False, True)), LINEAR)
    before = {name: tensor.clone() for name, tensor in (result.weights or {}).items()}
    with torch.no_grad():
        module.weight.add_(1)
    assert same(before, result.weights)


def test_a_stop_ends_training_and_a_stop_at_the_end_changes_nothing() -> None:
    data = rows(100, LINEAR)
    stopped = trained(nn.Linear(4, 2), data, Recipe(epochs=5), Reports((False, True), (True, False)), LINEAR)
    assert (stopped.cause, stopped.epochs) == ("stopped", 2)
    ended = trained(nn.Linear(4, 2), data, Recipe(epochs=1), Reports((True, False)), LINEAR)
    assert ended.cause == "finished"


class Steps(nn.Module):
    """Counts its training steps and the rows that each saw."""

    def __init__(self) -> None:
        super().__init__()
        self.layer, self.sizes, self.evaluated = nn.Linear(4, 2), list[int](), list[int]()

    def forward(self, x: Tensor) -> Tensor:
        (self.sizes if self.training else self.evaluated).append(len(x))
        return self.layer(x)


@pytest.mark.parametrize(
    ("count", "epochs", "fidelity", "sizes", "reports"),
    [
        (100, 2, 1, [40, 40, 20] * 2, 2),
        (81, 1, 1, [40, 40], 1),  # a last batch of one example is left out
        (82, 1, 1, [40, 40, 2], 1),
        (30, 3, 1, [30] * 3, 3),  # fewer examples than one batch
        (100, 10, 0.1, [40, 40, 20], 1),
        (100, 4, 1 / 3, [40, 40, 20, 40], 2),  # the last epoch in part
        (100, 0.01, 1, [40], 1),  # at least one step
        (1, 1, 1, [1], 1),
    ],
)
def test_the_number_of_steps(count: int, epochs: float, fidelity: float, sizes: list[int], reports: int) -> None:
    module, told = Steps(), Reports()
    recipe = Recipe(epochs=epochs, batch_size=40)
    result = trained(module, rows(count, LINEAR), recipe, told, LINEAR, fidelity=fidelity)
    assert module.sizes == sizes
    assert len(told.seen) == reports == told.seen[-1].of == result.epochs


def test_every_example_is_seen_once_an_epoch_in_another_order_each_time() -> None:
    class Seen(nn.Linear):
        def forward(self, x: Tensor) -> Tensor:
            if self.training:
                orders.append(x[:, 0].tolist())
            return super().forward(x)

    orders: list[list[float]] = []
    data = rows(60, LINEAR)
    trained(Seen(4, 2), data, Recipe(epochs=2, batch_size=60), Reports(), LINEAR)
    assert sorted(orders[0]) == sorted(orders[1]) == sorted(data.train.x[:, 0].tolist())
    assert orders[0] != orders[1]


@pytest.mark.parametrize("keep", [False, True])
def test_a_loss_that_is_not_finite_ends_as_diverged(keep: bool) -> None:
    data = rows(100, REGRESSION)
    recipe = Recipe(loss="mse", optimizer="sgd", learning_rate=10, gradient_clip=None, epochs=200, warmup=0)
    reports = Reports((False, keep))
    result = trained(nn.Linear(3, 2), data, recipe, reports, REGRESSION)
    assert result.cause == "diverged"
    assert result.epochs == len(reports.seen) < 200
    assert (result.weights is not None) == keep
    assert all(math.isfinite(report.loss) for report in reports.seen)


def test_a_long_epoch_is_left_soon_after_it_diverges() -> None:
    class Breaking(Steps):
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x) * (math.nan if len(self.sizes) > 10 else 1)

    module = Breaking()
    trained(module, rows(2000, LINEAR), Recipe(epochs=1, batch_size=4), Reports(), LINEAR)
    assert len(module.sizes) <= 64


@pytest.mark.parametrize("loss", ["mse", "huber"])
@pytest.mark.parametrize("optimizer", ["adamw", "adam", "sgd"])
def test_every_loss_and_optimizer_fits_a_line(loss: Any, optimizer: Any) -> None:
    torch.manual_seed(0)
    data, reports = rows(400, REGRESSION), Reports()
    recipe = Recipe(loss=loss, optimizer=optimizer, learning_rate=0.05, weight_decay=0, epochs=40)
    trained(nn.Linear(3, 2), data, recipe, reports, REGRESSION)
    assert (reports.seen[-1].outputs - data.validation.y).abs().max() < 0.1


def test_a_character_model_learns_what_comes_next() -> None:
    contract = Contract(
        task="language_modelling",
        input=TensorSpec(shape=(12,), dtype="int64", upper=5),
        output=TensorSpec(shape=(12, 5)),
        kind="text",
    )
    ids = (torch.arange(13) + torch.arange(200)[:, None]) % 5
    data = SimpleNamespace(
        train=SimpleNamespace(x=ids[:, :-1], y=ids[:, 1:]), validation=SimpleNamespace(x=ids[:9, :-1])
    )
    reports = Reports()
    module = nn.Sequential(nn.Embedding(5, 8), nn.Linear(8, 5))
    trained(module, data, Recipe(epochs=20, learning_rate=0.05), reports, contract)
    assert reports.seen[-1].outputs.shape == (9, 12, 5)
    assert torch.equal(reports.seen[-1].outputs.argmax(-1), ids[:9, 1:])


def test_class_weights_turn_the_decision_to_the_heavy_class() -> None:
    data = rows(200, LINEAR)
    data.train.x = torch.zeros_like(data.train.x)  # nothing to tell the classes apart by
    told = {weights: Reports() for weights in [(1.0, 20.0), (20.0, 1.0)]}
    for weights, reports in told.items():
        recipe = Recipe(class_weights=weights, learning_rate=0.1, epochs=20)
        trained(nn.Linear(4, 2), data, recipe, reports, LINEAR)
        data.validation.x = torch.zeros_like(data.validation.x)
    assert [int(reports.seen[-1].outputs[0].argmax()) for reports in told.values()] == [1, 0]


def test_label_smoothing_keeps_the_scores_closer_together() -> None:
    data, plain, smooth = rows(200, LINEAR), Reports(), Reports()
    for reports, smoothing in ((plain, 0.0), (smooth, 0.3)):
        torch.manual_seed(0)
        trained(nn.Linear(4, 2), data, Recipe(label_smoothing=smoothing, learning_rate=0.05), reports, LINEAR)
    spread = [reports.seen[-1].outputs.std() for reports in (plain, smooth)]
    assert spread[1] < spread[0] * 0.8


def test_gradients_are_clipped_to_the_norm() -> None:
    """A single plain SGD step moves the weights by at most learning rate times (1 + momentum) times the norm."""
    module = nn.Linear(4, 2)
    before = nn.utils.parameters_to_vector(module.parameters()).detach().clone()
    recipe = Recipe(optimizer="sgd", learning_rate=1, weight_decay=0, gradient_clip=1e-3, epochs=0.01, warmup=0)
    trained(module, rows(100, LINEAR), recipe, Reports(), LINEAR)
    moved = (nn.utils.parameters_to_vector(module.parameters()) - before).norm()
    assert 1.8e-3 < moved <= 1.901e-3


def test_predict_leaves_the_mode_and_the_statistics_as_they_were(small_cnn: Callable[[], nn.Module]) -> None:
    module = small_cnn().train()
    x = torch.randn(300, 1, 8, 8)
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    outputs = predict(module, x)
    assert module.training
    assert same(before, module.state_dict())
    assert torch.allclose(outputs, predict(module, x, batch=7), atol=1e-5)
    assert not outputs.requires_grad


def test_a_recipe_that_does_not_fit_is_refused() -> None:
    with pytest.raises(UsageError, match="augment: 'flip' does not fit tabular"):
        trained(nn.Linear(4, 2), rows(10, LINEAR), Recipe(augment=("flip",)), Reports(), LINEAR)


def small(seed: int = 0) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 2))


def test_parts_of_a_batch_add_up_to_the_step_of_the_whole() -> None:
    data = rows(100, LINEAR)
    whole, parted = (
        trained(small(), data, Recipe(epochs=3, batch_size=50, accumulate=parts), Reports(), LINEAR).weights
        for parts in (1, 3)
    )
    assert whole is not None
    assert parted is not None
    for name, weight in whole.items():
        assert torch.allclose(weight, parted[name], atol=1e-5)


def test_a_batch_is_not_parted_into_single_examples() -> None:
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))
    recipe = Recipe(epochs=1, batch_size=4, accumulate=4)
    assert trained(module, rows(16, LINEAR), recipe, Reports(), LINEAR).cause == "finished"


def test_the_average_is_scored_and_kept_while_the_weights_go_on() -> None:
    module, data, recipe = small(), rows(64, LINEAR), Recipe(epochs=3, batch_size=16, averaging=0.9)
    reports = Reports()
    average = trained(module, data, recipe, reports, LINEAR).weights
    assert average is not None
    plain = trained(small(), data, recipe.model_copy(update={"averaging": 0.0}), Reports(), LINEAR).weights
    assert plain is not None
    own = module.state_dict()
    assert all(torch.equal(own[name], plain[name]) for name in plain)  # the training itself is the same
    assert not torch.equal(average["0.weight"], plain["0.weight"])
    module.load_state_dict(average)
    assert torch.equal(reports.seen[-1].outputs, predict(module, torch.as_tensor(data.validation.x)))


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
def test_half_the_bits_train_to_much_the_same_and_leave_float32_weights(precision: str, optimizer: str) -> None:
    data, recipe = rows(200, LINEAR), Recipe(epochs=5, batch_size=50, learning_rate=1e-2, optimizer=optimizer)
    reports = {name: Reports() for name in ("float32", precision)}
    for name, told in reports.items():
        found = trained(small(), data, recipe.model_copy(update={"precision": name}), told, LINEAR).weights
        assert found is not None
        assert {weight.dtype for weight in found.values()} == {torch.float32}
    full, half = (told.seen[-1].loss for told in reports.values())
    assert half != full
    assert half == pytest.approx(full, rel=0.05)


FAR = Contract(task="regression", input=TensorSpec(shape=(4,)), output=TensorSpec(shape=(2,)), kind="tabular")


def far_off(count: int) -> SimpleNamespace:
    """Targets whose gradients, scaled for float16, overflow at first."""
    data = rows(count, FAR)
    return SimpleNamespace(train=SimpleNamespace(x=data.train.x, y=100 * data.train.y), validation=data.validation)


@pytest.mark.parametrize("optimizer", ["adamw", "adam", "sgd"])
def test_steps_that_overflow_in_float16_are_skipped_and_the_next_ones_train(optimizer: str) -> None:
    half = Recipe(epochs=10, batch_size=50, learning_rate=0.1, precision="fp16", optimizer=optimizer, loss="mse")
    loops, reports = list[Loop](), [Reports() for _ in range(3)]
    only_one, *both = (
        trained(small(), far_off(200), recipe, told, FAR, loop_of=kept_in(loops)).weights
        for recipe, told in zip((half.model_copy(update={"epochs": 0.25}), half, half), reports, strict=True)
    )
    assert same(only_one, small().state_dict())
    assert [loop.done for loop in loops] == [1, 40, 40]  # the schedule counts what was skipped
    assert loops[0].scaling is not None
    assert loops[0].scaling.scaler.get_scale() == 2.0**15
    assert same(*both)
    assert reports[1].seen[-1].loss < 0.99 * reports[1].seen[0].loss


def kept_in(loops: list[Loop]) -> Callable[..., Loop]:
    def made(*given: Any) -> Loop:
        loops.append(Loop(*given))
        return loops[-1]

    return made


class NoGradient(nn.Module):
    """Its loss is finite, its gradients are not."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(4, 2))

    def forward(self, x: Tensor) -> Tensor:
        return (x @ self.weight).abs().float().sqrt()


def test_gradients_that_no_scale_saves_are_a_divergence() -> None:
    loops: list[Loop] = []
    recipe = Recipe(epochs=2, batch_size=2, precision="fp16")
    found = trained(NoGradient(), rows(100, LINEAR), recipe, Reports(), LINEAR, loop_of=kept_in(loops))
    assert (found.cause, found.epochs, found.weights) == ("diverged", 0, None)
    assert loops[0].done == 50
