"""Markdown with YAML front matter, read so that every fault has a line."""

from typing import Any, NamedTuple

FENCE = "---"


class FrontMatter(NamedTuple):
    """`lines`: the line of each key in the file, from 1."""

    values: dict[str, Any]
    lines: dict[str, int]
    body: str


class FrontMatterError(ValueError):
    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


def split(text: str) -> FrontMatter:
    """The front matter between two lines of `---` and the body below. Raises FrontMatterError."""
    lines = text.replace("\r\n", "\n").split("\n")
    if lines[0].rstrip() != FENCE:
        raise FrontMatterError("the file must begin with a line `---`, then `name:` and `description:`", 1)
    ends = [number for number, line in enumerate(lines[1:], 1) if line.rstrip() == FENCE]
    if not ends:
        raise FrontMatterError("the front matter is not closed by a second line `---`", len(lines))
    values, places = _mapping("\n".join(lines[1 : ends[0]]))
    return FrontMatter(values, places, "\n".join(lines[ends[0] + 1 :]))


def _mapping(source: str) -> tuple[dict[str, Any], dict[str, int]]:
    import yaml

    try:
        node = yaml.compose(source, Loader=yaml.SafeLoader)
        values = yaml.safe_load(source)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise FrontMatterError(
            f"not YAML: {getattr(error, 'problem', error)}", mark.line + 2 if mark else 1
        ) from None
    if not isinstance(node, yaml.MappingNode):
        raise FrontMatterError("the front matter must be lines of `key: value`", 2)
    places: dict[str, int] = {}
    for key, _ in node.value:
        line = key.start_mark.line + 2
        if str(key.value) in places:
            raise FrontMatterError(f"{key.value!r} stands here twice", line)
        places[str(key.value)] = line
    return {str(key): value for key, value in values.items()}, places
