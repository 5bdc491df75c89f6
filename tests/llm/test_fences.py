import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuromosaic.llm.fences import FenceError, files_in, json_blocks, without_thinking

CODE = "class Model:\n    pass\n"
FAMILY = {"model.py": "python", "space.json": "json"}


@pytest.mark.parametrize(
    "text",
    [
        "Text.\n\n```python model.py\nclass Model:\n    pass\n```\nMore.",
        "```model.py\nclass Model:\n    pass\n```",
        "```python:model.py\nclass Model:\n    pass\n```",
        '```python title="model.py"\nclass Model:\n    pass\n```',
        "```python ./model.py\nclass Model:\n    pass\n```",
        "**model.py**\n\n```python\nclass Model:\n    pass\n```",
        "### File: `model.py`\n```py\nclass Model:\n    pass\n```",
        "```python\nclass Model:\n    pass\n```",
        "```\nclass Model:\n    pass\n```",
        "~~~python model.py\nclass Model:\n    pass\n~~~",
        "````python model.py\nclass Model:\n    pass\n````",
        "1. the file:\n   ```python model.py\n   class Model:\n       pass\n   ```",
        "```python model.py\r\nclass Model:\r\n    pass\r\n```\r\n",
        "```python model.py\nclass Model:\n    pass\n```\nUse it so:\n```python\nModel()\n```",
        "```python model.py\nclass Model:\n    pass\n```\n```python model.py\nclass Model:\n    pass\n```",
        "<think>\nmaybe\n```python\nclass Other: ...\n```\n</think>\n```python\nclass Model:\n    pass\n```",
        "maybe\n```python\nclass Other: ...\n```\n</think>\n```python\nclass Model:\n    pass\n```",
    ],
)
def test_finds_the_file_however_it_is_named(text: str) -> None:
    files, _ = files_in(without_thinking(text), {"model.py": "python"})
    assert files == {"model.py": CODE}


def test_tells_two_files_apart_and_returns_the_prose() -> None:
    text = 'Why.\n```json\n{"name": "a"}\n```\n\nAnd:\n```python\nclass Model:\n    pass\n```\nEnd.'
    files, prose = files_in(text, FAMILY)
    assert files == {"model.py": CODE, "space.json": '{"name": "a"}\n'}
    assert prose.split() == ["Why.", "And:", "End."]


def test_a_first_line_that_is_a_comment_names_the_file() -> None:
    text = "```python\n# model.py\nclass Model: ...\n```\n```python\n# usage.py\nModel()\n```"
    files, _ = files_in(text, {"model.py": "python"})
    assert "class Model" in files["model.py"]


def test_a_heading_for_another_language_names_nothing() -> None:
    text = 'The space.json below fits.\n```python\nclass Model:\n    pass\n```\n```json\n{"a": 1}\n```'
    files, _ = files_in(text, FAMILY)
    assert files["model.py"] == CODE


def test_test_model_is_not_model() -> None:
    text = "```python test_model.py\ndef test(): ...\n```\n```python model.py\nclass Model:\n    pass\n```"
    files, _ = files_in(text, {"model.py": "python"})
    assert files["model.py"] == CODE


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Sorry, no.", r"no block for model.py: open one with ```python model.py"),
        ("```python model.py\nclass Model:\n", "model.py is cut off"),
        ("```python\nA = 1\n```\n```python\nB = 2\n```", "2 blocks that may be model.py, none named so"),
        ("```python model.py\nA = 1\n```\n```python model.py\nB = 2\n```", "2 blocks .* all named so"),
        ("```\nno code: at all!\n```", "no block for model.py"),
        ("inline ```python model.py``` only", "no block"),
    ],
)
def test_what_is_not_there_or_not_once_is_told(text: str, told: str) -> None:
    with pytest.raises(FenceError, match=told):
        files_in(text, {"model.py": "python"})


def test_two_files_of_one_language_must_be_named() -> None:
    with pytest.raises(FenceError, match=r"no block for a\.py"):
        files_in("```python\nA = 1\n```", {"a.py": "python", "b.py": "python"})


def test_thinking_that_never_ends_leaves_nothing() -> None:
    assert without_thinking("<think> and on and on ```python\nA = 1\n```") == ""


def test_a_word_about_thinking_is_left_alone() -> None:
    assert without_thinking("we say <think> and </think> here") == "we say <think> and </think> here"


def test_json_blocks_are_those_closed_and_not_of_another_language() -> None:
    assert json_blocks('```json\n{"a": 1}\n```\n```\n{"b": 2}\n```\n```python\nx\n```\n```json\n{"c"') == [
        '{"a": 1}\n',
        '{"b": 2}\n',
    ]


def test_broken_code_ends_at_its_own_fence() -> None:
    text = '```python model.py\nclass Model(:\n```\n```json space.json\n{"a": 1}\n```'
    files, _ = files_in(text, FAMILY)
    assert files == {"model.py": "class Model(:\n", "space.json": '{"a": 1}\n'}


@given(
    docstring=st.lists(
        st.one_of(st.sampled_from(["```", "```python", "``` ", "~~~", "text", ""]), st.text("ab `~#\t", max_size=8)),
        max_size=6,
    ),
    fence=st.sampled_from(["```", "````", "~~~"]),
    ends=st.sampled_from(["\n", "\r\n"]),
)
def test_code_comes_back_as_it_was_whatever_its_strings_hold(docstring: list[str], fence: str, ends: str) -> None:
    lines = ['"""', *docstring, '"""', "class Model:", "    pass"]
    code = "\n".join(lines) + "\n"
    text = ends.join(
        ["Prose.", f"{fence}python model.py", *lines, fence, "and", f"{fence}json", '{"a": 1}', fence, ""]
    )
    files, _ = files_in(without_thinking(text), FAMILY)
    assert files == {"model.py": code, "space.json": '{"a": 1}\n'}


LOSS = "```python loss.py\nclass Loss: ...\n```\n"
MODEL = "```python model.py\nclass Model: ...\n```\n"


@pytest.mark.parametrize("reply", [LOSS + MODEL, MODEL + LOSS, MODEL.replace(" model.py", "") + LOSS])
def test_an_optional_file_is_told_from_the_one_that_is_wanted(reply: str) -> None:
    files, _ = files_in(reply, {"model.py": "python"}, {"loss.py": "python"})
    assert files == {"model.py": "class Model: ...\n", "loss.py": "class Loss: ...\n"}


def test_an_optional_file_may_be_absent() -> None:
    assert set(files_in(MODEL, {"model.py": "python"}, {"loss.py": "python"})[0]) == {"model.py"}


def test_an_optional_file_that_is_cut_off_is_a_fault() -> None:
    with pytest.raises(FenceError, match=r"block of loss\.py is cut off"):
        files_in(MODEL + LOSS.removesuffix("```\n"), {"model.py": "python"}, {"loss.py": "python"})
