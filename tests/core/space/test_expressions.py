"""Constraints as text: what Python says of one point, columns say of many; nothing else is let in."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neuromosaic.core.errors import SpaceError
from neuromosaic.core.space.columns import mask
from neuromosaic.core.space.constraints import TextConstraint, read_constraints
from neuromosaic.core.space.domains import column_of
from neuromosaic.core.space.reading import read_parameters

SPACE = read_parameters(
    {
        "a": {"type": "int", "min": -3, "max": 9},
        "b": {"type": "int", "min": 0, "max": 4},
        "f": {"type": "float", "min": -2, "max": 2},
        "flag": {"type": "bool"},
        "kind": {"type": "categorical", "values": ["x", "y", 1]},
    }
)
numbers = st.recursive(
    st.sampled_from(["a", "b", "f", "flag", "2", "0.5", "-1"]),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from([*"+-*/%", "//", "**"]), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
        st.tuples(st.sampled_from(["min", "max"]), inner, inner).map(lambda t: f"{t[0]}({t[1]}, {t[2]})"),
        inner.map(lambda t: f"abs({t})"),
        inner.map(lambda t: f"-({t})"),
    ),
    max_leaves=5,
)
conditions = st.recursive(
    st.one_of(
        st.tuples(numbers, st.sampled_from([*"<>", "<=", ">=", "==", "!="]), numbers).map(" ".join),
        st.tuples(numbers, numbers, numbers).map(lambda t: f"{t[0]} <= {t[1]} < {t[2]}"),
        st.tuples(numbers, st.sampled_from(["in", "not in"])).map(lambda t: f"{t[0]} {t[1]} (1, 2, 3)"),
        st.sampled_from(["flag", "kind == 'x'", "kind in ('y', 1)", "kind != 1"]),
    ),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(lambda t: f"({t[0]}) {t[1]} ({t[2]})"),
        inner.map(lambda t: f"not ({t})"),
        st.tuples(inner, inner, inner).map(lambda t: f"({t[0]}) if ({t[1]}) else ({t[2]})"),
    ),
    max_leaves=4,
)
points = st.fixed_dictionaries(
    {
        "a": st.integers(-3, 9), "b": st.integers(0, 4), "f": st.floats(-2, 2), "flag": st.booleans(),
        "kind": st.sampled_from(["x", "y", 1]),
    }
)  # fmt: skip


@given(conditions.filter(lambda text: any(name in text for name in ("a", "b ", "f", "kind"))),
       st.lists(points, min_size=2, max_size=6))  # fmt: skip
@settings(max_examples=300, deadline=None)
def test_points_and_columns_agree_with_python(text, rows) -> None:
    try:
        constraint = TextConstraint(text, SPACE, "c")
    except SpaceError:  # it names no parameter
        return
    try:
        wanted = [bool(eval(text, {"min": min, "max": max, "abs": abs}, row)) for row in rows]
    except (ArithmeticError, TypeError):
        return
    try:
        assert [constraint.holds(row) for row in rows] == wanted
    except SpaceError:  # a power that is not real, or too large
        return
    columns = {name: column_of([row[name] for row in rows]) for name in SPACE}
    assert mask(constraint, columns, len(rows)).tolist() == wanted


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("a <", "c: 'a <' is no expression"),
        ("widht > 3", "'widht' is no parameter"),
        ("aa > 3", "'aa' is no parameter .did you mean 'a'"),
        ("a + b", "is no condition"),
        ("a and b + 1", "is no condition"),
        ("1 < 2", "names no parameter"),
        ("__import__('os').system('true') == 0", "calls what is no function here"),
        ("a.real > 1", "'a.real' is not allowed"),
        ("[i for i in (1, 2)] == a", "is not allowed"),
        ("(lambda: a)() > 1", "calls what is no function"),
        ("max(a) > 1", "needs two values or more"),
        ("abs(a, b) > 1", "needs one value"),
        ("mx(a, b) > 1", "did you mean 'max'"),
        ("a in b", "must be a written-out list"),
        ("a is b", "an operator that constraints do not have"),
        ("a @ b > 1", "an operator that constraints do not have"),
        ("~a > 1", "an operator that constraints do not have"),
        ("a > 1j", "no number, text or bool"),
        ("x[1] > a", r'must be a name: x\["name"\]'),
        ("(a := 3) > 1", "is not allowed"),
        ("a > " + "-" * 150 + "1", "nested more than"),
        ("a > 1" + " " * 3000, "at most 2000"),
    ],
)
def test_what_is_not_allowed_is_refused(text, fault) -> None:
    with pytest.raises(SpaceError, match=fault):
        TextConstraint(text, SPACE, "c")


def test_a_lambda_pasted_as_text_reads_the_same() -> None:
    for text in ('x["a"] * x["b"] < 10', 'lambda x: x["a"] * x["b"] < 10', "a * b < 10"):
        constraint = TextConstraint(text, SPACE, "c")
        assert constraint.holds({"a": 3, "b": 3})
        assert not constraint.holds({"a": 5, "b": 2})


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("a / b > 1", "ZeroDivisionError"),
        ("kind + 1 > a", "text 'x' has no arithmetic"),
        ("kind < a", "TypeError"),
        ("9 ** 9 ** 9 > a", "OverflowError"),
        ("(a - 5) ** 0.5 > 1", "is not real"),
        ("f == f and abs(kind) > a", "text 'x' has no arithmetic"),
    ],
)
def test_what_raises_is_told_with_the_point(text, fault) -> None:
    constraint = TextConstraint(text, SPACE, "constraints[3]")
    row = {"a": 4, "b": 0, "f": 1.0, "flag": True, "kind": "x"}
    with pytest.raises(SpaceError, match=rf"constraints\[3\].*{fault}.*at \{{"):
        constraint.holds(row)
    with pytest.raises(SpaceError, match=fault):
        mask(constraint, {name: column_of([value, value]) for name, value in row.items()}, 2)


def test_numbers_beyond_two_to_the_53_are_counted_as_python_does() -> None:
    space = read_parameters({name: {"type": "int", "min": 0, "max": 2**40} for name in "ab"})
    constraint = TextConstraint("a * b == 1208925819614629174706175", space, "c")  # 2^80 - 1
    columns = {"a": column_of([2**40 - 1, 2**40]), "b": column_of([2**40 + 1, 2**40])}
    assert mask(constraint, columns, 2).tolist() == [True, False]


@pytest.mark.parametrize(
    ("given_", "fault"),
    [
        ("a > 1", "constraints: give a list"),
        ([3], r"constraints\[0\]: 3 is neither text nor a function"),
        ([lambda p: 1 / 0], r"constraints\[0\]: <lambda> raised ZeroDivisionError"),
        ([lambda p: p["width"]], r"constraints\[0\]: .* raised KeyError: 'width'"),
        ([lambda p: None], "returned None"),
    ],
)
def test_faulty_constraints_are_told_by_their_number(given_, fault) -> None:
    with pytest.raises(SpaceError, match=fault):
        read_constraints(given_, SPACE)[0].holds({"a": 1})
