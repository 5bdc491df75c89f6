"""A training that was paused, as often as you like, is the training that was not."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from neuromosaic.core.brief import Contract, TensorSpec
from neuromosaic.core.errors import DataError, UsageError
from neuromosaic.core.evaluation.checkpoint import FILE, Checkpoint, find, forget, is_there, keep
from neuromosaic.core.evaluation.pausing import State
from neuromosaic.core.evaluation.recipe import Recipe
from neuromosaic.core.evaluation.training import Trained, train
from neuromosaic.core.graph.document import TensorData

RECIPES = {
    "adamw": Recipe(epochs=4, batch_size=128),
    "sgd": Recipe(epochs=4, batch_size=128, optimizer="sgd", learning_rate=0.05),
    "augmented": Recipe(epochs=3.5, batch_size=128, augment=("shift", "noise", "mixup")),
    "averaged": Recipe(epochs=4, batch_size=128, averaging=0.9, accumulate=2, schedule="linear"),
    "in bfloat16": Recipe(epochs=4, batch_size=128, precision="bf16"),
    "undecayed": Recipe(epochs=4, batch_size=128, optimizer="adam", weight_decay=0, gradient_clip=None),
}


def run(
    module: nn.Module, digits: SimpleNamespace, contract: Contract, recipe: Recipe, pauses: tuple[int, ...] = ()
) -> tuple[Trained, list[tuple[int, float, Tensor]], list[State]]:
    """The training, each time taken up by a fresh copy of the network; every epoch's report; the states between."""
    rows: list[tuple[int, float, Tensor]] = []
    states: list[State] = []

    def report(
        epoch: int, of: int, train_loss: float, seconds: float, outputs: Tensor, *_: object
    ) -> tuple[bool, bool]:
        rows.append((epoch, train_loss, outputs))
        return False, epoch == 2

    x, y, held = (torch.from_numpy(array[:600]) for array in (*digits.train, digits.validation.x))
    for pause_at in (*pauses, None):
        trained = train(
            module, x, y, recipe, fidelity=1, seed=3, device="cpu", validation_x=held, contract=contract,
            report=report, pause_at=pause_at, state=states[-1] if states else None,
        )  # fmt: skip
        if trained.state is not None:
            assert (trained.cause, trained.epochs) == ("paused", pause_at)
            states.append(trained.state)
    return trained, rows, states


@pytest.mark.parametrize("name", RECIPES)
def test_paused_or_not_the_weights_are_the_same_to_the_last_bit(
    name: str, digits: SimpleNamespace, small_cnn: Callable[[], nn.Module], image_contract: Contract
) -> None:
    digits = SimpleNamespace(train=dataclasses.astuple(digits.train), validation=digits.validation)
    once, told, none = run(small_cnn(), digits, image_contract, RECIPES[name])
    twice = small_cnn()
    again, heard, states = run(twice, digits, image_contract, RECIPES[name], pauses=(1, 3))
    assert not none
    assert len(states) == 2
    assert (once.cause, once.epochs) == (again.cause, again.epochs) == ("finished", len(told))
    assert [row[:2] for row in told] == [row[:2] for row in heard]
    assert all(torch.equal(one[2], other[2]) for one, other in zip(told, heard, strict=True))
    assert once.weights is not None
    assert again.weights is not None
    assert all(torch.equal(once.weights[key], again.weights[key]) for key in once.weights)


@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
def test_a_paused_training_in_float16_goes_on_with_its_scale(optimizer: str) -> None:
    """Its targets are so far off that a fresh scale overflows again, and a step is lost."""
    contract = Contract(
        task="regression", input=TensorSpec(shape=(4,)), output=TensorSpec(shape=(2,)), kind="tabular"
    )
    recipe = Recipe(
        epochs=4, batch_size=50, learning_rate=0.1, precision="fp16", optimizer=optimizer, loss="mse", averaging=0.5
    )
    x = torch.randn(200, 4, generator=torch.Generator().manual_seed(0)).numpy()
    digits = SimpleNamespace(train=(x, 100 * x[:, :2]), validation=SimpleNamespace(x=x))

    def network() -> nn.Module:
        torch.manual_seed(0)
        return nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 2))

    once, told, _ = run(network(), digits, contract, recipe)
    again, heard, states = run(network(), digits, contract, recipe, pauses=(1, 3))
    assert all(float(state["scaling/scale"]) < 2.0**16 for state in states)
    assert [row[:2] for row in told] == [row[:2] for row in heard]
    assert once.weights is not None
    assert again.weights is not None
    assert all(torch.equal(once.weights[key], again.weights[key]) for key in once.weights)


def test_a_pause_at_the_last_epoch_is_none(
    digits: SimpleNamespace, small_cnn: Callable[[], nn.Module], image_contract: Contract
) -> None:
    digits = SimpleNamespace(train=dataclasses.astuple(digits.train), validation=digits.validation)
    trained, _, states = run(small_cnn(), digits, image_contract, Recipe(epochs=2), pauses=(2,))
    assert trained.cause == "finished"
    assert not states


# ---------------------------------------------------------------- the file


def checkpoint(**more: Any) -> Checkpoint:
    import numpy as np

    given: dict[str, Any] = {
        "accumulate": 2,
        "curve": [{"epoch": 1.0, "accuracy": 0.5, "loss": float("nan")}],
        "best": {"epoch": 1.0, "accuracy": 0.5},
        "best_outputs": np.arange(6, dtype=np.float32).reshape(2, 3),
        "state": {
            "module/w": TensorData("bfloat16", (2,), b"\1\2\3\4"),
            "progress/steps": TensorData("int64", (), b"\7\0\0\0\0\0\0\0"),
        },
    }
    return Checkpoint(**given | more)


def test_what_is_kept_is_found_again(tmp_path: Path) -> None:
    written, folder = checkpoint(), tmp_path / "trials" / "7"
    assert find(folder, "key") is None
    keep(written, "key", folder)
    found = find(folder, "key")
    assert found is not None
    assert found.best_outputs is not None
    assert (found.best_outputs == written.best_outputs).all()
    assert repr(found) == repr(written)
    assert found.state == written.state
    assert found.epochs == 1
    assert [file.name for file in folder.iterdir()] == [FILE]
    forget(folder)
    forget(folder)
    assert not is_there(folder)


def test_a_checkpoint_before_any_finite_output_has_none(tmp_path: Path) -> None:
    keep(checkpoint(best_outputs=None), "key", tmp_path)
    found = find(tmp_path, "key")
    assert found is not None
    assert found.best_outputs is None


def test_another_trainings_checkpoint_is_refused(tmp_path: Path) -> None:
    keep(checkpoint(), "one", tmp_path)
    with pytest.raises(UsageError, match="holds another training; give each trial a folder of its own"):
        find(tmp_path, "other")


@pytest.mark.parametrize(
    "damage", [lambda whole: whole[:40], lambda _: b"", lambda whole: whole.replace(b"curve", b"crave")]
)
def test_a_broken_file_says_what_to_do(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    keep(checkpoint(), "key", tmp_path)
    (tmp_path / FILE).write_bytes(damage((tmp_path / FILE).read_bytes()))
    with pytest.raises(DataError, match="delete it to train from the start"):
        find(tmp_path, "key")
