from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.datasets import load_diabetes

from neuromosaic.core.brief import Contract, TensorSpec
from neuromosaic.core.evaluation import baselines
from neuromosaic.core.evaluation.baselines import fit_baseline
from neuromosaic.core.evaluation.metrics import score

TEXT = Contract(
    task="language_modelling",
    input=TensorSpec(shape=(10,), dtype="int64", upper=4),
    output=TensorSpec(shape=(10, 4)),
    kind="text",
)


def test_the_digits(digits: SimpleNamespace, image_contract: Contract) -> None:
    fitted = fit_baseline(image_contract, digits.train.x, digits.train.y, seed=0)
    outputs = {name: predict(digits.validation.x) for name, predict in fitted.items()}
    assert all(array.shape == (597, 10) and array.dtype == np.float32 for array in outputs.values())
    found = {
        name: score("classification", array, digits.validation.y, ["accuracy"]) for name, array in outputs.items()
    }
    assert found["linear"]["accuracy"] > 0.93
    assert found["linear"]["loss"] < 0.4
    assert found["majority"]["accuracy"] < 0.15
    assert found["majority"]["loss"] == pytest.approx(np.log(10), abs=0.02)


def test_majority_says_the_most_frequent_class(image_contract: Contract) -> None:
    fitted = fit_baseline(image_contract, np.zeros((5, 1, 8, 8), np.float32), np.array([3, 3, 3, 1, 0]), seed=0)
    outputs = fitted["majority"](np.zeros((2, 1, 8, 8), np.float32))
    assert outputs.argmax(1).tolist() == [3, 3]
    assert np.exp(outputs).sum(1) == pytest.approx([1, 1])


def test_a_class_that_training_lacks_is_least_likely(digits: SimpleNamespace, image_contract: Contract) -> None:
    kept = digits.train.y < 9
    fitted = fit_baseline(image_contract, digits.train.x[kept], digits.train.y[kept], seed=0)
    outputs = fitted["linear"](digits.validation.x)
    assert np.isfinite(outputs).all()
    assert (outputs.argmin(1) == 9).all()


def test_one_class_alone_has_no_line_to_draw(image_contract: Contract) -> None:
    fitted = fit_baseline(image_contract, np.zeros((5, 1, 8, 8), np.float32), np.full(5, 2), seed=0)
    assert (fitted["linear"](np.zeros((3, 1, 8, 8), np.float32)).argmax(1) == 2).all()


def test_ids_are_counted() -> None:
    contract = Contract(
        task="classification",
        input=TensorSpec(shape=(12,), dtype="int64", upper=6),
        output=TensorSpec(shape=(2,)),
        kind="sequence",
    )
    x = np.random.default_rng(0).integers(6, size=(400, 12))
    y = ((x == 5).sum(1) > 2).astype(np.int64)  # the place of an id says nothing
    outputs = fit_baseline(contract, x[:300], y[:300], seed=0)["linear"](x[300:])
    assert score("classification", outputs, y[300:], ["accuracy"])["accuracy"] > 0.95


def test_large_data_are_sampled_by_the_seed(
    digits: SimpleNamespace, image_contract: Contract, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(baselines, "ROWS", 200)
    x, y = digits.train.x, digits.train.y
    one, again, other = (
        fit_baseline(image_contract, x, y, seed=seed)["linear"](digits.validation.x) for seed in (0, 0, 1)
    )
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)
    assert score("classification", one, digits.validation.y, ["accuracy"])["accuracy"] > 0.8


@pytest.mark.parametrize("targets", [1, 2])
def test_regression(targets: int) -> None:
    x, y = load_diabetes(return_X_y=True)
    x, y = x.astype(np.float32), np.tile(((y - y.mean()) / y.std())[:, None], (1, targets)).astype(np.float32)
    contract = Contract(
        task="regression", input=TensorSpec(shape=(10,)), output=TensorSpec(shape=(targets,)), kind="tabular"
    )
    fitted = fit_baseline(contract, x[:300], y[:300], seed=0)
    found = {name: score("regression", predict(x[300:]), y[300:], ["r2"])["r2"] for name, predict in fitted.items()}
    assert fitted["linear"](x[300:]).shape == (142, targets)
    assert found["linear"] > 0.4
    assert found["mean"] == pytest.approx(0, abs=0.05)


def test_language_modelling() -> None:
    """Ids 0, 1, 2 follow one another four times in five: a bigram sees it, a unigram does not; 3 never occurs."""
    draw = np.random.default_rng(0)
    steps = np.where(draw.random((300, 11)) < 0.8, 1, draw.integers(3, size=(300, 11)))
    ids = steps.cumsum(axis=1) % 3
    fitted = fit_baseline(TEXT, ids[:200, :-1], ids[:200, 1:], seed=0)
    x, y = ids[200:, :-1], ids[200:, 1:]
    outputs = {name: predict(x) for name, predict in fitted.items()}
    assert all(array.shape == (100, 10, 4) and array.dtype == np.float32 for array in outputs.values())
    assert all(np.allclose(np.exp(array).sum(-1), 1, atol=1e-5) for array in outputs.values())
    bits = {name: score("language_modelling", array, y, ["bits_per_character"]) for name, array in outputs.items()}
    assert bits["unigram"]["bits_per_character"] == pytest.approx(np.log2(3), abs=0.05)
    assert bits["bigram"]["bits_per_character"] < 0.8 * bits["unigram"]["bits_per_character"]


def test_a_bigram_counts_with_one_added() -> None:
    x, y = np.array([[0, 0, 0, 1, 1, 1, 1, 1, 1, 1]]), np.array([[1, 1, 2, 0, 0, 0, 0, 0, 0, 0]])
    table = np.exp(fit_baseline(TEXT, x, y, seed=0)["bigram"](np.arange(4)[None, :]))[0]
    assert table[0] == pytest.approx(np.array([1, 3, 2, 1]) / 7)
    assert table[3] == pytest.approx([0.25] * 4)
