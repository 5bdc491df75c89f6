"""Right answers that cost next to nothing to check and train: for playing very many whole runs."""

from typing import TypeVar

from pydantic import BaseModel

from neuromosaic.core.proposals import Advice, Envelope, FamilyProposal, RecipeProposal, Request, SuiteProposal
from neuromosaic.core.role_inputs import ComputeInputs, FamilyInputs
from neuromosaic.core.space.parameters import parse_space
from neuromosaic.llm.offline.designer import OfflineDesigner

T = TypeVar("T", bound=BaseModel)

SUITE = '''"""What any classifier of four columns into three classes must do."""

import torch
from model import Model


def outputs(size: int) -> torch.Tensor:
    torch.manual_seed(0)
    return Model().eval()(torch.randn(size, 4, generator=torch.Generator().manual_seed(1)))


def test_shape() -> None:
    """A batch of any size gives logits [batch, 3]."""
    assert outputs(5).shape == (5, 3)


def test_each_row_has_an_answer_of_its_own() -> None:
    """Different inputs are told apart."""
    assert len(outputs(6).unique(dim=0)) == 6


def test_every_parameter_learns() -> None:
    """A loss reaches every parameter."""
    torch.manual_seed(0)
    model = Model()
    model(torch.randn(6, 4)).square().sum().backward()
    assert all(one.grad is not None and one.grad.any() for one in model.parameters())


def test_the_same_input_has_the_same_answer() -> None:
    """Nothing is drawn in eval mode."""
    model, x = Model().eval(), torch.randn(3, 4)
    assert torch.equal(model(x), model(x))


def test_values_stay_as_they_were() -> None:
    """Logits neither vanish nor explode at the start."""
    assert 0.05 < outputs(64).std() < 3
'''

MODEL = '''import torch
from torch import nn


class Model(nn.Module):
    """One hidden layer."""

    def __init__(self, hidden: int = {hidden}) -> None:
        super().__init__()
        self.inner = nn.Linear(4, hidden)
        self.outer = nn.Linear(hidden, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.outer(torch.{bend}(self.inner(x)))
'''
ADVICE = "The third column says most."
BENDS = ("tanh", "sigmoid", "relu")


class Frugal(OfflineDesigner):
    """Knows the iris data alone: one hidden layer, five tests, two epochs; all else as the built-in designer."""

    name = "frugal"

    def ask(self, request: Request[T]) -> T:
        reply = self._short(request.inputs, request.reply)
        return reply if isinstance(reply, request.reply) else super().ask(request)

    def _short(self, inputs: BaseModel, wanted: type[BaseModel]) -> BaseModel | None:
        if isinstance(inputs, ComputeInputs):
            trials = inputs.brief.budget.trials or 2
            return Envelope(workers=1, families=1, rounds=2, trials=trials, fidelity=0.5, finalists=1)
        if isinstance(inputs, FamilyInputs):
            return family(inputs.round + inputs.slot)
        if wanted is Advice:
            return Advice(remarks=(ADVICE,))
        if wanted is SuiteProposal:
            return SuiteProposal(source=SUITE)
        if wanted is RecipeProposal:
            return RecipeProposal.model_validate({"recipes": [{"loss": "cross_entropy", "epochs": 2}]})
        return None


def family(number: int) -> FamilyProposal:
    """Those of a run differ in shape and in what bends the line."""
    hidden, bend = 6 + 2 * (number % 3), BENDS[number % len(BENDS)]
    return FamilyProposal(
        name=f"{bend} net {number}", source=MODEL.format(hidden=hidden, bend=bend),
        space=parse_space({"hidden": {"type": "int", "min": 4, "max": 12}}),
        rationale=f"One hidden layer with {bend}.",
    )  # fmt: skip
