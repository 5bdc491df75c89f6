import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from neuromosaic.core.errors import DataError
from neuromosaic.core.evaluation.data import Preprocessing
from neuromosaic.core.evaluation.data.inputs import (
    Category,
    ImageInputs,
    Scaling,
    SequenceInputs,
    TabularInputs,
    TextInputs,
)
from neuromosaic.core.evaluation.data.raw import Array, Table
from neuromosaic.core.evaluation.data.targets import ClassTargets, NumberTargets

FINITE = st.floats(-1e6, 1e6, width=32)
WORDS = st.text(st.characters(codec="utf-8"), max_size=4)


def reread(preprocessing: Preprocessing) -> Preprocessing:
    return Preprocessing.model_validate_json(preprocessing.model_dump_json())


@given(arrays(np.float32, array_shapes(min_dims=2, max_dims=2, max_side=20), elements=FINITE))
def test_scaled_columns_have_mean_0_and_std_1_and_can_be_undone(x: Array) -> None:
    scaling = Scaling.fit(x, axis=1)
    scaled = scaling.apply(x, axis=1)
    assert scaled.dtype == np.float32
    assert np.abs(scaled.mean(axis=0)).max() < 1e-3
    assert all(abs(std - 1) < 1e-3 or std == 0 for std in scaled.std(axis=0).tolist())
    undone = scaled * np.array(scaling.std) + np.array(scaling.mean)
    assert (np.abs(undone - x) <= 1e-6 * np.abs(x).max() + 1e-30).all()
    assert (np.array(scaling.low) <= x).all()
    assert (x <= np.array(scaling.high)).all()


def test_large_arrays_are_scaled_block_by_block_with_the_same_result(monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.random.default_rng(0).normal(3, 2, size=(50, 3, 4, 4))
    whole = Scaling.fit(x, axis=1)
    monkeypatch.setattr("neuromosaic.core.evaluation.data.room.NUMBERS_AT_ONCE", 100)
    blocks = Scaling.fit(x, axis=1)
    assert np.allclose(whole.mean, blocks.mean)
    assert np.allclose(whole.std, blocks.std)
    blockwise = whole.apply(x, axis=1)
    monkeypatch.undo()
    assert np.array_equal(blockwise, whole.apply(x, axis=1))


def test_a_constant_column_becomes_zero_even_where_it_is_large() -> None:
    x = np.full((100, 1), 1.7e9 + 0.1)
    assert not Scaling.fit(x, axis=1).apply(x, axis=1).any()


@given(arrays(np.uint8, st.just((6, 4, 5, 3))), st.sampled_from(["hwc", "chw"]))
def test_images_round_trip_through_json_with_equal_behaviour(x: Array, layout: str) -> None:
    raw = x if layout == "hwc" else x.transpose(0, 3, 1, 2)
    inputs = ImageInputs.fit(raw, layout, (3, 4, 5))  # type: ignore[arg-type]
    targets = ClassTargets(classes=(0, "zero", False))
    known = Preprocessing(task="classification", inputs=inputs, targets=targets)
    again = reread(known)
    assert again == known
    assert again.classes == (0, "zero", False)
    assert [type(label) for label in again.classes] == [int, str, bool]
    assert np.array_equal(again.apply(raw), known.apply(raw))
    assert np.array_equal(known.apply(x), known.apply(np.ascontiguousarray(x.transpose(0, 3, 1, 2))))
    assert known.apply(raw).shape == (6, 3, 4, 5)
    assert known.apply(raw).flags.c_contiguous


@given(
    arrays(np.float64, (8, 2), elements=st.floats(-1e300, 1e300).map(lambda value: value / 1e200)),
    st.lists(WORDS, min_size=8, max_size=8),
    arrays(np.float64, (8, 2), elements=FINITE),
)
def test_tables_round_trip_through_json_with_equal_behaviour(x: Array, words: list[str], y: Array) -> None:
    texts = np.array([[word] for word in words], dtype=object)
    table = Table(x, ("a", "b"), texts, ("word",))
    known = Preprocessing(
        task="regression", inputs=TabularInputs.fit(table, ("id",)), targets=NumberTargets.fit(y, ("p", "q"))
    )
    again = reread(known)
    assert again == known
    assert np.array_equal(again.apply(table), known.apply(table))
    encoded = known.encode(y, "data")
    assert np.array_equal(again.encode(y, "data"), encoded)
    assert np.array_equal(again.unscale_targets(encoded), known.unscale_targets(encoded))
    assert np.allclose(known.unscale_targets(encoded), y, rtol=1e-5, atol=0.5)
    assert again.labels(encoded) == known.unscale_targets(encoded).tolist()


@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=60), st.integers(1, 5))
def test_texts_round_trip_through_json_and_back_to_characters(text: str, context: int) -> None:
    inputs = TextInputs.fit(text, context)
    known = Preprocessing(task="language_modelling", inputs=inputs, targets=None)
    assert reread(known) == known
    assert inputs.text_of(inputs.ids(text)) == text
    assert known.contract.output.shape == (context, len(set(text)))


def test_sequences_are_scaled_per_feature() -> None:
    x = np.random.default_rng(0).normal(size=(20, 7, 3)) * [1, 10, 100] + [0, 5, -5]
    inputs = SequenceInputs.fit(x)
    assert inputs.spec.shape == (7, 3)
    assert np.allclose(inputs.apply(x).std(axis=(0, 1)), 1)
    with pytest.raises(DataError, match="sequences of 7 steps with 3 features, but these are an array of 6x3"):
        inputs.apply(x[:, 1:])
    with pytest.raises(DataError, match="but these are rows of the columns 'x0'"):
        inputs.apply(Table.of_numbers(x[:, :, 0]))


def test_arrays_serve_where_all_columns_are_numbers() -> None:
    x = np.random.default_rng(0).normal(size=(20, 2))
    inputs = TabularInputs.fit(Table.of_numbers(x, ["a", "b"]))
    swapped = Table.of_numbers(x[:, ::-1], ["b", "a"])
    assert np.array_equal(inputs.apply(x), inputs.apply(swapped))
    with pytest.raises(DataError, match="needs the columns 'b', which these data lack: they have 'a'"):
        inputs.apply(Table.of_numbers(x[:, :1], ["a"]))


@pytest.mark.parametrize(
    "raw", [np.zeros((2, 9, 9)), np.zeros((2, 3, 8, 8)), np.zeros((2, 64, 1)), Table.of_numbers(np.zeros((2, 64)))]
)
def test_images_of_another_size_are_refused(raw: Array | Table) -> None:
    inputs = ImageInputs.fit(np.arange(128.0).reshape(2, 8, 8), "hw", (1, 8, 8))
    with pytest.raises(DataError, match="the network reads images of 1x8x8, but these are"):
        inputs.apply(raw)


def test_grey_images_may_come_in_any_layout() -> None:
    x = np.arange(128.0).reshape(2, 8, 8)
    inputs = ImageInputs.fit(x, "hw", (1, 8, 8))
    for shape in ((2, 64), (2, 1, 8, 8), (2, 8, 8, 1)):
        assert np.array_equal(inputs.apply(x.reshape(shape)), inputs.apply(x))


def test_images_on_another_scale_are_refused() -> None:
    pixels = np.arange(128, dtype=np.uint8).reshape(2, 8, 8)
    trained_on_bytes = ImageInputs.fit(pixels, "hw", (1, 8, 8))
    trained_on_unit = ImageInputs.fit(pixels / 128, "hw", (1, 8, 8))
    trained_on_bytes.check_range(pixels)
    trained_on_bytes.check_range(pixels // 128)
    trained_on_unit.check_range(pixels / 128)
    with pytest.raises(DataError, match=r"pixels from 0 to 127, but these go up to 0.99"):
        trained_on_bytes.check_range(pixels / 128)
    with pytest.raises(DataError, match="but these go up to 127: scale them alike"):
        trained_on_unit.check_range(pixels)


def test_categories_are_the_distinct_texts_and_of_many_the_frequent_ones() -> None:
    few = Category.fit("town", np.array(["b", "a", "b"], dtype=object))
    assert few.values == ("a", "b")
    assert few.apply(np.array(["b", "c"], dtype=object)).tolist() == [[0, 1], [0, 0]]
    many = Category.fit("word", np.array([f"w{n}" for n in range(70)] + ["w7", "w8"], dtype=object))
    assert many.values == ("w7", "w8")


def test_labels_are_the_users_own() -> None:
    classes = ClassTargets.fit(np.array(["cat", "ant", "cat"]))
    assert classes.encode(np.array(["cat", "ant"])).tolist() == [1, 0]
    assert classes.labels(np.array([[0.1, 0.9], [3, -1]])) == ["cat", "ant"]
    numbers = NumberTargets.fit(np.array([1.0, 3.0]))
    assert numbers.labels(np.array([[-1.0], [1.0]])) == [1.0, 3.0]


def test_a_label_is_the_same_as_number_float_or_text() -> None:
    classes = ClassTargets.fit(np.array([3, 5]))
    for labels in (np.array([5, 3]), np.array([5.0, 3.0]), np.array(["5", "3"])):
        assert classes.encode(labels).tolist() == [1, 0]


def test_targets_of_another_width_are_refused() -> None:
    with pytest.raises(DataError, match="gives 1 numbers per example, but y has 2"):
        NumberTargets.fit(np.array([1.0, 3.0])).encode(np.ones((3, 2)))


def test_classes_have_nothing_to_unscale() -> None:
    known = Preprocessing(
        task="classification",
        inputs=SequenceInputs.fit(np.ones((2, 3, 1))),
        targets=ClassTargets(classes=("a", "b")),
    )
    assert known.unscale_targets(np.array([1, 0])).tolist() == [1, 0]


def test_a_file_changed_by_hand_is_noticed() -> None:
    known = Preprocessing(task="language_modelling", inputs=SequenceInputs.fit(np.ones((2, 3, 1))), targets=None)
    with pytest.raises(DataError, match="changed by hand"):
        _ = known.contract
