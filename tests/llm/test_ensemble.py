"""Several models at one seat: who earned most for the cost is asked most."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from neuromosaic.core.errors import ModelUnavailableError, UsageError
from neuromosaic.core.proposals import FamilyProposal, Judgement, Request
from neuromosaic.core.role_inputs import FamilyInputs, Trace
from neuromosaic.llm.choose import client_for
from neuromosaic.llm.ensemble import Ensemble, deal, relative_costs, rewards
from neuromosaic.llm.fallback import FallbackClient
from neuromosaic.llm.scripted import ScriptedClient
from neuromosaic.prompts.roles import load_roles

NAMES = ["a", "b"]


def trace(by: str, accuracy: float | None, cost: float | None = None, tokens: int = 0) -> Trace:
    outcome = "rejected" if accuracy is None else "accepted"
    metrics = {} if accuracy is None else {"accuracy": accuracy}
    return Trace(family="x", designed_by=by, outcome=outcome, metrics=metrics, cost_usd=cost, tokens=tokens)


def dealt(history: tuple[Trace, ...], slots: int = 8) -> Counter[str]:
    return Counter(deal(NAMES, history, slot)[0] for slot in range(slots))


def test_at_first_each_is_asked_in_turn() -> None:
    assert [deal(NAMES, (), slot)[0] for slot in range(4)] == ["a", "b", "a", "b"]
    assert deal(NAMES, (), 0) == ["a", "b"]


def test_who_earned_more_at_the_same_cost_is_asked_more() -> None:
    history = tuple(trace("a", None) for _ in range(6)) + tuple(trace("b", 0.9) for _ in range(6))
    assert dealt(history)["b"] >= 7
    assert dealt(history, 200)["a"] > 0  # in the long run it is tried again


def test_who_costs_a_tenth_is_asked_more_at_the_same_earnings() -> None:
    history = tuple(trace(by, 0.9, cost) for by, cost in [("a", 1.0), ("b", 0.1)] * 4)
    assert dealt(history)["b"] >= 6
    in_tokens = tuple(trace(by, 0.9, None, tokens) for by, tokens in [("a", 9000), ("b", 900)] * 4)
    assert dealt(in_tokens) == dealt(history)


def test_a_cheap_model_that_earns_nothing_is_left_for_a_dear_one_that_does() -> None:
    history = tuple(trace("a", 0.9, 1.0) for _ in range(20)) + tuple(trace("b", None, 0.5) for _ in range(60))
    assert dealt(history)["a"] >= 6


def test_rewards_are_ranks() -> None:
    history = [trace("a", 0.7), trace("a", None), trace("b", 0.9), trace("b", 0.8)]
    assert rewards(history) == [0.5, 0.0, 1.0, 0.75]
    losses = [Trace(family="x", designed_by="a", outcome="accepted", metrics={"rmse": value}) for value in (2.0, 1.0)]
    assert rewards(losses) == [0.5, 1.0]


def test_costs_are_relative_and_never_nothing() -> None:
    assert relative_costs(NAMES, [trace("a", 0.9, 0.0), trace("b", 0.9, 2.0)]) == {"a": 0.05, "b": 1.0}
    assert relative_costs(NAMES, [trace("a", 0.9, 0.0)]) == {"a": 1.0, "b": 1.0}
    assert relative_costs(NAMES, []) == {"a": 1.0, "b": 1.0}


def members(family: str) -> tuple[ScriptedClient, ScriptedClient]:
    texts = {"NetworkArchitect/propose": family, "Metrics/judge": '{"decision": "certify"}'}
    return ScriptedClient(texts, "a"), ScriptedClient(texts, "b")


def test_the_designer_is_told_by_its_own_name(
    family_request: Request[FamilyProposal], judge_request: Request[Judgement], texts: dict[str, str]
) -> None:
    client = FallbackClient([Ensemble(members(texts["family"]))])
    assert client.name == "a + b"

    def designer(slot: int) -> str:
        inputs = family_request.inputs.model_copy(update={"slot": slot})
        assert isinstance(inputs, FamilyInputs)
        return client.ask_named(family_request.model_copy(update={"inputs": inputs}))[1]

    assert [designer(slot) for slot in range(3)] == ["a", "b", "a"]
    assert client.ask_named(judge_request)[1] == "a"


def test_where_one_member_fails_the_next_is_asked(
    family_request: Request[FamilyProposal], texts: dict[str, str]
) -> None:
    class Silent:
        name = "silent"

        def ask(self, request: Any) -> Any:
            raise ModelUnavailableError("silent is not there")

    client = FallbackClient([Ensemble([Silent(), members(texts["family"])[0]])])
    assert client.ask_named(family_request)[1] == "a"


def test_an_ensemble_is_named_by_its_members(tmp_path: Path) -> None:
    (tmp_path / "Metrics.judge.md").write_text("x")
    client = client_for([f"ensemble:openai/x+scripted:{tmp_path}"], roles=load_roles())
    assert client.name == f"openai/x + scripted:{tmp_path.name}"
    with pytest.raises(UsageError, match="is no ensemble: name several models"):
        client_for(["ensemble:openai/x"], roles=load_roles())
