"""TestArchitect is told what each task demands, with an example that runs."""

import sys
from types import ModuleType
from typing import Any, get_args

import pytest
import torch
from torch import nn

from neuromosaic.core.brief import Brief, Contract
from neuromosaic.core.brief import Generative as Kind
from neuromosaic.core.proposals import BriefDraft, Request, SuiteProposal
from neuromosaic.core.role_inputs import BriefInputs, SuiteInputs
from neuromosaic.llm.fences import files_in
from neuromosaic.prompts.render import messages
from neuromosaic.prompts.roles import load_roles
from neuromosaic.testing import example_task
from tests.llm.offline.contracts import (
    CONTRACTS,
    DIFFUSION,
    DIGITS,
    FLOW,
    GAN,
    HOUSES,
    IN_TURN,
    LETTERS,
    MOTION,
    PICTURES,
    PIXELS_IN_TURN,
    REVIEWS,
    contract,
)


def prompt(contract: Contract) -> str:
    inputs = SuiteInputs(**{**example_task(), "contract": contract})
    request = Request[SuiteProposal](role="TestArchitect", purpose="suite", inputs=inputs, reply=SuiteProposal)
    return messages(load_roles()[request.role], request)[-1]["content"]


class Sound(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.scale * x.float()


class Leaking(Sound):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x) - x.float().mean()


@pytest.mark.parametrize("contract", [DIGITS, HOUSES, MOTION, LETTERS, REVIEWS])
def test_the_example_passes_on_a_sound_network_and_fails_on_one_that_leaks(
    contract: Contract, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = files_in(prompt(contract).partition("## Your reply")[2], SuiteProposal.files)[0]["test_model.py"]
    assert SuiteProposal(source=source)
    for network, passes in ((Sound, True), (Leaking, False)):
        module = ModuleType("model")
        module.Model = network  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "model", module)
        made: dict[str, Any] = {}
        exec(source, made)
        (test,) = (value for name, value in made.items() if name.startswith("test_"))
        if passes:
            test()
        else:
            with pytest.raises(AssertionError):
                test()


@pytest.mark.parametrize(
    ("contract", "words"),
    [
        (DIGITS, "space: exchanging any quarter"), (HOUSES, "range: outputs are unbounded"),
        (MOTION, "time: exchanging the first"), (LETTERS, "causality: changing the id at position t"),
        (LETTERS, "context: the output at t"), (DIGITS, "initialisation: fresh, in train mode, on standard normal"),
        (LETTERS, "on random ids the outputs"), (HOUSES, "elements without order"), (MOTION, "padding"),
    ],
)  # fmt: skip
def test_what_the_task_demands_is_told(contract: Contract, words: str) -> None:
    assert words in prompt(contract)


def test_other_tasks_demands_are_not() -> None:
    assert "causality" not in prompt(DIGITS)
    assert "space: exchanging" not in prompt(HOUSES)


class Generative(Sound):
    def forward(self, x: torch.Tensor) -> Any:
        return {"output": super().forward(x), "loss": self.scale}


@pytest.mark.parametrize("contract", [PICTURES, FLOW, DIFFUSION, GAN, PIXELS_IN_TURN])
def test_the_example_for_a_generative_network_looks_at_its_output(
    contract: Contract, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = files_in(prompt(contract).partition("## Your reply")[2], SuiteProposal.files)[0]["test_model.py"]
    module = ModuleType("model")
    module.Model = Generative  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "model", module)
    made: dict[str, Any] = {}
    exec(source, made)
    next(value for name, value in made.items() if name.startswith("test_"))()


@pytest.mark.parametrize(
    ("contract", "said", "unsaid"),
    [
        (PICTURES, "each number of a code matters", "scores are raw"),
        (FLOW, "`decode` undoes `encode`", "scores are raw"),
        (DIFFUSION, "the level changes what is denoised", "`encode`"),
        (PIXELS_IN_TURN, "row by row from the top left", "`encode`"),
        (IN_TURN, "order of values: first to last", "`encode`"),
        (IN_TURN, "causality first of all", "scores are raw"),
        (GAN, "each quarter of an example's values changes", "elements of the input matter"),
        (GAN, "take each side by its own loss while the other holds still", "`encode`"),
        (contract("metric_learning", "tabular", (8,), (4,)), "differ in direction", "scores are raw"),
        (contract("forecasting", "sequence", (24, 1), (4,)), "float32", "scores are raw"),
        (DIGITS, "scores are raw", "`sample"),
    ],
)  # fmt: skip
def test_each_task_is_told_what_is_sound_for_it(contract: Contract, said: str, unsaid: str) -> None:
    text = prompt(contract)
    assert said in text
    assert unsaid not in text


def test_who_reads_a_brief_is_told_of_every_task() -> None:
    inputs = BriefInputs(sentence="a diffusion model of digits", known=Brief())
    request = Request[BriefDraft](role="Metrics", purpose="read-brief", inputs=inputs, reply=BriefDraft)
    text = messages(load_roles()[request.role], request)[-1]["content"]
    assert all(f'"{task}"' in text for task in {one.task for one in CONTRACTS.values()} | {"metric_learning"})
    assert all(f'"{kind}"' in text for kind in get_args(Kind))
