"""What a locked child does, in process."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from neuromosaic.core.errors import CandidateError, ExportError
from neuromosaic.core.graph.document import Graph
from neuromosaic.core.protocols import Exported, Job, Message, Program
from neuromosaic.core.sandbox.answers import exported
from neuromosaic.core.sandbox.work import perform, rebuilt_class
from neuromosaic.core.signature import Signature

SUITE = "from model import Model\ndef test_it():\n    assert Model().features[0].out_channels == 6\n"
SHAPES = (
    "import torch\nfrom model import Model\ndef test_it():\n  assert Model()(torch.ones(1, 1, 8, 8)).numel() == 10\n"
)


@pytest.fixture(autouse=True)
def modules() -> Iterator[None]:
    path = list(sys.path)
    yield
    sys.path[:] = path
    sys.modules.pop("model", None)


def refuse(_: Message) -> Message:
    raise AssertionError("this job reports nothing")


def run(kind: str, subject: Program | Graph, folder: Path, **arguments: Any) -> Message:
    return perform(Job(kind, subject, arguments), folder, refuse)


def export(program: Program, signature: Signature, folder: Path) -> Exported:
    return exported(run("export", program, folder, signature=signature.model_dump(mode="json")))


def graph_of(program: Program, signature: Signature, folder: Path) -> Graph:
    graph = export(program, signature, folder).graph
    assert graph is not None
    return graph


def test_export_gives_a_graph_of_the_weights_at_the_start(cnn: Program, signature: Signature, tmp_path: Path) -> None:
    graph = graph_of(cnn, signature, tmp_path)
    assert graph == graph_of(cnn, signature, tmp_path)
    assert graph.tensors["features.1.num_batches_tracked"].data == bytes(8)


def test_what_runs_but_cannot_be_exported_is_told_apart(cnn: Program, signature: Signature, tmp_path: Path) -> None:
    branching = Program(
        cnn.source.replace("return self", "if x.sum() > 1e9:\n            x = -x\n        return self"), {}, 0
    )
    told = export(branching, signature, tmp_path)
    assert told.graph is None
    assert told.obstacle is not None
    assert told.obstacle.code == "not-exportable"
    raising = Program(cnn.source.replace("width * 64", "width"), {}, 0)
    with pytest.raises(CandidateError) as caught:
        export(raising, signature, tmp_path)
    assert not isinstance(caught.value, ExportError)
    assert (caught.value.code, caught.value.line, caught.value.layer) == ("forward-raised", 12, "head.2")


def test_other_kinds_run_on_the_module(cnn: Program, signature: Signature, tmp_path: Path) -> None:
    reply = run("inspect", cnn, tmp_path, signature=signature.model_dump(mode="json"))
    assert reply.body["outputs"] == [{"shape": [3, 10], "dtype": "float32"}]
    with pytest.raises(CandidateError, match="KeyError"):
        run("nonsense", cnn, tmp_path)


def test_a_suite_meets_the_program_with_its_values(cnn: Program, tmp_path: Path) -> None:
    assert run("test", cnn, tmp_path, suite=SUITE).body == {"outcomes": {"test_it": "passed"}, "messages": {}}
    outcome = run("test", Program("1 / 0", {}, 0), tmp_path, suite=SUITE).body
    assert outcome["messages"] == {"collection": "model.py line 1: ZeroDivisionError: division by zero"}
    outcome = run("test", Program("x = 1", {}, 0), tmp_path, suite=SUITE).body
    assert outcome["messages"]["collection"].startswith("model.py: model.py must define")


def test_a_suite_meets_the_graph_as_a_class(cnn: Program, signature: Signature, tmp_path: Path) -> None:
    graph = graph_of(cnn, signature, tmp_path)
    assert run("test", graph, tmp_path, suite=SHAPES).body["outcomes"] == {"test_it": "passed"}
    with pytest.raises(ValueError, match="the judge does"):
        run("inspect", graph, tmp_path)


def test_each_model_of_a_graph_is_a_fresh_one(cnn: Program, signature: Signature, tmp_path: Path) -> None:
    model_class = rebuilt_class(graph_of(cnn, signature, tmp_path))
    one, other = model_class(), model_class()
    assert isinstance(one, model_class)
    assert isinstance(one, torch.nn.Module)
    assert (model_class.__module__, model_class.__qualname__) == ("model", "Model")
    with torch.no_grad():
        for parameter in one.parameters():
            parameter.zero_()
    assert not one.eval()(torch.ones(1, 1, 8, 8)).any()
    assert other.eval()(torch.ones(1, 1, 8, 8)).any()
    assert sorted(one.state_dict()) == sorted(other.state_dict())
    with pytest.raises(TypeError):
        model_class(width=3)
