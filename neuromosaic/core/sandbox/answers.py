"""What a child answers, read as if it had been forged: it may have been."""

from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from neuromosaic.core.errors import WorkerError
from neuromosaic.core.graph.document import Graph, TensorData
from neuromosaic.core.protocols import Exported, Message
from neuromosaic.core.role_inputs import Finding

MOST_FINDINGS, LONGEST = 20, 500


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid")
    shape: list[int]
    dtype: str


class _Obstacle(BaseModel):
    message: str
    line: int | None = None
    layer: str | None = None


class _Reply(BaseModel):
    described: list[_Shape]
    findings: list[Finding]
    document: dict[str, Any] | None = None
    obstacle: _Obstacle | None = None
    cut: bool = True
    exhausted: bool = False


def exported(message: Message) -> Exported:
    """What a child says that it has exported; raises WorkerError where it makes no sense."""
    try:
        reply = _Reply.model_validate(message.body)
    except ValidationError:
        raise WorkerError("the sandbox returned something that is no graph") from None
    graph = None if reply.document is None else Graph(reply.document, _under("graph/", message.tensors))
    return Exported(
        graph, _obstacle(reply.obstacle), tuple(map(_shortened, reply.findings[:MOST_FINDINGS])),
        _numbered("x/", message.tensors), _numbered("y/", message.tensors),
        tuple(one.model_dump() for one in reply.described), reply.cut, reply.exhausted,
    )  # fmt: skip


def _obstacle(told: _Obstacle | None) -> Finding | None:
    if told is None:
        return None
    return Finding(
        gate="shape", code="not-exportable", message=told.message[:LONGEST], line=told.line, layer=told.layer,
        severity="warning",
    )  # fmt: skip


def _shortened(finding: Finding) -> Finding:
    return finding.model_copy(update={"gate": "behave", "message": finding.message[:LONGEST]})


def _under(prefix: str, tensors: dict[str, TensorData]) -> dict[str, TensorData]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def _numbered(prefix: str, tensors: dict[str, TensorData]) -> tuple[TensorData, ...]:
    named = _under(prefix, tensors)
    return tuple(named[str(number)] for number in range(len(named)) if str(number) in named)
