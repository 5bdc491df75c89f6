"""A real chat server on this machine, whose answers each test writes; no model beyond it may be asked."""

import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from neuromosaic import llm
from neuromosaic.core.proposals import (
    FamilyInputs,
    FamilyProposal,
    Judgement,
    JudgementInputs,
    Request,
    SuiteInputs,
    SuiteProposal,
)
from neuromosaic.testing import example_hardware, example_task

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


@dataclass
class Fault:
    """What the server does instead of answering. `status` 0: "hang" or "cut" as `body` says."""

    status: int
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class ChatServer:
    """Answers `answers` in turn, the last one from then on; a function is given the request's body."""

    base: str = ""
    answers: list[str | Fault | dict[str, Any] | Callable[[dict[str, Any]], str]] = field(default_factory=list)
    bodies: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def next(self, body: dict[str, Any], key: str) -> str | Fault | dict[str, Any]:
        with self.lock:
            answer = self.answers[min(len(self.bodies), len(self.answers) - 1)]
            self.bodies.append(body)
            self.keys.append(key)
        return answer(body) if callable(answer) else answer

    def prompt(self, number: int) -> str:
        """The last message of a request."""
        return str(self.bodies[number]["messages"][-1]["content"])


def completion(text: str, finish: str = "stop") -> dict[str, Any]:
    message = {"role": "assistant", "content": text}
    return {
        "id": "x",
        "object": "chat.completion",
        "created": 1,
        "model": "test",
        "choices": [{"index": 0, "message": message, "finish_reason": finish}],
        "usage": {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120},
    }


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    chat: ChatServer

    def log_message(self, *_: Any) -> None:
        pass

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if not self.path.endswith("/v1/chat/completions"):
            return self.reply(404, "no such path")
        answer = self.chat.next(body, self.headers.get("Authorization", ""))
        if isinstance(answer, Fault):
            return self.fail(answer)
        document = completion(answer) if isinstance(answer, str) else answer
        return self.reply(200, json.dumps(document))

    def fail(self, fault: Fault) -> None:
        if fault.body == "hang":
            self.chat.released.wait(10)
            self.close_connection = True
        elif fault.body == "cut":
            self.reply(200, json.dumps(completion("half"))[:60], {"Content-Length": "4000"})
            # A reset, as from a server that died.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True
        elif fault.status == 200:
            self.reply(200, fault.body, fault.headers)
        else:
            body = fault.body if fault.body.startswith("{") else json.dumps({"error": {"message": fault.body}})
            self.reply(fault.status, body, fault.headers)

    def reply(self, status: int, text: str, headers: dict[str, str] | None = None) -> None:
        data = text.encode()
        self.send_response(status)
        for name, value in (
            {"Content-Type": "application/json", "Content-Length": str(len(data))} | (headers or {})
        ).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)
        self.wfile.flush()


@pytest.fixture(autouse=True)
def only_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """No model request leaves this machine, and no key of the surroundings gets into a test."""
    monkeypatch.setattr(llm, "ALLOW_MODEL_REQUESTS", False)
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "ANTHROPIC_API_KEY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def server() -> Iterator[ChatServer]:
    chat = ChatServer()
    handler = type("ChatHandler", (Handler,), {"chat": chat})
    http = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    http.daemon_threads = True
    chat.base = f"http://127.0.0.1:{http.server_port}/v1"
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield chat
    chat.released.set()
    http.shutdown()
    http.server_close()
    thread.join()


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
