"""Every client passes the suite that a user's own client is held to."""

from collections.abc import Callable
from typing import Any

import pytest

from neuromosaic.llm.choose import client_for
from neuromosaic.prompts.roles import load_roles
from neuromosaic.testing import ScriptedClient, check_model_client


@pytest.fixture
def scripts(texts: dict[str, str]) -> dict[str, str]:
    return {
        "Metrics/read-brief": '{"brief": {"task": "classification", "constraints": {"parameters": 20000}}}',
        "Metrics/plan": '{"loss": "cross_entropy", "primary": "accuracy"}',
        "Metrics/judge": texts["judgement"],
        "Compute/envelope": '{"workers": 2, "trials": 12}',
        "Trainer/recipes": '{"recipes": [{"epochs": 20}]}',
        "TestArchitect/suite": texts["suite"],
        "NetworkArchitect/propose": texts["family"],
        "NetworkArchitect/repair": texts["family"],
    }


def test_the_scripted_client(scripts: dict[str, str]) -> None:
    client = ScriptedClient(scripts)
    check_model_client(client)
    assert {f"{request.role}/{request.purpose}" for request in client.requests} == set(scripts)


def test_a_model_behind_a_real_server(scripts: dict[str, str], server: Any) -> None:
    beginnings = {
        "Read what the engineer": "Metrics/read-brief",
        "Fix loss": "Metrics/plan",
        "Judge this round": "Metrics/judge",
        "Lay out": "Compute/envelope",
        "Propose one to four": "Trainer/recipes",
        "Write the test suite": "TestArchitect/suite",
        "Propose a family": "NetworkArchitect/propose",
        "Mend your family": "NetworkArchitect/repair",
    }

    def answer(body: dict[str, Any]) -> str:
        prompt = body["messages"][-1]["content"]
        return next(scripts[kind] for beginning, kind in beginnings.items() if prompt.startswith(beginning))

    server.answers = [answer]
    check_model_client(client_for(["openai/test"], roles=load_roles(), api_base=server.base))


def test_the_offline_designer() -> None:
    pytest.importorskip("neuromosaic.llm.offline.designer")
    check_model_client(client_for(["offline"], roles=load_roles()))


def broken(scripts: dict[str, str], change: dict[str, str]) -> Any:
    return ScriptedClient(scripts | change)


class Wrong:
    """Answers with a type of its own."""

    name = "wrong"

    def ask(self, request: Any) -> Any:
        return {"source": "class Model: ..."}


class Nameless(Wrong):
    name = ""


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda scripts: Nameless(), "name must not be empty"),
        (lambda scripts: broken(scripts, {"Metrics/judge": "no"}), "judge_round: ReplyError: .*no JSON object"),
        (
            lambda scripts: broken(scripts, {"Metrics/plan": '{"loss": "mse", "primary": "luck"}'}),
            "plan_metrics: ReplyError: .*'luck' is not among the metrics",
        ),
    ],
)
def test_a_client_that_does_not_conform_is_told_where(
    make: Callable[[dict[str, str]], Any], told: str, scripts: dict[str, str]
) -> None:
    with pytest.raises(AssertionError, match=told):
        check_model_client(make(scripts))
