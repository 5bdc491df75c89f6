"""Inputs and targets that are drawn from a signature and a seed."""

from typing import Any

import torch

from neuromosaic.core.brief import Contract, TensorSpec
from neuromosaic.core.graph.examples import draw_inputs, draw_targets, meta_inputs, other_values
from neuromosaic.core.signature import Signature, signature_of


def signature(**spec: Any) -> Signature:
    return Signature(inputs=(TensorSpec(**spec),), outputs=(TensorSpec(shape=(5,)),))


def test_inputs_fit_the_signature_and_the_seed() -> None:
    (floats,) = draw_inputs(signature(shape=(3, 2)), 50, 1)
    assert (floats.shape, floats.dtype) == ((50, 3, 2), torch.float32)
    assert abs(floats.mean()) < 0.3
    spec = signature(shape=(7,), dtype="int64", upper=4)
    (ids,) = draw_inputs(spec, 50, 1)
    assert (ids.shape, ids.dtype, ids.unique().tolist()) == ((50, 7), torch.int64, [0, 1, 2, 3])
    assert torch.equal(ids, draw_inputs(spec, 50, 1)[0])
    assert not torch.equal(ids, draw_inputs(spec, 50, 2)[0])
    (flags,) = draw_inputs(signature(shape=(40,), dtype="bool"), 2, 1)
    assert flags.dtype == torch.bool
    assert flags.unique().tolist() == [False, True]


def test_the_batch_lies_where_the_signature_says() -> None:
    spec = TensorSpec(shape=(3, 2))
    shapes = [draw_inputs(Signature(inputs=(spec, spec), batch_axes=axes), 9, 0) for axes in ((1,), ())]
    assert [[tuple(x.shape) for x in inputs] for inputs in shapes] == [[(3, 9, 2)] * 2, [(3, 2)] * 2]


def test_ids_without_an_upper_bound_stay_within_the_vocabulary_of_the_output() -> None:
    contract = Contract(
        task="language_modelling", kind="text", input=TensorSpec(shape=(7,), dtype="int64"),
        output=TensorSpec(shape=(7, 5)),
    )  # fmt: skip
    (ids,) = draw_inputs(signature_of(contract), 50, 1)
    assert ids.max() == 4


def test_targets_are_what_the_loss_takes() -> None:
    outputs = torch.zeros(40, 5)
    spec = signature(shape=(2,))
    classes = draw_targets(spec.model_copy(update={"loss": "cross_entropy"}), outputs, 0)
    assert (classes.shape, classes.dtype, classes.unique().tolist()) == ((40,), torch.int64, [0, 1, 2, 3, 4])
    flags = draw_targets(spec.model_copy(update={"loss": "binary_cross_entropy"}), outputs, 0)
    assert (flags.shape, flags.unique().tolist()) == ((40, 5), [0.0, 1.0])
    assert draw_targets(spec.model_copy(update={"loss": "mse"}), outputs, 0).std() > 0.5


def test_other_values_are_all_different_and_of_the_same_kind() -> None:
    for x, upper in (
        (torch.randn(50), None),
        (torch.zeros(50, dtype=torch.int64), 2),
        (torch.randint(0, 9, (50,)), 9),
        (torch.rand(50) < 0.5, None),
        (torch.randn(50, dtype=torch.complex64), None),
    ):
        changed = other_values(x, TensorSpec(shape=(50,), dtype="int64", upper=upper) if upper else None)
        assert (changed.dtype, changed.shape) == (x.dtype, x.shape)
        assert (changed != x).all()
        assert upper is None or changed.max() < upper


def test_described_inputs_have_shapes_and_no_values() -> None:
    (x,) = meta_inputs([{"shape": [10**6, 10**6], "dtype": "float16"}])
    assert (tuple(x.shape), x.dtype, x.is_meta) == ((10**6, 10**6), torch.float16, True)
