"""The first node: what is wanted, understood, approved and completed from the data."""

from typing import Any

from langgraph.types import interrupt

from neuromosaic.agents.intake import read_brief
from neuromosaic.core.brief import Brief, Contract
from neuromosaic.core.errors import BriefError
from neuromosaic.core.evaluation.data.dataset import Dataset
from neuromosaic.core.evaluation.metrics import check_measurable
from neuromosaic.core.proposals import BriefDraft, RoleName
from neuromosaic.core.role_inputs import BriefInputs
from neuromosaic.workflows.bench import Workbench
from neuromosaic.workflows.state import DesignState

READER: RoleName = "Metrics"


def intake(bench: Workbench, state: DesignState) -> DesignState:
    """Reads the brief, has it approved where a model read it, and completes it from the data."""
    bench.warm_up()
    understood = bench.store.step(bench.run, "understood") or _understand(bench).model_dump(mode="json")
    bench.once("understood", lambda: understood)
    bench.once("brief", lambda: _settle(bench).model_dump(mode="json"))
    return {"round": 0}


def _understand(bench: Workbench) -> Brief:
    """Reads the sentence, and again after each answer, until it is approved."""
    sentence, known = bench.asked.sentence, bench.asked
    for attempt in range(10):
        draft = _read(bench, attempt, sentence, known)
        if not _needs_approval(bench, draft):
            return draft.brief
        decision = interrupt(
            {"brief": draft.brief.model_dump(mode="json"), "not_understood": draft.not_understood,
             "questions": draft.questions}
        )  # fmt: skip
        if decision.get("approve"):
            return Brief.model_validate(decision.get("brief") or draft.brief)
        sentence = f"{sentence}\n{decision['answer']}"
    raise BriefError("ten answers and still no approval: write the brief as YAML and give that file instead")


def _read(bench: Workbench, attempt: int, sentence: str, known: Brief) -> BriefDraft:
    if not sentence:
        return BriefDraft(brief=known)
    bench.tell("role.started", role=READER, purpose="read-brief")
    draft = bench.once_as(
        f"read/{attempt}",
        BriefDraft,
        lambda: read_brief(bench.client(READER), BriefInputs(sentence=sentence, known=known)),
    )
    bench.tell("brief.read", not_understood=draft.not_understood, questions=draft.questions)
    return draft


def _needs_approval(bench: Workbench, draft: BriefDraft) -> bool:
    """The built-in reader is deterministic and says what it understood; a model may have invented something."""
    return bench.client(READER).name_of(READER) != "offline" and not bench.options.approved


def _settle(bench: Workbench) -> Brief:
    """The brief with what the data say; each thing taken from them is told.

    Raises UsageError where it bounds a metric that the task does not have.
    """
    brief, taken = complete(Brief.model_validate(bench.store.step(bench.run, "understood")), bench.dataset)
    check_measurable(bench.dataset.contract, tuple(brief.constraints.metrics))
    for note in (*taken, *bench.dataset.notes):
        bench.tell("note", text=note)
    bench.store.set_brief(bench.run, brief.model_dump(mode="json"))
    return brief


def complete(brief: Brief, dataset: Dataset) -> tuple[Brief, list[str]]:
    """The brief with task, input and output from the data where it leaves them open, and a sentence on each."""
    contract: Contract = dataset.contract
    found: dict[str, Any] = {"task": contract.task, "input": contract.input, "output": contract.output}
    missing = {name: value for name, value in found.items() if getattr(brief, name) is None}
    said = {
        "task": f"the task is {contract.task.replace('_', ' ')}",
        "input": f"inputs are {contract.input.dtype} of shape {list(contract.input.shape)}",
        "output": f"outputs are of shape {list(contract.output.shape)}",
    }
    return brief.model_copy(update=missing), [f"From the data: {said[name]}." for name in missing]
