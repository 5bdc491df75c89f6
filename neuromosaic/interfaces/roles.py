"""`neuromosaic roles`: list, show, eject, check."""

import json
from pathlib import Path

from neuromosaic.prompts.roles import check_roles, load_roles, own_file, source_of
from neuromosaic.prompts.roles import eject as eject_file
from neuromosaic.prompts.seats import named, seat_name


def list_roles(root: Path, *, as_json: bool) -> None:
    """Every role, and whether it is the built-in one or the user's own."""
    roles = load_roles(root / "agents").values()
    own = {role.name for role in roles if own_file(role.name, root / "agents")}
    if as_json:
        rows = [
            {"name": role.name, "description": role.description, "own": role.name in own, "advises": role.advises}
            for role in roles
        ]
        print(json.dumps(rows, indent=2))
        return
    for role in roles:
        advises = f" (advises {', '.join(role.advises)})" if role.advises else ""
        print(f"{role.name:17} {'yours   ' if role.name in own else 'built in'}  {role.description}{advises}")


def show(root: Path, name: str) -> None:
    """The file in force: the user's own, where there is one."""
    role = named(name)
    path = own_file(role, root / "agents")
    print(path.read_text(encoding="utf-8") if path else source_of(seat_name(name)), end="")


def eject(root: Path, name: str) -> None:
    print(eject_file(name, root / "agents"))


def check(root: Path, *, as_json: bool) -> int:
    """0 where no file of the user's has an error."""
    findings = check_roles(root / "agents")
    if as_json:
        print(json.dumps([finding.model_dump() for finding in findings], indent=2))
    for finding in () if as_json else findings:
        print(f"{finding.severity}: {finding.message}")
    if not findings and not as_json:
        print("all role files are sound")
    return 1 if any(finding.severity == "error" for finding in findings) else 0
