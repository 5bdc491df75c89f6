"""Lays out the budget, chooses the metrics, and judges when to stop."""

import math
from collections.abc import Iterable, Mapping, Sequence

from neuromosaic.core.brief import Brief, Contract, Task
from neuromosaic.core.proposals import Envelope, Judgement, MetricsPlan
from neuromosaic.core.role_inputs import ComputeInputs, DataSummary, Hardware, JudgementInputs, MetricsInputs, Trace
from neuromosaic.core.tasks import FORMS, METRICS_OF

UNLIMITED = 240.0
"""Seconds for one full training where the brief sets no time."""

SHARE = 0.7
"""Of a time budget, what may go into training: the rest is tests, measuring and certification."""

SHORT = 120.0
"""Seconds of budget below which there is time for one round only."""

IMBALANCED = 3.0
"""Largest class over smallest, from which on accuracy alone would mislead."""

UPWARDS = (
    "balanced_accuracy", "accuracy", "mean_average_precision", "mean_iou", "macro_f1", "auroc", "r2", "recall_at_1",
    "knn_accuracy", "coverage",
)  # fmt: skip
DOWNWARDS = (
    "rmse", "mae", "mase", "bits_per_character", "perplexity", "log_loss", "mse", "loss", "cross_entropy",
    "reconstruction_rmse", "energy_distance", "negative_log_likelihood",
)  # fmt: skip


def envelope(inputs: ComputeInputs) -> Envelope:
    """Workers, families, rounds and trials that suit the budget, the machine and the data."""
    return _envelope(inputs.brief, inputs.hardware, inputs.data)


def _envelope(brief: Brief, hardware: Hardware, data: DataSummary) -> Envelope:
    trials = brief.budget.trials or _usual_trials(data.train)
    hurried = trials < 6 or (brief.budget.seconds is not None and brief.budget.seconds < SHORT)
    workers = _workers(hardware)
    return Envelope(
        workers=workers,
        families=min(trials, 2 if hurried else 3),
        rounds=1 if hurried else 2,
        trials=trials,
        fidelity=0.3 if data.train < 20_000 else 0.4,
        finalists=min(2, trials),
        reason=f"{data.train:,} training examples and {_budget_in_words(brief)} allow {trials} short trainings, "
        f"{workers} at a time on {hardware.name}.",
    )


def training_seconds(brief: Brief, hardware: Hardware, data: DataSummary) -> float:
    """What one full training may take, so that all of the envelope's fit into the brief's time."""
    seconds = brief.budget.seconds
    if seconds is None:
        return UNLIMITED
    plan = _envelope(brief, hardware, data)
    # the random-search baseline gets as many trials and finalists as the search
    trainings = 2 * (plan.trials * plan.fidelity + plan.finalists)
    return SHARE * seconds * plan.workers / trainings


def metrics_plan(inputs: MetricsInputs) -> MetricsPlan:
    """The loss of the task, and the metric by which candidates are ranked: a bounded one where the brief has it."""
    imbalanced = inputs.contract.task == "classification" and inputs.data.imbalance > IMBALANCED
    wanted = [*inputs.brief.constraints.metrics, *_preferred(inputs.contract, imbalanced)]
    known = [name for name in dict.fromkeys(wanted) if name in inputs.available] or list(inputs.available[:1])
    return MetricsPlan(
        loss=FORMS[inputs.contract.task].losses[0],
        primary=known[0],
        report=tuple(known[1:]),
        weighted_loss=imbalanced,
        reason=_why_metric(known[0], inputs, imbalanced),
    )


def judge(inputs: JudgementInputs) -> Judgement:
    """Another round while there are rounds left and something to gain; else certify what there is."""
    if inputs.round + 1 >= inputs.rounds:
        return Judgement(decision="certify", reason="No round is left.")
    if not any(trace.outcome == "accepted" for trace in inputs.history):
        return Judgement(decision="continue", reason="No family was accepted yet.")
    if inputs.unmet:
        return Judgement(decision="continue", reason=f"Still unmet: {'; '.join(inputs.unmet)}.")
    if inputs.beats_baseline is False:
        return Judgement(decision="continue", reason="Random search did as well: the space is worth another look.")
    if _last_round_improved(inputs):
        return Judgement(decision="continue", reason="The last round brought a better network, so the next may too.")
    return Judgement(decision="certify", reason="All constraints are met and the last round brought nothing better.")


def figure_of_merit(metrics: Mapping[str, float], first: Iterable[str] = ()) -> float | None:
    """One number per candidate, more is better: the first known metric of `first` and then of any; None without."""
    plain = {name.removeprefix("val_"): value for name, value in metrics.items()}
    known = [name for name in (*first, *UPWARDS, *DOWNWARDS) if name in plain]
    if not known or math.isnan(plain[known[0]]):
        return None
    return -plain[known[0]] if known[0] in DOWNWARDS else plain[known[0]]


def ranked(history: Iterable[Trace], first: Iterable[str] = ()) -> list[Trace]:
    """The accepted families that have been measured, best first."""
    first = tuple(first)
    merits = [(figure_of_merit(trace.metrics, first), trace) for trace in history if trace.outcome == "accepted"]
    return [trace for merit, trace in sorted(_known(merits), key=lambda pair: -pair[0])]


def _known(merits: Sequence[tuple[float | None, Trace]]) -> list[tuple[float, Trace]]:
    return [(merit, trace) for merit, trace in merits if merit is not None]


def _last_round_improved(inputs: JudgementInputs) -> bool:
    """Whether the best family is among the latest; the history is in order, with as many families each round."""
    best = ranked(inputs.history, inputs.brief.constraints.metrics)[:1]
    latest = math.ceil(len(inputs.history) / (inputs.round + 1))
    return inputs.round == 0 or any(trace is best[0] for trace in inputs.history[-latest:] if best)


def _usual_trials(examples: int) -> int:
    """More where each is cheap."""
    return 24 if examples < 1_000 else 16 if examples < 5_000 else 12


def _workers(hardware: Hardware) -> int:
    """One thread each on a CPU; an accelerator is not shared. About one GB each."""
    if hardware.device != "cpu":
        return max(1, min(hardware.cores, hardware.devices))
    return max(1, min(hardware.cores, 4, int(hardware.memory_gb)))


def _budget_in_words(brief: Brief) -> str:
    if brief.budget.seconds is not None:
        return f"a budget of {brief.budget.seconds:g} seconds"
    return "the given number of trials" if brief.budget.trials is not None else "no budget given"


_PREFERRED: dict[Task, tuple[str, ...]] = {
    "multi_label": ("mean_average_precision", "macro_f1", "subset_accuracy"),
    "regression": ("rmse", "mae", "r2"),
    "language_modelling": ("bits_per_character", "perplexity"),
    "node_classification": ("accuracy", "macro_f1"),
    "forecasting": ("mae", "mase", "rmse"),
    "sequence_labelling": ("accuracy", "macro_f1"),
    "segmentation": ("mean_iou", "pixel_accuracy", "macro_f1"),
    "metric_learning": ("recall_at_1", "knn_accuracy"),
}


def _preferred(contract: Contract, imbalanced: bool) -> tuple[str, ...]:
    if contract.generative is not None:
        return METRICS_OF[contract.generative]
    if contract.task in _PREFERRED:
        return _PREFERRED[contract.task]
    if imbalanced:
        return ("balanced_accuracy", "macro_f1", "accuracy", "auroc")
    if contract.output.shape == (2,):
        return ("accuracy", "auroc", "macro_f1")
    return ("accuracy", "macro_f1", "balanced_accuracy")


def _why_metric(primary: str, inputs: MetricsInputs, imbalanced: bool) -> str:
    if primary in inputs.brief.constraints.metrics:
        return f"The brief bounds {primary}."
    if imbalanced:
        return (
            f"The largest class is {inputs.data.imbalance:.1f} times the smallest, so plain accuracy would mislead."
        )
    return f"{primary} says most directly how well {inputs.contract.task.replace('_', ' ')} works."
