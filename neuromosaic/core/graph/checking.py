"""Whether a graph's document is well formed: nothing of it is used before."""

from typing import Any

from neuromosaic.core.errors import CandidateError
from neuromosaic.core.graph.allowlist import ALLOWED
from neuromosaic.core.graph.arguments import DTYPES, FLOATS, MEMORY_FORMATS, REFERENCES, Reference
from neuromosaic.core.graph.document import Graph

MAX_NODES = 20_000
MAX_TENSORS = 20_000
MAX_INPUTS = 16
MAX_AXES = 64
MAX_LIST = 10_000
MAX_DEPTH = 6
MAX_TEXT = 1_000
LARGEST = 2**63

NAMED = {"float": frozenset(FLOATS), "dtype": DTYPES, "memory_format": MEMORY_FORMATS, "device": frozenset({"input"})}
STRUCTURES = ("tuple", "list", "dict")
METHODS = {"encode": 1, "decode": 1, "denoise": 2, "conditionals": 1}
"""Of a generative network: traces in eval mode besides those of forward, and how many inputs each has."""
NODE = frozenset({"name", "op", "args", "kwargs"})
REMARKS = frozenset({"layer", "shape", "dtype"})
"""What a node may say about itself: told to people and used to choose mutants, never believed."""

Defined = dict[str, set[str | int]]


def check_document(graph: Graph) -> None:
    """Raises CandidateError, code "bad-graph", for the first thing that is not as `export_module` writes it."""
    document = graph.document
    needed = {"format", "inputs", "parameters", "buffers", "constants", "train", "eval"}
    if not isinstance(document, dict) or set(document) - set(METHODS) != needed:
        raise _bad("its document must have " + ", ".join(sorted(needed)))
    if document["format"] != 1:
        raise _bad(f"its format {document['format']!r} is not 1")
    inputs = _list(document["inputs"], "inputs", MAX_INPUTS)
    if not inputs or not all(map(_is_input, inputs)):
        raise _bad("it needs inputs, each with a dtype and a shape")
    tensors = _check_state(graph)
    for mode in ("train", "eval"):
        _check_trace(document[mode], mode, {"input": set(range(len(inputs))), "tensor": {*tensors}, "node": set()})
    for name in METHODS:
        if name in document:
            _check_trace(
                document[name], name, {"input": {*range(METHODS[name])}, "tensor": {*tensors}, "node": set()}
            )


def _is_input(entry: Any) -> bool:
    match entry:
        case {"dtype": str(dtype), "shape": list(shape)} if len(entry) == 2 and len(shape) <= MAX_AXES:
            return dtype in DTYPES and all(size is None or (type(size) is int and size >= 0) for size in shape)
        case _:
            return False


def _check_state(graph: Graph) -> set[str]:
    known: set[str] = set()
    for kind, flag in (("parameters", "requires_grad"), ("buffers", "persistent")):
        own: set[str] = set()
        for entry in _list(graph.document[kind], kind, MAX_TENSORS):
            _check_entry(entry, kind, flag, own, known, graph)
            own.add(entry["name"])
        known |= own
    for name in _list(graph.document["constants"], "constants", MAX_TENSORS):
        if not _is_text(name) or name in known or name not in graph.tensors:
            raise _bad(f"constant {name!r} has no tensor, or a name that is taken")
        known.add(name)
    _check_paths(known - set(graph.document["constants"]))
    return known


def _check_entry(entry: Any, kind: str, flag: str, own: set[str], known: set[str], graph: Graph) -> None:
    fields = {"name", flag}
    if not isinstance(entry, dict) or not fields <= set(entry) <= fields | {"same_as"}:
        raise _bad(f"an entry of {kind} must have name and {flag}")
    name = entry["name"]
    if not _is_text(name) or not all(name.split(".")) or name in own | known or type(entry[flag]) is not bool:
        raise _bad(f"{name!r} is no name of one of its {kind}, or comes twice")
    if "same_as" in entry and not (isinstance(entry["same_as"], str) and entry["same_as"] in own):
        raise _bad(f"{name!r} is said to be the same as {entry['same_as']!r}, which does not come before it")
    if "same_as" not in entry and name not in graph.tensors:
        raise _bad(f"{name!r} has no tensor")


def _check_paths(names: set[str]) -> None:
    """A name must not be both a tensor and a module that holds tensors."""
    for name in names:
        parts = name.split(".")
        if any(".".join(parts[:length]) in names for length in range(1, len(parts))):
            raise _bad(f"{name!r} lies within another tensor's name")


def _check_trace(trace: Any, mode: str, defined: Defined) -> None:
    if not isinstance(trace, dict) or set(trace) != {"nodes", "output"}:
        raise _bad(f"its {mode} trace must have nodes and output")
    for entry in _list(trace["nodes"], f"{mode} nodes", MAX_NODES):
        name = entry.get("name") if isinstance(entry, dict) else None
        if not _is_text(name):
            raise _bad(f"a node of its {mode} trace has no name")
        try:
            _check_node(entry, defined)
        except ValueError as error:
            layer = entry.get("layer")
            fault = _bad(f"node {name!r} of its {mode} trace {error}")
            raise CandidateError(str(fault), code=fault.code, layer=layer if _is_text(layer) else None) from None
        defined["node"].add(str(name))
    try:
        _check_output(trace["output"], defined, 0)
    except ValueError as error:
        raise _bad(f"the output of its {mode} trace {error}") from None


def _check_node(entry: dict[str, Any], defined: Defined) -> None:
    if not set(entry) >= NODE or set(entry) - NODE - REMARKS - {"grad", "autocast"}:
        raise ValueError("must have name, op, args and kwargs")
    if entry["name"] in defined["node"]:
        raise ValueError("has a name that is taken")
    if not isinstance(entry["op"], str) or entry["op"] not in ALLOWED:
        raise ValueError(f"asks for {str(entry['op'])[:100]!r}, which is not allowed")
    _check_modes(entry)
    _check_remarks(entry)
    _check_list(entry["args"], defined, 0)
    if not isinstance(entry["kwargs"], dict) or not all(map(_is_text, entry["kwargs"])):
        raise ValueError("has kwargs that are no object")
    for value in entry["kwargs"].values():
        _check_value(value, defined, 0)


def _check_modes(entry: dict[str, Any]) -> None:
    if type(entry.get("grad", True)) is not bool:
        raise ValueError("has a grad that is neither true nor false")
    if entry.get("autocast", False) is not False and entry["autocast"] not in ("bfloat16", "float16"):
        raise ValueError("has an autocast that is neither false nor bfloat16 nor float16")


def _check_remarks(entry: dict[str, Any]) -> None:
    if not _is_text(entry.get("layer", "")) or not _is_text(entry.get("dtype", "")):
        raise ValueError("says what is no layer or dtype")
    shape = entry.get("shape", [])
    if not isinstance(shape, list) or not all(size is None or type(size) is int for size in shape):
        raise ValueError("says what is no shape")


def _check_value(value: Any, defined: Defined, depth: int) -> None:
    if isinstance(value, list):
        _check_list(value, defined, depth)
    elif isinstance(value, dict):
        _check_mark(value, defined)
    elif isinstance(value, str):
        if not _is_text(value):
            raise ValueError("has a text that is too long")
    elif isinstance(value, int):
        if not -LARGEST <= value < LARGEST:
            raise ValueError("has a number beyond 64 bits")
    elif value is not None and not _is_finite(value):
        raise ValueError(f"has an argument that is no JSON: {value!r}")


def _check_list(value: Any, defined: Defined, depth: int) -> None:
    if not isinstance(value, list) or len(value) > MAX_LIST or depth > MAX_DEPTH:
        raise ValueError("has a list that is too long or too deep, or no list")
    for part in value:
        _check_value(part, defined, depth + 1)


def _check_mark(value: dict[str, Any], defined: Defined) -> None:
    if len(value) != 1:
        raise ValueError("has an argument with several marks")
    ((kind, target),) = value.items()
    if kind in REFERENCES:
        _check_reference((kind, target), defined)
    elif kind not in NAMED or not isinstance(target, str) or target not in NAMED[kind]:
        raise ValueError(f"has an argument {str(value)[:100]} of no known form")


def _check_reference(found: Reference, defined: Defined) -> None:
    kind, target = found
    if type(target) is not (int if kind == "input" else str) or target not in defined[kind]:
        raise ValueError(f"reads {kind} {str(target)[:100]!r}, which does not come before it")


def _check_output(structure: Any, defined: Defined, depth: int) -> None:
    kind = next(iter(structure)) if isinstance(structure, dict) and len(structure) == 1 else None
    if kind not in STRUCTURES:
        return _check_value(structure, defined, MAX_DEPTH + 1)
    parts = structure[kind]
    if kind == "dict":
        if not isinstance(parts, dict) or not all(map(_is_text, parts)):
            raise ValueError("has a dict whose keys are no texts")
        parts = list(parts.values())
    if not isinstance(parts, list) or len(parts) > MAX_LIST or depth > MAX_DEPTH:
        raise ValueError("has a list that is too long or too deep, or no list")
    for part in parts:
        _check_output(part, defined, depth + 1)
    return None


def _is_finite(value: Any) -> bool:
    return isinstance(value, float) and abs(value) != float("inf") and value == value


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= MAX_TEXT


def _list(value: Any, what: str, limit: int) -> list[Any]:
    if not isinstance(value, list) or len(value) > limit:
        raise _bad(f"its {what} must be a list of at most {limit}")
    return value


def _bad(fault: str) -> CandidateError:
    return CandidateError(f"the graph cannot be rebuilt: {fault}", code="bad-graph")
