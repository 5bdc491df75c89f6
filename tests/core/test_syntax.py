"""Proposed source is read as syntax, by many threads at once, as Python itself would resolve it."""

import ast
import warnings
from concurrent.futures import ThreadPoolExecutor

import pytest

from neuromosaic.core.syntax import defaults, method, parse

SOURCE = """
class Base:
    def __init__(self, width=8, *, deep=True, label): pass
class Model(Base):
    def forward(self, x): pass
"""


def test_a_method_is_found_in_a_base_of_the_same_file() -> None:
    tree = parse(SOURCE)
    constructor, forward = method("__init__", tree), method("forward", tree)
    assert constructor is not None
    assert forward is not None
    assert {name: ast.literal_eval(value) for name, value in defaults(constructor).items()} == {
        "width": 8,
        "deep": True,
    }


@pytest.mark.parametrize("source", ["x = 1", "class Model(Model): pass", "class A(B): pass\nclass Model(A, C): pass"])
def test_what_is_not_there_is_none_also_where_bases_go_round_in_circles(source: str) -> None:
    assert method("__init__", parse(source)) is None


def test_the_last_definition_counts() -> None:
    found = method("f", parse("class Model:\n    def f(self, a=1): pass\n    def f(self, a=2): pass"))
    assert found is not None
    assert ast.literal_eval(defaults(found)["a"]) == 2


def test_no_warning_about_the_source_reaches_anybody() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        parse(r'x = "\d"')


def test_many_threads_parse_at_once() -> None:
    deep = "x = " + "[" * 40 + "]" * 40
    with ThreadPoolExecutor(8) as pool:
        assert len(list(pool.map(parse, [deep] * 400))) == 400
