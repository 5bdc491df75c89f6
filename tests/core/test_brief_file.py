"""A brief file is read whole, or refused with the file, the field and what to do."""

from pathlib import Path

import pytest

from neuromosaic.core.brief_file import read_brief_file
from neuromosaic.core.errors import BriefError


def written(tmp_path: Path, text: str, name: str = "brief.yaml") -> Path:
    path = tmp_path / name
    path.write_text(text)
    return path


def test_a_yaml_brief_is_read(tmp_path: Path) -> None:
    brief = read_brief_file(
        written(tmp_path, "sentence: classify digits\ndata: digits\nconstraints: {parameters: 20000}\nseed: 3\n")
    )
    assert (brief.data, brief.constraints.parameters, brief.seed) == ("digits", 20000, 3)


def test_json_is_read_too(tmp_path: Path) -> None:
    assert read_brief_file(written(tmp_path, '{"data": "digits"}', "brief.json")).data == "digits"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("constraint: {}", "constraint is no field of a brief: did you mean 'constraints'"),
        ("constraints: {paramters: 3}", "constraints.paramters is no field of a brief: did you mean 'parameters'"),
        ("zebra: 3", "zebra is no field of a brief: known are sentence, task"),
        ("seed: -1", "seed: Input should be greater than or equal to 0, not -1"),
        ("budget: {trials: many}", "budget.trials: .*not 'many'"),
        ("a: [1", "line 1 is not YAML"),
        ("- 1\n- 2", "must hold fields .* not list"),
    ],
)
def test_a_faulty_brief_is_refused_with_the_place_of_the_fault(tmp_path: Path, text: str, fault: str) -> None:
    with pytest.raises(BriefError, match=fault):
        read_brief_file(written(tmp_path, text))


def test_a_missing_or_unreadable_brief_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BriefError, match="there is no brief"):
        read_brief_file(tmp_path / "none.yaml")
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BriefError, match="cannot read the brief"):
        read_brief_file(tmp_path / "binary.yaml")
