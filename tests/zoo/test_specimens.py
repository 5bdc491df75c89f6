"""Every specimen is what the catalogue says, by plain PyTorch: sound, and with a twin that has the named fault."""

import warnings
from collections import Counter
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn

from neuromosaic.core.errors import ExportError
from neuromosaic.core.graph import export
from neuromosaic.core.graph.export import export_module
from neuromosaic.core.graph.rebuild import rebuild
from tests.zoo.building import MODELS, answer, build, draw, good_source, sizes_of, tensors, twin_source
from tests.zoo.catalogue import SPECIMENS, Specimen
from tests.zoo.faults import CHECKS

COSTLY = {"memory", "timeout"}
"""Checked against the twins alone."""

every_specimen = pytest.mark.parametrize("specimen", SPECIMENS, ids=lambda specimen: specimen.name)


@pytest.fixture(autouse=True)
def plain_pytorch() -> Iterator[None]:
    """One thread; a network's own warnings (of old layers, of few steps) are not ours."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
    torch.set_num_threads(threads)


def test_the_catalogue_names_every_file_once() -> None:
    files = sorted(path.stem for path in MODELS.glob("*.py"))
    assert sorted(specimen.name for specimen in SPECIMENS) == files


def test_the_zoo_is_large_and_every_fault_has_its_twins() -> None:
    codes = Counter(specimen.twin.code for specimen in SPECIMENS)
    assert len(SPECIMENS) >= 66
    assert set(codes) == set(CHECKS)
    assert min(codes.values()) >= 2
    behavioural = ["output-shape", "no-gradient", "non-finite-output", "non-finite-gradient", "batch-leak"]
    assert min(codes[code] for code in [*behavioural, "double-softmax", "non-deterministic", "not-causal"]) >= 5


def test_most_specimens_are_in_the_graph_lane() -> None:
    assert sum(specimen.lane == "graph" for specimen in SPECIMENS) >= 0.9 * len(SPECIMENS)
    assert sum(not specimen.inputs for specimen in SPECIMENS) >= 8


@every_specimen
def test_the_good_one_has_no_fault(specimen: Specimen) -> None:
    source = good_source(specimen)
    assert [code for code, check in CHECKS.items() if code not in COSTLY and check(source, specimen)] == []


@every_specimen
def test_the_good_one_takes_another_batch(specimen: Specimen) -> None:
    source = good_source(specimen)
    outputs = tensors(answer(build(source, specimen), draw(specimen, source, 2)))
    assert all(output.isfinite().all() for output in outputs)
    if specimen.outputs:
        assert [tuple(output.shape) for output in outputs] == [(2, *sizes_of(shape)) for shape in specimen.outputs]


@every_specimen
def test_the_twin_has_the_fault_that_it_names(specimen: Specimen) -> None:
    source, twin = good_source(specimen), specimen.twin
    assert source.count(twin.old) == 1
    assert CHECKS[twin.code](twin_source(specimen), specimen)


@pytest.mark.soak
@every_specimen
def test_a_graph_answers_and_learns_as_its_module(specimen: Specimen, monkeypatch: pytest.MonkeyPatch) -> None:
    source = good_source(specimen)
    module, inputs = build(source, specimen), draw(specimen, source, 3)
    answer(module, inputs)  # lazy layers find their sizes
    if specimen.lane == "python":
        with pytest.raises(ExportError):
            export_module(module, inputs)
        return
    if not specimen.inputs:  # their sizes may belong together
        monkeypatch.setattr(export, "_check_batch_is_free", lambda *sizes: None)
    rebuilt = rebuild(export_module(module, inputs))
    inputs = draw(specimen, source, 4, seed=1)
    for mode in (True, False):
        expected, found = _trained(module.train(mode), inputs), _trained(rebuilt.train(mode), inputs)
        assert len(expected) == len(found)
        for one, other in zip(expected, found, strict=True):
            torch.testing.assert_close(other, one, rtol=1e-4, atol=1e-5)


def _trained(module: nn.Module, inputs: tuple[Tensor, ...]) -> list[Tensor]:
    """Outputs, gradients and then the buffers, after one pass forward and backward."""
    torch.manual_seed(0)
    module.zero_grad()
    outputs = tensors(module(*inputs))
    loss = torch.stack([(output * torch.randn(output.shape)).sum() for output in outputs]).sum()
    if loss.requires_grad:
        loss.backward()  # type: ignore[no-untyped-call]
    gradients = [torch.zeros_like(p) if p.grad is None else p.grad for p in module.parameters()]
    return [*(output.detach() for output in outputs), *gradients, *module.buffers()]
