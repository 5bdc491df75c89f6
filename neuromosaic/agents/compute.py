"""Compute: lays out the budget on the hardware at hand."""

from functools import partial

from neuromosaic.agents.asking import ask
from neuromosaic.core.proposals import Envelope, Request
from neuromosaic.core.role_inputs import ComputeInputs
from neuromosaic.llm.protocols import ModelClient


def plan_envelope(client: ModelClient, inputs: ComputeInputs) -> Envelope:
    """How many families, rounds and trials, at what fidelity, on how many workers. Raises ReplyError."""
    check = partial(_faults, inputs)
    return ask(
        client, Request[Envelope](role="Compute", purpose="envelope", inputs=inputs, reply=Envelope, check=check)
    )


def _faults(inputs: ComputeInputs, envelope: Envelope) -> list[str]:
    trials, hardware = inputs.brief.budget.trials, inputs.hardware
    most, of = (hardware.cores, "cores") if hardware.device == "cpu" else (hardware.devices, hardware.device)
    faults = []
    if trials is not None and envelope.trials > trials:
        faults.append(f"trials is {envelope.trials}, but the budget holds {trials}")
    if envelope.workers > max(1, most):
        faults.append(f"workers is {envelope.workers}, but the machine has {max(1, most)} {of}")
    return faults
