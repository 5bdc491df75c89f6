"""Exchanges with a model, kept as text, and a chat server's answers from them.

A folder of `recorded` is one brief; a file is one turn, named by role, purpose and place: the wording of a prompt may
change, but what its reply goes by (`needs`) must still be told in it.
"""

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from neuromosaic.core.proposals import Request
from neuromosaic.core.store.store import Store
from neuromosaic.llm import chat
from neuromosaic.llm.completion import Settings
from neuromosaic.prompts.condense import batched
from neuromosaic.prompts.front_matter import split
from neuromosaic.prompts.render import ChatMessage
from tests.chat_server import Fault, completion

FOLDER = Path(__file__).parent / "recorded"
CHARACTERS_A_TOKEN = 4
FIRST_TALK = 2
"""Messages of a request; with more it is the repair turn."""


class Exchange(NamedTuple):
    """`needs`: what the prompt must tell, because the reply goes by it."""

    needs: tuple[str, ...]
    reply: str


class Turns:
    """Names each call of a run by who is asked what, and for which time: `NetworkArchitect.propose.r0s1`."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        self.keys: dict[str, tuple[str, Request[Any]]] = {}
        self._asked: Counter[str] = Counter()
        self._reply_key = chat.reply_key

    def reply_key(self, model: str, talk: Sequence[ChatMessage], settings: Settings, request: Request[Any]) -> str:
        """Stands for `chat.reply_key`, which sees each call together with its request."""
        key, text = self._reply_key(model, talk, settings, request), json.dumps(list(talk))
        if text not in self.names:
            place = _place(request, len(talk))
            self._asked[place] += 1
            number = self._asked[place]
            self.names[text] = place if number == 1 else f"{place}.{number}"
            self.keys[key] = self.names[text], request
        return key


def _place(request: Request[Any], messages: int) -> str:
    inputs = request.inputs
    seat = "".join(f"{letter}{getattr(inputs, name)}" for letter, name in SEAT.items() if hasattr(inputs, name))
    parts = (request.role, request.purpose, seat, "mend" if messages > FIRST_TALK else "")
    return ".".join(part for part in parts if part)


SEAT = {"r": "round", "s": "slot"}


class Replay:
    """Answers a chat server's requests by the recorded exchanges; `faults`: what was asked but not recorded, or no
    longer told."""

    def __init__(self, exchanges: Mapping[str, Exchange], turns: Turns) -> None:
        self.exchanges = exchanges
        self.faults: list[str] = []
        self.left = set(exchanges)
        self._turns = turns

    def answer(self, body: dict[str, Any]) -> dict[str, Any] | Fault:
        turn = self._turns.names[json.dumps(body["messages"])]
        fault = self._fault(turn, body)
        if fault:
            self.faults.append(fault)
            return Fault(400, fault)
        self.left.discard(turn)
        return _counted(body, self.exchanges[turn].reply)

    def _fault(self, turn: str, body: dict[str, Any]) -> str:
        if turn not in self.exchanges:
            return f"{turn} is asked, but not recorded"
        told = json.dumps(body, ensure_ascii=False)
        missing = [need for need in self.exchanges[turn].needs if _quoted(need) not in told]
        return f"{turn} was answered by {missing}, which its prompt no longer tells" if missing else ""


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)[1:-1]


def _counted(body: dict[str, Any], reply: str) -> dict[str, Any]:
    """A completion with tokens estimated from its length, as from a server that counts them."""
    sizes = len(json.dumps(body["messages"])), len(reply)
    asked, said = (size // CHARACTERS_A_TOKEN for size in sizes)
    usage = {"prompt_tokens": asked, "completion_tokens": said, "total_tokens": asked + said}
    return completion(reply) | {"usage": usage}


def replay(name: str, patch: pytest.MonkeyPatch, folder: Path = FOLDER) -> Replay:
    """The recorded model of a brief, for the calls of this process until `patch` is undone."""
    turns = Turns()
    patch.setattr(chat, "reply_key", turns.reply_key)
    return Replay({path.stem: _read(path) for path in sorted((folder / name).glob("*.md"))}, turns)


def _read(path: Path) -> Exchange:
    front = split(path.read_text(encoding="utf-8"))
    return Exchange(tuple(front.values["needs"]), front.body)


def record(patch: pytest.MonkeyPatch) -> Callable[[Store, Path], None]:
    """Listens to a run with any model; what it gives back writes the exchanges of that run to a folder."""
    turns = Turns()
    patch.setattr(chat, "reply_key", turns.reply_key)

    def write(store: Store, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        for key, (turn, request) in turns.keys.items():
            if (reply := store.reply(key)) is not None:
                needs = yaml.safe_dump({"needs": _needs(request)}, width=110)
                (folder / f"{turn}.md").write_text(f"---\n{needs}---\n{reply.strip()}\n", encoding="utf-8")

    return write


def _needs(request: Request[Any]) -> list[str]:
    """What any reply goes by: the files wanted, the contract, the limit, what was found."""
    inputs = request.inputs
    needs = list(request.files)
    if hasattr(inputs, "contract"):
        needs += [batched(inputs.contract.input), batched(inputs.contract.output)]
        needs += [str(limit)] if (limit := inputs.brief.constraints.parameters) else []
    return needs + [finding.code for finding in getattr(inputs, "findings", ())]
