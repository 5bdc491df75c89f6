"""What the evidence of a run can and cannot carry, in sentences."""

from neuromosaic.core.results import CandidateResult
from neuromosaic.delivery.contents import Delivery
from neuromosaic.delivery.narration import number
from neuromosaic.delivery.text import chosen, metric_with_interval, primary, words


def limits_of_evidence(delivery: Delivery) -> list[str]:
    """What a careful reader should know before believing the figures."""
    best = chosen(delivery.results)
    if best is None:
        return []
    return [
        _selection(delivery, best),
        _interval(delivery),
        _latency(delivery, best),
        _lane(best),
        _suite(delivery),
        *_signals(delivery),
    ]


def _selection(delivery: Delivery, best: CandidateResult) -> str:
    metric = primary(delivery.results)
    openings = delivery.history.test_openings
    times = "once" if openings == 1 else f"{openings} times"
    chosen_by = f"validation {words(metric)} ({metric_with_interval(best, metric, 'val')})"
    return (
        f"The network was chosen by its {chosen_by}, which is therefore a little flattering; the test split was "
        f"opened {times} in this run, at the end, and only accepted or rejected."
    )


def _interval(delivery: Delivery) -> str:
    of = f"{number(delivery.data.test)} test examples" if delivery.data.test else "the test examples"
    return (
        f"Intervals are for 95% and cover the draw of {of}, not the luck of a training: every candidate was trained "
        f"with one seed ({delivery.results.seed})."
    )


def _latency(delivery: Delivery, best: CandidateResult) -> str:
    measured, machine = best.latency_ms, delivery.hardware
    return (
        f"Latency was measured on {machine.name} ({best.device}, {_threads(measured.threads)}, batch of "
        f"{measured.batch}); another machine needs a measurement of its own. Memory is the peak of one forward pass, "
        "weights included."
    )


def _threads(threads: int) -> str:
    return "one thread" if threads == 1 else f"{threads} threads"


def _lane(best: CandidateResult) -> str:
    behind = f"Proposed code ran behind {best.boundary}."
    if best.lane == "graph":
        return (
            "What was trained and scored is the graph of the network (graph lane), rebuilt by a process that never "
            f"ran the proposed code; model.py was then run afresh and agreed with it. {behind}"
        )
    return (
        "The network could not be exported as a graph, so it trained inside the sandbox (python lane), where its own "
        f"code ran: weaker evidence than the graph lane gives. Labels of validation and test stayed outside. {behind}"
    )


def _suite(delivery: Delivery) -> str:
    fates = [row["fate"] for row in delivery.mutants]
    through = _through(delivery)
    if not fates:
        return (
            "The test suite failed on hollow stubs and passed on the network; it faced no broken variants of it."
            f"{through}"
        )
    killed, survived = fates.count("killed"), fates.count("survived")
    slipped = f", {survived} slipped through" if survived else ""
    return (
        f"The test suite failed on hollow stubs, passed on the network, and caught {killed} of {killed + survived} "
        f"deliberately broken variants{slipped}.{through}"
    )


def _through(delivery: Delivery) -> str:
    best = chosen(delivery.results)
    share = best.coverage if best else None
    return (
        "" if share is None else f" It comes through {100 * share:.0f} % of the statements and branches of model.py."
    )


def _signals(delivery: Delivery) -> list[str]:
    """Which cheap signals agreed with the run's own trials; nothing where these were too few to tell."""
    known = delivery.results.signals
    if not known:
        return []
    used = [f"{words(one.name)} {one.correlation:.2f}" for one in known if one.used]
    dropped = [words(one.name) for one in known if not one.used]
    told = (
        f"agreed with its trials (Spearman): {', '.join(used)}"
        if used
        else "agreed with its trials beyond chance: none"
    )
    left = f"; dropped, for they may be chance: {', '.join(dropped)}" if dropped else ""
    return [f"Cheap signals that {told}{left}."]
