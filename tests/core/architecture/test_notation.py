"""Specs and templates as text: written back exactly, and wrong text is told of by line and column."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neuromosaic.core.architecture.notation import (
    Template,
    parse_spec,
    parse_template,
    write_spec,
    write_template,
)
from neuromosaic.core.architecture.notation.tree import Choice, Hole, Line, Optional, Repeat, Step, Tree
from neuromosaic.core.architecture.spec import ArchitectureSpec, Input
from neuromosaic.core.errors import ArchitectureError
from neuromosaic.core.space.parameters import BoolParameter, CategoricalParameter, FloatParameter, IntParameter
from neuromosaic.core.space.space import SearchSpace
from tests.core.architecture.random_specs import random_spec

TEMPLATE = """
input image[3, 16, 16]
stem = conv_block({width: 8..16 step 4}) > {depth: 1..3} * (residual_block({width}))
left: conv(8, kernel={3, 5}) > {norm? batch_norm}
right: max_pool[stem](3, stride=1) > {mix: skip | conv(8, kernel={1, 3})}
add[left, right] > classification_head(10)
"""


@pytest.mark.parametrize("seed", range(10))
def test_every_spec_is_written_back(seed: int) -> None:
    draw = random.Random(seed)
    for _ in range(50):
        spec = random_spec(draw)
        assert parse_spec(write_spec(spec)) == spec


def test_layers_that_repeat_are_written_as_a_repeat() -> None:
    spec = ArchitectureSpec.chain((3, 8, 8), *[("conv", {"channels": 4}), ("relu", {})] * 3)
    text = write_spec(parse_spec("input x[3, 8, 8]\n3 * (conv(4) > relu)"))
    assert text == "input x[3, 8, 8]\n3 * (conv(channels=4) > relu)\n"
    assert parse_spec(text).id == spec.id


def ranges() -> st.SearchStrategy[Hole]:
    bounds = st.tuples(st.integers(1, 9), st.integers(0, 9)).map(lambda pair: (pair[0], sum(pair)))
    whole = st.builds(lambda pair, step: IntParameter(min=pair[0], max=pair[1], step=step), bounds, st.integers(1, 3))
    real = bounds.map(lambda pair: FloatParameter(min=pair[0] / 10, max=pair[1] / 10, log=True))
    choice = st.lists(st.integers(1, 64), min_size=1, max_size=4, unique=True).map(
        lambda values: CategoricalParameter(values=tuple(values))
    )
    return st.builds(Hole, st.none(), st.one_of(whole, real, choice, st.just(BoolParameter())))


def steps() -> st.SearchStrategy[Step]:
    value = st.one_of(st.integers(1, 63), ranges())
    conv = st.builds(lambda c, k: Step("conv", (("channels", c), ("kernel", k))), value, value)
    rate = st.floats(0, 0.9).map(lambda p: Step("dropout", (("p", p),)))
    return st.one_of(conv, rate, st.just(Step("relu")))


NAMES = (f"hole{n}" for n in range(10**9))


def flows() -> st.SearchStrategy[tuple[object, ...]]:
    def deeper(inner: st.SearchStrategy[tuple[object, ...]]) -> st.SearchStrategy[tuple[object, ...]]:
        item = st.one_of(
            steps(),
            st.builds(Repeat, st.integers(1, 4), inner),
            st.lists(inner, min_size=1, max_size=3).map(lambda found: Choice(next(NAMES), tuple(found))),
            inner.map(lambda found: Optional(next(NAMES), found)),
        )
        return st.lists(item, min_size=1, max_size=3).map(tuple)

    return st.recursive(st.lists(steps(), min_size=1, max_size=3).map(tuple), deeper, max_leaves=6)


@given(st.lists(flows(), min_size=1, max_size=3))
@settings(max_examples=150, deadline=None)
def test_every_template_is_written_back(found: list[tuple[object, ...]]) -> None:
    lines = tuple(Line(flow, f"line{n}" if n % 2 else None) for n, flow in enumerate(found))  # type: ignore[arg-type]
    template = Template(Tree((Input("x", (3, 8, 8)),), lines))
    assert parse_template(write_template(template)) == template


def test_each_point_gives_the_network_that_it_says() -> None:
    template = parse_template(TEMPLATE)
    point = {"width": 12, "depth": 2, "conv1_kernel": 5, "norm": False, "mix": "skip"}
    assert write_spec(template.fill(point)).splitlines()[1] == (
        "stem = conv_block(channels=12) > 2 * (residual_block(channels=12)) > conv(channels=8, kernel=5)"
    )


def test_random_points_give_networks() -> None:
    template = parse_template(TEMPLATE)
    for point in SearchSpace(template.parameters).sample_many(40, seed=0):
        assert template.fill(point).infer().outputs == ((10,),)


def test_a_hole_inside_a_choice_is_there_where_it_is_taken() -> None:
    parameters = parse_template(TEMPLATE).parameters
    assert parameters["conv2_kernel"].when == {"mix": "conv(channels=8, kernel={1, 3})"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("input x[8]\nlinear(4) >> relu", "line 2, column 12: a name is expected, not '>'"),
        ("input x[8]\n  linaer(4)", "line 2, column 3: there is no operation 'linaer' (did you mean 'linear'?)"),
        ("input x[8]\nlinear(width=4)", "line 2, column 8: linear has no field 'width'; known are features, bias"),
        ("input x[8]\nlinear(0)", "line 2, column 8: features must lie in [1, 65536], not 0"),
        ("input x[8]\nlinear(4, features=5)", "line 2, column 11: features is told twice"),
        ("input x[8]\nlinear(4) ; relu", "line 2, column 11: ';' has no meaning here"),
        ("input x[8]\nlinear({8..4})", "line 2, column 9: 1 validation error"),
        ("input x[8]\nlinear(4", "line 2, column 9: ',' is expected, not the end"),
        ("input x[8]\nlinear({w})", "{w} uses a hole that is not there before it in every case"),
        ("input x[8]\n{on? linear({w: 1..2})} > linear({w})", "{w} uses a hole that is not there before it"),
        ("input x[8]\nlinear({1..2})", "a spec leaves nothing open, but linear1_features is"),
        ("input x[8]\nlinear[y](2)", "connections[0][0]: there is no 'y'"),
    ],
)
def test_wrong_text_is_told_where(text: str, words: str) -> None:
    with pytest.raises(ArchitectureError) as caught:
        parse_spec(text)
    assert str(caught.value).startswith(words)


@pytest.mark.parametrize(
    ("point", "words"),
    [
        ({}, "n: the point says nothing about this hole"),
        ({"n": 9}, "n: 9 is none of this hole's values"),
        ({"n": 2, "m": 1}, "m: there is no such hole"),
    ],
)
def test_a_point_of_other_parameters_is_an_error(point: dict[str, int], words: str) -> None:
    with pytest.raises(ArchitectureError) as caught:
        parse_template("input x[8]\nlinear({n: 1..4})").fill(point)
    assert str(caught.value).startswith(words)
