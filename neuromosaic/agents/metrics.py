"""Metrics: fixes loss and metrics, and judges each round."""

from functools import partial

from neuromosaic.agents.asking import ask
from neuromosaic.core.evaluation.suitable import losses_for
from neuromosaic.core.proposals import Judgement, MetricsPlan, Request
from neuromosaic.core.role_inputs import JudgementInputs, MetricsInputs
from neuromosaic.llm.protocols import ModelClient


def plan_metrics(client: ModelClient, inputs: MetricsInputs) -> MetricsPlan:
    """Loss and metrics that fit the task, all of them available. Raises ReplyError."""
    check = partial(_faults, inputs)
    return ask(
        client, Request[MetricsPlan](role="Metrics", purpose="plan", inputs=inputs, reply=MetricsPlan, check=check)
    )


def judge_round(client: ModelClient, inputs: JudgementInputs) -> Judgement:
    """Another round, or certify what there is. Raises ReplyError."""
    return ask(client, Request[Judgement](role="Metrics", purpose="judge", inputs=inputs, reply=Judgement))


def _faults(inputs: MetricsInputs, plan: MetricsPlan) -> list[str]:
    task = inputs.contract.task
    known = ", ".join(inputs.available)
    faults = [
        f"{name!r} is not among the metrics for this task: {known}"
        for name in dict.fromkeys((plan.primary, *plan.report))
        if name not in inputs.available
    ]
    if plan.loss not in (fitting := losses_for(inputs.contract)):
        faults.append(f"loss {plan.loss!r} does not fit {task}: choose {' or '.join(fitting)}")
    if plan.weighted_loss and task != "classification":
        faults.append(f"weighted_loss is for classification, not for {task}")
    return faults
