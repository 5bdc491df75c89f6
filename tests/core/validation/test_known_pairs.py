"""Pairs that are known to be good or bad, through the real sandbox and the real judge."""

import pytest

from neuromosaic.core.brief import Constraints, Contract, TensorSpec
from neuromosaic.core.protocols import Judge, Program, Sandbox
from neuromosaic.core.signature import signature_of
from neuromosaic.core.validation.climb import Climb
from neuromosaic.core.validation.ladder import Ladder

SPEC = TensorSpec(shape=(6,))
GAN = Contract(task="generation", input=SPEC, output=SPEC, kind="tabular", latent=3, generative="gan")
GOOD = """
import torch
from torch import nn
from torch.nn.functional import softplus

class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.generator = nn.Sequential(nn.Linear(3, 16), nn.SiLU(), nn.Linear(16, 6))
        self.discriminator = nn.Sequential(nn.Linear(6, 16), nn.SiLU(), nn.Linear(16, 1))

    def forward(self, x):
        codes = x[:, :3]
        if self.training:
            codes = torch.randn_like(codes)
        output = self.decode(codes)
        judged = softplus(-self.discriminator(x)).mean() + softplus(self.discriminator(output)).mean()
        loss = softplus(-self.discriminator(output)).mean()
        return {"output": output, "loss": loss, "discriminator_loss": judged}

    def decode(self, codes):
        return self.generator(codes)

    def sample(self, n):
        return self.decode(torch.randn(n, 3))
"""
DETACHED = GOOD.replace("+ softplus(self.discriminator(output))", "+ softplus(self.discriminator(output.detach()))")
JUDGED = "softplus(-self.discriminator(x)).mean() + softplus(self.discriminator(output)).mean()"
CHANGES = {
    "no-discriminator": ("discriminator", "critic", "under `discriminator`"),
    "no-loss": ('"discriminator_loss": judged', '"judged": judged', "no scalar named `discriminator_loss`"),
    "no-decode": ("decode(", "make(", "no method decode"),
    "decode-leak": ("(codes)\n\n    def sample", "(codes) + codes.mean()\n\n    def sample", "others in its batch"),
    "non-finite-loss": ("judged = ", "judged = torch.inf + ", "`discriminator_loss` is inf"),
    "no-gradient": (JUDGED, "output.mean()", "no parameter of the discriminator"),
    "does-not-learn": (
        JUDGED, "1 + 0 * self.discriminator(x).mean()", "the discriminator loss of one small batch does not fall",
    ),
}  # fmt: skip
BAD = {code: (GOOD.replace(old, new), said) for code, (old, new, said) in CHANGES.items()}


def climb(source: str, sandbox: Sandbox, judge: Judge) -> Climb:
    ladder = Ladder(sandbox, judge, signature_of(GAN), Constraints(), timeout=60.0)
    return ladder.climb(Program(source, {}, seed=0))


@pytest.mark.parametrize("source", [GOOD, DETACHED], ids=["plain", "detached"])
def test_a_sound_pair_is_accepted_detached_or_not(source: str, sandbox: Sandbox, judge: Judge) -> None:
    reached = climb(source, sandbox, judge)
    assert [finding for finding in reached.findings if finding.severity == "error"] == []
    assert (reached.accepted, reached.lane) == (True, "graph")
    assert reached.figures["loss_after"] < reached.figures["loss_before"]
    assert reached.figures["seconds_per_step"] > 0


@pytest.mark.parametrize("code", BAD)
def test_a_broken_pair_is_stopped_for_the_right_reason(code: str, sandbox: Sandbox, judge: Judge) -> None:
    source, said = BAD[code]
    assert source != GOOD
    errors = [finding for finding in climb(source, sandbox, judge).findings if finding.severity == "error"]
    assert code in {finding.code for finding in errors}
    assert any(said in finding.message for finding in errors)
