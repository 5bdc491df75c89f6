import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neuromosaic.core.protocols import Program
from neuromosaic.core.validation.identity import normalised_hash, program_hash

SOURCE = '''
from torch import nn

GAIN = 2

class Model(nn.Module):
    """A network."""

    def __init__(self, width=8):
        """Builds it."""
        super().__init__()
        layers = [nn.Linear(64, width)]
        for number in range(3):
            layers.append(nn.Linear(width, width))
        self.layers = nn.Sequential(*layers)

    def forward(self, x):
        hidden = self.layers(x)  # all of them
        return GAIN * hidden
'''


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"""A network."""', '"""Another text."""'),
        ('        """Builds it."""\n', ""),
        ("  # all of them", ""),
        ("hidden = self.layers(x)", "hidden  =  (self.layers( x ))"),
        ("hidden", "h"),
        ("layers = [nn", "parts = [nn"),
        ("number", "_"),
    ],
)
def test_what_changes_no_behaviour_changes_no_hash(old: str, new: str) -> None:
    changed = SOURCE.replace(old, new)
    if old.startswith("layers"):
        changed = changed.replace(" layers.append", " parts.append").replace("*layers", "*parts")
    assert changed != SOURCE
    assert normalised_hash(changed) == normalised_hash(SOURCE)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("range(3)", "range(4)"),
        ("GAIN * hidden", "GAIN + hidden"),
        ("width=8", "width=16"),
        ("width", "size"),
        ("GAIN = 2", "GAIN = 3"),
        ("nn.Linear(64, width)", "nn.LazyLinear(width)"),
    ],
)
def test_what_changes_behaviour_changes_the_hash(old: str, new: str) -> None:
    assert normalised_hash(SOURCE.replace(old, new)) != normalised_hash(SOURCE)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x = 1\ny = 2\ndef f():\n    return x", "x = 1\ny = 2\ndef f():\n    return y"),
        ("def f():\n    class A:\n        x = 1\n    return A",
         "def f():\n    class A:\n        y = 1\n    return A"),
        ("def f(a):\n    a = 1\n    return a", "def f(b):\n    b = 1\n    return b"),
        ("def f():\n    try:\n        e = 1\n    except E as e:\n        return e",
         "def f():\n    try:\n        d = 1\n    except E as e:\n        return e"),
        ("def f():\n    global a\n    a = 1", "def f():\n    global b\n    b = 1"),
        ("def f():\n    match 1:\n        case [*a]:\n            a = 2",
         "def f():\n    match 1:\n        case [*b]:\n            b = 2"),
        ("def f():\n    g = 1\n    return len", "def f():\n    len = 1\n    return len"),
    ],
)  # fmt: skip
def test_names_that_mean_something_elsewhere_are_kept(one: str, other: str) -> None:
    assert normalised_hash(one) != normalised_hash(other)


@settings(deadline=None)
@given(st.lists(st.sampled_from(["alpha", "beta", "gamma"]), min_size=3, max_size=3, unique=True))
def test_any_renaming_of_locals_gives_one_hash(names: list[str]) -> None:
    a, b, c = names
    source = f"def f(x):\n    {a} = x\n    {b} = [{c} for {c} in {a}]\n    return {b}"
    assert normalised_hash(source) == normalised_hash("def f(x):\n    i = x\n    j = [k for k in i]\n    return j")


@pytest.mark.parametrize("junk", ["def f(", "x = '\0'", "x = " + "-" * 5000 + "1", "x = '\ud800'"])
def test_junk_is_hashed_as_it_is(junk: str) -> None:
    assert normalised_hash(junk) == normalised_hash(junk)
    assert normalised_hash(junk) != normalised_hash(junk + " ")


def test_values_make_another_program_and_the_seed_does_not() -> None:
    program = Program(SOURCE, {"width": 8, "depth": 1}, seed=0)
    assert program_hash(program) == program_hash(Program(SOURCE, {"depth": 1, "width": 8}, seed=1))
    assert program_hash(program) != program_hash(Program(SOURCE, {"width": 9, "depth": 1}, seed=0))
