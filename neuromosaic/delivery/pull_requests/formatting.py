"""The repository's own formatter on the new Python files; without it they stay as they are."""

import ast
import shutil
import subprocess
from collections.abc import Sequence
from itertools import takewhile
from pathlib import Path
from textwrap import wrap

from neuromosaic.delivery.pull_requests.git import environment
from neuromosaic.delivery.pull_requests.habits import Style

SECONDS = 60
_USUAL = 88
"""Characters in a line where a formatter is used and says nothing else."""


def format_files(folder: Path, files: Sequence[Path], style: Style, python: Path) -> list[str]:
    """Formats in place, as the settings in `folder` say; what could not be done, in sentences.

    A file whose meaning would change keeps its own form.
    """
    _format_prose(folder, [path for path in files if path.suffix == ".md"], style, python)
    files = [path for path in files if path.suffix == ".py"]
    before = {path: path.read_bytes() for path in files}
    width = style.line_length or (_USUAL if style.formatter else None)
    for path in files if width else ():
        path.write_text(narrowed(path.read_text(encoding="utf-8"), width or _USUAL), encoding="utf-8")
    notes = [note for command in _commands(style) if (note := _apply(command, folder, files, python))]
    for path, data in before.items():
        if not same_program(data.decode(), path.read_text(encoding="utf-8")):
            path.write_bytes(data)
            notes.append(f"{path.name} was left as it is: the formatter would have changed what it does.")
    return [*notes, *(_too_wide(path, width) for path in files if width and _widest(path) > width)]


def format_change(file: Path, before: str, style: Style, python: Path) -> list[str]:
    """Formats a user's file that was changed, where it had been as the formatter wants it: so nothing else moves."""
    wanted = file.read_bytes()
    file.write_bytes(before.encode())
    format_files(file.parent, [file], style, python)
    was_so = file.read_bytes() == before.encode()
    file.write_bytes(wanted)
    if was_so:
        return format_files(file.parent, [file], style, python)
    return [f"{file.name} was not formatted: the formatter would have changed what others wrote there."]


def narrowed(source: str, width: int) -> str:
    """The comment that a file begins with, wrapped: no formatter does that.

    >>> print(narrowed("# one two three\\n# four\\nx = 1", 11))
    # one two
    # three
    # four
    x = 1
    """
    lines = source.split("\n")
    head = list(takewhile(lambda line: line.startswith("#"), lines))
    wrapped = [part for line in head for part in _wrapped(line, width)]
    return "\n".join([*wrapped, *lines[len(head) :]])


def _wrapped(line: str, width: int) -> list[str]:
    if len(line) <= width:
        return [line]
    words = line.removeprefix("#")
    indent = "#" + words[: len(words) - len(words.lstrip())]
    return wrap(words.strip(), width, initial_indent=indent, subsequent_indent=indent, break_long_words=False,
                break_on_hyphens=False)  # fmt: skip


def _widest(path: Path) -> int:
    return max(map(len, path.read_text(encoding="utf-8").splitlines()), default=0)


def _too_wide(path: Path, width: int) -> str:
    return f"{path.name} has lines of more than {width} characters, which the formatter leaves."


def _format_prose(folder: Path, files: Sequence[Path], style: Style, python: Path) -> None:
    """Newer versions of ruff check the code in Markdown as well; older ones refuse such files, and leave them."""
    if style.formatter == "ruff" and files:
        _apply(["ruff", "format", "-q"], folder, files, python)


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
