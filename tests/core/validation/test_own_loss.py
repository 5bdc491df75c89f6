"""A loss of the user's own: what it must hold before a network is trained with it, and that training then does."""

from typing import Any

import pytest
import torch

from neuromosaic.core.brief import Contract, TensorSpec
from neuromosaic.core.errors import CandidateError
from neuromosaic.core.evaluation.losses import loss_function
from neuromosaic.core.evaluation.recipe import Recipe
from neuromosaic.core.protocols import Judge, Program, Sandbox
from neuromosaic.core.tasks import targets_of
from neuromosaic.core.validation.own_loss import loss_graph

HEAD = "import torch\nfrom torch import nn\n\n\nclass Loss(nn.Module):\n"
FOCAL = HEAD + (
    "    def __init__(self, sharpness=2.0):\n"
    "        super().__init__()\n"
    "        self.sharpness = sharpness\n\n"
    "    def forward(self, output, target):\n"
    "        log = output.log_softmax(-1).gather(1, target[:, None])[:, 0]\n"
    "        return -((1 - log.exp()) ** self.sharpness * log).mean()\n"
)


def returning(expression: str) -> str:
    return HEAD + f"    def forward(self, output, target):\n        return {expression}\n"


def settled(source: str, contract: Contract, sandbox: Sandbox, judge: Judge) -> str:
    return loss_graph(Program(source, {}, 0, "Loss"), contract, sandbox, judge)


def test_a_sound_loss_is_the_one_that_training_minimises(contract: Contract, sandbox: Sandbox, judge: Judge) -> None:
    loss = loss_function(Recipe(loss_graph=settled(FOCAL, contract, sandbox, judge)), torch.device("cpu"))
    outputs, targets = torch.randn(5, 10, requires_grad=True), torch.arange(5)
    log = outputs.log_softmax(-1)[torch.arange(5), targets]
    expected = -((1 - log.exp()) ** 2 * log).mean()
    found = loss(outputs, targets)
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(*(torch.autograd.grad(one, outputs)[0] for one in (found, expected)))


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        (returning("output.sum(1) - target"), r"a tensor of shape \[3\], not one scalar"),
        (returning("(output**2).mean()"), "does not look at them"),
        (returning("target.float().mean()"), "no gradient reaches the outputs"),
        (returning("output.detach().sum() * target.sum()"), "no gradient reaches the outputs"),
        (returning("output.log().mean() * target.float().mean()"), "gives nan"),
        (returning("output.view(7)"), "shape"),
        (returning("(output.sum() - target.sum()).sqrt().abs() * 0 + open('x').read()"), "."),
        (
            HEAD + "    def __init__(self):\n"
            "        super().__init__()\n        self.w = nn.Parameter(torch.ones(()))\n\n"
            "    def forward(self, output, target):\n        return self.w * (output.sum(1) - target).abs().mean()\n",
            "parameters of its own",
        ),
        ("class Loss:\n    pass\n", "class Loss"),
    ],
)  # fmt: skip
def test_what_cannot_be_trained_with_is_refused_in_one_sentence(
    source: str, fault: str, contract: Contract, sandbox: Sandbox, judge: Judge
) -> None:
    with pytest.raises(CandidateError, match=fault) as refused:
        settled(source, contract, sandbox, judge)
    assert "\n" not in str(refused.value)


def test_labels_are_zeros_and_ones_when_it_is_tried(contract: Contract, sandbox: Sandbox, judge: Judge) -> None:
    """The logarithm of a negative label would be NaN."""
    labels = contract.model_copy(update={"task": "multi_label", "output": TensorSpec(shape=(3,))})
    logs = "target * nn.functional.logsigmoid(output) + (1 - target) * nn.functional.logsigmoid(-output)"
    source = returning(f"-((target + 1e-6).log() * 0 + {logs}).mean()")
    assert settled(source, labels, sandbox, judge)


@pytest.mark.parametrize(
    ("task", "output", "targets"),
    [
        ("classification", (4,), TensorSpec(shape=(), dtype="int64", upper=4)),
        ("segmentation", (3, 8, 9), TensorSpec(shape=(8, 9), dtype="int64", upper=3)),
        ("sequence_labelling", (12, 3), TensorSpec(shape=(12,), dtype="int64", upper=3)),
        ("language_modelling", (12, 30), TensorSpec(shape=(12,), dtype="int64", upper=30)),
        ("metric_learning", (4,), TensorSpec(shape=(), dtype="int64", upper=2)),
        ("regression", (2,), TensorSpec(shape=(2,))),
        ("multi_label", (5,), TensorSpec(shape=(5,))),
    ],
)
def test_targets_are_those_of_the_task(task: Any, output: tuple[int, ...], targets: TensorSpec) -> None:
    shape = TensorSpec(shape=(3,))
    assert targets_of(Contract(task=task, input=shape, output=TensorSpec(shape=output), kind="tabular")) == targets


def test_a_text_that_is_no_graph_is_refused() -> None:
    with pytest.raises(CandidateError, match="loss_graph of the recipe is no graph"):
        loss_function(Recipe(loss_graph="bm9uZQ=="), torch.device("cpu"))
