"""Proposed source becomes a module, and what is wrong with it is told by line and layer."""

import inspect
import random
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from neuromosaic.core.errors import CandidateError
from neuromosaic.core.protocols import Program
from neuromosaic.core.workers.source import attributed, build, load_model_class, seed_everything, with_defaults

SOURCE = """\
import torch
from torch import nn

class Model(nn.Module):
    def __init__(self, width: int = 4, *, depth: int = 1):
        super().__init__()
        self.net = nn.Sequential(*[nn.Linear(width, width) for _ in range(depth)])

    def forward(self, x):
        return self.net(x)
"""


@pytest.fixture(autouse=True)
def modules() -> Iterator[None]:
    path = list(sys.path)
    yield
    sys.path[:] = path
    sys.modules.pop("model", None)


def test_the_same_seed_gives_the_same_weights(tmp_path: Path) -> None:
    one, other = (build(Program(SOURCE, {"width": 3}, 5), tmp_path) for _ in range(2))
    third = build(Program(SOURCE, {"width": 3}, 6), tmp_path)
    weights = [module.state_dict()["net.0.weight"] for module in (one, other, third)]
    assert weights[0].shape == (3, 3)
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_one_seed_for_every_generator() -> None:
    import numpy as np

    draws = []
    for _ in range(2):
        seed_everything(2**40)
        draws.append((random.random(), float(torch.rand(())), np.random.rand()))
    assert draws[0] == draws[1]


@pytest.mark.parametrize(
    ("source", "code", "line", "words"),
    [
        ("import torch\nclass Model(:\n", "syntax", 2, "SyntaxError"),
        ("x = 1\x00", "syntax", None, "null bytes"),
        ("x = '\ud800'", "import", None, "UnicodeEncodeError"),
        ("import torch\nimport nonesuch\n", "import", 2, "ModuleNotFoundError: No module named 'nonesuch'"),
        ("1 / 0", "import", 1, "ZeroDivisionError"),
        ("raise SystemExit", "import", 1, "SystemExit"),
        ("class Net: pass", "no-model", None, "class Model"),
        ("class Model: pass", "no-model", None, "nn.Module"),
        ("Model = 3", "no-model", None, "class Model"),
        (SOURCE.replace("super().__init__()", "raise ValueError('no\\nway')"), "constructor", 6, "ValueError: no"),
        (SOURCE.replace("width: int", "height: int"), "constructor", None, "unexpected keyword argument 'width'"),
    ],
)
def test_what_cannot_be_built_says_why_and_where(
    tmp_path: Path, source: str, code: str, line: int | None, words: str
) -> None:
    with pytest.raises(CandidateError) as caught:
        build(Program(source, {"width": 3}, 0), tmp_path)
    assert (caught.value.code, caught.value.line) == (code, line)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_fault_in_forward_names_line_and_layer(tmp_path: Path) -> None:
    module = build(Program(SOURCE, {"depth": 2}, 0), tmp_path)
    with pytest.raises(CandidateError) as caught, attributed("forward", tmp_path / "model.py", module):
        module(torch.zeros(2, 5))
    error = caught.value
    assert (error.code, error.line, error.layer) == ("forward", 10, "net.0")
    assert str(error).startswith("RuntimeError: mat1 and mat2 shapes cannot be multiplied")


def test_want_of_memory_and_errors_of_ours_pass_as_they_are(tmp_path: Path) -> None:
    for error in (MemoryError(), RuntimeError("std::bad_alloc"), CandidateError("x", "forward-raised")):
        with pytest.raises(type(error)) as caught, attributed("forward", tmp_path / "model.py"):
            raise error
        assert caught.value is error


def test_the_values_become_the_constructors_defaults(tmp_path: Path) -> None:
    made = with_defaults(load_model_class(SOURCE, tmp_path), {"width": 7, "depth": 2})
    sizes = lambda module: [tuple(p.shape) for n, p in module.named_parameters() if n.endswith("weight")]  # noqa: E731
    assert sizes(made()) == [(7, 7)] * 2
    assert sizes(made(5)) == [(5, 5)] * 2
    assert sizes(made(width=6, depth=1)) == [(6, 6)]
    assert inspect.signature(made).parameters["width"].default == 7
    with pytest.raises(TypeError, match="nonsense"):
        made(nonsense=1)


def test_values_for_arguments_without_default_are_taken_as_well(tmp_path: Path) -> None:
    source = SOURCE.replace("width: int = 4, *, depth: int = 1", "width, depth, **rest")
    assert len(list(with_defaults(load_model_class(source, tmp_path), {"width": 7, "depth": 2})().parameters())) == 4
    half = with_defaults(load_model_class(source, tmp_path), {"width": 7})
    assert len(list(half(depth=1).parameters())) == 2
    with pytest.raises(TypeError, match="depth"):
        half()


def test_without_values_the_class_is_as_it_was(tmp_path: Path) -> None:
    made = with_defaults(load_model_class(SOURCE, tmp_path), {})
    assert tuple(made().state_dict()["net.0.weight"].shape) == (4, 4)
