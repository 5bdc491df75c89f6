"""`neuromosaic roles`: list, show, eject, check."""

import json
from pathlib import Path

from neuromosaic.prompts.roles import check_roles, file_name, load_roles, role_name, source_of
from neuromosaic.prompts.roles import eject as eject_file


def list_roles(root: Path, *, as_json: bool) -> None:
    """Every role, and whether it is the built-in one or the user's own."""
    roles = load_roles(root / "agents").values()
    own = {role.name for role in roles if (root / "agents" / file_name(role.name)).exists()}
    if as_json:
        rows = [{"name": role.name, "description": role.description, "own": role.name in own} for role in roles]
        print(json.dumps(rows, indent=2))
        return
    for role in roles:
        print(f"{role.name:17} {'yours   ' if role.name in own else 'built in'}  {role.description}")


def show(root: Path, name: str) -> None:
    """The file in force: the user's own, where there is one."""
    role = role_name(name)
    path = root / "agents" / file_name(role)
    print(path.read_text(encoding="utf-8") if path.exists() else source_of(role), end="")


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
