"""A real chat server on this machine, whose answers each test writes; no model beyond it may be asked."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from neuromosaic import llm
from neuromosaic.core.proposals import FamilyProposal, Judgement, Request, SuiteProposal
from neuromosaic.core.role_inputs import FamilyInputs, JudgementInputs, SuiteInputs
from neuromosaic.testing import example_hardware, example_task
from tests.chat_server import ChatServer, Fault, chat_server, completion

MODEL = """import torch
from torch import nn


class Model(nn.Module):
    def __init__(self, width: int = 32, dropout: float = 0.1) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Flatten(), nn.Linear(64, width), nn.ReLU(), nn.Dropout(dropout))
        self.head = nn.Linear(width, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.net(x))
"""
SPACE = (
    '{"name": "small MLP", "parameters": {"width": {"type": "int", "min": 8, "max": 64, "step": 8},'
    ' "dropout": {"type": "float", "min": 0.0, "max": 0.5}}}'
)
FAMILY = f"A plain network is enough here.\n\n```python model.py\n{MODEL}```\n\n```json space.json\n{SPACE}\n```\n"
SUITE_SOURCE = """import torch
from model import Model


def test_shape() -> None:
    assert Model().eval()(torch.zeros(2, 1, 8, 8)).shape == (2, 10)
"""
SUITE = f"```python test_model.py\n{SUITE_SOURCE}```\n"
JUDGEMENT = '{"decision": "certify", "reason": "all limits are met"}'


@pytest.fixture(autouse=True)
def only_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """No model request leaves this machine, and no key of the surroundings gets into a test."""
    monkeypatch.setattr(llm, "ALLOW_MODEL_REQUESTS", False)
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "ANTHROPIC_API_KEY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with chat_server() as chat:
        yield chat


@pytest.fixture
def fault() -> type[Fault]:
    return Fault


@pytest.fixture
def texts() -> dict[str, str]:
    """Replies that are right, and what they hold."""
    return {
        "family": FAMILY,
        "suite": SUITE,
        "judgement": JUDGEMENT,
        "model.py": MODEL,
        "space.json": SPACE,
        "test_model.py": SUITE_SOURCE,
    }


@pytest.fixture
def truncated() -> Callable[[str], dict[str, Any]]:
    """A response that ended at the limit of tokens."""
    return lambda text: completion(text, finish="length")


@pytest.fixture
def family_request() -> Request[FamilyProposal]:
    inputs = FamilyInputs(**example_task(), hardware=example_hardware(), slot=0, slots=3)
    return Request[FamilyProposal](role="NetworkArchitect", purpose="propose", inputs=inputs, reply=FamilyProposal)


@pytest.fixture
def suite_request() -> Request[SuiteProposal]:
    inputs = SuiteInputs(**example_task())
    return Request[SuiteProposal](role="TestArchitect", purpose="suite", inputs=inputs, reply=SuiteProposal)


@pytest.fixture
def judge_request() -> Request[Judgement]:
    inputs = JudgementInputs(**example_task(), round=0, rounds=2, history=())
    return Request[Judgement](role="Metrics", purpose="judge", inputs=inputs, reply=Judgement)


class Replies(dict[str, str]):
    """A reply store in memory."""

    def reply(self, key: str) -> str | None:
        return self.get(key)

    def keep_reply(self, key: str, text: str) -> None:
        self.setdefault(key, text)


@pytest.fixture
def replies() -> Replies:
    return Replies()
