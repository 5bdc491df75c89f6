import ast

import pytest

from neuromosaic.delivery.contents import Delivery
from neuromosaic.delivery.model_file import model_file, one_line

HOSTILE = 'nice\nimport os\r\nos.remove(\'x\')\u2028\x0c\x00 """ net'


def test_the_header_says_what_it_is_and_how_to_load_it(digits: Delivery) -> None:
    assert digits.results.winner is not None
    text = model_file(digits.model_source, digits.results, digits.results.winner)
    assert text.startswith("# r0s0-4c1d2e: 14,218 parameters, test accuracy 0.9851")
    assert '#     model.load_state_dict(load_file("weights.safetensors"))\n' in text
    assert text.endswith(digits.model_source)
    assert ast.get_docstring(ast.parse(text)) == "A perceptron with one hidden layer."


def test_nothing_leaves_the_comment(digits: Delivery) -> None:
    assert digits.results.winner is not None
    brief = digits.results.brief.model_copy(update={"sentence": HOSTILE})
    results = digits.results.model_copy(update={"brief": brief})
    winner = digits.results.winner.model_copy(update={"name": HOSTILE, "designed_by": HOSTILE})
    text = model_file(digits.model_source, results, winner)
    assert ast.dump(ast.parse(text)) == ast.dump(ast.parse(digits.model_source))


@pytest.mark.parametrize(
    ("text", "line"), [("a\n b", "a b"), ("  in\tdent", "  in dent"), ("x" * 200, "x" * 109 + "…")]
)
def test_a_line_is_one_line(text: str, line: str) -> None:
    assert one_line(text) == line
