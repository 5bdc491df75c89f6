# ruff: noqa: E501  (one case a line reads best)
"""Summary, difference, similarity, picture, archive, and the examples of the documentation."""

import doctest
import importlib
import random
import re
from xml.etree import ElementTree

import pytest

from neuromosaic.core.architecture.archive import Archive
from neuromosaic.core.architecture.notation import parse_spec
from neuromosaic.core.architecture.picture import picture
from neuromosaic.core.architecture.spec import ArchitectureSpec
from neuromosaic.core.architecture.summary import diff, similarity, summary
from neuromosaic.core.errors import ArchitectureError
from tests.core.architecture.random_specs import random_spec

ONE = "input x[3, 8, 8]\na = conv(8) > relu > global_pool"
SPECS = [parse_spec(ONE), parse_spec("input x[3, 8, 8]\nconv(4) > relu"), parse_spec("input x[8]\nlinear(2)")]


@pytest.mark.parametrize("name", ["spec", "summary", "archive", "notation.template"])
def test_the_examples_run(name: str) -> None:
    module = importlib.import_module(f"neuromosaic.core.architecture.{name}")
    found = doctest.testmod(module)
    assert (found.failed, found.attempted > 0) == (0, True)


def test_the_summary_has_a_line_for_each_layer_and_the_sum() -> None:
    lines = summary(SPECS[0]).splitlines()
    assert lines[-1].split() == ["total", "224", "27,648"]
    assert len(lines) == 5


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (ONE, []),
        (ONE.replace("8)", "8, kernel=5)"), ["a: kernel its default became 5", "224 parameters became 608", "27,648 FLOPs became 76,800"]),
        (ONE.replace("relu", "gelu"), ["relu1 (relu) was taken out", "gelu1 (gelu) was added"]),
        (ONE + "\nlinear(2)\noutput global_pool1, linear1", ["linear1 (linear) was added", "the outputs global_pool1 became global_pool1, linear1", "224 parameters became 242", "27,648 FLOPs became 27,680"]),
    ],
)  # fmt: skip
def test_a_difference_is_told_in_words(other: str, words: list[str]) -> None:
    assert diff(parse_spec(ONE), parse_spec(other)) == words


def test_similarity_is_symmetric_and_one_for_the_same_network_alone() -> None:
    draw = random.Random(0)
    specs = [random_spec(draw) for _ in range(20)]
    for one in specs:
        for other in specs:
            value = similarity(one, other)
            assert 0 <= value <= 1
            assert value == similarity(other, one)
            assert (value == 1) == (one.id == other.id)


def test_a_picture_has_a_box_for_each_layer_and_an_arrow_for_each_connection() -> None:
    draw = random.Random(1)
    for _ in range(20):
        spec = random_spec(draw)
        tree = ElementTree.fromstring(picture(spec))
        name = "{http://www.w3.org/2000/svg}"
        assert len(tree.findall(f"{name}rect")) == 1 + len(spec.layers) + len(spec.inputs)
        assert len(tree.findall(f"{name}path")) == len(spec.connections)


def test_no_arrow_of_a_picture_crosses_a_box() -> None:
    spec = parse_spec(
        "input x[1, 8, 8]\nstem = conv(8)\nleft: conv(8) > relu > conv(8)\nright: max_pool[stem](3, stride=1)\nadd[left, right]"
    )
    tree = ElementTree.fromstring(picture(spec))
    name = "{http://www.w3.org/2000/svg}"
    boxes = [
        [float(box.get(side)) for side in ("x", "y", "width", "height")] for box in tree.findall(f"{name}rect[@rx]")
    ]
    ways = [path.get("d") for path in tree.findall(f"{name}path")]
    straight = [(float(x), float(y)) for way in ways for x, y in re.findall(r"([-\d.]+) [-\d.]+V([-\d.]+)", way)]
    assert straight, "one connection passes two rows"
    for x, y in straight:
        assert not any(left < x < left + width and top < y < top + height + 1 for left, top, width, height in boxes)


def test_the_archive_ranks_by_any_metric_and_survives_a_document() -> None:
    archive = Archive()
    for spec, accuracy in zip(SPECS, (0.5, 0.9, float("nan")), strict=True):
        archive.add(spec, {"accuracy": accuracy, "latency": 1 - accuracy})
    archive.add(SPECS[0], {"size": 3.0})
    again = Archive.from_dict(archive.to_dict())
    assert [spec.id for spec in again.top(5, "accuracy")] == [SPECS[1].id, SPECS[0].id]
    assert [spec.id for spec in again.top(1, "latency", "minimize")] == [SPECS[1].id]
    assert again.get(SPECS[0].id).metrics == {"accuracy": 0.5, "latency": 0.5, "size": 3.0}


def test_what_the_archive_does_not_have_is_an_error() -> None:
    archive = Archive()
    archive.add(SPECS[0], {"accuracy": 0.5})
    with pytest.raises(ArchitectureError, match="did you mean 'accuracy'"):
        archive.top(1, "acuracy")
    with pytest.raises(ArchitectureError, match="has the id"):
        archive.get("0")
    with pytest.raises(ArchitectureError, match=r"^architectures\[0\]: the key 'inputs' is missing"):
        Archive.from_dict({"architectures": [{}]})


def test_nothing_of_pytorch_is_loaded_for_it() -> None:
    import subprocess
    import sys

    code = (
        "import sys; from neuromosaic.core.architecture.notation import parse_spec; "
        "parse_spec('input x[8]\\nlinear(2)').to_source(); assert 'torch' not in sys.modules"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_chain_is_the_notation_in_a_row() -> None:
    assert ArchitectureSpec.chain((8,), ("linear", {"features": 2})) == SPECS[2]
