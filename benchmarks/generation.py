"""A variational autoencoder on the digits beside PCA of the same latent size and a kernel density, on test examples.

The built-in designer's own family at a fixed size, by the training loop of the judge; scored as every design is.
"""

import statistics
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import nn

from neuromosaic.core.brief import Brief, Contract
from neuromosaic.core.evaluation.baselines import fit_baseline
from neuromosaic.core.evaluation.data import load_dataset
from neuromosaic.core.evaluation.data.dataset import Dataset
from neuromosaic.core.evaluation.generation import noise_for
from neuromosaic.core.evaluation.metrics import score
from neuromosaic.core.evaluation.recipe import Recipe
from neuromosaic.core.evaluation.training import predict, train
from neuromosaic.core.graph.export import export_module
from neuromosaic.core.graph.rebuild import rebuild
from neuromosaic.llm.offline.catalogue import family_named
from neuromosaic.llm.offline.writing import adapted, write_source

LATENT, SEEDS = 8, 3
SIZES = {"VAE": {"width": 128, "depth": 2}, "convolutional VAE": {"width": 16, "depth": 2}}
RECIPE = Recipe(loss="own", epochs=100, batch_size=32, learning_rate=2e-3)
NAMES = ("reconstruction_rmse", "energy_distance")

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


def trained(name: str, data: Dataset, held: Any, seed: int) -> Any:
    """What the trained network answers on held-out examples: its weights after the last epoch."""
    torch.manual_seed(seed)
    module, x = network(name, data.contract), torch.from_numpy(data.train.x)
    example = {"encode": x[:2], "decode": torch.zeros(2, LATENT)}
    graph = rebuild(export_module(module, (x[:2],), methods=example))
    train(
        graph, x, x, RECIPE, fidelity=1, seed=seed, device="cpu", validation_x=x[:2], contract=data.contract,
        report=lambda *_: (False, False),
    )  # fmt: skip
    noise = noise_for(data.contract, len(held))["noise"]
    return predict(graph, torch.from_numpy(held), noise=torch.from_numpy(noise)).numpy()


def network(name: str, contract: Contract) -> nn.Module:
    family = family_named(name)
    assert family is not None  # it is one of the catalogue's
    family = adapted(family, contract)
    namespace: dict[str, Any] = {"__name__": "model"}
    exec(write_source(family, contract, {**family.values, **SIZES[name]}), namespace)  # our own template
    made: nn.Module = namespace["Model"]()
    return made


def score_of(outputs: Any, held: Any) -> Figures:
    return score("generation", np.asarray(outputs), held, NAMES)


def _rounded(figures: Figures) -> Figures:
    return {name: round(figures[name], 4) for name in NAMES if figures[name] == figures[name]}
