"""Extending a given network: it takes part as the baseline, and whatever is built on it must keep what it does."""

from collections.abc import Mapping
from dataclasses import replace
from importlib import metadata
from typing import Any

from neuromosaic.agents.model_architect import as_family, extend_family
from neuromosaic.core.graph.document import Graph, TensorData
from neuromosaic.core.graph.packing import unpack_tensors
from neuromosaic.core.protocols import Program
from neuromosaic.core.role_inputs import ExtensionInputs, FamilyInputs
from neuromosaic.core.validation.climb import Climb
from neuromosaic.core.validation.unchanged import check_unchanged, suite_of, with_weights
from neuromosaic.llm.fallback import Witness
from neuromosaic.prompts.condense import merit
from neuromosaic.workflows.bench import Workbench
from neuromosaic.workflows.history import traces
from neuromosaic.workflows.options import Extension

GIVEN_SEAT = (0, 0)
"""Round and slot of the network as it was given."""
YOU = "you"
"""Who designed it."""


def ask_for_extension(client: Witness, given: Extension, inputs: FamilyInputs) -> dict[str, Any]:
    """The first seat is the given network's own; at every other ModelArchitect is asked. Raises ReplyError."""
    if (inputs.round, inputs.slot) == GIVEN_SEAT:
        if inputs.findings:
            return {"failed": f"{given.entry} as given: {inputs.findings[0].message}"}
        return {"proposal": as_family(given.source, given.entry).model_dump(mode="json"), "designed_by": YOU}
    known = {name: getattr(inputs, name) for name in FamilyInputs.model_fields}
    extended = ExtensionInputs(**known, given=given.source, entry=given.entry)
    proposal = extend_family(client, extended)
    return {"proposal": proposal.model_dump(mode="json"), "designed_by": client.answered_by}


def check_extension(bench: Workbench, program: Program, climb: Climb) -> Climb:
    """After the ladder, where there is a given network: does it live on in this one?"""
    given = bench.options.extend
    if given is None or not climb.accepted:
        return climb
    verdict = check_unchanged(program, given.source, given.entry, bench.dataset.contract.input, bench.sandbox)
    return replace(climb, verdicts=(*climb.verdicts, verdict))


def against_given(bench: Workbench) -> str:
    """A sentence on the given network beside the best that was built on it, in the search's own trials; nothing
    where there is no such network, or where it came to no trial."""
    given, metric = bench.options.extend, bench.plan.primary
    if given is None:
        return ""
    measured = [trace for trace in traces(bench) if trace.outcome == "accepted" and metric in trace.metrics]
    own = [trace for trace in measured if trace.designed_by == YOU]
    built = [trace for trace in measured if trace.designed_by != YOU]
    if not own or not built:
        return ""
    best = max(built, key=merit)
    verdict = "beats it" if merit(best) > merit(own[0]) else "does not beat it"
    return (
        f"{own[0].family} came to {metric} {own[0].metrics[metric]:.4g} on the validation split, {best.family} to "
        f"{best.metrics[metric]:.4g}: the extension {verdict}."
    )


def needed(bench: Workbench) -> list[str]:
    """What `model.py` needs besides PyTorch, as sentences."""
    given = bench.options.extend
    names = dict.fromkeys(library.partition(".")[0] for library in given.libraries) if given else ()
    return [f"model.py imports {name}, in version {metadata.version(name)} when it was certified." for name in names]


def from_where_it_was(bench: Workbench, graph: Graph) -> Graph:
    """The graph with the given network's trained weights, where it has any and they fit."""
    return with_weights(graph, given_weights(bench))


def given_weights(bench: Workbench) -> Mapping[str, TensorData]:
    """The given network's trained weights; none where there are none."""
    given = bench.options.extend
    if given is None or given.weights is None:
        return {}
    digest = given.weights
    return bench.share(f"weights {digest}", lambda: unpack_tensors(bench.store.get(digest)))


def unchanged_test(bench: Workbench, source: str) -> str:
    """A test, to be delivered, that `model.py` does with the given network's weights what that does; none where
    nothing was given, or where the winner's values do not keep to it (which is said)."""
    given = bench.options.extend
    if given is None:
        return ""
    spec = bench.dataset.contract.input
    verdict = check_unchanged(Program(source, {}, bench.brief.seed), given.source, given.entry, spec, bench.sandbox)
    if verdict.passed:
        return suite_of(given.source, given.entry, spec)
    bench.tell("note", text=f"The delivered network {verdict.findings[0].message}.")
    return ""
