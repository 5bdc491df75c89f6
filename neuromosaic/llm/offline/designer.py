"""The offline designer: answers every role from what it knows of families, budgets and recipes, without a model."""

from collections.abc import Callable
from typing import Any, TypeVar

from pydantic import BaseModel

from neuromosaic.core.errors import ReplyError
from neuromosaic.core.proposals import Request
from neuromosaic.core.role_inputs import (
    BriefInputs,
    ComputeInputs,
    ExtensionInputs,
    FamilyInputs,
    JudgementInputs,
    MetricsInputs,
    PointInputs,
    RecipeInputs,
    SuiteInputs,
)
from neuromosaic.llm.offline.extending import propose_extension
from neuromosaic.llm.offline.planning import envelope, judge, metrics_plan
from neuromosaic.llm.offline.pointing import propose_points
from neuromosaic.llm.offline.proposing import propose_family
from neuromosaic.llm.offline.reading import read_brief
from neuromosaic.llm.offline.recipes import propose_recipes
from neuromosaic.llm.offline.suites import propose_suite

T = TypeVar("T", bound=BaseModel)

_ANSWERS: dict[type, Callable[[Any], BaseModel]] = {
    BriefInputs: read_brief,
    ComputeInputs: envelope,
    MetricsInputs: metrics_plan,
    SuiteInputs: propose_suite,
    FamilyInputs: propose_family,
    ExtensionInputs: propose_extension,
    RecipeInputs: propose_recipes,
    JudgementInputs: judge,
    PointInputs: propose_points,
}


class OfflineDesigner:
    """A model client without a model: the same request always gets the same answer.

    Raises `BriefError` where a sentence contradicts itself, `ReplyError` for a request that it has no answer to.
    """

    name = "offline"

    def ask(self, request: Request[T]) -> T:
        answer = _ANSWERS.get(type(request.inputs))
        reply = answer(request.inputs) if answer else None
        if not isinstance(reply, request.reply):
            raise ReplyError(
                f"the offline designer cannot answer {request.role}'s request {request.purpose!r}: "
                "choose a model client for this role"
            )
        return reply
