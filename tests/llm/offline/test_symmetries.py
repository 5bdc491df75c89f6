"""What the words say a network must be blind to is tested, and what is proposed is blind to it by its structure."""

import pytest

from neuromosaic.agents.network_architect import propose_family
from neuromosaic.agents.test_architect import write_suite
from neuromosaic.core.brief import Brief, Contract
from neuromosaic.core.role_inputs import RecipeInputs, SuiteInputs
from neuromosaic.llm.offline.catalogue import family_named
from neuromosaic.llm.offline.choosing import ranking
from neuromosaic.llm.offline.costing import Cost
from neuromosaic.llm.offline.designer import OfflineDesigner
from neuromosaic.llm.offline.fitting import fit
from neuromosaic.llm.offline.recipes import propose_recipes
from neuromosaic.llm.offline.symmetries import demanded
from neuromosaic.llm.offline.writing import write_source
from tests.llm.offline.contracts import (
    COLOUR,
    DIGITS,
    HOUSES,
    LAPTOP,
    LETTERS,
    MOTION,
    REVIEWS,
    family_inputs,
    summary,
)
from tests.llm.offline.suite_runner import Outcomes, failed, read_outcomes, run_suites
from tests.once import made_once

SET = "classify unordered sets of points"
GRAPH = "does the graph of this adjacency matrix hold a triangle"
SHIFT = "classify digits wherever they are, translation invariant"
PADDED = "a character model for texts that are padded at the end"

ORDER = "test_the_order_of_the_elements_does_not_matter"
NUMBERS = "test_the_numbers_of_the_nodes_do_not_matter"
SHIFTED = "test_a_shift_by_a_pixel_changes_little"
BEHIND = "test_padding_changes_nothing_before_it"


@pytest.mark.parametrize(
    ("sentence", "contract", "blind"),
    [
        (SET, MOTION, {"elements"}), ("the order of the points does not matter", MOTION, {"elements"}),
        ("classify motions", MOTION, set()), (SET, HOUSES, set()), ("a set of data", MOTION, set()),
        (GRAPH, DIGITS, {"nodes"}), (GRAPH, COLOUR, set()), (SHIFT, DIGITS, {"shift"}), (SHIFT, HOUSES, set()),
        (PADDED, LETTERS, {"padding"}), (PADDED, REVIEWS, set()), ("classify images", COLOUR, set()),
    ],
)  # fmt: skip
def test_what_is_demanded_is_read_from_the_words(sentence: str, contract: Contract, blind: set[str]) -> None:
    assert demanded(Brief(sentence=sentence), contract) == blind
    assert demanded(Brief(hints=sentence), contract) == blind


def suite(sentence: str, contract: Contract) -> str:
    inputs = SuiteInputs(brief=Brief(sentence=sentence), contract=contract, data=summary(contract))
    return write_suite(OfflineDesigner(), inputs).source


def source(contract: Contract, name: str) -> str:
    family = family_named(name)
    assert family is not None
    return write_source(family, contract, fit(family, contract, Cost(parameters=9_000), Cost()).defaults)


SEEING = """import torch
from torch import nn


class Model(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.ids = nn.Embedding(40, 8)
        self.head = nn.Linear(8, 40)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.ids(x)
        return self.head(torch.relu(y + y[:, -1:]))
"""
BLIND = {
    "Deep Sets": (SET, MOTION), "graph network": (GRAPH, DIGITS), "level CNN": (SHIFT, DIGITS),
    "GRU": (PADDED, LETTERS),
}  # fmt: skip
SIGHTED = {
    "order": (SET, MOTION, "GRU", ORDER), "numbers": (GRAPH, DIGITS, "ResNet", NUMBERS),
    "place": (SHIFT, DIGITS, "MLP", SHIFTED), "strides": (SHIFT, DIGITS, "small CNN", SHIFTED),
}  # fmt: skip


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcomes]:
    cases = {name: (suite(*asked), source(asked[1], name)) for name, asked in BLIND.items()}
    cases |= {
        what: (suite(words, contract), source(contract, name)) for what, (words, contract, name, _) in SIGHTED.items()
    }
    cases["end"] = (suite(PADDED, LETTERS), SEEING)
    return read_outcomes(made_once(tmp_path_factory, "symmetries", lambda place: run_suites(cases, place)), cases)


@pytest.mark.parametrize("name", BLIND)
def test_a_network_that_is_blind_to_it_passes(outcomes: dict[str, Outcomes], name: str) -> None:
    assert failed(outcomes[name]) == set()
    assert {ORDER, NUMBERS, SHIFTED, BEHIND} & {test.partition("[")[0] for test in outcomes[name]}


@pytest.mark.parametrize(("what", "test"), [("end", BEHIND), *((what, case[3]) for what, case in SIGHTED.items())])
def test_a_network_that_sees_it_fails(outcomes: dict[str, Outcomes], what: str, test: str) -> None:
    assert test in failed(outcomes[what])


@pytest.mark.parametrize(
    ("sentence", "contract", "names"),
    [
        (SET, MOTION, ["Deep Sets"]), (GRAPH, DIGITS, ["graph network"]),
        (SHIFT, DIGITS, ["level CNN"]),
    ],
)  # fmt: skip
def test_only_networks_that_are_blind_to_it_are_proposed(sentence: str, contract: Contract, names: list[str]) -> None:
    inputs = family_inputs(contract, Brief(sentence=sentence))
    assert [family.name for family in ranking(inputs)] == names
    assert propose_family(OfflineDesigner(), inputs).name == names[0]


def test_where_nothing_is_demanded_nothing_of_it_is_tested_or_proposed() -> None:
    assert not any(test in suite("classify", MOTION) for test in (ORDER, NUMBERS, SHIFTED, BEHIND))
    assert "Deep Sets" not in {family.name for family in ranking(family_inputs(MOTION))}


def test_a_graph_is_not_shifted_as_an_image_may_be() -> None:
    known = {"data": summary(DIGITS), "hardware": LAPTOP, "families": ("x",), "loss": "cross_entropy"}
    inputs = RecipeInputs(brief=Brief(sentence=GRAPH), contract=DIGITS, **known)
    assert propose_recipes(inputs).recipes[0].augment == ()
