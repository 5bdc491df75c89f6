"""The conformance suite passes a sound type, and names what is wrong with another."""

import warnings

import pytest

from neuromosaic.core.errors import NotFoundError
from neuromosaic.core.registration import registry
from neuromosaic.registry import register_architecture
from neuromosaic.testing import check_architecture
from tests.core.registration.test_registering import SPACE, Custom, Encoder, Evaluator, changed


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    monkeypatch.setattr(registry, "_known", {})


def register(architecture=Custom, encoder=Encoder, evaluator=Evaluator, space=SPACE):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        register_architecture(
            name="custom", architecture_class=architecture, encoder_class=encoder, evaluator_class=evaluator,
            search_space=space,
        )  # fmt: skip


@pytest.mark.parametrize("encoder", [Encoder, None])
def test_a_sound_type_conforms(encoder) -> None:
    register(encoder=encoder)
    check_architecture("custom")


def counting():
    calls = []

    def evaluate(self, architecture):
        calls.append(1)
        return {f"figure{len(calls)}": 1.0}

    return evaluate


def late(vector):
    if vector[0] > 0.97:
        raise RuntimeError("too deep")
    return Encoder().decode(vector)


SHARED = Custom(1, 32, "relu").to_model()


@pytest.mark.parametrize(
    ("parts", "fault"),
    [
        ({"architecture": changed(Custom, to_model=lambda self: 1 / 0)}, "to_model: raised ZeroDivisionError"),
        ({"architecture": changed(Custom, to_model=lambda self: "net")}, "returned str, not a torch.nn.Module"),
        ({"architecture": changed(Custom, to_model=lambda self: SHARED)}, "two calls returned one and the same"),
        ({"encoder": changed(Encoder, decode=lambda self, v: late(v))}, "decode: raised RuntimeError: too deep"),
        ({"evaluator": changed(Evaluator, evaluate=lambda self, a: 1 / 0)}, "evaluate: raised ZeroDivisionError"),
        ({"evaluator": changed(Evaluator, evaluate=counting())}, "evaluate: returned figures of different names"),
    ],
)  # fmt: skip
def test_what_does_not_conform_is_named(parts, fault) -> None:
    register(**parts)
    with pytest.raises(AssertionError, match=f"^custom: .*{fault}"):
        check_architecture("custom")


def test_networks_that_differ_from_call_to_call_are_noticed() -> None:
    widths = iter(range(32, 512))
    register(architecture=changed(Custom, to_model=lambda self: Custom(1, next(widths), "relu").to_model()))
    with pytest.raises(AssertionError, match="two calls built different networks"):
        check_architecture("custom")


def test_evaluations_can_be_left_out() -> None:
    register(evaluator=changed(Evaluator, evaluate=lambda self, a: 1 / 0))
    check_architecture("custom", evaluate=False)


def test_a_name_that_nobody_registered_is_refused() -> None:
    with pytest.raises(NotFoundError, match="no architecture type 'costum'"):
        check_architecture("costum")
