"""A model server that knows its trade: it answers each prompt with what the built-in designer would say to it."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from pydantic import BaseModel

from neuromosaic.core.proposals import FamilyProposal, Request, SuiteProposal
from neuromosaic.llm import chat
from neuromosaic.llm.offline.designer import OfflineDesigner
from neuromosaic.llm.protocols import ModelClient
from neuromosaic.prompts.render import ChatMessage, messages
from neuromosaic.prompts.roles import Role


@dataclass
class ServedDesigner:
    """`asked`: the requests by the text that they were rendered to. Answers as a chat server is told to."""

    client: ModelClient = field(default_factory=OfflineDesigner)
    asked: dict[str, Request[Any]] = field(default_factory=dict)

    def messages(self, role: Role, request: Request[Any]) -> list[ChatMessage]:
        talk = messages(role, request)
        self.asked[talk[-1]["content"]] = request
        return talk

    def answer(self, body: dict[str, Any]) -> str:
        return written(self.client.ask(self.asked[body["messages"][1]["content"]]))


def serve_designer(patch: pytest.MonkeyPatch, client: ModelClient | None = None) -> Callable[[dict[str, Any]], str]:
    """What a chat server answers with, so that every prompt of this process finds its request again; by `client`."""
    designer = ServedDesigner(client or OfflineDesigner())
    patch.setattr(chat, "messages", designer.messages)
    return designer.answer


def written(reply: BaseModel) -> str:
    """The reply as a model writes it."""
    if isinstance(reply, SuiteProposal):
        return f"```python test_model.py\n{reply.source}```\n"
    if isinstance(reply, FamilyProposal):
        space = {name: parameter.model_dump(mode="json") for name, parameter in reply.space.items()}
        document = {"name": reply.name, "parameters": space}
        return (
            f"{reply.rationale}\n\n```python model.py\n{reply.source}```\n\n"
            f"```json space.json\n{json.dumps(document)}\n```\n"
        )
    return reply.model_dump_json()
