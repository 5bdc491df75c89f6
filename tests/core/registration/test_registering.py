"""A type of one's own is checked when it is registered: errors name the method, warnings tell what works anyway."""

import os
import time
import warnings
from importlib.metadata import EntryPoint

import numpy as np
import pytest

from neuromosaic.architectures import BaseArchitecture
from neuromosaic.core.errors import NotFoundError, SpaceError
from neuromosaic.core.registration import registry
from neuromosaic.core.space.space import SearchSpace
from neuromosaic.encoding import BaseEncoder
from neuromosaic.registry import RegistrationWarning, register_architecture, registered, registered_names

SPACE = SearchSpace(
    parameters={
        "num_layers": {"type": "int", "min": 1, "max": 50},
        "hidden_dim": {"type": "int", "min": 32, "max": 512},
        "activation": {"type": "categorical", "values": ["relu", "gelu"]},
    },
    constraints=[lambda x: x["num_layers"] * x["hidden_dim"] < 10000],
)


class Custom(BaseArchitecture):
    def __init__(self, num_layers, hidden_dim, activation):
        self.num_layers, self.hidden_dim, self.activation = num_layers, hidden_dim, activation

    def to_model(self):
        from torch import nn

        act = {"relu": nn.ReLU, "gelu": nn.GELU}[self.activation]
        layers = [nn.Linear(8, self.hidden_dim), act()]
        for _ in range(self.num_layers - 1):
            layers += [nn.Linear(self.hidden_dim, self.hidden_dim), act()]
        return nn.Sequential(*layers, nn.Linear(self.hidden_dim, 2))

    def to_dict(self):
        return {"num_layers": self.num_layers, "hidden_dim": self.hidden_dim, "activation": self.activation}

    @classmethod
    def from_dict(cls, config):
        return cls(**config)


class Encoder(BaseEncoder):
    def encode(self, architecture):
        return np.array(
            [architecture.num_layers / 50, architecture.hidden_dim / 512, architecture.activation == "gelu"]
        )

    def decode(self, vector):
        layers = min(max(1, round(vector[0] * 50)), 50)
        hidden = min(max(32, round(vector[1] * 512)), 512, 9999 // layers)
        return Custom(layers, hidden, "gelu" if vector[2] > 0.5 else "relu")


class Evaluator:
    def evaluate(self, architecture):
        size = architecture.num_layers * architecture.hidden_dim
        return {"accuracy": size / 10000, "latency": 1.0, "params": size}


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    monkeypatch.setattr(registry, "_known", {})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def register(architecture=Custom, encoder=Encoder, evaluator=Evaluator, **options):
    return register_architecture(
        name="custom", architecture_class=architecture, encoder_class=encoder, evaluator_class=evaluator,
        search_space=SPACE, options=options,
    )  # fmt: skip


def test_a_sound_type_is_registered_without_a_word_and_found_again() -> None:
    found = register(cache_evaluations=True, parallel_evaluation=True, max_retries=3)
    assert registered("custom") is found
    assert registered_names() == ("custom",)
    architecture = found.architecture(SPACE.sample_many(1, 0)[0])
    assert found.encoder().decode(found.encoder().encode(architecture)).to_dict() == architecture.to_dict()
    assert found.evaluator().evaluate(architecture)["params"] > 0


def test_without_an_encoder_the_spaces_own_serves() -> None:
    found = register(encoder=None, evaluator=None)
    architecture = found.architecture(SPACE.sample_many(1, 0)[0])
    vector = found.encoder().encode(architecture)
    assert vector.shape == (4,)
    assert found.encoder().decode(vector).to_dict() == architecture.to_dict()
    with pytest.raises(SpaceError, match="no evaluator_class"):
        found.evaluator()


def test_registering_the_same_type_again_replaces_it_and_another_is_refused() -> None:
    register()
    assert register(max_retries=0) is registered("custom")

    class Other(Custom):
        pass

    with pytest.raises(SpaceError, match=r"'custom' is taken by .*Custom"):
        register(Other)


def changed(base, **methods):
    return type("Changed", (base,), methods)


def one_more(cls, config):
    return cls(**{**config, "num_layers": config["num_layers"] + 1})


def coded(encode):
    return {"encoder": changed(Encoder, encode=lambda self, architecture: encode(architecture))}


def decoded(decode):
    return {"encoder": changed(Encoder, decode=lambda self, vector: decode(vector))}


def evaluated(evaluate):
    return {"evaluator": changed(Evaluator, evaluate=lambda self, architecture: evaluate(architecture))}


@pytest.mark.parametrize(
    ("parts", "fault"),
    [
        ({"architecture": 3}, "architecture_class: give a class, not 3"),
        ({"architecture": object}, "architecture_class.to_model: object has no method to_model"),
        ({"architecture": BaseArchitecture}, "does not implement from_dict, to_dict, to_model"),
        ({"architecture": changed(Custom, from_dict=classmethod(lambda cls, config: cls(1 / 0, 1, 1)))},
         "architecture_class.from_dict: raised ZeroDivisionError"),
        ({"architecture": changed(Custom, to_dict=lambda self: [1])}, "architecture_class.to_dict: returned list"),
        ({"architecture": changed(Custom, to_dict=lambda self: {"a": self})}, "to_dict: raised TypeError"),
        ({"architecture": changed(Custom, from_dict=classmethod(one_more))}, "from_dict: loses something"),
        (coded(lambda a: np.array([[1.0]])), r"encoder_class.encode: .*shape \[1, 1\]"),
        (coded(lambda a: np.zeros(a.num_layers)), "different lengths"),
        (coded(lambda a: np.array([np.nan])), "encoder_class.encode: returned nan"),
        (coded(lambda a: a.oops), "encoder_class.encode: raised AttributeError"),
        (decoded(lambda v: 1 / 0), "encoder_class.decode: raised ZeroDivisionError"),
        (decoded(lambda v: Custom(1, 32, "relu")), "encoder_class.decode: does not undo"),
        ({"encoder": changed(Encoder, __init__=lambda self, space: None)}, "encoder_class: cannot be made without"),
        (evaluated(lambda a: 0.9), "evaluator_class.evaluate: returned float"),
        (evaluated(lambda a: {}), "returned no figure"),
        (evaluated(lambda a: {"acc": "high"}), r"returned 'high' \(str\) for 'acc'"),
        (evaluated(lambda a: {"acc": float("nan")}), "returned nan for 'acc'"),
        (evaluated(lambda a: {3: 1.0}), "returned 3 as a figure's name"),
        ({"evaluator": changed(Evaluator, evaluate=lambda self: {})}, "cannot be called with one architecture"),
        ({"evaluator": object}, "evaluator_class.evaluate: object has no method evaluate"),
        ({"max_retrys": 3}, "options.max_retrys: unknown key .did you mean 'max_retries'"),
        ({"max_retries": "3"}, "options.max_retries: "),
    ],
)  # fmt: skip
def test_what_cannot_work_is_an_error_that_names_the_method(parts, fault) -> None:
    with pytest.raises(SpaceError, match=fault):
        register(**parts)
    assert registered_names() == ()


def test_a_declared_return_type_that_is_no_mapping_is_an_error() -> None:
    class Declared:
        def evaluate(self, architecture) -> float:
            time.sleep(60)
            return 0.5

    with pytest.raises(SpaceError, match="is declared to return <class 'float'>"):
        register(evaluator=Declared)


@pytest.mark.parametrize(
    ("parts", "told"),
    [
        ({"encoder": changed(Encoder, encode=lambda self, a: Encoder.encode(self, a) * [1, 1, 2])},
         "encoder_class.encode: returned 2, outside .0, 1., which is clipped"),
        ({"encoder": changed(Encoder, decode=lambda self, v: Custom(
            max(1, int(v[0] * 49.99)), Encoder.decode(self, v).hidden_dim, Encoder.decode(self, v).activation))},
         "encoder_class.decode: loses a step by rounding: num_layers"),
        ({"encoder": changed(Encoder, decode=lambda self, v: Custom(
            max(1, round(v[0] * 50)), max(32, round(v[1] * 512)), "gelu" if v[2] > 0.5 else "relu"))},
         "encoder_class.decode: gave .* outside the search space"),
        (evaluated(lambda a: 1 / 0), "evaluate: raised ZeroDivisionError"),
        (evaluated(lambda a: os._exit(3)), "ended the process"),
    ],
)  # fmt: skip
def test_what_works_anyway_is_a_warning(parts, told) -> None:
    with pytest.warns(RegistrationWarning, match=told):
        register(**parts)
    assert registered("custom")


def test_what_cannot_travel_is_a_warning_unless_it_need_not() -> None:
    import threading

    stuck = changed(Evaluator, lock=threading.Lock())
    with pytest.warns(RegistrationWarning, match="evaluator_class: cannot travel to workers"):
        register(evaluator=stuck)
    register(evaluator=stuck, parallel_evaluation=False)


def test_a_long_evaluation_is_not_waited_for() -> None:
    begun = time.monotonic()
    register(evaluator=changed(Evaluator, evaluate=lambda self, a: time.sleep(60)))
    assert time.monotonic() - begun < 10


@pytest.mark.parametrize(
    ("given", "fault"),
    [({"name": ""}, "name: '' is no name"), ({"search_space": {}}, "search_space: give a SearchSpace, not dict"),
     ({"options": [1]}, "options: give a mapping")],
)  # fmt: skip
def test_faulty_arguments_are_refused(given, fault) -> None:
    with pytest.raises(SpaceError, match=fault):
        register_architecture(**{"name": "custom", "architecture_class": Custom, "search_space": SPACE, **given})


def test_a_space_without_points_cannot_be_registered() -> None:
    empty = SearchSpace(SPACE.parameters, ["num_layers > 50"])
    with pytest.raises(SpaceError, match="no point of the space meets"):
        register_architecture(name="custom", architecture_class=Custom, search_space=empty)


# ---------------------------------------------------------------- entry points


def by_mapping():
    return {"architecture_class": Custom, "search_space": SPACE}


MAPPING = by_mapping()


def registers() -> None:
    register_architecture(name="plugin", **MAPPING)


def registers_nothing() -> None:
    pass


def raises() -> None:
    raise RuntimeError("broken plug-in")


class Entry(EntryPoint):
    def load(self):
        return globals()[self.value]


@pytest.mark.parametrize("value", ["MAPPING", "registers"])
def test_an_installed_packages_type_is_found_by_its_name(monkeypatch, value) -> None:
    plug_in(monkeypatch, value)
    assert registered_names() == ("plugin",)
    assert registered("plugin").architecture_class is Custom


@pytest.mark.parametrize(
    ("value", "fault"),
    [("registers_nothing", "registered no type of that name"), ("raises", "RuntimeError: broken plug-in")],
)
def test_a_broken_entry_point_is_told_by_its_name(monkeypatch, value, fault) -> None:
    plug_in(monkeypatch, value)
    with pytest.raises(SpaceError, match=f"the entry point plugin = {value}.*{fault}"):
        registered("plugin")


def plug_in(monkeypatch, value) -> None:
    entry = Entry("plugin", value, registry.GROUP)
    monkeypatch.setattr(registry, "entry_points", lambda group, name="plugin": [entry] if name == "plugin" else [])


def test_an_unknown_name_is_told_what_may_have_been_meant() -> None:
    register()
    with pytest.raises(NotFoundError, match=r"'costum' is registered .did you mean 'custom'"):
        registered("costum")
