"""For those who write their own parts: conformance suites, and a model client with replies written beforehand."""

from collections.abc import Callable
from typing import Any

from pydantic import BaseModel

from neuromosaic.core.brief import Brief, Budget, Constraints, Contract, TensorSpec
from neuromosaic.core.errors import NeuromosaicError
from neuromosaic.core.proposals import (
    BriefDraft,
    Envelope,
    FamilyProposal,
    Judgement,
    MetricsPlan,
    RecipeProposal,
    SuiteProposal,
)
from neuromosaic.core.registration.conformance import check_architecture
from neuromosaic.core.role_inputs import (
    BriefInputs,
    ComputeInputs,
    DataSummary,
    FamilyInputs,
    Finding,
    Hardware,
    JudgementInputs,
    MetricsInputs,
    RecipeInputs,
    SuiteInputs,
    Trace,
)
from neuromosaic.llm.protocols import ModelClient
from neuromosaic.llm.scripted import ScriptedClient

__all__ = ["ScriptedClient", "check_architecture", "check_model_client", "example_hardware", "example_task"]

SENTENCE = "classify 8x8 grey images of handwritten digits, under 20k parameters, under 1 ms per image on CPU"


def check_model_client(client: ModelClient) -> None:
    """Asks one of each request, as for the built-in digits, and checks the typed replies as a run would.

    Raises AssertionError naming the request and the fault. A real model is asked nine times.
    """
    assert isinstance(client.name, str), "name must be a string"
    assert client.name, "name must not be empty: reports call the client by it"
    suite = _asked(client, "write_suite", SuiteInputs(**example_task()), SuiteProposal)
    family = _asked(client, "propose_family", _family_inputs(suite.source), FamilyProposal)
    finding = Finding(
        gate="shape", code="parameters", message="the default point has 30000 parameters, at most 20000"
    )
    repair = _family_inputs(suite.source, previous=family.source, findings=(finding,))
    _asked(client, "propose_family", repair, FamilyProposal)
    for function, inputs, reply in _decisions(family.name):
        _asked(client, function, inputs, reply)


def _asked(client: ModelClient, function: str, inputs: BaseModel, reply: type[BaseModel]) -> Any:
    try:
        answer = _role_functions()[function](client, inputs)
    except NeuromosaicError as error:
        raise AssertionError(f"{client.name}: {function}: {type(error).__name__}: {error}") from error
    assert isinstance(answer, reply), f"{client.name}: {function}: gave {type(answer).__name__}, not {reply.__name__}"
    return answer


def _role_functions() -> dict[str, Callable[[ModelClient, Any], BaseModel]]:
    from neuromosaic.agents import compute, intake, metrics, network_architect, test_architect, trainer

    return {
        "read_brief": intake.read_brief,
        "plan_envelope": compute.plan_envelope,
        "plan_metrics": metrics.plan_metrics,
        "write_suite": test_architect.write_suite,
        "propose_family": network_architect.propose_family,
        "propose_recipes": trainer.propose_recipes,
        "judge_round": metrics.judge_round,
    }


def _decisions(family: str) -> list[tuple[str, BaseModel, type[BaseModel]]]:
    task, hardware = example_task(), example_hardware()
    trace = Trace(family=family, designed_by="conformance", outcome="accepted", metrics={"val_accuracy": 0.96})
    judged = JudgementInputs(**task, round=0, rounds=2, history=(trace,), unmet=("accuracy is 0.96, at least 0.97",))
    recipes = RecipeInputs(
        **task, hardware=hardware, families=(family,), loss="cross_entropy", seconds_per_epoch=0.4, seconds=90
    )
    available = ("accuracy", "balanced_accuracy", "loss")
    return [
        ("read_brief", BriefInputs(sentence=SENTENCE, known=Brief(data="digits")), BriefDraft),
        ("plan_envelope", ComputeInputs(**task, hardware=hardware), Envelope),
        ("plan_metrics", MetricsInputs(**task, available=available), MetricsPlan),
        ("propose_recipes", recipes, RecipeProposal),
        ("judge_round", judged, Judgement),
        ("judge_round", judged.model_copy(update={"round": 1, "unmet": (), "beats_baseline": True}), Judgement),
    ]


def _family_inputs(suite: str, previous: str | None = None, findings: tuple[Finding, ...] = ()) -> FamilyInputs:
    return FamilyInputs(
        **example_task(),
        hardware=example_hardware(),
        slot=0,
        slots=3,
        suite=suite,
        previous=previous,
        findings=findings,
    )


def example_task() -> dict[str, Any]:
    """Brief, contract and data of the built-in digits: the fields that the inputs of most requests share."""
    return {
        "brief": Brief(
            sentence=SENTENCE,
            constraints=Constraints(parameters=20_000, latency_ms=1.0),
            budget=Budget(trials=12),
            device="cpu",
        ),
        "contract": Contract(
            task="classification",
            input=TensorSpec(shape=(1, 8, 8)),
            output=TensorSpec(shape=(10,)),
            kind="image",
        ),
        "data": DataSummary(
            name="digits",
            kind="image",
            train=1149,
            validation=288,
            test=360,
            classes=tuple("0123456789"),
            class_counts=(114, 116, 113, 117, 116, 116, 116, 115, 111, 115),
        ),
    }


def example_hardware() -> Hardware:
    """A small machine."""
    return Hardware(device="cpu", name="two cores", cores=2, memory_gb=8, gflops=40)
