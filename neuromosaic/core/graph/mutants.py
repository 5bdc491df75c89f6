"""Broken variants of a graph, with which a test suite shows that it can fail (DeMillo, Lipton and Sayward 1978)."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from neuromosaic.core.graph.checking import check_document
from neuromosaic.core.graph.document import Graph
from neuromosaic.core.graph.faults import KINDS

if TYPE_CHECKING:
    from torch import Tensor, nn

DEFAULT_LIMIT = 12


@dataclass(frozen=True)
class Mutant:
    """`kind` is a key of `faults.KINDS`; `description` says what is wrong with it, and where."""

    kind: str
    description: str
    graph: Graph


def mutants(graph: Graph, seed: int, limit: int = DEFAULT_LIMIT) -> list[Mutant]:
    """At most `limit` mutants, as many kinds as there are; the same for the same graph and seed.

    Some may be `equivalent` to the graph: no suite can find these, so none should be asked to.

    Raises CandidateError where the graph is malformed.
    """
    check_document(graph)
    queues = [_of_kind(graph, kind, seed) for kind in KINDS]
    made: list[Mutant] = []
    while queues and len(made) < limit:
        queue = queues.pop(0)
        mutant = next(queue, None)
        if mutant is not None:
            made.append(mutant)
            queues.append(queue)
    return made


def equivalent(graph: Graph, other: Graph, inputs: tuple[Tensor, ...]) -> bool:
    """Whether both give the same outputs and the same gradients on these inputs, in both modes, within rounding.

    A missing gradient counts as zero. `inputs` lie on the CPU, batch first. Raises what the first graph raises; a
    second graph that raises is not equivalent.
    """
    import torch

    from neuromosaic.core.graph.rebuild import rebuild

    one, two = rebuild(graph), rebuild(other)
    with torch.random.fork_rng(devices=[]):
        for training in (False, True):
            expected = _behaviour(one.train(training), inputs)
            try:
                found = _behaviour(two.train(training), inputs)
            except (RuntimeError, IndexError, ValueError, TypeError):
                return False
            if not _equal(expected, found):
                return False
    return True


def _of_kind(graph: Graph, kind: str, seed: int) -> Iterator[Mutant]:
    draw = random.Random(f"{seed}/mutants/{kind}")
    for description, broken in KINDS[kind](graph, draw):
        yield Mutant(kind, description, broken)


def _behaviour(module: nn.Module, inputs: tuple[Tensor, ...]) -> list[Tensor]:
    """Every output, then the gradient of every parameter under random weights of the outputs."""
    import torch
    from torch.utils import _pytree as pytree

    torch.manual_seed(0)
    module.zero_grad()
    outputs = [leaf for leaf in pytree.tree_leaves(module(*(x.clone() for x in inputs))) if _is_tensor(leaf)]
    torch.manual_seed(1)
    total = sum(((out * torch.randn_like(out)).sum() for out in outputs if out.requires_grad), torch.zeros(()))
    if total.requires_grad:
        total.backward()
    gradients = [torch.zeros_like(p) if p.grad is None else p.grad for p in module.parameters()]
    return [*(out.detach() for out in outputs), *gradients]


def _is_tensor(leaf: Any) -> bool:
    import torch

    return isinstance(leaf, torch.Tensor)


def _equal(expected: list[Tensor], found: list[Tensor]) -> bool:
    import torch

    return len(expected) == len(found) and all(
        a.shape == b.shape and a.dtype == b.dtype and torch.allclose(a, b, rtol=1e-5, atol=1e-7, equal_nan=True)
        for a, b in zip(expected, found, strict=True)
    )
