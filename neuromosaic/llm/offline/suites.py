"""Writes the test suite of a contract: what any network for the task must do, and no broken one does."""

import ast
import math
import re
from collections.abc import Sequence

from neuromosaic.core.brief import Contract
from neuromosaic.core.proposals import SuiteProposal
from neuromosaic.core.role_inputs import Finding, SuiteInputs
from neuromosaic.core.syntax import parse
from neuromosaic.core.tasks import FORMS
from neuromosaic.llm.offline.choosing import smallest
from neuromosaic.llm.offline.symmetries import demanded
from neuromosaic.llm.offline.writing import environment, facts

_OURS = '"""What any network for this task must do'
_LEARNING = "test_it_learns_one_small_batch"
_ONLY_STRICT = "test_it_learns_the_examples_of_a_small_batch"
_TEST = re.compile(r"\btest_\w+")
_SLIPPED = re.compile(r"mutant|surviv|stub|too-few|weak")
"""Codes of findings that say that the suite let something pass."""

LENIENT, USUAL, STRICT = 0.95, 0.7, 0.5
"""What may be left of the first loss after some steps on one batch."""

STEPS_IN_NOISE = {"diffusion": "150", "gan": "100"}
"""More, where each step sees another noise."""

MOST_IDS = 64
"""Different ids that the suite draws: few enough to learn in some steps."""


def propose_suite(inputs: SuiteInputs) -> SuiteProposal:
    """The suite of the contract.

    What was found wrong with the previous one changes it: a test that fails on good networks is relaxed, then
    dropped; broken networks that slipped through bring further and sharper tests.
    """
    previous = inputs.previous or ""
    strict = _ONLY_STRICT in previous or any(_SLIPPED.search(finding.code) for finding in inputs.findings)
    blamed = _blamed(inputs.findings)
    lenient = f"LEARNT = {LENIENT}" in previous
    if _LEARNING in blamed and not lenient:
        lenient, blamed = True, blamed - {_LEARNING}
    suite = _render(inputs, strict, LENIENT if lenient else STRICT if strict else USUAL)
    return SuiteProposal(source=_without(suite, blamed | _dropped_before(suite, previous)))


def _blamed(findings: Sequence[Finding]) -> set[str]:
    """The tests that findings name, other than as what broken networks passed."""
    return {
        test
        for finding in findings
        if not _SLIPPED.search(finding.code)
        for test in _TEST.findall(f"{finding.message} {finding.layer or ''}")
    }


def _dropped_before(suite: str, previous: str) -> set[str]:
    if not previous.startswith(_OURS):
        return set()
    kept = set(_TEST.findall(previous))
    return {test for test in _TEST.findall(suite) if test not in kept and test not in _strict_tests(suite)}


def _strict_tests(suite: str) -> set[str]:
    _, _, after = suite.partition("# ------------------------------------------------------------ after broken")
    return set(_TEST.findall(after))


def _without(suite: str, tests: set[str]) -> str:
    """The suite less some of its tests; whole where none would be left."""
    functions = [node for node in parse(suite).body if isinstance(node, ast.FunctionDef)]
    names = {node.name for node in functions if node.name.startswith("test_")}
    if not names - tests:
        return suite
    gone = {line for node in functions if node.name in tests for line in _lines(node)}
    return "\n".join(line for number, line in enumerate(suite.splitlines(), 1) if number not in gone) + "\n"


def _lines(node: ast.FunctionDef) -> range:
    """A function's lines, its decorators and the two blank lines before it included."""
    first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
    return range(first - 2, (node.end_lineno or first) + 1)


def _render(inputs: SuiteInputs, strict: bool, learnt: float) -> str:
    contract = inputs.contract
    can_be_kept = _can_be_kept(inputs)
    name = contract.generative or "model"
    template = environment().get_template(f"suite/test_{name}.txt")
    return template.render(
        **facts(contract),
        **_words(contract),
        regression=not FORMS[contract.task].scores,
        graph=contract.kind == "graph",
        segmentation=contract.task == "segmentation",
        class_axis=1 if contract.task == "segmentation" else -1,
        image=contract.kind == "image" and len(contract.input.shape) == 3,
        tabular=contract.kind == "tabular",
        input_axes=len(contract.input.shape),
        limited=can_be_kept,
        options=not inputs.own,
        blind_to=demanded(inputs.brief, contract),
        strict=strict,
        constants=_constants(inputs, strict, learnt, can_be_kept),
    )


def _can_be_kept(inputs: SuiteInputs) -> bool:
    """Whether there is a limit on parameters that some network can keep.

    An impossible one is left to the gates: a suite that no network passes would say nothing of the nearest.
    """
    limit = inputs.brief.constraints.parameters
    return limit is not None and smallest(inputs.contract, demanded(inputs.brief, inputs.contract)) <= limit


def _constants(inputs: SuiteInputs, strict: bool, learnt: float, limited: bool) -> dict[str, str]:
    contract, limit = inputs.contract, inputs.brief.constraints.parameters
    ids = contract.input.upper or contract.output.shape[-1]
    return {
        "INPUT": str(contract.input.shape),
        "OUTPUT": str(contract.output.shape),
        **(_of_draws(contract.latent) if contract.generative else {}),
        **(_in_turn(contract) if contract.generative == "autoregressive" else {}),
        **({"IDS": f"{ids}", "DRAWN": f"{min(ids, MOST_IDS)}"} if contract.input.dtype == "int64" else {}),
        **({"NODES": str(contract.input.shape[0])} if contract.kind == "graph" else {}),
        **({"PARAMETERS": f"{limit:_}"} if limited else {}),
        "BATCH": "16",
        "WARM_UP": "5",
        "STEPS": STEPS_IN_NOISE.get(contract.generative or "", "60"),
        "LEARNING_RATES": "(1e-2, 1e-3)",
        "LEARNT": f"{learnt}",
        "LARGEST_START": "5.0",
        "TOLERANCE": "2e-5" if strict else "1e-4",
        "NOTICEABLE": "1e-6",
    }


def _of_draws(latent: int | None) -> dict[str, str]:
    return {**({"LATENT": f"{latent}"} if latent else {}), "SMALLEST_RANGE": "1e-3", "LARGEST": "1e3"}


def _in_turn(contract: Contract) -> dict[str, str]:
    """A draw takes a pass for each value: few of long examples, so many of short ones that their spread shows."""
    values = math.prod(contract.input.shape)
    return {"VALUES": f"{values}", "DRAWS": f"{max(8, min(256, 2048 // values))}"}


def _words(contract: Contract) -> dict[str, str]:
    shape = ", ".join(map(str, contract.input.shape))
    outputs = ", ".join(map(str, contract.output.shape))
    outputs = f"{outputs}] as `output`, codes [batch, {contract.latent}" if contract.latent else outputs
    ids = contract.input.dtype == "int64"
    learnable = {
        "classification": "Classes in turn, which only the inputs tell apart.",
        "multi_label": "Labels by the binary digits of the place in the batch, which only the inputs tell apart.",
        "regression": "Random values, which only the inputs tell apart.",
        "sequence_labelling": "The class of a step follows from its own values.",
        "segmentation": "The class of a pixel follows from its own values.",
        "node_classification": "The class of a node follows from its own values.",
        "generation": "The examples themselves.",
        "metric_learning": "Random places, which only the inputs tell apart.",
        "forecasting": "Random values, which only the inputs tell apart.",
        "language_modelling": "At each step the id after the input's: soon learnt by what reads its input.",
    }
    return {
        "contract_in_words": f"Input {contract.input.dtype} [batch, {shape}], output float32 [batch, {outputs}].",
        "inputs_in_words": "Random graphs: a normal draw for each node, an edge between few."
        if contract.kind == "graph"
        else "Random ids."
        if ids
        else "Normal noise, on the scale of standardised data.",
        "targets_in_words": learnable[contract.task],
    }
