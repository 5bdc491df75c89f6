"""Generation as the judge trains and scores it: on graphs, with noise of the host's."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from neuromosaic.core.brief import Brief, Contract
from neuromosaic.core.errors import CandidateError, DataError
from neuromosaic.core.evaluation.baselines import fit_baseline
from neuromosaic.core.evaluation.data import load_dataset
from neuromosaic.core.evaluation.data.dataset import Dataset
from neuromosaic.core.evaluation.data.preprocessing import Preprocessing
from neuromosaic.core.evaluation.generation import METRICS, noise_for, reported_shape
from neuromosaic.core.evaluation.intervals import interval
from neuromosaic.core.evaluation.losses import answer, objective
from neuromosaic.core.evaluation.metrics import score
from neuromosaic.core.evaluation.recipe import Recipe
from neuromosaic.core.evaluation.training import predict, train
from neuromosaic.core.graph.canonical import graph_id
from neuromosaic.core.graph.document import Graph
from neuromosaic.core.graph.export import export_module
from neuromosaic.core.graph.rebuild import rebuild

NAMES = ("reconstruction_rmse", "energy_distance")


class Autoencoder(nn.Module):
    """Linear, 64 values to `latent` and back, with a part of its loss declared."""

    def __init__(self, latent: int = 3) -> None:
        super().__init__()
        self.down, self.up = nn.Linear(64, latent), nn.Linear(latent, 64)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        codes = self.encode(x)
        output = self.decode(codes + 0.1 * torch.randn_like(codes) if self.training else codes)
        error, size = ((output - x) ** 2).mean(), (codes**2).mean()
        return {"output": output, "loss": error + 0.01 * size, "reconstruction": error, "size": size}

    def encode(self, x: Tensor) -> Tensor:
        return self.down(x.flatten(1))

    def decode(self, codes: Tensor) -> Tensor:
        return self.up(codes).view(-1, 1, 8, 8)


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return load_dataset(Brief(data="digits", task="generation", latent=3))


def exported(module: nn.Module, latent: int = 3) -> Graph:
    x = torch.zeros(2, 1, 8, 8)
    return export_module(module, (x,), methods={"encode": (x,), "decode": (torch.zeros(2, latent),)})


# ---------------------------------------------------------------- the graph


def test_a_graph_encodes_and_decodes_as_its_module() -> None:
    module = Autoencoder().eval()
    rebuilt: Any = rebuild(exported(module)).eval()
    x = torch.randn(5, 1, 8, 8)
    torch.testing.assert_close(rebuilt.encode(x), module.encode(x))
    torch.testing.assert_close(rebuilt.decode(rebuilt.encode(x)), answer(module(x)))
    torch.testing.assert_close(rebuilt(x)["size"], module(x)["size"])


def test_a_method_that_differs_makes_another_candidate() -> None:
    class Otherwise(Autoencoder):
        def decode(self, codes: Tensor) -> Tensor:
            return super().decode(codes.tanh())

    one, other = Autoencoder(), Otherwise()
    assert graph_id(exported(one)) == graph_id(exported(Autoencoder()))
    assert graph_id(exported(one)) != graph_id(exported(other))


def test_a_network_without_codes_says_so() -> None:
    plain: Any = rebuild(export_module(nn.Flatten(), (torch.zeros(2, 1, 8, 8),)))
    with pytest.raises(CandidateError, match="no method decode"):
        plain.decode(torch.zeros(1, 3))


def test_a_method_is_checked_like_any_trace() -> None:
    graph = exported(Autoencoder())
    graph.document["decode"]["nodes"][0]["op"] = "aten.empty.default"
    with pytest.raises(CandidateError, match="not allowed"):
        rebuild(graph)


# ---------------------------------------------------------------- training and its report


def test_training_lowers_the_error_and_reports_the_parts(digits: Dataset) -> None:
    told: list[dict[str, float]] = []
    errors: list[float] = []

    def report(epoch: int, of: int, loss: float, seconds: float, outputs: Tensor, terms: dict[str, float]) -> Any:
        told.append(terms)
        assert outputs.shape == (len(digits.validation), *reported_shape(digits.contract))
        errors.append(METRICS["reconstruction_rmse"](outputs.numpy(), digits.validation.y))
        return False, False

    x, held = torch.from_numpy(digits.train.x), digits.validation.x
    noise = noise_for(digits.contract, len(held))["noise"]
    recipe = Recipe(loss="own", epochs=3, learning_rate=2e-2)
    train(
        rebuild(exported(Autoencoder())), x, x, recipe, fidelity=1, seed=0, device="cpu",
        validation_x=torch.from_numpy(held), contract=digits.contract, report=report, noise=torch.from_numpy(noise),
    )  # fmt: skip
    assert errors[-1] < 0.9 * errors[0]
    assert all(set(terms) == {"reconstruction", "size"} for terms in told)
    assert told[-1]["reconstruction"] < told[0]["reconstruction"]


def test_only_what_went_through_a_code_counts() -> None:
    """A network that hands its input through scores by its codes all the same."""

    class Cheat(Autoencoder):
        def forward(self, x: Tensor) -> dict[str, Tensor]:
            return {**super().forward(x), "output": x}

    x, noise = torch.randn(6, 1, 8, 8), torch.randn(6, 1, 3)
    outputs = predict(rebuild(exported(Cheat())), x, noise=noise, generative="autoencoder")
    assert not torch.allclose(outputs[:, 0], x, atol=0.1)
    assert outputs.shape == (6, 2, 1, 8, 8)


def test_a_code_larger_than_asked_for_is_refused() -> None:
    network, x = rebuild(exported(Autoencoder(9), latent=9)), torch.randn(4, 1, 8, 8)
    with pytest.raises(CandidateError, match="encode gives"):
        predict(network, x, noise=torch.randn(4, 1, 3), generative="autoencoder")


def test_draws_are_of_the_noise_that_is_given() -> None:
    module = Autoencoder()
    noise = torch.randn(4, 1, 3)
    outputs = predict(module, torch.randn(4, 1, 8, 8), noise=noise, generative="autoencoder")
    torch.testing.assert_close(outputs[:, 1], module.decode(noise[:, 0]).detach())


def test_the_noise_is_the_same_each_time_and_for_generation_alone(digits: Dataset) -> None:
    one, other = (noise_for(digits.contract, 10)["noise"] for _ in range(2))
    assert np.array_equal(one, other)
    assert one.shape == (10, 1, 3)
    assert noise_for(digits.contract.model_copy(update={"latent": None, "generative": None}), 10) == {}


# ---------------------------------------------------------------- losses that a network declares


def test_what_a_network_declares_beside_its_output_is_added() -> None:
    outputs, targets = torch.randn(4, 3), torch.randint(3, (4,))
    of = objective(Recipe(), torch.device("cpu"))
    declared = of({"output": outputs, "sparsity": torch.tensor(0.5)}, targets)
    assert float(declared.loss) == pytest.approx(float(of(outputs, targets).loss) + 0.5)
    assert set(declared.terms) == {"sparsity"}


@pytest.mark.parametrize("returned", [torch.zeros(2), {"output": torch.zeros(2, 3), "size": torch.zeros(())}])
def test_a_network_without_a_loss_of_its_own_is_refused(returned: Any) -> None:
    with pytest.raises(CandidateError, match="no scalar named `loss`"):
        objective(Recipe(loss="own"), torch.device("cpu"))(returned, torch.zeros(2))


def test_too_many_terms_are_refused() -> None:
    many = {f"term{number}": torch.zeros(()) for number in range(20)}
    with pytest.raises(CandidateError, match="20 scalars"):
        objective(Recipe(loss="mse"), torch.device("cpu"))({"output": torch.zeros(2), **many}, torch.zeros(2))


# ---------------------------------------------------------------- metrics and baselines


def test_the_energy_distance_tells_like_from_unlike() -> None:
    draw = np.random.default_rng(0)
    held, alike, shifted = draw.standard_normal((3, 400, 5)) + np.array([0.0, 0.0, 1.0])[:, None, None]
    near, far = (METRICS["energy_distance"](np.stack([held, draws], 1), held) for draws in (alike, shifted))
    assert abs(near) < 0.05 < 0.5 < far


def test_what_is_not_finite_has_no_figure() -> None:
    held = np.random.default_rng(0).standard_normal((5, 4))
    outputs = np.stack([np.full_like(held, np.nan), held], 1)
    found = score("generation", outputs, held, NAMES)
    assert math.isnan(found["reconstruction_rmse"])
    assert found["energy_distance"] <= 0


def test_baselines_come_back_and_draw(digits: Dataset) -> None:
    x, held = digits.train.x, digits.validation.x
    found = {
        name: score("generation", predict(held), held, NAMES)
        for name, predict in fit_baseline(digits.contract, x, x, seed=0).items()
    }
    assert 0.3 < found["pca"]["reconstruction_rmse"] < 0.9
    assert math.isnan(found["kernel_density"]["reconstruction_rmse"])
    assert found["kernel_density"]["energy_distance"] < found["pca"]["energy_distance"]


@pytest.mark.parametrize("name", NAMES)
def test_intervals_hold_the_metric(digits: Dataset, name: str) -> None:
    held = digits.validation.x
    outputs = fit_baseline(digits.contract, digits.train.x, digits.train.x, seed=0)["pca"](held)
    low, high = interval("generation", name, outputs, held)
    assert low < score("generation", outputs, held, NAMES)[name] < high


# ---------------------------------------------------------------- data


def npz(tmp_path: Any, **arrays: Any) -> str:
    np.savez(tmp_path / "data.npz", **arrays)
    return str(tmp_path / "data.npz")


def test_examples_need_no_labels(tmp_path: Any) -> None:
    x = np.random.default_rng(0).standard_normal((60, 12))
    dataset = load_dataset(Brief(data=npz(tmp_path, x=x), task="generation"))
    assert dataset.train.y is dataset.train.x
    assert dataset.contract.latent == 2
    assert any("codes of 2 numbers, since the brief leaves" in note for note in dataset.notes)
    back = dataset.preprocessing.unscale_inputs(dataset.train.x)
    assert np.abs(np.sort(back[:, 0]) - np.sort(back[:, 0])).max() == 0
    assert x.min() - 1e-3 <= back.min()


@pytest.mark.parametrize(
    ("arrays", "brief", "fault"),
    [
        ({"x": np.ones((40, 6))}, {"task": "generation"}, "all examples of data.npz are the same"),
        ({"x": np.random.rand(40, 6)}, {"task": "generation", "latent": 6}, "a code of 6 .* compresses"),
        ({"x": np.random.rand(40, 1)}, {"task": "generation"}, "compresses nothing"),
        ({"x": np.random.rand(40, 6, 2), "adj": np.ones((40, 6, 6))}, {"task": "generation"}, "graphs"),
        ({"x": np.random.rand(40, 6), "y": np.arange(40) % 2}, {"latent": 2}, "classification, which has no codes"),
        ({"x": np.random.rand(40, 6)}, {}, "no y"),
        ({"x": np.random.rand(40, 300)}, {"task": "generation", "generative": "flow"}, "have 300 values, a flow's"),
        (
            {"x": np.random.rand(40, 6)}, {"task": "generation", "generative": "flow", "latent": 3},
            "a flow of data.npz has codes of 6 numbers, as its examples: leave out the latent of 3",
        ),
        (
            {"x": np.random.rand(40, 6)}, {"task": "generation", "generative": "diffusion", "latent": 3},
            "a diffusion of data.npz has no codes",
        ),
        (
            {"x": np.random.rand(40, 6)}, {"task": "generation", "generative": "autoregressive", "latent": 3},
            "an autoregressive network of data.npz has no codes",
        ),
        (
            {"x": np.random.rand(40, 1030)}, {"task": "generation", "generative": "autoregressive"},
            "have 1030 values, and an autoregressive network draws 2 to 1024",
        ),
        (
            {"x": np.random.rand(40, 6), "y": np.arange(40) % 2}, {"generative": "flow"},
            "asks for a flow, but data.npz is prepared for classification",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_generated_is_refused(tmp_path: Any, arrays: Any, brief: Any, fault: str) -> None:
    with pytest.raises(DataError, match=fault):
        load_dataset(Brief(data=npz(tmp_path, **arrays), **brief))


def test_a_contract_of_another_task_has_no_latent(digits: Dataset) -> None:
    assert digits.contract.latent == 3
    assert Contract(**{**digits.contract.model_dump(), "latent": None}).latent is None


@pytest.mark.parametrize(
    ("generative", "latent"), [("flow", 12), ("diffusion", None), ("autoregressive", None), ("autoencoder", 2)]
)
def test_each_kind_has_codes_of_its_size(tmp_path: Any, generative: Any, latent: int | None) -> None:
    x = np.random.default_rng(0).standard_normal((60, 12))
    dataset = load_dataset(Brief(data=npz(tmp_path, x=x), task="generation", generative=generative))
    assert (dataset.contract.generative, dataset.contract.latent) == (generative, latent)
    again = Preprocessing.model_validate_json(dataset.preprocessing.model_dump_json())
    assert again.contract == dataset.contract
