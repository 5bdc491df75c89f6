"""Training from the disk is training from memory, to the last bit."""

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from neuromosaic.core.brief import Contract
from neuromosaic.core.errors import WorkerError
from neuromosaic.core.evaluation import handing_over
from neuromosaic.core.evaluation.data import room
from neuromosaic.core.evaluation.data.dataset import Split
from neuromosaic.core.evaluation.layout import as_it_is
from neuromosaic.core.evaluation.recipe import Recipe
from neuromosaic.core.evaluation.streaming import Streamed, on_device, some_of, spread
from neuromosaic.core.evaluation.training import Trained, train
from neuromosaic.core.evaluation.trial import run_trial
from neuromosaic.core.graph.document import FileData
from neuromosaic.core.graph.export import export_module
from neuromosaic.core.judge.process import ProcessJudge
from neuromosaic.core.proposals import MetricsPlan
from neuromosaic.core.protocols import Program

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


@contextmanager
def on_disk(x: Tensor) -> Iterator[FileData]:
    with tempfile.TemporaryFile() as file:
        file.write(x.numpy().tobytes())
        file.flush()
        yield FileData(str(x.dtype).removeprefix("torch."), tuple(x.shape), file.fileno())


@pytest.fixture
def kept_on_disk(monkeypatch: pytest.MonkeyPatch) -> Callable[[Split], Split]:
    def keep(split: Split) -> Split:
        monkeypatch.setenv(room.VARIABLE, "0.001")
        everything = np.arange(len(split))
        return Split(room.taken(split.x, everything), room.taken(split.y, everything))

    return keep


def test_rows_are_read_as_they_lie() -> None:
    x = torch.arange(60.0).reshape(10, 2, 3)
    with on_disk(x) as file:
        streamed = Streamed(file, "cpu", as_it_is)
        rows = torch.tensor([7, 0, 7, 9])
        streamed.expect(rows)
        assert len(streamed) == 10
        assert torch.equal(streamed[rows], x[rows])
        assert torch.equal(streamed[3:99], x[3:99])
        assert torch.equal(streamed.whole(), x)
        assert torch.equal(some_of(file, 2, "cpu"), x[:2])
        assert spread(streamed) == spread(x) == pytest.approx(float(x.std(correction=0)))


def test_a_file_that_ends_early_is_a_fault() -> None:
    with on_disk(torch.zeros(3, 2)) as file:
        longer = FileData("float32", (5, 2), file.descriptor)
        with pytest.raises(WorkerError, match="ends too early"):
            Streamed(longer, "cpu", as_it_is)[torch.tensor([4])]


def run(
    module: nn.Module, data: Any, recipe: Recipe, contract: Contract, seed: int = 0
) -> tuple[Trained, list[Tensor]]:
    seen: list[Tensor] = []

    def report(*told: Any) -> tuple[bool, bool]:
        seen.append(told[4])
        return False, False

    done = train(
        module, *data, recipe, fidelity=1, seed=seed, device=DEVICE, validation_x=data[0], contract=contract,
        report=report,
    )  # fmt: skip
    return done, seen


@pytest.mark.parametrize(
    "recipe",
    [
        Recipe(epochs=2, batch_size=50),
        Recipe(epochs=1.5, augment=("shift", "noise", "mixup"), batch_size=64),
        Recipe(epochs=1, batch_size=64, accumulate=2, averaging=0.9, precision="bf16"),
    ],
)
def test_the_same_training_to_the_last_bit(
    recipe: Recipe, digits: SimpleNamespace, image_contract: Contract, small_cnn: Callable[[], nn.Module]
) -> None:
    x, y = torch.from_numpy(digits.train.x[:300]), torch.from_numpy(digits.train.y[:300])
    held, outputs = run(small_cnn(), (x, y), recipe, image_contract)
    with on_disk(x) as x_file, on_disk(y) as y_file:
        streamed, others = run(small_cnn(), (x_file, y_file), recipe, image_contract)
    assert all(torch.equal(one, other) for one, other in zip(outputs, others, strict=True))
    assert held.weights is not None
    assert streamed.weights is not None
    assert all(torch.equal(held.weights[name], streamed.weights[name]) for name in held.weights)


def test_a_teacher_s_outputs_are_read_from_the_disk_as_well(
    digits: SimpleNamespace, image_contract: Contract, small_cnn: Callable[[], nn.Module]
) -> None:
    x, y = torch.from_numpy(digits.train.x[:300]), torch.from_numpy(digits.train.y[:300])
    lesson = torch.randn(300, 10)

    def taught(teacher: Any) -> dict[str, Tensor]:
        done = train(
            small_cnn(), x, y, Recipe(epochs=1), fidelity=1, seed=0, device=DEVICE, validation_x=x,
            contract=image_contract, report=lambda *told: (False, False), teacher=teacher,
        )  # fmt: skip
        assert done.weights is not None
        return done.weights

    held = taught(lesson)
    with on_disk(lesson) as file:
        streamed = taught(file)
    assert all(torch.equal(held[name], streamed[name]) for name in held)


@pytest.mark.skipif(DEVICE != "cuda", reason="needs a CUDA device")
def test_an_accelerator_holds_what_it_has_room_for() -> None:
    x = torch.arange(60.0).reshape(10, 6)
    with on_disk(x) as file:
        held = on_device(file, "cuda", as_it_is)
        assert isinstance(held, Tensor)
        assert torch.equal(held.cpu(), x)


def test_a_locked_worker_trains_from_the_disk(
    digits: SimpleNamespace,
    image_contract: Contract,
    small_cnn: Callable[[], nn.Module],
    kept_on_disk: Callable[[Split], Split],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    preprocessing = SimpleNamespace(unscale_targets=lambda y: y, naive_error=float("nan"))
    graph = export_module(small_cnn(), (torch.zeros(2, 1, 8, 8),))
    plan = MetricsPlan(loss="cross_entropy", primary="accuracy")
    memory: Any = SimpleNamespace(
        contract=image_contract, train=digits.train, validation=digits.validation, preprocessing=preprocessing
    )
    disk: Any = SimpleNamespace(**{**vars(memory), "train": kept_on_disk(digits.train),
                                   "validation": kept_on_disk(digits.validation)})  # fmt: skip
    assert set(handing_over.handed_over({"x": disk.train.x, "y": disk.train.y[:0]})[1]) == {"x"}
    judge = ProcessJudge(workers=1)
    before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    try:
        held, streamed = (
            run_trial(judge, graph, data, Recipe(epochs=2), plan, fidelity=1.0, seed=0) for data in (memory, disk)
        )
        assert streamed.cause == "finished", streamed.message
        assert streamed.metrics == held.metrics
        assert [row["train_loss"] for row in streamed.curve] == [row["train_loss"] for row in held.curve]
        assert {name: tensor.data for name, tensor in streamed.weights.items()} == {
            name: tensor.data for name, tensor in held.weights.items()
        }
        weights = {f"weights/{name}": tensor for name, tensor in held.weights.items()}
        monkeypatch.setattr(handing_over, "PIECE", 100_000)
        assert len(handing_over.pieces(digits.validation.x)) == 3
        in_pieces = handing_over.predicted(judge, graph, digits.validation.x, weights, 60)
        monkeypatch.delenv(room.VARIABLE)
        assert np.array_equal(in_pieces, handing_over.predicted(judge, graph, digits.validation.x, weights, 60))
    finally:
        judge.close()
    if before:
        assert len(os.listdir("/proc/self/fd")) <= before + 2


def test_proposed_python_gets_no_file(
    digits: SimpleNamespace, image_contract: Contract, kept_on_disk: Callable[[Split], Split]
) -> None:
    preprocessing = SimpleNamespace(unscale_targets=lambda y: y, naive_error=float("nan"))
    data: Any = SimpleNamespace(
        contract=image_contract,
        train=kept_on_disk(digits.train),
        validation=digits.validation,
        preprocessing=preprocessing,
    )
    worker: Any = SimpleNamespace(run=None)
    outcome = run_trial(
        worker, Program("", {}, 0), data, Recipe(), MetricsPlan(loss="cross_entropy", primary="accuracy"),
        fidelity=1.0, seed=0,
    )  # fmt: skip
    assert outcome.cause == "memory"
    assert "only networks that can be exported" in outcome.message
