"""Searching a space: the engine, its parts by name, and what your own parts look like."""

from neuromosaic.agents import llm_search as _llm_search  # noqa: F401 - makes the strategy "llm" known
from neuromosaic.core.execution.catalogue import ExecutorWarning, executor_names, register_executor
from neuromosaic.core.execution.failure import Failure
from neuromosaic.core.search.objectives import Objective, Objectives
from neuromosaic.core.search.pruners.catalogue import pruner_names, register_pruner
from neuromosaic.core.search.strategies.catalogue import register_strategy, strategy_names
from neuromosaic.core.search.study import ArchitectureSearch
from neuromosaic.core.search.trials import Trial
from neuromosaic.core.space.space import SearchSpace

__all__ = [
    "ArchitectureSearch",
    "ExecutorWarning",
    "Failure",
    "Objective",
    "Objectives",
    "SearchSpace",
    "Trial",
    "executor_names",
    "pruner_names",
    "register_executor",
    "register_pruner",
    "register_strategy",
    "strategy_names",
]
