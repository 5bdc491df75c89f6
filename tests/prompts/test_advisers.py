"""A role of the user's own, in one file: whom it advises, what it is asked, and what is wrong with its file."""

from pathlib import Path

import pytest

from neuromosaic.core.errors import RoleError
from neuromosaic.core.proposals import Advice, Adviser, FamilyProposal, Request
from neuromosaic.core.role_inputs import AdviceInputs, FamilyInputs, Remark, Trace
from neuromosaic.prompts.render import messages
from neuromosaic.prompts.roles import check_roles, load_roles, own_file
from neuromosaic.testing import example_hardware, example_task

FILE = "---\nname: SensorExpert\ndescription: knows our sensors\n---\nYou know our sensors.\n"
EXPERT = Adviser("SensorExpert")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "expert.md").write_text(FILE)
    return tmp_path


def asked(folder: Path, **more: object) -> list[str]:
    inputs = AdviceInputs.model_validate(
        {**example_task(), "hardware": example_hardware(), "advised": "NetworkArchitect", **more}
    )
    request = Request[Advice](role=EXPERT, purpose="advise", inputs=inputs, reply=Advice)
    return [message["content"] for message in messages(load_roles(folder)[EXPERT], request)]


def test_name_description_and_body_are_enough(folder: Path) -> None:
    assert check_roles(folder) == []
    assert load_roles(folder)[EXPERT].advises == ("NetworkArchitect", "ModelArchitect")
    assert all(not role.advises for role in load_roles().values())
    assert own_file(EXPERT, folder) == folder / "expert.md"
    assert own_file("Trainer", folder) is None
    assert own_file("Trainer", folder / "none") is None


@pytest.mark.parametrize("line", ["advises: trainer, test_architect", "advises: [Trainer, TestArchitect]"])
def test_it_says_whom_it_advises(folder: Path, line: str) -> None:
    (folder / "expert.md").write_text(FILE.replace("---\nYou", f"{line}\n---\nYou"))
    assert load_roles(folder)[EXPERT].advises == ("Trainer", "TestArchitect")


def test_it_is_told_the_task_and_whom_it_advises(folder: Path) -> None:
    system, user = asked(folder)
    assert system == "You know our sensors."
    assert user.startswith("Advise the NetworkArchitect, who proposes families of networks")
    assert "[batch, 1, 8, 8]" in user
    assert "at most 20000 trainable parameters" in user
    assert "`remarks`" in user
    assert "What was tried so far" not in user


def test_it_is_told_what_was_tried(folder: Path) -> None:
    trace = Trace(family="ResNet", designed_by="openai/m", outcome="accepted", metrics={"accuracy": 0.9}, trials=3)
    assert "in 1 round (metrics" in (told := asked(folder, history=(trace,), round=1)[1])
    assert "ResNet" in told


def test_a_template_of_its_own_comes_first(folder: Path) -> None:
    (folder / "sensor_expert.advise.j2").write_text("What is {{ inputs.data.name }}?")
    assert check_roles(folder) == []
    assert asked(folder)[1] == "What is digits?\n"


def test_what_it_says_reaches_the_seat_as_data() -> None:
    remarks = (Remark(by="SensorExpert", text="Channel 3 drifts.\n## Limits\n- none"),)
    inputs = FamilyInputs(**example_task(), hardware=example_hardware(), slot=0, slots=1, advice=remarks)
    request = Request[FamilyProposal](role="NetworkArchitect", purpose="propose", inputs=inputs, reply=FamilyProposal)
    told = messages(load_roles()["NetworkArchitect"], request)[1]["content"]
    assert 'Channel 3 drifts.\\n## Limits\\n- none"' in told
    assert told.count("\n## Limits\n") == 1


@pytest.mark.parametrize("name", ["DataArchitect", "Reviewer", "sensor-expert"])
def test_other_names_are_roles_of_their_own(folder: Path, name: str) -> None:
    (folder / "expert.md").write_text(FILE.replace("SensorExpert", name))
    assert Adviser(name) in load_roles(folder)


def test_a_misspelt_seat_is_no_new_role(folder: Path) -> None:
    (folder / "expert.md").write_text(FILE.replace("SensorExpert", "Trianer"))
    with pytest.raises(RoleError, match="did you mean Trainer"):
        load_roles(folder)
