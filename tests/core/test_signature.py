"""Signatures, and the notation of their tensors."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuromosaic.core.brief import Contract, TensorSpec
from neuromosaic.core.errors import UsageError
from neuromosaic.core.signature import Signature, read_tensor, signature_of, write_tensor

SHAPES = st.lists(st.integers(1, 4096), min_size=1, max_size=5).map(tuple)


@st.composite
def specs(draw: st.DrawFn) -> TensorSpec:
    dtype = draw(st.sampled_from(["float32", "int64", "bool"]))
    upper = draw(st.integers(1, 10**6)) if dtype == "int64" else None
    return TensorSpec.model_validate({"shape": draw(SHAPES), "dtype": dtype, "upper": upper})


@given(specs())
def test_a_tensor_is_read_as_it_was_written(spec: TensorSpec) -> None:
    assert read_tensor(write_tensor(spec)) == spec


@pytest.mark.parametrize(
    ("text", "shape", "dtype", "upper"),
    [
        ("3x32x32", (3, 32, 32), "float32", None),
        ("64:int64<1000", (64,), "int64", 1000),
        ("16 : bool", (16,), "bool", None),
        (":float32", (), "float32", None),
    ],
)
def test_the_notation(text: str, shape: tuple[int, ...], dtype: str, upper: int | None) -> None:
    spec = read_tensor(text)
    assert (spec.shape, spec.dtype, spec.upper) == (shape, dtype, upper)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no tensor"), ("3,32,32", "no tensor"), ("3x", "no tensor"), ("10:complex", "no tensor"),
        ("0x3", "size 0"), ("64:int64", "needs a bound"), ("64<5", "take none"), ("-1x3", "no tensor"),
    ],
)  # fmt: skip
def test_what_is_no_tensor_is_refused_with_an_example(text: str, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        read_tensor(text)


def test_a_contract_is_a_signature_of_one_tensor_in_and_one_out() -> None:
    contract = Contract(
        task="language_modelling", kind="text", input=TensorSpec(shape=(7,), dtype="int64"),
        output=TensorSpec(shape=(7, 5)),
    )  # fmt: skip
    signature = signature_of(contract)
    assert signature.inputs == (TensorSpec(shape=(7,), dtype="int64", upper=5),)
    assert (signature.outputs, signature.batch_axes) == ((contract.output,), (0,))
    assert (signature.task, signature.loss) == ("language_modelling", "cross_entropy")
    assert signature_of(contract, "mse").loss == "mse"


def test_faults_of_learning_are_errors_only_where_something_was_promised() -> None:
    assert Signature().severity == "warning"
    assert Signature(loss="mse").severity == "error"
    assert Signature(outputs=(TensorSpec(shape=(2,)),)).severity == "error"
