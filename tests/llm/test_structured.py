import contextlib
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from neuromosaic.core.brief import Brief
from neuromosaic.core.errors import ReplyError
from neuromosaic.core.proposals import Envelope, FamilyProposal, Request, SuiteProposal
from neuromosaic.core.role_inputs import BriefInputs
from neuromosaic.llm.structured import ReplyFault, Said, read, settle

INPUTS = BriefInputs(sentence="x", known=Brief())


def request_for(reply: type[BaseModel], check: Any = None) -> Request[Any]:
    return Request(role="Compute", purpose="envelope", inputs=INPUTS, reply=reply, check=check)


@pytest.mark.parametrize(
    "text",
    [
        '{"trials": 7, "reason": "a {brace} in a string"}',
        'Here it is:\n```json\n{"trials": 7, "reason": "a {brace} in a string"}\n```\nGood luck.',
        '```\n{"trials": 7, "reason": "a {brace} in a string"}\n```',
        'I take {this}: {"trials": 7, "reason": "a {brace} in a string"}. Done.',
        '<think>{"trials": 9}</think>{"trials": 7, "reason": "a {brace} in a string"}',
        'For example {"trialz": 1}, but: {"trials": 7, "reason": "a {brace} in a string"}',
    ],
)
def test_a_decision_is_found_bare_fenced_or_in_prose(text: str) -> None:
    reply = read(request_for(Envelope), Said(text))
    assert reply == Envelope(trials=7, reason="a {brace} in a string")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "the reply is empty"),
        ("  \n", "the reply is empty"),
        ("no JSON", "holds no JSON object$"),
        ("[1, 2]", "holds no JSON object"),
        ('{"trials": 7', "no JSON object that can be read: .*line 1"),
        ('{"trials": 7,}', "no JSON object that can be read"),
        ('{"fidelity": NaN}', "NaN is not JSON"),
        ('{"a":' * 100_000, "no JSON object"),
        ('{"trials": 0}', r"trials: Input should be greater than or equal to 1 \(not 0\)"),
        ('{"trails": 3}', "trails: Extra inputs are not permitted"),
        ('{"trials": 3} or {"trials": 4}', "2 different JSON objects: send exactly one"),
    ],
)
def test_what_is_wrong_with_a_decision_is_told(text: str, told: str) -> None:
    with pytest.raises(ReplyFault, match=told):
        read(request_for(Envelope), Said(text))


def test_many_faults_are_told_but_not_all() -> None:
    document = json.dumps({f"key{number}": 1 for number in range(100)})
    with pytest.raises(ReplyFault) as caught:
        read(request_for(Envelope), Said(document))
    assert str(caught.value).count("not permitted") == 8


@pytest.mark.parametrize(
    ("model", "space", "told"),
    [
        ("class Model(:\n", "{}", "space.json must be"),
        (
            "class Model(:\n",
            '{"name": "a", "parameters": {}}',
            r"^model.py is not Python, line 1 \(`class Model\(:`\): ",
        ),
        ("class Net: ...\n", '{"name": "a", "parameters": {}}', "must define one class named Model"),
        ("class Model: ...\n", "{", "space.json is not JSON"),
        ("class Model: ...\n", '{"name": "", "parameters": {}}', "name: String should have at least 1 character"),
        ("class Model: ...\n", '{"name": "a", "parameters": {"w": {"type": "int"}}}', "w.int.min: Field required"),
        (
            "class Model: ...\n",
            '{"name": "a", "parameters": {"w": {"type": "int", "min": 9, "max": 1}}}',
            "above max",
        ),
    ],
)
def test_what_is_wrong_with_code_is_told(model: str, space: str, told: str) -> None:
    text = f"```python model.py\n{model}```\n```json space.json\n{space}\n```"
    with pytest.raises(ReplyFault, match=told):
        read(request_for(FamilyProposal), Said(text))


def test_a_suite_without_tests_is_told() -> None:
    with pytest.raises(ReplyFault, match="holds no function named test_"):
        read(request_for(SuiteProposal), Said("```python test_model.py\nfrom model import Model\n```"))


def test_a_check_counts_as_part_of_the_type() -> None:
    def too_many(envelope: Envelope) -> list[str]:
        return [f"trials is {envelope.trials}, but 3 are left"] if envelope.trials > 3 else []

    assert read(request_for(Envelope, too_many), Said('{"trials": 3}')).trials == 3
    with pytest.raises(ReplyFault, match="trials is 4, but 3 are left"):
        read(request_for(Envelope, too_many), Said('{"trials": 4}'))


def test_a_cut_reply_is_told_to_be_shorter() -> None:
    with pytest.raises(ReplyFault, match=r"cut off at the limit of tokens, so be shorter: .*no JSON object"):
        read(request_for(Envelope), Said('{"trials":', truncated=True))


def test_one_repair_turn_quotes_the_fault_then_it_is_an_error() -> None:
    told: list[str | None] = []

    def saying(*texts: str) -> Callable[[str | None], Said]:
        left = list(texts)

        def say(fault: str | None) -> Said:
            told.append(fault)
            return Said(left.pop(0))

        return say

    assert settle(request_for(Envelope), saying("hm", '{"trials": 2}'), "it").trials == 2
    assert told == [None, "the reply holds no JSON object"]
    with pytest.raises(ReplyError, match=r"it, asked as Compute to 'envelope', gave no usable reply, .*: .*no JSON"):
        settle(request_for(Envelope), saying("hm", "hm"), "it")


@given(
    st.builds(
        Envelope,
        workers=st.integers(1, 64),
        trials=st.integers(1, 10**6),
        fidelity=st.floats(1e-6, 1),
        reason=st.text(max_size=60).filter(lambda text: "think>" not in text and "\r" not in text),
    ),
    st.sampled_from(["{}", "Well:\n```json\n{}\n```\nYes.", "My choice is {} indeed"]),
)
def test_every_decision_comes_back_from_its_json(envelope: Envelope, frame: str) -> None:
    text = frame.replace("{}", envelope.model_dump_json())
    assert read(request_for(Envelope), Said(text)) == envelope


@given(st.text('{}[]"`:,a1 \n\\', max_size=200))
def test_no_text_breaks_the_reading(text: str) -> None:
    for reply in (Envelope, FamilyProposal):
        with contextlib.suppress(ReplyFault):
            assert isinstance(read(request_for(reply), Said(text)), reply)
