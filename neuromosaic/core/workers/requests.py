"""A job as one message, and back."""

from dataclasses import asdict, replace
from typing import Any

from neuromosaic.core.graph.document import Graph, TensorData
from neuromosaic.core.protocols import Job, Message, Program


def request(job: Job) -> Message:
    """The message that asks a worker for the job; raises ValueError where it cannot be sent."""
    body: dict[str, Any] = {"kind": job.kind, "arguments": job.arguments}
    tensors = {f"job/{name}": tensor for name, tensor in job.tensors.items()}
    if isinstance(job.subject, Graph):
        body["graph"] = job.subject.document
        tensors |= {f"graph/{name}": tensor for name, tensor in job.subject.tensors.items()}
    else:
        body["program"] = asdict(job.subject)
    return Message(body, tensors, job.files)


def requested(message: Message, **more: Any) -> Job:
    """The job that a request asks for, with `more` among its arguments."""
    body = message.body
    job, graph = _under("job/", message.tensors), _under("graph/", message.tensors)
    subject = Program(**body["program"]) if "program" in body else Graph(body["graph"], graph)
    return Job(body["kind"], subject, {**body["arguments"], **more}, job, files=message.files)


def without_subject_tensors(job: Job) -> Job:
    """The job once its graph has been rebuilt: the raw bytes are no longer needed beside the tensors."""
    return replace(job, subject=Graph({}, {})) if isinstance(job.subject, Graph) else job


def _under(prefix: str, tensors: dict[str, TensorData]) -> dict[str, TensorData]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
