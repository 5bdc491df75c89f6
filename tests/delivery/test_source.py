import ast
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuromosaic.delivery.source import literal, with_defaults

HEAD = "# ünïcode, so that bytes and characters differ: 漢字\nfrom x import Base\n\n\n"

VALUES = (
    st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=6)
    | st.tuples(st.integers(), st.text(max_size=2))
    | st.tuples(st.integers())
    | st.none()
)
NAMES = ("width", "größe", "depth", "kernel", "rate")


@st.composite
def signatures(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """A constructor in any layout, with its defaults by name."""
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, unique=True))
    defaults = {name: draw(VALUES) for name in names}
    split = draw(st.integers(0, len(names)))
    annotate, own_lines, parenthesise = draw(st.tuples(st.booleans(), st.booleans(), st.booleans()))
    parts = []
    for name, value in defaults.items():
        said = f"({literal(value)})" if parenthesise else literal(value)
        parts.append(f"{name}: 'dict[str, int]' = {said}" if annotate else f"{name}={said}")
    listed = ["self", *parts[:split], *(["*"] if parts[split:] else []), *parts[split:]]
    comma = ",  # größer, always\n        " if own_lines else ", "
    return (
        f"{HEAD}class Model(Base):\n    def __init__({comma.join(listed)}):\n        self.ok = '''a\n=1,'''\n",
        defaults,
    )


@given(signatures(), st.data())
def test_only_the_named_defaults_change_and_going_back_gives_the_source(
    signature: tuple[str, dict[str, Any]], data: st.DataObject
) -> None:
    source, defaults = signature
    values = {name: data.draw(VALUES) for name in defaults if data.draw(st.booleans())}
    changed = with_defaults(source, values)
    assert _without_defaults(changed) == _without_defaults(source)
    assert _defaults(changed) == {**defaults, **values}
    assert with_defaults(changed, {name: defaults[name] for name in values}) == source


def _constructor(source: str) -> ast.FunctionDef:
    model = next(node for node in ast.parse(source).body if isinstance(node, ast.ClassDef))
    return next(node for node in model.body if isinstance(node, ast.FunctionDef))


def _without_defaults(source: str) -> str:
    tree = ast.parse(source)
    arguments = next(node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)).args
    arguments.defaults = [ast.Constant(None) for _ in arguments.defaults]
    arguments.kw_defaults = [default and ast.Constant(None) for default in arguments.kw_defaults]
    return ast.dump(tree)


def _defaults(source: str) -> dict[str, Any]:
    arguments = _constructor(source).args
    positional = arguments.args[len(arguments.args) - len(arguments.defaults) :]
    pairs = [*zip(positional, arguments.defaults, strict=True)]
    pairs += [(node, value) for node, value in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True) if value]
    return {node.arg: ast.literal_eval(value) for node, value in pairs}


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_line_endings_stay(ending: str) -> None:
    source = ending.join(["class Model:", "    def __init__(self,", "        a=-1, *, b='é'): pass", ""])
    changed = with_defaults(source, {"a": -0.5, "b": 'it\'s "so"'})
    assert changed == source.replace("-1", "-0.5").replace("'é'", "'it\\'s \"so\"'")


def test_a_model_without_a_constructor_of_its_own_takes_nothing() -> None:
    source = "class Model: __init__ = 1\n"
    with pytest.raises(ValueError, match="no __init__"):
        with_defaults(source, {"a": 1})


def test_an_argument_without_a_default_gets_one() -> None:
    source = "class Model:\n    def __init__(self, a, b: int, /, c=3, *, d: 'x', e): pass\n"
    changed = with_defaults(source, {"a": 1, "b": 2, "d": (1,), "e": None})
    assert (
        changed == "class Model:\n    def __init__(self, a=1, b: int = 2, /, c=3, *, d: 'x' = (1,), e=None): pass\n"
    )


def test_a_default_that_python_forbids_is_refused() -> None:
    source = "class Model:\n    def __init__(self, a, b): pass\n"
    with pytest.raises(ValueError, match="'a' cannot get a default: 'b' behind it has none"):
        with_defaults(source, {"a": 1})


@pytest.mark.parametrize("name", ["widht", "self", "args", "kwargs"])
def test_an_argument_that_is_not_there_is_named(name: str) -> None:
    source = "class Model:\n    def __init__(self, width=1, *args, depth=2, **kwargs): pass\n"
    with pytest.raises(ValueError, match=f"no argument '{name}'; it has: width, depth"):
        with_defaults(source, {name: 1})


def test_the_class_that_counts_is_the_last_one() -> None:
    source = "class Model:\n    def __init__(self, a=1): pass\nclass Other:\n    def __init__(self, a=1): pass\n"
    source += "class Model:\n    def __init__(self, a=1): pass\n    def __init__(self, a=7): pass\n"
    assert with_defaults(source, {"a": 9}) == source.replace("a=7", "a=9")


def test_nothing_to_change_needs_no_constructor() -> None:
    assert with_defaults("class Model: pass\n", {}) == "class Model: pass\n"


def test_source_without_a_model_is_refused() -> None:
    with pytest.raises(ValueError, match="no top-level class Model"):
        with_defaults("def Model(): pass\n", {"a": 1})


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object(), {"a": 1}])
def test_a_value_that_no_literal_can_say_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="cannot be written"):
        literal(value)


@given(VALUES | st.lists(VALUES))
def test_a_literal_evaluates_to_its_value(value: Any) -> None:
    assert ast.literal_eval(literal(value)) == value
    assert "\n" not in literal(value)
