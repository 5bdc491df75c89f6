"""Compute lays out the budget, Metrics fixes what is measured, TestArchitect writes the tests first."""

from neuromosaic.agents.compute import plan_envelope
from neuromosaic.agents.metrics import plan_metrics
from neuromosaic.agents.test_architect import write_suite
from neuromosaic.core.brief import Brief
from neuromosaic.core.errors import RunFailedError
from neuromosaic.core.evaluation.hardware import choose_device, profile
from neuromosaic.core.evaluation.metrics import measurable
from neuromosaic.core.proposals import Envelope, MetricsPlan, Seat, SuiteProposal
from neuromosaic.core.role_inputs import ComputeInputs, Finding, Hardware, MetricsInputs, SuiteInputs
from neuromosaic.core.validation.suite import MutantReport, red
from neuromosaic.workflows import own_loss
from neuromosaic.workflows.advising import advised
from neuromosaic.workflows.bench import Workbench
from neuromosaic.workflows.state import DesignState

SUITE_ATTEMPTS = 3
NOISE = 2.0
"""So many times faster or slower a busy machine may seem from one run to the next."""


def common(bench: Workbench) -> dict[str, object]:
    """What every role is told."""
    return {"brief": bench.brief, "contract": bench.dataset.contract, "data": bench.dataset.summary}


def compute(bench: Workbench, state: DesignState) -> DesignState:
    """Measures the machine and has the budget laid out."""
    bench.tell("budget", **bench.brief.budget.model_dump())
    hardware = bench.once_as("hardware", Hardware, lambda: _machine(bench))
    bench.tell("hardware", **hardware.model_dump())
    bench.tell("role.started", role="Compute", purpose="plan-envelope")
    inputs = ComputeInputs.model_validate({**common(bench), "hardware": hardware})
    envelope = bench.once_as(
        "envelope",
        Envelope,
        lambda: _within(
            bench.brief, hardware, plan_envelope(bench.client("Compute"), advised(bench, "Compute", inputs))
        ),
    )
    bench.tell("envelope", **envelope.model_dump())
    bench.warm_up_judge()
    return {}


def _machine(bench: Workbench) -> Hardware:
    """As measured now, or in an earlier run of the store where that says nearly the same of the same machine: what is
    told to models must not change with each run's noise, or no repeated question would find its stored answer."""
    now = profile(choose_device(bench.brief.device))
    for record in bench.store.runs():
        if (step := bench.store.step(record.id, "hardware")) is not None:
            before = Hardware.model_validate(step)
            ratio = before.gflops / now.gflops
            if before == now.model_copy(update={"gflops": before.gflops}) and 1 / NOISE < ratio < NOISE:
                return before
    return now


def _within(brief: Brief, hardware: Hardware, envelope: Envelope) -> Envelope:
    """What was proposed, held to what the person allowed and the machine has."""
    workers = min(envelope.workers, hardware.cores) if hardware.device == "cpu" else 1
    trials = brief.budget.trials or envelope.trials
    return envelope.model_copy(update={"workers": workers, "trials": trials, "rounds": min(envelope.rounds, trials)})


def metrics(bench: Workbench, state: DesignState) -> DesignState:
    """Has loss and metrics fixed before anything is designed."""
    own_loss.settle(bench)
    bench.tell("role.started", role="Metrics", purpose="plan-metrics")
    inputs = MetricsInputs.model_validate({**common(bench), "available": measurable(bench.dataset.contract)})
    plan = bench.once_as(
        "metrics", MetricsPlan, lambda: plan_metrics(bench.client("Metrics"), advised(bench, "Metrics", inputs))
    )
    bench.tell("metrics", **plan.model_dump())
    return {}


def suite(bench: Workbench, state: DesignState) -> DesignState:
    """Has the suite written before any network, and sees it fail on hollow stubs."""
    previous: SuiteProposal | None = None
    findings: tuple[Finding, ...] = ()
    for attempt in range(SUITE_ATTEMPTS):
        previous = ask_for_suite(bench, f"suite/{attempt}", previous, findings)
        verdict = bench.once(f"red/{attempt}", lambda: passing_stubs(bench, previous))  # noqa: B023 - called before it changes
        findings = tuple(Finding.model_validate(finding) for finding in verdict)
        bench.tell("suite.red", attempt=attempt, findings=verdict)
        if not findings:
            bench.once("suite", previous.model_dump)
            return {}
    faults = "; ".join(finding.message for finding in findings)
    raise RunFailedError(f"no usable test suite after {SUITE_ATTEMPTS} tries: {faults}")


def ask_for_suite(
    bench: Workbench, step: str, previous: SuiteProposal | None, findings: tuple[Finding, ...],
    report: MutantReport | None = None,
) -> SuiteProposal:  # fmt: skip
    """TestArchitect's suite, written anew or mended after `findings`, which may be from a `report` on mutants."""
    bench.tell("role.started", role="TestArchitect", purpose="repair" if findings else "write-suite")
    source = previous.source if previous else None
    own, faced = bench.options.extend is not None, dict[str, float]()
    if report is not None:
        faced = {"killed": report.killed, "mutants": report.killed + report.survived, "share": report.share}
    inputs = SuiteInputs.model_validate(
        {**common(bench), "previous": source, "findings": findings, "own": own, **faced}
    )
    seat: Seat = "TestArchitect"

    def written() -> SuiteProposal:
        """What is mended was written with the advice heard."""
        return write_suite(bench.client(seat), inputs if previous else advised(bench, seat, inputs))

    return bench.once_as(step, SuiteProposal, written)


def passing_stubs(bench: Workbench, proposal: SuiteProposal) -> list[dict[str, object]]:
    """What keeps the suite from being red: the findings that are errors, none where it fails on all hollow stubs."""
    verdict = red(proposal.source, bench.sandbox, bench.dataset.contract)
    return [finding.model_dump(mode="json") for finding in verdict.findings if finding.severity == "error"]
