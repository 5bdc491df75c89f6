"""Fenced blocks in a model's text: which file each one is.

A block opens with three or more backticks (or tildes) and an info string, and closes with at least as many alone on
a line, as in CommonMark; but a line that would close it inside a string of the code does not.
"""

import itertools
import json
import re
from collections.abc import Mapping
from typing import NamedTuple

from neuromosaic.core.syntax import parse
from neuromosaic.llm.edits import are_edits

OPENING = re.compile(r"^(?P<indent> *)(?P<fence>`{3,}|~{3,})(?P<info>.*)$")

LANGUAGES = {"python": ("python", "py", "python3", "pycon"), "json": ("json", "jsonc", "json5")}

NONE: Mapping[str, str] = {}

LONGEST_HEADING = 120
"""A longer line before a block is prose, which may name files in passing."""

MOST_CLOSINGS = 20
"""So many lines that could close a block are tried."""


class FenceError(ValueError):
    """The files wanted are not there, or not once; says which and what to do."""


class Block(NamedTuple):
    """Lines `start` (the opening) to `end` (behind the closing line) of the text. `heading`: the line before it."""

    info: str
    heading: str
    content: str
    start: int
    end: int
    closed: bool


def without_thinking(text: str) -> str:
    """The text without the reasoning that some servers put before the reply, line ends made `\\n`."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    begins = re.match(r"\s*<think>", text)
    if not begins and ("<think>" in text or "</think>" not in text):
        return text
    return text.partition("</think>")[2]


def files_in(text: str, wanted: Mapping[str, str], optional: Mapping[str, str] = NONE) -> tuple[dict[str, str], str]:
    """The files by name, and the prose around them. `wanted`: file name to language; `optional` ones may be absent.

    A block's file is told by its info string, else by the line before it or its first line, else, of those wanted, by
    being the only block of that language; several blocks of edits of one file are one. Raises FenceError.
    """
    text_lines = text.split("\n")
    blocks = _blocks(text_lines)
    files = _besides(wanted, optional, blocks)
    besides = [block for parts in files.values() for block in parts]
    left = [block for block in blocks if block not in besides]
    files |= {name: _blocks_of(name, language, wanted, left) for name, language in wanted.items()}
    taken = {number for parts in files.values() for block in parts for number in range(block.start, block.end)}
    prose = "\n".join(line for number, line in enumerate(text_lines) if number not in taken)
    return {name: "".join(block.content for block in parts) for name, parts in files.items()}, prose.strip()


def json_blocks(text: str) -> list[str]:
    """The contents of all fenced blocks that may hold JSON."""
    blocks = _blocks(text.split("\n"))
    return [block.content for block in blocks if block.closed and _language(block) in ("json", "")]


def _blocks(lines: list[str]) -> list[Block]:
    blocks: list[Block] = []
    at = 0
    while at < len(lines):
        opening = OPENING.match(lines[at])
        if opening is None or "`" in opening["info"]:
            at += 1
            continue
        block = _block_at(lines, at, opening)
        blocks.append(block)
        at = block.end
    return blocks


def _block_at(lines: list[str], start: int, opening: re.Match[str]) -> Block:
    """The block that begins at `start`: up to the first closing line that leaves whole code, else the first one."""
    info = opening["info"].strip()
    heading = next((line for line in reversed(lines[:start]) if line.strip()), "")
    ends = _closing_lines(lines, start, opening["fence"])
    contents = {end: _content(lines[start + 1 : end], len(opening["indent"])) for end in ends}
    whole = (end for end in ends if _parses(contents[end], info))
    if not ends:
        rest = _content(lines[start + 1 :], len(opening["indent"]))
        return Block(info, heading, rest, start, len(lines), closed=False)
    end = next(whole, ends[0])
    return Block(info, heading, contents[end], start, end + 1, closed=True)


def _closing_lines(lines: list[str], start: int, fence: str) -> list[int]:
    closing = re.compile(rf"^ *{re.escape(fence[0])}{{{len(fence)},}}\s*$")
    found = (number for number in range(start + 1, len(lines)) if closing.match(lines[number]))
    return list(itertools.islice(found, MOST_CLOSINGS))


def _content(lines: list[str], indent: int) -> str:
    """The lines without the fence's own indentation (a block in a list)."""
    margin = " " * indent
    kept = [line.removeprefix(margin) for line in lines]
    return "\n".join(kept).rstrip() + "\n"


def _parses(content: str, info: str) -> bool:
    """Whether the content is whole in the block's language; any is, of a language unknown here."""
    language = info.split(" ")[0].split(":")[0].lower()
    if language in LANGUAGES["python"] or info.endswith(".py"):
        return _is_python(content)
    return _is_json(content) if language in LANGUAGES["json"] else True


def _is_python(content: str) -> bool:
    try:
        return bool(parse(content).body)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False


def _is_json(content: str) -> bool:
    try:
        return isinstance(json.loads(content), dict)
    except (ValueError, RecursionError):
        return False


def _blocks_of(name: str, language: str, wanted: Mapping[str, str], blocks: list[Block]) -> list[Block]:
    found = _only(name, [block for block in blocks if _file_of(block, wanted) == name])
    if not found:
        found = _only(name, _unnamed(language, wanted, blocks), "none named so")
    if not found:
        raise FenceError(f"the reply holds no block for {name}: open one with ```{language} {name}")
    return _closed(name, found)


def _besides(wanted: Mapping[str, str], optional: Mapping[str, str], blocks: list[Block]) -> dict[str, list[Block]]:
    """The blocks that are said to be optional files, by name."""
    known = {**wanted, **optional}
    named = {name: [block for block in blocks if _file_of(block, known) == name] for name in optional}
    return {name: _closed(name, _only(name, found)) for name, found in named.items() if found}


def _closed(name: str, found: list[Block]) -> list[Block]:
    if not all(block.closed for block in found):
        raise FenceError(f"the block of {name} is cut off: it is never closed by a line of three backticks")
    return found


def _only(name: str, blocks: list[Block], doubt: str = "all named so") -> list[Block]:
    """The block, or all of them where they are edits; the same file sent twice counts once."""
    if len({block.content for block in blocks}) < 2:
        return blocks[-1:]
    if not all(are_edits(block.content) for block in blocks):
        raise FenceError(f"the reply holds {len(blocks)} blocks that may be {name}, {doubt}: send each file once")
    return blocks


def _unnamed(language: str, wanted: Mapping[str, str], blocks: list[Block]) -> list[Block]:
    """Blocks of the language that name no file wanted; else blocks without language that hold such code."""
    if list(wanted.values()).count(language) > 1:
        return []
    free = [block for block in blocks if _file_of(block, wanted) is None]
    holds = _is_python if language == "python" else _is_json
    by_language = [block for block in free if _language(block) == language]
    return by_language or [block for block in free if _language(block) == "" and holds(block.content)]


def _language(block: Block) -> str:
    word = re.split(r"[\s:]", block.info, maxsplit=1)[0].strip("{.}").lower()
    return next((language for language, words in LANGUAGES.items() if word in words), word)


def _file_of(block: Block, wanted: Mapping[str, str]) -> str | None:
    """The file that the block is said to be: by info string, the line before it, or a comment in its first line."""
    if by_info := _named(block.info, list(wanted)):
        return by_info
    fitting = [name for name, language in wanted.items() if _language(block) in (language, "")]
    first = block.content.partition("\n")[0]
    comment = first if first.startswith(("#", "//")) else ""
    heading = block.heading if len(block.heading) <= LONGEST_HEADING else ""
    return _named(heading, fitting) or _named(comment, fitting)


def _named(place: str, names: list[str]) -> str | None:
    """The one of `names` that stands there as a word of its own."""
    found = [name for name in names if re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", place)]
    return found[0] if len(found) == 1 else None
