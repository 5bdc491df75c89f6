"""The repository's own formatter on the new Python files; without it they stay as they are."""

import ast
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from neuromosaic.delivery.pull_requests.git import environment
from neuromosaic.delivery.pull_requests.habits import Style

SECONDS = 60


def format_files(folder: Path, files: Sequence[Path], style: Style, python: Path) -> list[str]:
    """Formats in place, as the settings in `folder` say; what could not be done, in sentences.

    A file whose meaning would change keeps its own form.
    """
    before = {path: path.read_bytes() for path in files}
    notes = [note for command in _commands(style) if (note := _apply(command, folder, files, python))]
    for path, data in before.items():
        if not same_program(data.decode(), path.read_text(encoding="utf-8")):
            path.write_bytes(data)
            notes.append(f"{path.name} was left as it is: the formatter would have changed what it does.")
    return notes


def _commands(style: Style) -> list[list[str]]:
    sort = {"isort": ["isort", "-q"], "ruff": ["ruff", "check", "-q", "--fix", "--select", "I", "--exit-zero"]}
    commands = [sort[style.sorts]] if style.sorts else []
    if style.formatter == "black":
        commands.append(["black", "-q"])
    if style.formatter == "ruff":
        commands.append(["ruff", "format", "-q"])
    return commands


def _apply(command: Sequence[str], folder: Path, files: Sequence[Path], python: Path) -> str:
    tool = find_tool(command[0], python)
    if tool is None:
        return f"{command[0]} is not installed here: the new files were not formatted with it."
    paths = [str(path) for path in files]
    try:
        done = subprocess.run(
            [tool, *command[1:], *paths], cwd=folder, env=environment(), stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=SECONDS, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"{command[0]} could not be run ({error}): the new files were not formatted with it."
    last = (done.stderr or done.stdout).strip().splitlines()[-1:] or ["no reason given"]
    return f"{command[0]} refused the new files: {last[0]}" if done.returncode else ""


def find_tool(name: str, python: Path) -> str | None:
    """The one of the repository's environment, else the one on the PATH."""
    beside = python.with_name(name)
    return str(beside) if beside.is_file() else shutil.which(name)


def same_program(one: str, other: str) -> bool:
    """Whether two sources are the same but for layout, docstrings' blanks and the order of imports."""
    try:
        return _meaning(one) == _meaning(other)
    except SyntaxError:
        return False


def _meaning(source: str) -> tuple[list[str], str]:
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            node.value.value = " ".join(node.value.value.split())
    imports = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    tree.body = [node for node in tree.body if node not in imports]
    return sorted(ast.dump(node) for node in imports), ast.dump(tree)
