"""What a person says plainly is understood; what is not understood is told back."""

import pytest

from neuromosaic.core.brief import Brief, Constraints
from neuromosaic.core.errors import BriefError, UsageError
from neuromosaic.core.proposals import Adviser
from neuromosaic.interfaces.chat import commands
from neuromosaic.interfaces.chat.reading import read, role_named
from neuromosaic.interfaces.chat.wishes import (
    Amend,
    Export,
    GoOnFrom,
    Order,
    Question,
    Resize,
    Spend,
    Unclear,
    UseModel,
    Wish,
)

SAID: list[tuple[str, Wish]] = [
    ("why was the ResNet dropped?", Question("why", "ResNet")),
    ("What happened to the wide MLP?", Question("why", "wide MLP")),
    ("why did r0s1 fail?", Question("why", "r0s1")),
    ("what is the best so far?", Question("best")),
    ("how is it going?", Question("status")),
    ("how much is left?", Question("budget")),
    ("show me the tests", Question("tests")),
    ("list the candidates", Question("pareto")),
    ("what changed?", Question("diff")),
    ("which model designed it?", Question("models")),
    ("make it half as big", Resize(0.5)),
    ("Please make it half the size.", Resize(0.5)),
    ("make it twice as fast", Resize(0.5, "latency_ms")),
    ("make it 30% smaller", Resize(0.7)),
    ("make it 25% faster", Resize(0.75, "latency_ms")),
    ("make it 3 times as big", Resize(3.0)),
    ("double the memory", Resize(2.0, "memory_mb")),
    ("go on from candidate 3", GoOnFrom("3")),
    ("continue with residual-mlp-65b6be", GoOnFrom("residual-mlp-65b6be")),
    ("spend 5 more minutes", Spend(seconds=300.0)),
    ("go on for another minute", Spend(seconds=60.0)),
    ("10 more trials", Spend(trials=10)),
    ("spend $0.50", Spend(cost_usd=0.5)),
    ("use model openai/small for tests", UseModel("openai/small", "TestArchitect")),
    ("use offline", UseModel("offline")),
    ("I want it half as big", Resize(0.5)),
    ("half as big please", Resize(0.5)),
    ("halve the latency", Resize(0.5, "latency_ms")),
    ("reduce its size by half", Resize(0.5)),
    ("halve it", Resize(0.5)),
    ("go on from the third candidate", GoOnFrom("3")),
    ("5 more minutes", Spend(seconds=300.0)),
    ("an hour longer", Spend(seconds=3600.0)),
    ("another 5 minutes", Spend(seconds=300.0)),
    ("use offline for everything", UseModel("offline")),
    ("use model openai/x for the test architect", UseModel("openai/x", "TestArchitect")),
    ("use openai/x for SensorExpert", UseModel("openai/x", Adviser("SensorExpert"))),
    ("Why did you drop the ResNet?", Question("why", "ResNet")),
    ("why not the transformer?", Question("why", "transformer")),
    ("how accurate is it?", Question("best")),
    ("what's its size?", Question("best")),
    ("carry on", Order("approve")),
    ("pause", Order("stop")),
    ("yes", Order("approve")),
    ("stop", Order("stop")),
    ("undo that", Order("undo")),
    ("export it to out/net", Export("out/net")),
    ("paint it blue", Unclear(("paint it blue",))),
    ("use the usual loss", Amend(Brief(loss="usual"))),
    ("drop the loss, please", Amend(Brief(loss="usual"))),
    ("under 5k parameters", Amend(Brief(constraints=Constraints(parameters=5000)))),
    ("accuracy at least 95% in pink", Amend(Brief(constraints=Constraints(metrics={"accuracy": 0.95})), ("pink",))),
]


@pytest.mark.parametrize(("text", "wish"), SAID, ids=[text for text, _ in SAID])
def test_a_plain_request_is_understood(text: str, wish: Wish) -> None:
    assert read(text) == wish


@pytest.mark.parametrize("text", ["make it smaller", "Make it a bit faster, please."])
def test_what_is_said_without_a_figure_is_asked_for(text: str) -> None:
    with pytest.raises(BriefError, match=r"How much (smaller|faster)"):
        read(text)


def test_roles_are_named_by_themselves_or_by_their_work() -> None:
    assert (role_named("Trainer"), role_named("networks")) == ("Trainer", "NetworkArchitect")
    assert role_named("Barber") == "Barber"  # may be one of the user's own: the session knows
    with pytest.raises(BriefError, match="no name of a role"):
        role_named("4 barbers")


@pytest.mark.parametrize(
    ("text", "wish"),
    [
        ("/status", Question("status")),
        ("/WHY mlp", Question("why", "mlp")),
        ("/model", Question("models")),
        ("/model Trainer=openai/x", UseModel("openai/x", "Trainer")),
        ("/model openai/x", UseModel("openai/x")),
        ("/budget", Question("budget")),
        ("/budget 2 minutes", Spend(seconds=120.0)),
        ("/brief under 10 parameters", Amend(Brief(constraints=Constraints(parameters=10)))),
        ("/brief", Question("brief")),
        ("/export a/b", Export("a/b")),
        ("/dance", None),
    ],
)
def test_commands_are_short_for_words(text: str, wish: Wish | None) -> None:
    assert commands.parse(text) == wish


@pytest.mark.parametrize("text", ["/why", "/export"])
def test_a_command_says_what_it_needs(text: str) -> None:
    with pytest.raises(UsageError, match=text):
        commands.parse(text)


def test_every_command_of_the_overview_is_one() -> None:
    for name in commands.COMMANDS:
        assert f"  {name}" in commands.overview()
