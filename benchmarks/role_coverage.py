"""How much of a delivered model.py the built-in suites come through: `benchmarks/roles.py coverage`."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

from neuromosaic.core.brief import Brief
from neuromosaic.core.protocols import Program
from neuromosaic.core.role_inputs import SuiteInputs
from neuromosaic.core.sandbox.process import ProcessSandbox
from neuromosaic.core.validation.covered import run_covering
from neuromosaic.llm.offline.costing import Cost
from neuromosaic.llm.offline.fitting import fit
from neuromosaic.llm.offline.suites import propose_suite
from neuromosaic.llm.offline.writing import write_source
from tests.llm.offline.contracts import summary
from tests.llm.offline.test_families import CASES

LIMIT = 12_000
"""Parameters that a family is fitted to, if it can be so small."""


def coverages() -> Iterator[dict[str, Any]]:
    """A line for each family on each task that it is for, and the least of all."""
    told = []
    with closing(ProcessSandbox(workers=1)) as sandbox:
        for case in CASES:
            told.append(_one(case, sandbox))
            yield told[-1]
    least = min(told, key=lambda line: line["covered"])
    red = [line["case"] for line in told if line["failed"]]
    yield {"cases": len(told), "least": least["covered"], "of": least["case"], "wrong": red}


def _one(case: str, sandbox: ProcessSandbox) -> dict[str, Any]:
    outcome, covered = run_covering(_suite(case), Program(_source(case), {}, seed=0), sandbox)
    failed = [name for name, state in outcome.outcomes.items() if state in ("failed", "error")]
    return {"case": case, "covered": round(covered.share, 3), "tests": len(outcome.outcomes), "failed": failed}


def _source(case: str) -> str:
    family, contract = CASES[case]
    return write_source(family, contract, fit(family, contract, Cost(parameters=LIMIT), Cost()).defaults)


def _suite(case: str) -> str:
    contract = CASES[case][1]
    return propose_suite(SuiteInputs(brief=Brief(), contract=contract, data=summary(contract))).source
