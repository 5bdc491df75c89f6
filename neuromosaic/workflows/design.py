"""The design workflow, in test-driven order, as a LangGraph graph."""

from functools import partial
from typing import Any

from langgraph.graph import END, START, StateGraph

from neuromosaic.workflows.bench import Workbench
from neuromosaic.workflows.certifying import certify
from neuromosaic.workflows.compressing import compress
from neuromosaic.workflows.converting import convert
from neuromosaic.workflows.delivering import deliver_run
from neuromosaic.workflows.finalists import finalists
from neuromosaic.workflows.gathering import gather, mutants
from neuromosaic.workflows.intake import intake
from neuromosaic.workflows.planning import compute, metrics, suite
from neuromosaic.workflows.proposing import family_graph, seats
from neuromosaic.workflows.pull_request import pull_request
from neuromosaic.workflows.searching import judge, recipes, search
from neuromosaic.workflows.state import DesignState


def design_graph(bench: Workbench) -> StateGraph[DesignState]:
    """intake -> compute -> metrics -> suite -> seats (several at once) -> gather -> mutants -> recipes -> search
    -> judge -> (seats again | finalists) -> compress -> certify -> convert -> deliver -> pull_request.

    Every node returns what the store already holds, or does it and stores it.
    """
    graph = StateGraph(DesignState)
    nodes = (
        intake, compute, metrics, suite, gather, mutants, recipes, search, judge, finalists, compress, certify,
        convert,
    )  # fmt: skip
    for node in nodes:
        graph.add_node(node.__name__, partial(node, bench))
    graph.add_node("family", family_graph(bench))
    graph.add_node("deliver", partial(deliver_run, bench))
    graph.add_node("pull_request", partial(pull_request, bench))
    for before, after in zip(("intake", "compute", "metrics"), ("compute", "metrics", "suite"), strict=True):
        graph.add_edge(before, after)
    graph.add_edge(START, "intake")
    graph.add_conditional_edges("suite", partial(seats, bench), ["family"])
    for before, after in (
        ("family", "gather"), ("gather", "mutants"), ("mutants", "recipes"), ("recipes", "search"),
        ("search", "judge"), ("finalists", "compress"), ("compress", "certify"), ("certify", "convert"),
        ("convert", "deliver"),
        ("deliver", "pull_request"), ("pull_request", END),
    ):  # fmt: skip
        graph.add_edge(before, after)
    graph.add_conditional_edges("judge", partial(_next, bench), ["family", "finalists"])
    return graph


def _next(bench: Workbench, state: DesignState) -> Any:
    return seats(bench, state) if state["decision"] == "continue" else "finalists"
