"""A family may be proposed with conditions and constraints, and its search keeps to them."""

import json
import random

import pytest
from pydantic import ValidationError

from neuromosaic.agents.network_architect import space_faults
from neuromosaic.core.proposals import FamilyProposal
from neuromosaic.core.search.families import Families
from neuromosaic.core.search.objectives import Objectives
from neuromosaic.core.search.strategies.catalogue import make_strategy
from neuromosaic.workflows.candidates import family_default

SOURCE = """
class Model:
    def __init__(self, depth=2, width=16, norm=False, groups=2):
        pass
"""
PARAMETERS = {
    "depth": {"type": "int", "min": 1, "max": 8},
    "width": {"type": "int", "min": 8, "max": 64, "step": 8},
    "norm": {"type": "bool"},
    "groups": {"type": "ordinal", "values": [1, 2, 4], "when": {"norm": True}},
}


def proposed(constraints, parameters=PARAMETERS):
    document = {"name": "net", "parameters": parameters, "constraints": constraints}
    return FamilyProposal.from_files({"model.py": SOURCE, "space.json": json.dumps(document)}, "a net")


def test_conditions_and_constraints_are_read_and_searched_within() -> None:
    proposal = proposed(["depth * width <= 64"])
    default = family_default(proposal)
    assert default == {"depth": 2, "width": 16, "norm": False}
    assert space_faults(proposal) == []
    families, space = Families({"net": proposal.searched}), proposal.searched
    strategy = make_strategy("regularized_evolution", 3, Objectives("value"), {"population_size": 8})
    for trial in range(60):
        point = strategy.suggest(families, trial)
        space.check(families.choice(point).values)
        strategy.update(point, {"value": random.Random(trial).random()})


def test_without_constraints_a_proposal_reads_as_before() -> None:
    document = json.dumps({"name": "net", "parameters": PARAMETERS})
    assert FamilyProposal.from_files({"model.py": SOURCE, "space.json": document}, "").constraints == ()


def test_defaults_that_break_a_constraint_are_a_fault() -> None:
    (fault,) = space_faults(proposed(["depth * width <= 16"]))
    assert "the defaults of Model.__init__ are outside space.json: constraints[0]" in fault


@pytest.mark.parametrize(
    ("constraints", "parameters", "fault"),
    [
        (["widht < 3"], PARAMETERS, "space.json: constraints.0.: 'widht' is no parameter .did you mean 'width'"),
        ([], {"p": {"type": "bool", "when": {"q": True}}}, "space.json: parameters.p.when.q: 'q' is no parameter"),
    ],
)
def test_unsound_spaces_are_refused(constraints, parameters, fault) -> None:
    with pytest.raises(ValidationError, match=fault):
        proposed(constraints, parameters)
