"""A variational autoencoder on the digits beside PCA of the same latent size and a kernel density, on test examples;
flows, diffusions and autoregressive networks beside a normal distribution and a kernel density; pairs trained in turn
beside PCA, a kernel density and another draw of the data.

The built-in designer's own family at a fixed size, by the training loop of the judge; scored as every design is.
"""

import statistics
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from neuromosaic.core.brief import Brief, Contract, Generative
from neuromosaic.core.evaluation.baselines import fit_baseline
from neuromosaic.core.evaluation.copies import copies
from neuromosaic.core.evaluation.data import load_dataset
from neuromosaic.core.evaluation.data.dataset import Dataset
from neuromosaic.core.evaluation.generation import noise_for
from neuromosaic.core.evaluation.metrics import score
from neuromosaic.core.evaluation.recipe import Recipe
from neuromosaic.core.evaluation.training import predict, train
from neuromosaic.core.graph.export import export_module
from neuromosaic.core.graph.rebuild import rebuild
from neuromosaic.core.signature import signature_of
from neuromosaic.core.tasks import METRICS_OF
from neuromosaic.core.workers.generating import methods
from neuromosaic.llm.offline.catalogue import family_named
from neuromosaic.llm.offline.writing import adapted, write_source

LATENT, SEEDS = 8, 3
SIZES = {"VAE": {"width": 128, "depth": 2}, "convolutional VAE": {"width": 16, "depth": 2}}
RECIPE = Recipe(loss="own", epochs=100, batch_size=32, learning_rate=2e-3)
NAMES = ("reconstruction_rmse", "energy_distance")
DENSITIES: dict[str, tuple[Generative, dict[str, int], Recipe]] = {
    "RealNVP": ("flow", {"width": 128, "depth": 8}, RECIPE.model_copy(update={"epochs": 40})),
    "PixelCNN": ("autoregressive", {"width": 24, "depth": 3}, RECIPE.model_copy(update={"epochs": 40})),
    "MADE": ("autoregressive", {"width": 192, "depth": 2}, RECIPE.model_copy(update={"epochs": 40})),
    "diffusion MLP": ("diffusion", {"width": 192, "depth": 3}, RECIPE.model_copy(update={"learning_rate": 4e-3})),
}
DATA, IMAGES = ("digits", "breast_cancer"), ("digits",)
PAIRS = {"GAN": {"width": 128, "depth": 2}, "convolutional GAN": {"width": 12, "depth": 2}}
IN_TURN = RECIPE.model_copy(update={"epochs": 180, "batch_size": 64, "schedule": "constant", "averaging": 0.999})

Figures = dict[str, float]


def vae(seeds: int = SEEDS) -> Iterator[dict[str, Any]]:
    """A row for each family and each baseline: medians over the seeds, and the extremes of the reconstruction."""
    data = load_dataset(Brief(data="digits", task="generation", latent=LATENT))
    test = data.open_test()
    for name, fitted in fit_baseline(data.contract, data.train.x, data.train.y, 0).items():
        yield {"task": "vae", "model": name, "latent": LATENT} | _rounded(score_of(fitted(test.x), test.x))
    for name in SIZES:
        found = [score_of(trained(name, data, test.x, seed), test.x) for seed in range(seeds)]
        errors = [figures["reconstruction_rmse"] for figures in found]
        medians = {metric: statistics.median(figures[metric] for figures in found) for metric in NAMES}
        worst_and_best = [round(max(errors), 4), round(min(errors), 4)]
        row = {"task": "vae", "model": name, "latent": LATENT, "seeds": seeds, "worst_and_best": worst_and_best}
        yield row | _rounded(medians)


def densities(seeds: int = SEEDS, names: Sequence[str] = DATA) -> Iterator[dict[str, Any]]:
    """A row for each data set and each family and baseline: medians over the seeds, and the extremes of the nats."""
    for reference in names:
        for name, (generative, sizes, recipe) in DENSITIES.items():
            if name == "PixelCNN" and reference not in IMAGES:
                continue
            data = load_dataset(Brief(data=reference, task="generation", generative=generative))
            test, told = data.open_test(), {"task": "densities", "data": reference}
            if generative == "flow":
                for other, fitted in fit_baseline(data.contract, data.train.x, data.train.y, 0).items():
                    figures = score("generation", fitted(test.x), test.x, METRICS_OF[generative])
                    yield {**told, "model": other} | _rounded(figures)
            found = [
                score("generation", trained(name, data, test.x, seed, sizes, recipe), test.x, METRICS_OF[generative])
                for seed in range(seeds)
            ]
            nats = [figures["negative_log_likelihood"] for figures in found]
            medians = {metric: statistics.median(each[metric] for each in found) for metric in found[0]}
            extremes = {"seeds": seeds, "worst_and_best": [round(max(nats), 3), round(min(nats), 3)]}
            yield {**told, "model": name, **extremes} | _rounded(medians)


def gan(seeds: int = SEEDS, names: Sequence[str] = tuple(PAIRS)) -> Iterator[dict[str, Any]]:
    """A row for other examples of the data, each baseline and each family: medians over the seeds, and the extremes
    of the distance; also the share of draws that are next to a training example."""
    data = load_dataset(Brief(data="digits", task="generation", generative="gan"))
    test, told = data.open_test(), {"task": "gan", "latent": data.contract.latent}
    rest = data.validation.x[:, None]
    yield {**told, "model": "other examples"} | _drawn(data, rest, test.x[: len(rest)])
    for name, fitted in fit_baseline(data.contract, data.train.x, data.train.y, 0).items():
        yield {**told, "model": name} | _drawn(data, fitted(test.x), test.x)
    for name in names:
        found = [
            _drawn(data, trained(name, data, test.x, seed, PAIRS[name], IN_TURN), test.x) for seed in range(seeds)
        ]
        distances = [figures["energy_distance"] for figures in found]
        medians = {metric: statistics.median(each[metric] for each in found) for metric in found[0]}
        extremes = {"seeds": seeds, "worst_and_best": [max(distances), min(distances)]}
        yield {**told, "model": name, **extremes} | medians


def _drawn(data: Dataset, outputs: Any, held: Any) -> Figures:
    shares = copies(outputs[:, 0], held, data.train.x)
    assert shares is not None  # there are examples enough
    figures = score("generation", outputs, held, METRICS_OF["gan"])
    return _rounded({**figures, "copies": shares.draws, "copies_among_held": shares.held})


def trained(
    name: str, data: Dataset, held: Any, seed: int, sizes: dict[str, int] | None = None, recipe: Recipe = RECIPE
) -> Any:
    """What the trained network answers on held-out examples: its weights after the last epoch."""
    torch.manual_seed(seed)
    module, x = network(name, data.contract, sizes or SIZES[name]), torch.from_numpy(data.train.x)
    given = methods(module, (x[:2],), signature_of(data.contract))
    graph = rebuild(export_module(module, (x[:2],), methods=given))
    end = train(
        graph, x, x, recipe, fidelity=1, seed=seed, device="cpu", validation_x=x[:2], contract=data.contract,
        report=lambda *_: (False, False),
    )  # fmt: skip
    assert end.weights is not None  # nothing diverges here
    graph.load_state_dict(end.weights)
    noise = torch.from_numpy(noise_for(data.contract, len(held))["noise"])
    return predict(graph, torch.from_numpy(held), noise=noise, generative=data.contract.generative).numpy()


def network(name: str, contract: Contract, sizes: dict[str, int]) -> nn.Module:
    family = family_named(name)
    assert family is not None  # it is one of the catalogue's
    family = adapted(family, contract)
    namespace: dict[str, Any] = {"__name__": "model"}
    exec(write_source(family, contract, {**family.values, **sizes}), namespace)  # our own template
    made: nn.Module = namespace["Model"]()
    return made


def score_of(outputs: Any, held: Any) -> Figures:
    return score("generation", np.asarray(outputs), held, NAMES)


def _rounded(figures: Figures) -> Figures:
    return {name: round(value, 4) for name, value in figures.items() if value == value and name != "loss"}
