"""Tensors in and out of raw bytes."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from neuromosaic.core.graph.document import ITEM_SIZES, TensorData
from neuromosaic.core.graph.tensors import from_numpy, from_torch, to_numpy, to_torch

SHAPES = st.lists(st.integers(0, 4), max_size=4).map(tuple)


@st.composite
def stored(draw: st.DrawFn) -> TensorData:
    dtype, shape = draw(st.sampled_from(sorted(ITEM_SIZES))), draw(SHAPES)
    size = int(np.prod(shape)) * ITEM_SIZES[dtype]
    data = bytes(draw(st.lists(st.integers(0, 1 if dtype == "bool" else 255), min_size=size, max_size=size)))
    return TensorData(dtype, shape, data)


@given(stored())
def test_to_torch_and_back_keeps_every_bit(tensor: TensorData) -> None:
    assert from_torch(to_torch(tensor)) == tensor


@given(stored().filter(lambda tensor: tensor.dtype != "bfloat16"))
def test_to_numpy_and_back_keeps_every_bit(tensor: TensorData) -> None:
    assert from_numpy(to_numpy(tensor)) == tensor


@given(arrays.arrays(st.sampled_from([np.float32, np.int64, np.bool_, np.dtype(">f4"), np.uint8]), SHAPES))
def test_an_array_of_any_strides_and_byte_order_keeps_its_values(array: np.ndarray) -> None:
    np.testing.assert_array_equal(to_numpy(from_numpy(array.T)), array.T)
    np.testing.assert_array_equal(to_torch(from_numpy(array)).numpy(), array)


def test_a_tensor_of_any_strides_keeps_its_values() -> None:
    tensor = torch.arange(24.0).reshape(2, 3, 4).permute(2, 0, 1)[1:, :, ::2]
    assert torch.equal(to_torch(from_torch(tensor)), tensor)
    assert torch.equal(to_torch(from_torch(torch.ones(3).expand(4, 3))), torch.ones(4, 3))
    conjugate = torch.tensor([1 + 2j]).conj()
    assert torch.equal(to_torch(from_torch(conjugate)), conjugate)


def test_the_result_is_writable_and_shares_nothing() -> None:
    data = from_torch(torch.zeros(3))
    to_torch(data).add_(1)
    to_numpy(data)[:] = 1
    assert to_torch(data).tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("tensor", "fault"),
    [
        (torch.zeros(1, dtype=torch.complex128), "dtype complex128"),
        (torch.zeros(1, device="meta"), "meta"),
        (torch.zeros(1).to_sparse(), "sparse"),
    ],
)
def test_a_tensor_that_cannot_be_stored_is_refused(tensor: torch.Tensor, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        from_torch(tensor)


def test_numpy_says_what_it_cannot_do() -> None:
    with pytest.raises(ValueError, match="no bfloat16"):
        to_numpy(from_torch(torch.zeros(2, dtype=torch.bfloat16)))
    with pytest.raises(ValueError, match="cannot be stored"):
        from_numpy(np.array(["text"]))


def test_the_host_reads_arrays_without_pytorch() -> None:
    code = (
        "import sys, numpy as np\n"
        "from neuromosaic.core.graph import canonical, mutants, packing, tensors\n"
        "tensors.to_numpy(tensors.from_numpy(np.ones(2)))\n"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
