"""Role files: a role's system prompt in Markdown, its settings in YAML front matter."""

import difflib
from collections.abc import Mapping
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import NamedTuple

from pydantic import Field, ValidationError, ValidationInfo, field_validator

from neuromosaic.core.brief import Value
from neuromosaic.core.errors import RoleError
from neuromosaic.core.proposals import RoleName, Seat
from neuromosaic.core.role_inputs import Finding
from neuromosaic.prompts.front_matter import FrontMatterError, split
from neuromosaic.prompts.requests import ENDING, template_fault, template_source
from neuromosaic.prompts.seats import SEATS, file_name, named, seat_name

ARCHITECTS: tuple[Seat, ...] = ("NetworkArchitect", "ModelArchitect")
"""Who is advised where a role's file does not say whom."""


class Role(Value):
    """One role at the table, as its file says.

    Only `name`, `description` and the body (`prompt`) are needed. `model` seats a client of its own for this role
    ("openai/gpt-x"); `temperature` and `max_tokens` are sent along where they are set. `tools` names what the role
    wants handed to it. A name that is no seat's is a role of the user's own: `advises` names the seats that it
    advises, by default the architects; of a seat it is empty.
    """

    name: RoleName
    description: str = Field(min_length=1)
    prompt: str = Field(min_length=1)
    model: str | None = Field(None, min_length=1)
    temperature: float | None = Field(None, ge=0, le=2)
    max_tokens: int | None = Field(None, ge=1)
    tools: tuple[str, ...] = ()
    advises: tuple[Seat, ...] = Field((), validate_default=True)
    folder: Path | None = Field(None, description="of the user's own templates; told by no file")

    @field_validator("name", mode="before")
    @classmethod
    def _is_name(cls, name: object) -> RoleName:
        try:
            return named(str(name))
        except RoleError as error:
            raise ValueError(str(error)) from None

    @field_validator("tools", mode="before")
    @classmethod
    def _in_one_line(cls, tools: object) -> object:
        return _listed(tools)

    @field_validator("advises", mode="before")
    @classmethod
    def _are_seats(cls, advised: object, info: ValidationInfo) -> object:
        """As said, or the architects; a seat has an office of its own."""
        own, said = info.data.get("name") not in SEATS, _listed(advised)
        if said and not own:
            raise ValueError(f"{info.data['name']} has a seat of its own: only a role of another name advises")
        try:
            return tuple(map(seat_name, said)) or (ARCHITECTS if own else ())
        except RoleError as error:
            raise ValueError(str(error)) from None


def _listed(several: object) -> list[str]:
    """What is written in one line with commas, or as a list."""
    parts = several.split(",") if isinstance(several, str) else several if isinstance(several, (list, tuple)) else ()
    return [str(one).strip() for one in parts]


class _Reading(NamedTuple):
    role: Role | None
    findings: list[Finding]


def load_roles(user_folder: Path | None = None) -> dict[RoleName, Role]:
    """Every role: the built-in files, overridden by name by the `*.md` of `user_folder` (which need not exist).

    Its `*.j2` come before the built-in templates of the same names. Raises RoleError naming file and line of the
    first fault.
    """
    roles = _read_all(_built_in(), "built-in ")
    if user_folder is None or not user_folder.is_dir():
        return roles
    known = {**roles, **_read_all(user_folder)}
    own = user_folder if any(user_folder.glob(f"*{ENDING}")) else None
    return {name: role.model_copy(update={"folder": own}) for name, role in known.items()}


def check_roles(folder: Path) -> list[Finding]:
    """Every fault in the role files and templates of a folder; empty where all is well.

    Raises RoleError: no such folder.
    """
    if not folder.is_dir():
        raise RoleError(f"{folder} is no folder: `neuromosaic roles eject ROLE` makes it")
    findings: list[Finding] = []
    seen: dict[str, str] = {}
    for path in _markdown(folder):
        role, faults = _read(path, str(path))
        findings += faults
        if role is not None:
            if role.name in seen:
                findings.append(_twice(role.name, str(path), seen[role.name]))
            seen.setdefault(role.name, str(path))
    return findings + _template_findings(folder)


def _template_findings(folder: Path) -> list[Finding]:
    faults = {path: template_fault(path) for path in sorted(folder.glob(f"*{ENDING}"))}
    return [_finding("template", str(path), fault[0], fault[1]) for path, fault in faults.items() if fault]


def source_of(role: Seat) -> str:
    """The text of the built-in role file."""
    return (_built_in() / file_name(role)).read_text(encoding="utf-8")


def eject(name: str, folder: Path) -> Path:
    """Writes a role's built-in file, or the template of that name ("trainer.recipes.j2"), to `folder`, to be changed
    there. Raises RoleError where there is no such thing, or it is in the folder already.
    """
    if name.endswith(ENDING):
        return _write(folder / name, template_source(name))
    role = seat_name(name)
    return _write(folder / file_name(role), source_of(role))


def own_file(name: RoleName, folder: Path) -> Path | None:
    """The file of the folder in which a role of this name is, or by its own name should be; None: there is none."""
    files = sorted(folder.glob("*.md"))
    return next((path for path in files if path.name == file_name(name) or _name_in(path) == name), None)


def _name_in(path: Path) -> RoleName | None:
    role = _read(path, str(path)).role
    return role.name if role else None


def _write(path: Path, text: str) -> Path:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise RoleError(f"{path} is there already: edit it, or move it away first") from None
    except OSError as error:
        raise RoleError(f"cannot write {path}: {error.strerror}") from None
    return path


def _built_in() -> Traversable:
    return resources.files("neuromosaic.prompts").joinpath("roles")


def _markdown(folder: Traversable) -> list[Traversable]:
    return sorted((path for path in folder.iterdir() if path.name.endswith(".md")), key=lambda path: path.name)


def _read_all(folder: Traversable, prefix: str = "") -> dict[RoleName, Role]:
    roles: dict[RoleName, Role] = {}
    for path in _markdown(folder):
        where = prefix + (path.name if prefix else str(path))
        role, findings = _read(path, where)
        faults = [finding.message for finding in findings if finding.severity == "error"]
        if role is None or faults:
            raise RoleError(faults[0])
        if role.name in roles:
            raise RoleError(_twice(role.name, where, "another file of that folder").message)
        roles[role.name] = role
    return roles


def _read(path: Traversable, where: str) -> _Reading:
    try:
        text = path.read_bytes().decode("utf-8-sig")
        front = split(text)
    except UnicodeDecodeError:
        return _Reading(None, [_finding("not-text", where, None, "is not UTF-8 text: save it as UTF-8")])
    except OSError as error:
        return _Reading(None, [_finding("not-readable", where, None, f"cannot be read: {error.strerror}")])
    except FrontMatterError as error:
        return _Reading(None, [_finding("front-matter", where, error.line, str(error))])
    findings = _unknown_keys(front.lines, where)
    known = {key: value for key, value in front.values.items() if key in _keys()}
    role, faults = _validated(known | {"prompt": front.body.strip()}, front.lines, where)
    return _Reading(role, findings + faults + (_tool_warnings(role, front.lines, where) if role else []))


def _keys() -> list[str]:
    return [key for key in Role.model_fields if key not in ("prompt", "folder")]


def _unknown_keys(lines: Mapping[str, int], where: str) -> list[Finding]:
    return [
        _finding("unknown-key", where, line, f"unknown key {key!r}: {_suggestion(key)}")
        for key, line in lines.items()
        if key not in _keys()
    ]


def _suggestion(key: str) -> str:
    close = difflib.get_close_matches(key.lower(), _keys(), n=1)
    return f"did you mean {close[0]!r}?" if close else f"known keys are {', '.join(_keys())}"


def _validated(values: Mapping[str, object], lines: Mapping[str, int], where: str) -> _Reading:
    try:
        return _Reading(Role.model_validate(values), [])
    except ValidationError as error:
        faults = [(str(fault["loc"][0]), fault) for fault in error.errors()]
    return _Reading(
        None,
        [
            _finding("wrong-value", where, lines.get(key), _fault(key, fault["type"], fault["msg"]))
            for key, fault in faults
        ],
    )


def _fault(key: str, kind: str, message: str) -> str:
    if key == "prompt":
        return "the body is empty: write the role's prompt below the front matter"
    return f"{key!r} is missing" if kind == "missing" else f"{key}: {message.removeprefix('Value error, ')}"


def _tool_warnings(role: Role, lines: Mapping[str, int], where: str) -> list[Finding]:
    """No client hands out tools so far: whoever lists one shall know."""
    message = f"tools: {', '.join(role.tools)}: no tool is offered to roles yet, so this has no effect"
    return [_finding("no-such-tool", where, lines.get("tools"), message, "warning")] if role.tools else []


def _twice(name: str, where: str, other: str) -> Finding:
    return _finding("twice", where, None, f"the role {name} is defined twice, here and in {other}: keep one")


def _finding(code: str, where: str, line: int | None, message: str, severity: str = "error") -> Finding:
    place = f"{where}, line {line}" if line else where
    told = f"{place} {message}" if message.startswith(("is ", "cannot ")) else f"{place}: {message}"
    return Finding.model_validate(
        {"gate": "roles", "code": code, "message": told, "line": line, "severity": severity}
    )
