"""Architectures scored with the weights of one supernet."""

import threading
from typing import Any

from neuromosaic.core.architecture.spec import ArchitectureSpec
from neuromosaic.core.errors import ArchitectureError, UsageError
from neuromosaic.core.evaluation.evaluators.trials import Asked, Metrics, Trials
from neuromosaic.core.evaluation.metrics import score
from neuromosaic.core.space.space import SearchSpace

LONGER = 5.0  # epochs of the supernet for one of a single network


class WeightSharing:
    """Trains one supernet of the space for five times the recipe's epochs when it is first asked; from then on an
    architecture costs a pass over the data."""

    def __init__(self, trials: Trials, space: SearchSpace | None) -> None:
        if space is None:
            raise UsageError("weight_sharing trains one network of the whole space: give the evaluator that space")
        self.trials, self.space = trials, space
        self._supernet: Any = None
        self._lock = threading.Lock()

    def evaluate(self, architecture: Any, asked: Asked) -> Metrics:
        if not isinstance(architecture, ArchitectureSpec):
            raise ArchitectureError(f"weights are shared by specs alone, not by a {type(architecture).__name__}")
        with self._lock:
            return self._scores(architecture) | {"epochs": 0.0, "parameters": float(architecture.infer().parameters)}

    def worth(self) -> list[str]:
        return []

    def _scores(self, spec: ArchitectureSpec) -> Metrics:
        import torch

        from neuromosaic.core.evaluation.sharing.supernet import CALIBRATED_ON
        from neuromosaic.core.evaluation.training import predict

        data, plan = self.trials.dataset, self.trials.plan
        network = self._trained().borrow(spec)
        network.recalibrate(torch.from_numpy(data.train.x[:CALIBRATED_ON]))
        outputs = predict(network, torch.from_numpy(data.validation.x)).numpy()
        units = data.preprocessing.unscale_targets
        names, naive = (plan.primary, *plan.report), data.preprocessing.naive_error
        return score(data.contract.task, units(outputs), units(data.validation.y), names, naive)

    def _trained(self) -> Any:
        if self._supernet is None:
            self._supernet = self._train()
        return self._supernet

    def _train(self) -> Any:
        import torch

        from neuromosaic.core.evaluation.sharing.supernet import Supernet, train_supernet

        train, recipe = self.trials.dataset.train, self.trials.recipe
        longer = recipe.model_copy(update={"epochs": LONGER * recipe.epochs})
        supernet = Supernet(self.space, self.trials.seed)
        train_supernet(
            supernet, torch.from_numpy(train.x), torch.from_numpy(train.y), longer, self.trials.dataset.contract,
            seed=self.trials.seed,
        )  # fmt: skip
        return supernet
