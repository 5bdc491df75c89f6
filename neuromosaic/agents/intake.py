"""Reading the brief: Metrics makes the engineer's words measurable."""

from typing import Any

from neuromosaic.agents.asking import ask
from neuromosaic.core.brief import Brief
from neuromosaic.core.proposals import BriefDraft, Request
from neuromosaic.core.role_inputs import BriefInputs
from neuromosaic.llm.protocols import ModelClient


def read_brief(client: ModelClient, inputs: BriefInputs) -> BriefDraft:
    """The brief as understood. What was given explicitly (`known`) stands, whatever the reply says of it."""
    draft = ask(client, Request[BriefDraft](role="Metrics", purpose="read-brief", inputs=inputs, reply=BriefDraft))
    explicit = _stated(inputs.known) | {"sentence": inputs.sentence}
    return draft.model_copy(update={"brief": Brief.model_validate(_overlaid(_stated(draft.brief), explicit))})


def _stated(brief: Brief) -> dict[str, Any]:
    return brief.model_dump(exclude_defaults=True)


def _overlaid(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    both = {key: _overlaid(below[key], above[key]) for key in above if _are_tables(below.get(key), above[key])}
    return below | above | both


def _are_tables(*values: Any) -> bool:
    return all(isinstance(value, dict) for value in values)
