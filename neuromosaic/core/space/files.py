"""Spaces from files: TOML, YAML or JSON with the keys of `SearchSpace.to_dict`, or a template of networks."""

import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from neuromosaic.core.errors import ArchitectureError, SpaceError
from neuromosaic.core.space.space import SearchSpace


def read_space(path: Path | str) -> SearchSpace:
    """The space that a .toml, .yaml, .yml or .json file describes; of networks, the template in a .txt file.

    For example `name = "small"`, `constraints = ["depth * width < 10_000"]` and
    `parameters.depth = {type = "int", min = 1, max = 8}`. Raises SpaceError naming the file and the path in it.
    """
    path = Path(path)
    readers: dict[str, Callable[[str], Any]] = {
        ".toml": tomllib.loads, ".yaml": _yaml, ".yml": _yaml, ".json": _json, ".txt": _template
    }  # fmt: skip
    if path.suffix not in readers:
        raise SpaceError(f"{path}: a space is a file that ends in {', '.join(readers)}")
    try:
        document = readers[path.suffix](path.read_text(encoding="utf-8"))
        return document if isinstance(document, SearchSpace) else SearchSpace.from_dict(document)
    except FileNotFoundError:
        raise SpaceError(f"there is no file {path}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SpaceError(f"cannot read {path}: {error}") from None
    except (tomllib.TOMLDecodeError, json.JSONDecodeError) as error:
        raise SpaceError(f"{path} is not {path.suffix[1:].upper()}: {error}") from None
    except (SpaceError, ArchitectureError) as error:
        raise SpaceError(f"{path}: {error}") from None


def _template(text: str) -> SearchSpace:
    from neuromosaic.core.architecture.notation import parse_template

    template = parse_template(text)
    return SearchSpace(template.parameters, build=template.fill)


def _json(text: str) -> Any:
    return json.loads(text, object_pairs_hook=_once)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise SpaceError(f"{key}: stands there twice")
        found[key] = value
    return found


def _yaml(text: str) -> Any:
    import yaml

    class Loader(yaml.SafeLoader):
        """Refuses a key that stands twice, of which YAML would keep the last."""

        def construct_mapping(self, node: Any, deep: bool = False) -> Any:
            _once([(str(key.value), None) for key, _ in node.value])
            return super().construct_mapping(node, deep)

    try:
        return yaml.load(text, Loader)  # noqa: S506  a SafeLoader
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise SpaceError(f"{where}{getattr(error, 'problem', error)}") from None
