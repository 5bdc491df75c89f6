"""The same space, written in TOML, YAML, JSON or annotations."""

import random
from typing import Annotated, Literal

import pytest

from neuromosaic.core.errors import SpaceError
from neuromosaic.core.space.annotated import Ordinal, Range, When, space_of
from neuromosaic.core.space.files import read_space
from neuromosaic.core.space.space import SearchSpace

TOML = """
name = "small"
constraints = ["depth * width < 200"]
[parameters]
depth = {type = "int", min = 1, max = 8}
width = {type = "int", min = 8, max = 64, step = 8}
rate = {type = "float", min = 1e-4, max = 1e-1, log = true}
norm = {type = "categorical", values = ["none", "batch"]}
bias = {type = "bool"}
groups = {type = "ordinal", values = [1, 2, 4], when = {norm = "batch"}}
"""
YAML = """
name: small
constraints: ["depth * width < 200"]
parameters:
  depth: {type: int, min: 1, max: 8}
  width: {type: int, min: 8, max: 64, step: 8}
  rate: {type: float, min: 1e-4, max: 1e-1, log: true}
  norm: {type: categorical, values: [none, batch]}
  bias: {type: bool}
  groups: {type: ordinal, values: [1, 2, 4], when: {norm: [batch]}}
"""


class Net:
    def __init__(
        self,
        depth: Annotated[int, Range(1, 8)],
        width: Annotated[int, Range(8, 64, step=8)],
        rate: Annotated[float, Range(1e-4, 1e-1, log=True)],
        norm: Literal["none", "batch"],
        bias: bool,
        groups: Annotated[int, Ordinal(1, 2, 4), When(norm="batch")] = 1,
        name: str = "net",
    ) -> None:
        self.point = {"depth": depth, "width": width, "rate": rate, "norm": norm, "bias": bias}


@pytest.mark.parametrize(("suffix", "text"), [("toml", TOML), ("yaml", YAML), ("yml", YAML)])
def test_files_and_annotations_describe_the_same_space(tmp_path, suffix, text) -> None:
    path = tmp_path / f"space.{suffix}"
    path.write_text(text)
    read = read_space(path)
    annotated = space_of(Net, ["depth * width < 200"])
    assert read.name == "small"
    assert read.sample_many(30, 1) == annotated.sample_many(30, 1)


def test_a_written_space_is_read_again(tmp_path) -> None:
    import json

    path = tmp_path / "space.json"
    space = space_of(Net, ["depth * width < 200"], name="net")
    path.write_text(json.dumps(space.to_dict()))
    assert read_space(path).to_dict() == space.to_dict()


def test_a_point_of_annotations_builds_one() -> None:
    space = space_of(Net)
    point = space.sample(random.Random(0))
    built = space.architecture(point)
    assert isinstance(built, Net)
    assert built.point.items() <= point.items()


@pytest.mark.parametrize(
    ("name", "text", "fault"),
    [
        ("s.toml", "parameters = 3", "s.toml: parameters: give a mapping of names"),
        ("s.toml", "[parameters\n", "s.toml is not TOML: .*line 1"),
        ("s.yaml", "parameters: [", "s.yaml: line 1, column 14: "),
        ("s.yaml", "parameters:\n  p: {type: bool}\n  p: {type: int}", "s.yaml: p: stands there twice"),
        ("s.json", '{"parameters": {}, "parameters": {}}', "s.json: parameters: stands there twice"),
        ("s.json", "{", "s.json is not JSON"),
        ("s.json", '{"parameters": {}, "constraint": []}', "constraint: unknown key .did you mean 'constraints'"),
        ("s.toml", "constraints = ['widht > 3']\n[parameters]\nwidth = {type = 'int', min = 1, max = 3}",
         "s.toml: constraints.0.: 'widht' is no parameter .did you mean 'width'"),
        ("s.ini", "", "a space is a file that ends in .toml, .yaml"),
        ("s.txt", "", "s.txt: a network has at least one input: begin with a line such as `input x"),
        ("s.yaml", b"\xff\xfe\x00", "cannot read|special characters"),
    ],
)  # fmt: skip
def test_faulty_files_are_refused_by_name_and_path(tmp_path, name, text, fault) -> None:
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(SpaceError, match=fault):
        read_space(path)


def test_a_missing_file_is_told() -> None:
    with pytest.raises(SpaceError, match=r"there is no file nowhere\.toml"):
        read_space("nowhere.toml")


def unknown(width: "Annotated[int, Rnge(1, 2)]") -> None: ...  # type: ignore[name-defined]  # noqa: F821
def text(width: Annotated[str, Range(1, 2)]) -> None: ...
def stepped(width: Annotated[float, Range(1, 2, step=1)]) -> None: ...
def bare(width: int) -> None: ...
def conditional(norm: bool, groups: Annotated[int, Range(1, 2), When(norm=True)]) -> None: ...
def unranged(norm: bool, groups: Annotated[int, When(norm=True)] = 1) -> None: ...


@pytest.mark.parametrize(
    ("function", "fault"),
    [
        (unknown, "annotations cannot be read: name 'Rnge'"),
        (text, "width: a Range is of int or float"),
        (stepped, "width: a float has no step"),
        (bare, "width: give it a range, choices or a default"),
        (conditional, "groups: give it a range, choices or a default"),
        (unranged, "groups: When needs a range or choices"),
    ],
)
def test_annotations_that_describe_no_space_are_refused(function, fault) -> None:
    with pytest.raises(SpaceError, match=fault):
        space_of(function)


def test_arguments_with_a_default_and_no_range_are_not_searched() -> None:
    def net(bias: bool, *layers: int, dropout: float = 0.1, **rest: int) -> None: ...

    assert list(space_of(net).parameters) == ["bias"]
    assert isinstance(space_of(net), SearchSpace)
