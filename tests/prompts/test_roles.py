from importlib import resources
from pathlib import Path

import pytest

from neuromosaic.core.errors import RoleError
from neuromosaic.prompts.roles import check_roles, eject, load_roles, source_of
from neuromosaic.prompts.seats import SEATS, file_name, seat_name

SMALL = "---\nname: Trainer\ndescription: mine\n---\nBe brief.\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / ".neuromosaic" / "agents"


def write(folder: Path, text: str | bytes, name: str = "mine.md") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return folder


def test_every_role_has_a_built_in_file_named_after_it() -> None:
    roles = load_roles()
    assert tuple(sorted(roles)) == tuple(sorted(SEATS))
    files = {path.name for path in resources.files("neuromosaic.prompts").joinpath("roles").iterdir()}
    assert files == {file_name(name) for name in SEATS}
    assert all(roles[name].name == name and roles[name].description for name in SEATS)


def test_the_built_in_files_are_faultless(tmp_path: Path) -> None:
    for name in SEATS:
        write(tmp_path, source_of(name), file_name(name))
    assert check_roles(tmp_path) == []


def test_a_user_s_file_overrides_by_name(folder: Path) -> None:
    roles = load_roles(write(folder, SMALL))
    assert roles["Trainer"].prompt == "Be brief."
    assert roles["Trainer"].model is None
    assert roles["Metrics"] == load_roles()["Metrics"]


def test_a_folder_that_is_not_there_overrides_nothing(folder: Path) -> None:
    assert load_roles(folder) == load_roles()


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_files_of_other_systems_are_read(folder: Path, ends: str, mark: bytes) -> None:
    roles = load_roles(write(folder, mark + SMALL.replace("\n", ends).encode()))
    assert roles["Trainer"].prompt == "Be brief."


def test_all_settings_are_read(folder: Path) -> None:
    text = SMALL.replace("---\nBe", "model: openai/x\ntemperature: 0.5\nmax_tokens: 900\ntools: read, grep\n---\nBe")
    role = load_roles(write(folder, text))["Trainer"]
    assert (role.model, role.temperature, role.max_tokens, role.tools) == ("openai/x", 0.5, 900, ("read", "grep"))


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        (
            SMALL.replace("---\nBe", "temprature: 1\n---\nBe"),
            4,
            "unknown key 'temprature': did you mean 'temperature'?",
        ),
        (
            SMALL.replace("---\nBe", "colour: red\n---\nBe"),
            4,
            "unknown key 'colour': known keys are name, description",
        ),
        (SMALL.replace("---\nBe", "prompt: red\n---\nBe"), 4, "unknown key 'prompt'"),
        (SMALL.replace("---\nBe", "temperature: hot\n---\nBe"), 4, "temperature: Input should be a valid number"),
        (
            SMALL.replace("---\nBe", "max_tokens: 0\n---\nBe"),
            4,
            "max_tokens: Input should be greater than or equal to 1",
        ),
        (SMALL.replace("Trainer", "Trianer"), 2, "there is no role 'Trianer': did you mean Trainer?"),
        (SMALL.replace("Trainer", "the cook"), 2, "'the cook' is no name of a role: write one word"),
        (SMALL.replace("---\nBe", "advises: Metrics\n---\nBe"), 4, "advises: Trainer has a seat of its own"),
        (
            SMALL.replace("Trainer", "Cook").replace("---\nBe", "advises: Guests\n---\nBe"),
            4,
            "no role 'Guests': known: ",
        ),
        (SMALL.replace("description: mine\n", ""), None, "'description' is missing"),
        (SMALL.replace("Be brief.", " "), None, "the body is empty: write the role's prompt below"),
        (SMALL.replace("---\nBe", "name: Metrics\n---\nBe"), 4, "'name' stands here twice"),
        (SMALL.replace("description: mine", "description: [mine"), 3, "not YAML"),
        (SMALL.replace("name: Trainer\ndescription: mine", "just words"), 2, "must be lines of `key: value`"),
        ("Be brief.\n", 1, "must begin with a line `---`"),
        ("---\nname: Trainer\n", 3, "not closed by a second line"),
        ("", 1, "must begin with a line `---`"),
        (b"---\nname: \xff\n---\n", None, "is not UTF-8 text"),
    ],
)
def test_a_fault_is_told_with_file_and_line(folder: Path, text: str | bytes, line: int | None, told: str) -> None:
    write(folder, text)
    (finding,) = check_roles(folder)
    assert told in finding.message
    assert finding.line == line
    assert finding.message.startswith(f"{folder / 'mine.md'}" + (f", line {line}:" if line else ""))
    with pytest.raises(RoleError) as caught:
        load_roles(folder)
    assert str(caught.value) == finding.message


def test_every_fault_of_a_file_is_found(folder: Path) -> None:
    write(folder, "---\nname: no body\ndescripton: x\nmax_tokens: -1\n---\nhello\n")
    codes = [finding.code for finding in check_roles(folder)]
    assert codes == ["unknown-key", "wrong-value", "wrong-value", "wrong-value"]


def test_a_role_defined_twice_is_told(folder: Path) -> None:
    write(write(folder, SMALL, "a.md"), SMALL.replace("Trainer", "trainer"), "b.md")
    (finding,) = check_roles(folder)
    assert "the role Trainer is defined twice" in finding.message
    with pytest.raises(RoleError, match="defined twice"):
        load_roles(folder)


def test_tools_that_have_no_effect_are_a_warning(folder: Path) -> None:
    write(folder, SMALL.replace("---\nBe", "tools: [search]\n---\nBe"))
    (finding,) = check_roles(folder)
    assert finding.severity == "warning"
    assert "search: no tool is offered" in finding.message
    assert load_roles(folder)["Trainer"].tools == ("search",)


def test_a_file_that_cannot_be_read_is_told(folder: Path) -> None:
    (folder / "folder.md").mkdir(parents=True)
    (finding,) = check_roles(folder)
    assert "cannot be read: Is a directory" in finding.message


def test_checking_nothing_is_told(folder: Path) -> None:
    with pytest.raises(RoleError, match="is no folder: `neuromosaic roles eject ROLE` makes it"):
        check_roles(folder)


def test_eject_writes_the_built_in_file_once(folder: Path) -> None:
    path = eject("TestArchitect", folder)
    assert path == folder / "test_architect.md"
    assert path.read_text() == source_of("TestArchitect")
    assert check_roles(folder) == []
    path.write_text(SMALL)
    with pytest.raises(RoleError, match="is there already"):
        eject("TestArchitect", folder)
    assert path.read_text() == SMALL


def test_eject_into_what_is_no_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RoleError, match=r"cannot write .*file/agents/trainer\.md"):
        eject("Trainer", tmp_path / "file" / "agents")


@pytest.mark.parametrize("written", ["TestArchitect", "test_architect", "test-architect", "TESTARCHITECT"])
def test_a_role_is_known_however_it_is_written(written: str) -> None:
    assert seat_name(written) == "TestArchitect"
