"""The conformance suite for an architecture type of a user's own."""

import random
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np

from neuromosaic.core.errors import NeuromosaicError, SpaceError
from neuromosaic.core.registration.checks import faults_of
from neuromosaic.core.registration.evaluators import WHERE, figures_fault
from neuromosaic.core.registration.registry import registered
from neuromosaic.core.registration.types import Registration, as_point

SAMPLES = 100
MODELS = 3


def check_architecture(name: str, samples: int = SAMPLES, evaluate: bool = True) -> None:
    """Tries a registered architecture type as a search would, on `samples` points of its space.

    Round trips of `to_dict` and `from_dict`, and of the encoder, also from random vectors; moves that must stay in
    the space; `to_model` builds equal networks twice and its parameters can be counted; and, unless `evaluate` is
    False, two evaluations that return finite figures of the same names. Raises AssertionError naming the method and
    the fault; NotFoundError for a name that is not registered.
    """
    registration = registered(name)
    faults = list(_faults(registration, samples, evaluate))
    assert not faults, f"{name}: " + "; ".join(faults)


def _faults(registration: Registration, samples: int, evaluate: bool) -> Iterator[str]:
    broken = [fault for fault in faults_of(registration, samples) if fault.severity == "error"]
    yield from (f"{fault.where}: {fault.message}" for fault in broken)
    if broken:
        return
    points = registration.search_space.sample_many(samples, seed=1)
    yield from _moving_faults(registration, points[:10])
    yield from _vector_faults(registration, samples)
    for point in points[:MODELS]:
        yield from _model_faults(registration.architecture(point))
    if evaluate and registration.evaluator_class is not None:
        yield from _evaluation_faults(registration, points[:2])


def _moving_faults(registration: Registration, points: list[Any]) -> Iterator[str]:
    space, draw = registration.search_space, random.Random(0)
    if space.size() == 1:
        return
    for one, other in pairwise(points):
        for moved in (space.mutate(one, draw), space.cross(one, other, draw)):
            if not space.contains(moved):
                yield f"search_space: a move from {one} to {moved} leaves the space"
        if space.key(one) != space.key(space.canonical(one)):
            yield f"search_space.canonical: the canonical form of {one} has another key"


def _vector_faults(registration: Registration, samples: int) -> Iterator[str]:
    encoder, space = registration.encoder(), registration.search_space
    length = len(encoder.encode(registration.architecture(space.sample_many(1, seed=0)[0])))
    for vector in np.random.default_rng(1).random((samples, length)):
        try:
            registration.architecture(as_point(encoder.decode(vector)))
        except SpaceError:
            continue  # it says clearly that it found no point
        except Exception as error:  # noqa: BLE001  a user's own code may raise anything: it becomes a fault
            yield f"encoder_class.decode: raised {type(error).__name__}: {error}, on a vector of [0, 1]^{length}"
            return


def _model_faults(architecture: Any) -> Iterator[str]:
    from torch import nn

    where = "architecture_class.to_model"
    try:
        models = [architecture.to_model(), architecture.to_model()]
    except Exception as error:  # noqa: BLE001  as above
        yield f"{where}: raised {type(error).__name__}: {error}, for {architecture.to_dict()}"
        return
    if not all(isinstance(model, nn.Module) for model in models):
        yield f"{where}: returned {type(models[0]).__name__}, not a torch.nn.Module"
        return
    shapes = [{name: tuple(p.shape) for name, p in model.named_parameters()} for model in models]
    if shapes[0] != shapes[1]:
        yield f"{where}: two calls built different networks, for {architecture.to_dict()}"
    if models[0] is models[1]:
        yield f"{where}: two calls returned one and the same module, whose weights would be shared"


def _evaluation_faults(registration: Registration, points: list[Any]) -> Iterator[str]:
    names: set[frozenset[str]] = set()
    for point in points:
        try:
            figures = registration.evaluator().evaluate(registration.architecture(point))
        except NeuromosaicError as error:
            yield f"{WHERE}: {error}"
            return
        except Exception as error:  # noqa: BLE001  as above
            yield f"{WHERE}: raised {type(error).__name__}: {error}, for {point}"
            return
        fault = figures_fault(figures)
        if fault:
            yield f"{WHERE}: {fault}"
            return
        names.add(frozenset(figures))
    if len(names) > 1:
        yield f"{WHERE}: returned figures of different names: {' and '.join(str(sorted(some)) for some in names)}"
