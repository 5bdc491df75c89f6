"""What is refused before a delivered network is trained again."""

from types import SimpleNamespace
from typing import Any

import pytest

from neuromosaic.core.brief import Brief, Contract, TensorSpec
from neuromosaic.core.errors import UsageError
from neuromosaic.interfaces import retraining
from neuromosaic.interfaces.use import Settings

SPEC = TensorSpec(shape=(4,))
GAN = Contract(task="generation", input=SPEC, output=SPEC, kind="tabular", latent=2, generative="gan")


def test_a_pair_is_trained_by_one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    known = SimpleNamespace(contract=GAN)
    monkeypatch.setattr(retraining, "load_dataset", lambda *_: known)
    delivered: Any = SimpleNamespace(preprocessing=known, results={"recipe": {"loss": "own"}})
    with pytest.raises(UsageError, match="a pair trained in turn is trained by one process"):
        retraining.train_again(delivered, Brief(data="rows.npz"), Settings(devices=2), say=print)
