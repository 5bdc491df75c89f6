"""Losses that must not pass: each is refused by a finding that says what to mend, and none harms the run."""

import pytest

from neuromosaic.core.brief import Contract, TensorSpec
from neuromosaic.core.protocols import Judge, Program, Sandbox
from neuromosaic.core.validation.own_loss import LossClimb, climb_loss

HEAD = "import torch\nfrom torch import nn\n\n\nclass Loss(nn.Module):\n"
TABLE = Contract(task="regression", input=TensorSpec(shape=(3,)), output=TensorSpec(shape=(2,)), kind="tabular")


def climbed(source: str, contract: Contract, sandbox: Sandbox, judge: Judge) -> LossClimb:
    return climb_loss(Program(source, {}, 0, "Loss"), contract, sandbox, judge, strict=True)


def forward(*lines: str) -> str:
    return HEAD + "    def forward(self, output, target):\n" + "".join(f"        {line}\n" for line in lines)


CROSS_ENTROPY = "nn.functional.cross_entropy(output, target)"
HOSTILE = {
    "peeks at files": (
        forward("seen = len(open('/etc/passwd').read())", f"return seen * {CROSS_ENTROPY}"),
        "call-not-allowed",
    ),
    "peeks by import": (
        "import os\n" + forward(f"return len(os.listdir('/')) * {CROSS_ENTROPY}"),
        "import-not-allowed",
    ),
    "writes into targets": (forward("target.zero_()", f"return {CROSS_ENTROPY}"), "changes-targets"),
    "writes into outputs": (forward("output.mul_(2)", f"return {CROSS_ENTROPY}"), None),
    "breaks at the goal": (
        forward(
            "chance = output.softmax(-1)",
            "right = nn.functional.one_hot(target, output.shape[-1])",
            "return -(right * chance.log() + (1 - right) * (1 - chance).log()).sum(-1).mean()",
        ),
        "not-finite-at-the-goal",
    ),
    "goes by places": (
        forward(
            "each = nn.functional.cross_entropy(output, target, reduction='none')",
            "return (each * torch.arange(1, len(each) + 1)).mean()",
        ),
        "depends-on-order",
    ),
    "is constant": (forward("return torch.tensor(1.0)"), "no-gradient"),
    "has a constant gradient of nought": (forward("return (output * 0).sum() + 1.0"), "no-gradient"),
    "draws": (forward(f"return {CROSS_ENTROPY} * (1 + torch.rand(()))"), "not-repeatable"),
    "is no Python": ("class Loss(nn.Module:\n", "syntax"),
    "is no module": ("class Loss:\n    def forward(self, output, target):\n        return 0\n", "model-not-a-module"),
    "is called otherwise": (forward(f"return {CROSS_ENTROPY}").replace("Loss", "Lost"), "no-model"),
    "takes too much": (forward("return output.sum() + torch.zeros(1 << 40).sum()"), None),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_loss_is_refused_by_a_finding(
    name: str, contract: Contract, sandbox: Sandbox, judge: Judge
) -> None:
    source, code = HOSTILE[name]
    climb = climbed(source, contract, sandbox, judge)
    assert climb.graph is None
    assert all(finding.severity == "error" and "model.py" not in finding.message for finding in climb.findings)
    assert code is None or climb.findings[0].code == code


def test_a_root_is_refused_where_nothing_is_wrong_any_more(sandbox: Sandbox, judge: Judge) -> None:
    rooted = forward("return (output - target).square().mean().sqrt()")
    assert climbed(rooted, TABLE, sandbox, judge).findings[0].code == "not-finite-at-the-goal"
    kept = rooted.replace(".mean().sqrt()", ".mean().add(1e-6).sqrt()")
    assert climbed(kept, TABLE, sandbox, judge).graph is not None
