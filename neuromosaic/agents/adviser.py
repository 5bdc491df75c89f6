"""Advisers: roles of the user's own, who decide nothing and tell a seat what they know."""

from neuromosaic.agents.asking import ask
from neuromosaic.core.proposals import Advice, Adviser, Request
from neuromosaic.core.role_inputs import AdviceInputs
from neuromosaic.llm.protocols import ModelClient


def ask_advice(client: ModelClient, adviser: Adviser, inputs: AdviceInputs) -> Advice:
    """The adviser's remarks for the seat that is named in `inputs`. Raises ReplyError."""
    return ask(client, Request[Advice](role=adviser, purpose="advise", inputs=inputs, reply=Advice))
