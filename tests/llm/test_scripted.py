import json
from pathlib import Path
from typing import Any

import pytest

from neuromosaic.core.errors import ReplyError, UsageError
from neuromosaic.core.proposals import FamilyProposal, Judgement, Request
from neuromosaic.llm.scripted import ScriptedClient

CERTIFY, GO_ON = '{"decision": "certify"}', '{"decision": "continue"}'


def family(name: str) -> str:
    space = f'{{"name": "{name}", "parameters": {{}}}}'
    return f"```python model.py\nclass Model: ...\n```\n```json space.json\n{space}\n```"


def test_answers_in_order_and_repeats_the_last(judge_request: Request[Judgement]) -> None:
    client = ScriptedClient({"Metrics/judge": [GO_ON, CERTIFY]})
    assert [client.ask(judge_request).decision for _ in range(3)] == ["continue", "certify", "certify"]
    assert client.requests == [judge_request] * 3


def test_each_place_gets_its_own_text_whatever_the_order(family_request: Request[FamilyProposal]) -> None:
    client = ScriptedClient({"NetworkArchitect/propose": [family(name) for name in "abcd"]})

    def named(slot: int, round_: int) -> str:
        inputs = family_request.inputs.model_copy(update={"slot": slot, "round": round_})
        return client.ask(family_request.model_copy(update={"inputs": inputs})).name

    assert [named(2, 0), named(0, 0), named(1, 0), named(0, 1), named(2, 1)] == ["c", "a", "b", "d", "d"]


def test_goes_through_the_repair_turn(judge_request: Request[Judgement]) -> None:
    client = ScriptedClient({"Metrics/judge": "hm", "Metrics/judge/mend": CERTIFY})
    assert client.ask(judge_request).decision == "certify"
    with pytest.raises(ReplyError, match="no JSON object"):
        ScriptedClient({"Metrics/judge": "hm"}).ask(judge_request)


def test_a_missing_reply_is_told(judge_request: Request[Judgement]) -> None:
    with pytest.raises(ReplyError, match=r"scripted has no reply for Metrics/judge \(it has: Trainer/recipes\)"):
        ScriptedClient({"Trainer/recipes": "x"}).ask(judge_request)


def test_reads_a_folder(judge_request: Request[Judgement], tmp_path: Path) -> None:
    files = {"Metrics.judge.md": "hm", "Metrics.judge.10.md": CERTIFY, "Metrics.judge.2.md": GO_ON, "notes.txt": "no"}
    files["Metrics.judge.mend.md"] = GO_ON
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    client = ScriptedClient.from_path(tmp_path)
    assert client.name == f"scripted:{tmp_path.name}"
    assert [client.ask(judge_request).decision for _ in range(3)] == ["continue", "continue", "certify"]


def test_reads_a_file(judge_request: Request[Judgement], tmp_path: Path) -> None:
    path = tmp_path / "replies.json"
    path.write_text(json.dumps({"Metrics/judge": [CERTIFY]}))
    assert ScriptedClient.from_path(path).ask(judge_request).decision == "certify"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"{", "are not JSON"),
        (b"[]", "must be a JSON object"),
        (b'{"a/b": [1]}', "must be a JSON object"),
        (b'{"a/b": []}', "must be a JSON object"),
        (b"{}", "holds no replies"),
        (b"\xff\xfe", "cannot read"),
    ],
)
def test_a_broken_file_is_told(content: bytes, told: str, tmp_path: Path) -> None:
    path = tmp_path / "replies.json"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=told):
        ScriptedClient.from_path(path)


def test_an_empty_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds no replies"):
        ScriptedClient.from_path(tmp_path)


def test_is_public_for_tests_of_others() -> None:
    from neuromosaic import testing

    assert testing.ScriptedClient is ScriptedClient


def test_place_needs_all_of_slot_and_slots(judge_request: Request[Judgement]) -> None:
    client: Any = ScriptedClient({"Metrics/judge": [GO_ON, CERTIFY]})
    later = judge_request.model_copy(update={"inputs": judge_request.inputs.model_copy(update={"round": 1})})
    assert client.ask(later).decision == "continue"
