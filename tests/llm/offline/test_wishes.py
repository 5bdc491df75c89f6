"""Kinds of network that the engineer names are what is proposed."""

import pytest

from neuromosaic.core.brief import Brief
from neuromosaic.core.role_inputs import BriefInputs
from neuromosaic.llm.offline.catalogue import CATALOGUE
from neuromosaic.llm.offline.choosing import ranking
from neuromosaic.llm.offline.proposing import propose_family
from neuromosaic.llm.offline.reading import read_brief
from neuromosaic.llm.offline.wishes import CONVOLUTIONAL, unwanted, wished
from tests.llm.offline.contracts import COLOUR, MOTION, family_inputs


def named(sentence: str) -> set[str]:
    return set(wished(Brief(sentence=sentence)))


@pytest.mark.parametrize(
    ("sentence", "families"),
    [
        ("a small transformer that classifies motions", {"Transformer"}),
        ("classify motions with an LSTM", {"GRU"}),
        ("a MobileNet or a ResNet for photos", {"MobileNet", "ResNet"}),
        ("prefer depthwise convolutions", {"MobileNet"}),
        ("a residual MLP", {"residual MLP"}),
        ("a temporal convolution network", {"TCN"}),
        ("a model with attention layers", {"Transformer"}),
        (
            "a CNN, not a ResNet",
            {*CONVOLUTIONAL} - {"ResNet"},
        ),
        ("pay attention to the rare classes", set()),
        ("predict the transformer oil temperature of a power transformer", set()),
        ("classify digits", set()),
    ],
)
def test_names_are_understood(sentence: str, families: set[str]) -> None:
    assert named(sentence) == families


def test_every_name_is_that_of_a_family() -> None:
    known = {family.name for family in CATALOGUE}
    said = "cnn resnet mobilenet convnext unet resmlp mlp tcn gru transformer gnn deepsets"
    assert {one for word in said.split() for one in named(f"a {word}")} <= known
    assert all(named(f"a {word}") for word in said.split())


def test_a_named_kind_is_the_only_one_proposed_and_the_reason_says_so() -> None:
    inputs = family_inputs(MOTION, Brief(sentence="a small transformer that classifies motions"))
    assert {family.name for family in ranking(inputs)} == {"Transformer"}
    assert propose_family(inputs).rationale.endswith("The brief asks for one.")


def test_what_is_ruled_out_is_not_proposed() -> None:
    inputs = family_inputs(MOTION, Brief(sentence="classify motions without recurrence"))
    assert unwanted(inputs.brief) == {"GRU"}
    assert "GRU" not in {family.name for family in ranking(inputs)}


def test_a_kind_that_does_not_suit_the_data_gives_way_and_the_reason_says_so() -> None:
    inputs = family_inputs(COLOUR, Brief(sentence="classify pictures with a transformer"))
    assert "Transformer" not in {family.name for family in ranking(inputs)}
    assert "None of those that the brief names (Transformer) suits" in propose_family(inputs).rationale


def test_such_words_are_no_riddle_to_the_reader() -> None:
    draft = read_brief(BriefInputs(sentence="a small transformer that classifies sequences", known=Brief()))
    assert draft.brief.task == "classification"
    assert draft.not_understood == ()
