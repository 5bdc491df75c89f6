"""What LangGraph carries from node to node: ids and small values; everything else is in the store."""

from typing import Annotated, TypedDict


def union(left: list[str], right: list[str]) -> list[str]:
    """The reducer for ids that several nodes report at once: sorted, each once, so that their order is no matter."""
    return sorted({*left, *right})


class DesignState(TypedDict, total=False):
    """`families`: ids of accepted families; `rejected`: of those that failed the ladder; `decision` of Metrics."""

    round: int
    families: Annotated[list[str], union]
    rejected: Annotated[list[str], union]
    decision: str


class FamilyOutcome(TypedDict, total=False):
    """What a seat reports to the whole table: its own id, in one of the two."""

    families: Annotated[list[str], union]
    rejected: Annotated[list[str], union]


class FamilyState(FamilyOutcome, total=False):
    """One seat of one round: `attempt` counts the repairs; `outcome` ends the loop."""

    round: int
    slot: int
    slots: int
    attempt: int
    outcome: str
