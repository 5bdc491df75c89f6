"""Briefs as files: YAML or JSON with the fields of `Brief`."""

import difflib
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from neuromosaic.core.brief import Brief, Budget, Constraints, TensorSpec
from neuromosaic.core.errors import BriefError

SECTIONS: dict[str, type[BaseModel]] = {
    "constraints": Constraints, "budget": Budget, "input": TensorSpec, "output": TensorSpec
}  # fmt: skip


def read_brief_file(path: Path) -> Brief:
    """Raises BriefError naming the file, the field and the fault; unknown fields with a suggestion."""
    import yaml

    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BriefError(f"there is no brief {path}: give an existing .yaml or .json file, or a sentence") from None
    except (OSError, UnicodeDecodeError) as error:
        raise BriefError(f"cannot read the brief {path}: {error}") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        raise BriefError(f"{path}{where} is not YAML: {getattr(error, 'problem', error)}") from None
    if not isinstance(document, dict):
        raise BriefError(f"{path} must hold fields such as `sentence:` and `data:`, not {type(document).__name__}")
    return parse_brief(document, str(path))


def parse_brief(document: dict[str, Any], where: str) -> Brief:
    """The brief of a JSON-like document; `where` names it in errors."""
    try:
        return Brief.model_validate(document)
    except ValidationError as error:
        raise BriefError(f"{where}: " + "; ".join(_fault(fault) for fault in error.errors())) from None


def _fault(fault: Any) -> str:
    path = ".".join(map(str, fault["loc"]))
    if fault["type"] != "extra_forbidden":
        return f"{path}: {fault['msg']}, not {fault['input']!r}"
    *section, name = fault["loc"]
    fields = SECTIONS[section[0]].model_fields if section and section[0] in SECTIONS else Brief.model_fields
    close = difflib.get_close_matches(str(name), list(fields), n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"known are {', '.join(fields)}"
    return f"{path} is no field of a brief: {hint}"
