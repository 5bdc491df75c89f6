"""Certified networks in int8 and bfloat16 are candidates like any other: scored, on the front, delivered."""

import io
import shutil
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from neuromosaic.core.errors import UsageError
from neuromosaic.core.evaluation import handing_over
from neuromosaic.core.evaluation.data import room
from neuromosaic.core.graph.tensors import from_numpy
from neuromosaic.core.protocols import Message
from neuromosaic.core.results import CandidateResult, Results
from neuromosaic.core.store.store import Store
from neuromosaic.delivery.card import card
from neuromosaic.delivery.report import report
from neuromosaic.delivery.text import rows, variant_file
from neuromosaic.workflows import converting
from neuromosaic.workflows.certifying import _names, in_units
from neuromosaic.workflows.delivering import chosen_again, contents
from neuromosaic.workflows.fewer_bits import FORMATS, files_of, in_fewer_bits, step_of, with_variants
from neuromosaic.workflows.finalists import needing_certificate
from neuromosaic.workflows.outcome import certified, results
from tests.delivery.conftest import candidate
from tests.small_runs import Finished, at_work


def best(known: Results) -> CandidateResult:
    found = known.winner or known.nearest
    assert found is not None
    return found


@pytest.fixture(scope="module")
def wanted(finished: Finished, tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """The shared run in a store of its own, as if smaller networks had been asked for."""
    root = tmp_path_factory.mktemp("converted")
    shutil.copytree(finished.root / "store", root / "store")
    store = Store(root / "store")
    store.set_options(finished.results.run, store.run(finished.results.run).options | {"compress": True})
    return Finished(root, finished.results)


@pytest.fixture(scope="module")
def converted(wanted: Finished) -> Finished:
    every = converting._originals
    with at_work(wanted.store, wanted.results.run) as bench, pytest.MonkeyPatch.context() as patch:
        patch.setattr(converting, "_originals", lambda bench: every(bench)[:1])  # the best one is enough here
        assert converting.convert(bench, {}) == {}
        found = results(bench)
        own = in_fewer_bits(bench, [best(found)])
    front = {one.id: one for one in [*found.pareto, *own]}  # as if nothing had beaten the best one's
    wanted.results = found.model_copy(update={"pareto": [*front.values()]})
    return wanted


def test_the_best_one_s_variants_are_scored_on_the_splits_of_the_original(converted: Finished) -> None:
    with at_work(converted.store, converted.results.run) as bench:
        original = best(converted.results)
        own = [one for one in in_fewer_bits(bench, certified(bench, "search")) if one.made_from == original.id]
        names = [*_names(bench, needing_certificate(bench))]
    assert [one.numbers for one in own] == list(FORMATS)
    assert original.weights_bytes is not None
    for one in own:
        assert one.weights_bytes is not None
        assert one.weights_bytes < original.weights_bytes
        assert one.metrics.keys() == original.metrics.keys()
        assert one.metrics["val_accuracy"] == pytest.approx(original.metrics["val_accuracy"], abs=0.1)
        assert converted.store.evidence(one.evidence["latency_ms.p50"])["race"]["beside"]["p50"] > 0
        assert one.name in names  # told before the test split was opened


def test_a_split_that_memory_does_not_hold_is_scored_in_parts_to_the_same_outputs(
    converted: Finished, monkeypatch: pytest.MonkeyPatch
) -> None:
    with at_work(converted.store, converted.results.run) as bench, converting._Variants(bench) as variants:
        steps = {one: bench.store.step(bench.run, step_of(best(converted.results).id, one)) for one in FORMATS}
        files = {one: from_numpy(np.frombuffer(bench.store.get(step["file"]), dtype=np.uint8).copy())
                 for one, step in steps.items()}  # fmt: skip
        x = np.tile(bench.dataset.train.x, (8, 1))[:700]
        whole = {one: variants._outputs(one, file, x).tobytes() for one, file in files.items()}
        sent: list[int] = []
        part = variants._outputs_of
        monkeypatch.setattr(variants, "_outputs_of", lambda *given: sent.append(len(given[2])) or part(*given))
        monkeypatch.setenv(room.VARIABLE, "0.001")
        monkeypatch.setattr(handing_over, "PIECE", 1)
        in_parts = {one: variants._outputs(one, file, x).tobytes() for one, file in files.items()}
    assert sent == [256, 256, 188] * len(FORMATS)
    assert in_parts == whole


def test_what_is_delivered_computes_the_figures_that_stand_beside_it(converted: Finished) -> None:
    with at_work(converted.store, converted.results.run) as bench:
        original = best(converted.results)
        files = files_of(bench, original, converted.results.pareto)
        delivery = contents(bench, converted.results)
        test = bench.dataset.open_test()
        truth = in_units(bench, test.y)
    assert {"model.int8.pt2", "model.bf16.pt2"} <= files.keys()
    assert delivery.variants == files
    for name, data in files.items():
        one = next(x for x in converted.results.pareto if x.made_from and variant_file(x, original) == name)
        outputs = torch.export.load(io.BytesIO(data)).module()(torch.from_numpy(test.x))
        share = float((outputs.argmax(1).numpy() == truth).mean())
        assert one.metrics["test_accuracy"] == pytest.approx(share)
        assert f"`{name}` is " in card(delivery)
        assert f"in {one.numbers}" in report(delivery)
        assert any(f"in {one.numbers}" in cell for row in rows(converted.results)[1] for cell in row)


def test_a_variant_is_never_delivered_as_model_py(converted: Finished) -> None:
    assert best(converted.results).numbers == "float32"
    variant = next(one for one in converted.results.pareto if one.made_from)
    with pytest.raises(UsageError, match="no certified candidate"):
        chosen_again(converted.results, variant.name)


def test_unless_it_is_wanted_nothing_is_converted(finished: Finished) -> None:
    with at_work(finished.store, finished.results.run) as bench:
        assert converting.convert(bench, {}) == {}
        assert bench.store.step(bench.run, step_of(best(finished.results).id, "int8")) is None


def test_on_a_gpu_it_is_said_that_nothing_was_tried(wanted: Finished, monkeypatch: pytest.MonkeyPatch) -> None:
    with at_work(wanted.store, wanted.results.run) as bench:
        monkeypatch.setitem(bench.__dict__, "hardware", bench.hardware.model_copy(update={"device": "cuda"}))
        converting.convert(bench, {})
    assert any("int8" in event.data["text"] for event in wanted.events if event.kind == "note")


def test_what_cannot_be_written_is_refused_with_its_reason(
    converted: Finished, monkeypatch: pytest.MonkeyPatch
) -> None:
    with at_work(converted.store, converted.results.run) as bench:
        variants = converting._Variants(bench)
        monkeypatch.setattr(variants, "_written", lambda *_: (_ for _ in ()).throw(UsageError("no integers here")))
        assert variants.certify(best(converted.results), "int8") == {"failed": "no integers here"}
        monkeypatch.setattr(bench, "seconds_left", lambda: 0.0)
        assert "time" in variants.certify(best(converted.results), "int8")["failed"]


def test_a_file_that_computes_something_else_is_no_variant(
    converted: Finished, monkeypatch: pytest.MonkeyPatch
) -> None:
    with at_work(converted.store, converted.results.run) as bench:
        variants, original = converting._Variants(bench), best(converted.results)
        zeros = {"file": from_numpy(np.zeros(1, np.uint8)), "outputs": from_numpy(np.zeros((2, 3), np.float32))}
        monkeypatch.setattr(variants, "_converted", lambda *_: Message({"weights_bytes": 1}, zeros))
        monkeypatch.setattr(variants, "_outputs", lambda *_: np.ones((2, 3), np.float32))
        assert "something else" in variants.certify(original, "bf16")["failed"]
        monkeypatch.setattr(variants, "_outputs", lambda *_: np.zeros((2, 3), np.float32))
        monkeypatch.setattr(variants, "_scored", lambda *_: ({}, None))
        assert "undefined" in variants.certify(original, "bf16")["failed"]


def test_only_variants_that_nothing_beats_join_the_front_and_their_original_stays() -> None:
    plan: Any = SimpleNamespace(plan=SimpleNamespace(primary="accuracy"))

    def one(number: int, accuracy: float, size: int, **changes: Any) -> CandidateResult:
        return candidate(number, {"val_accuracy": accuracy}, parameters=100, weights_bytes=size, **changes)

    original, small = one(1, 0.9, 400), one(2, 0.8, 50, flops=20.0)
    same = one(3, 0.9, 150, made_from="1", numbers="int8")
    worse = one(4, 0.7, 200, made_from="1", numbers="bf16")
    assert with_variants(plan, [original, small], [same, worse]) == [original, small, same]
