"""Cells that are one network have one key, and the papers' counts are met."""

import random
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neuromosaic.core.errors import SpaceError
from neuromosaic.core.space.cells.forms import DEFINITIONS, distinct, network_form, up_to_skips_and_zeros
from neuromosaic.core.space.cells.layout import CellLayout
from neuromosaic.core.space.cells.spaces import (
    NASBENCH201,
    CellSpace,
    darts_cells,
    nasbench201_cells,
    read_nasbench201,
    write_nasbench201,
)
from neuromosaic.core.space.encoders import AdjacencyEncoder, PathEncoder, PointEncoder

CELLS, BOTH = nasbench201_cells(), darts_cells()
nasbench = st.integers(0, 2**32).map(lambda seed: CELLS.sample(random.Random(seed)))
darts = st.integers(0, 2**32).map(lambda seed: BOTH.sample(random.Random(seed)))


@pytest.mark.parametrize(
    ("definition", "count"),
    [("as written", 15_625), ("skips", 12_751), ("skips and zeros (NAS-Bench-201)", 6_466), ("network", 5_260)],
)
def test_the_distinct_cells_of_nasbench201_by_definition(definition, count) -> None:
    """6,466 is the count of Dong and Yang (2020); 12,751 is theirs without zeros."""
    assert distinct(NASBENCH201, DEFINITIONS[definition]) == count


def test_the_spaces_have_the_sizes_that_their_papers_state() -> None:
    assert CELLS.size() == 15_625
    assert BOTH.size() == (1 * 3 * 6 * 10 * 7**8) ** 2  # edges chosen, operations on them, two cells


def cell(*operations: str) -> dict:
    short = {"0": "none", "s": "skip_connect", "1": "nor_conv_1x1", "3": "nor_conv_3x3", "p": "avg_pool_3x3"}
    return {name: short[one] for name, one in zip(NASBENCH201.names, operations, strict=True)}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("300000", "000000"),  # the conv reaches no output
        ("000111", "000100"),  # nothing reaches the convs behind nodes 1 and 2
        ("300010", "030001"),  # by way of node 1 or node 2
        ("s00p00", "000p00"),
        ("s00010", "000100"),  # a skip to node 1, then a conv; or the conv at once
        ("p000p0", "0p000p"),
    ],
)
def test_isomorphic_cells_have_one_key(one, other) -> None:
    assert CELLS.key(cell(*one)) == CELLS.key(cell(*other))
    assert CELLS.canonical(cell(*one)) == CELLS.canonical(cell(*other))


@given(nasbench)
def test_a_cell_and_its_canonical_one_are_the_same_network(point) -> None:
    canonical = CELLS.canonical(point)
    assert CELLS.contains(canonical)
    assert CELLS.key(canonical) == CELLS.key(point)
    assert CELLS.canonical(canonical) == canonical


def test_weights_shared_and_weights_doubled_are_two_networks() -> None:
    """One conv read twice, and two convs that do the same: the paper's definition takes them for one."""
    doubled, shared = cell("3", "3", "0", "0", "1", "3"), cell("3", "0", "s", "0", "1", "3")
    assert network_form(NASBENCH201.read(doubled), NASBENCH201) != network_form(NASBENCH201.read(shared), NASBENCH201)
    paper = [up_to_skips_and_zeros(NASBENCH201.read(point), NASBENCH201) for point in (doubled, shared)]
    assert paper[0] == paper[1]


def test_without_weights_doubled_and_shared_are_the_same() -> None:
    doubled, shared = cell("p", "p", "0", "0", "1", "3"), cell("p", "0", "s", "0", "1", "3")
    assert CELLS.key(doubled) == CELLS.key(shared)


@given(darts, st.permutations([2, 3, 4, 5]), st.sampled_from([0, 1]))
@settings(max_examples=60)
def test_renaming_the_nodes_of_a_darts_cell_changes_nothing(point, order, which) -> None:
    layout = BOTH.layouts[which]
    number = {0: 0, 1: 1} | dict(zip((2, 3, 4, 5), order, strict=True))
    renamed = {(number[source], number[node]): name for (source, node), name in layout.read(point).items()}
    if all(source < node for source, node in renamed):
        other = {**point, **layout.write(renamed)}
        assert BOTH.key(other) == BOTH.key(point)
        assert BOTH.canonical(other) == BOTH.canonical(point)
    assert BOTH.contains(BOTH.canonical(point))


def test_a_skip_that_reduces_is_an_operation_of_its_own() -> None:
    normal, reduce_ = BOTH.layouts
    chain = {(0, 2): "skip_connect", (1, 2): "sep_conv_3x3"}
    rest = {(s, n): "max_pool_3x3" for n in (3, 4, 5) for s in (0, 1)}
    assert "skip_connect" not in network_form(chain | rest, normal)
    assert "skip_connect(in0)" in network_form(chain | rest, reduce_)


def test_twins_are_told_apart_by_what_reads_them() -> None:
    """Two convs of one label, read by different operations: every naming of them gives one text."""
    layout = CellLayout(("none", "skip_connect", "a", "b", "c"), nodes=4)
    one = {(0, 1): "a", (0, 2): "a", (1, 3): "b", (2, 3): "c", (1, 4): "c", (3, 4): "skip_connect"}
    forms = set()
    for order in permutations((1, 2)):
        number = dict(zip((1, 2), order, strict=True))
        forms.add(network_form({(number.get(s, s), number.get(n, n)): o for (s, n), o in one.items()}, layout))
    assert len(forms) == 1
    assert "#1" in forms.pop()


@given(nasbench)
def test_the_benchmarks_own_text_is_read_and_written(point) -> None:
    assert read_nasbench201(write_nasbench201(point)) == point


@pytest.mark.parametrize("text", ["", "|nor_conv_3x3~0|", "|a~0|+|none~0|none~1|+|none~0|none~1|none~2|"])
def test_faulty_cell_texts_are_refused(text) -> None:
    with pytest.raises(SpaceError, match=r"is no NAS-Bench-201 cell|op_0_1: 'a' is outside"):
        read_nasbench201(text)


@pytest.mark.parametrize(
    "make",
    [
        lambda: CellLayout(()), lambda: CellLayout(("a", "a")), lambda: CellLayout(("a",), nodes=0),
        lambda: CellLayout(("a",), choose=3), lambda: CellSpace([NASBENCH201, NASBENCH201]),
        lambda: CellSpace([CellLayout(("none", *"abcdefgh"), nodes=5)]).canonical(dict.fromkeys(
            CellLayout(("none", *"abcdefgh"), nodes=5).names, "a")),
        lambda: PathEncoder(BOTH), lambda: PathEncoder(CellSpace([CellLayout(("none", *"abcdefgh"), nodes=5)])),
    ],
)  # fmt: skip
def test_unsound_cells_are_refused(make) -> None:
    with pytest.raises(SpaceError):
        make()


# ---------------------------------------------------------------- encodings


@pytest.mark.parametrize("space", [CELLS, BOTH], ids=["nasbench201", "darts"])
@given(seed=st.integers(0, 2**32))
@settings(max_examples=30, deadline=None)
def test_the_adjacency_encoding_is_undone_exactly(space, seed) -> None:
    encoder, point = AdjacencyEncoder(space), space.sample(random.Random(seed))
    assert encoder.decode(encoder.encode(point)) == point
    space.check(encoder.decode(np.random.default_rng(seed).random(encoder.dimension)))


def test_the_adjacency_encoding_keeps_to_constraints() -> None:
    space = CellSpace([NASBENCH201], ['op_0_1 != "none" or op_0_2 != "none"'])
    space.check(AdjacencyEncoder(space).decode(np.zeros(24)))
    assert AdjacencyEncoder(CELLS).decode(np.zeros(24)) == cell(*"000000")


@given(nasbench)
@settings(max_examples=40, deadline=None)
def test_the_path_encoding_decodes_to_a_cell_of_the_same_paths(point) -> None:
    code = PATHS.encode(point)
    assert (PATHS.encode(PATHS.decode(code)) == code).all()
    assert PATHS.dimension == 4 + 4**2 + 4**3


PATHS = PathEncoder(CELLS)


def test_the_path_encoding_names_the_paths_of_a_cell() -> None:
    code = PATHS.encode(cell(*"30010s"))
    found = {path for path, number in PATHS._numbers.items() if code[number]}
    assert found == {("nor_conv_1x1",)}
    code = PATHS.encode(cell(*"301030"))
    found = {path for path, number in PATHS._numbers.items() if code[number]}
    assert found == {("nor_conv_3x3", "nor_conv_3x3")}


@given(st.lists(st.floats(0, 1), min_size=84, max_size=84))
@settings(max_examples=15, deadline=None)
def test_any_vector_of_paths_means_a_cell(vector) -> None:
    CELLS.check(PATHS.decode(vector))


def test_points_of_cells_have_the_general_encoding_too() -> None:
    encoder = PointEncoder(BOTH)
    points = BOTH.sample_many(30, 0)
    assert encoder.decode_many(encoder.encode_many(points)) == points
