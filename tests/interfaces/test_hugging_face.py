"""A Transformers model as the network to start from: its folder is read, its class is the library's."""

import json
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from neuromosaic.agents.model_architect import as_family, extend_family
from neuromosaic.core.brief import Brief, Budget, Contract
from neuromosaic.core.errors import UsageError
from neuromosaic.core.evaluation.data.loading import load_dataset
from neuromosaic.core.graph.tensors import to_torch
from neuromosaic.core.proposals import FamilyProposal
from neuromosaic.core.protocols import Program, Sandbox
from neuromosaic.core.role_inputs import ExtensionInputs
from neuromosaic.core.sandbox.process import ProcessSandbox
from neuromosaic.core.signature import signature_of
from neuromosaic.core.store.store import Store
from neuromosaic.core.validation.unchanged import check_unchanged, with_weights
from neuromosaic.interfaces import hugging_face
from neuromosaic.interfaces.extending import extension
from neuromosaic.interfaces.hugging_face import ENTRY, folder_of, libraries_of, source_of, weights_of
from neuromosaic.llm.offline.designer import OfflineDesigner
from neuromosaic.testing import example_hardware, example_task
from neuromosaic.workflows import runs
from neuromosaic.workflows.candidates import family_default
from neuromosaic.workflows.options import Options
from tests.llm.offline.contracts import DIGITS, HOUSES, LETTERS, REVIEWS, contract
from tests.small_runs import at_work

SMALL = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
BERT = {
    "model_type": "bert",
    "architectures": ["BertModel"],
    "vocab_size": 40,
    "max_position_embeddings": 32,
    **SMALL,
}
GPT = {
    "model_type": "gpt2", "architectures": ["GPT2LMHeadModel"], "vocab_size": 40, "n_positions": 32, "n_embd": 16,
    "n_layer": 1, "n_head": 2, "bos_token_id": 0, "eos_token_id": 0,
}  # fmt: skip
VIT = {
    "model_type": "vit",
    "architectures": ["ViTModel"],
    "image_size": 8,
    "patch_size": 4,
    "num_channels": 1,
    **SMALL,
}
MODELS: dict[str, tuple[dict[str, Any], Contract]] = {
    "bert": (BERT, REVIEWS), "gpt2": (GPT, LETTERS), "vit": (VIT, DIGITS),
}  # fmt: skip


def described(folder: Path, config: dict[str, Any]) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def test_the_source_is_the_librarys_class_for_the_task_with_the_models_config(tmp_path: Path) -> None:
    source = source_of(described(tmp_path, {**BERT, "id2label": {"0": "good"}, "transformers_version": "5"}), REVIEWS)
    made: dict[str, Any] = {}
    exec(source.partition("class ")[0].replace("from transformers import", "# "), made)
    assert made["CONFIG"] == {**SMALL, "vocab_size": 40, "max_position_embeddings": 32, "num_labels": 2}
    assert "AutoModelForSequenceClassification.from_config(AutoConfig.for_model('bert', **CONFIG))" in source
    assert "input_ids=x" in source
    assert "AutoModelForCausalLM" in source_of(described(tmp_path, GPT), LETTERS)
    assert "pixel_values=x" in source_of(described(tmp_path, VIT), DIGITS)


@pytest.mark.parametrize(
    ("config", "data", "told"),
    [
        ({"vocab_size": 4}, REVIEWS, "has no|names no model_type"),
        ({**BERT, "auto_map": {"AutoModel": "own.Net"}}, REVIEWS, "asks for code of its own"),
        ({**BERT, "vocab_size": 30}, REVIEWS, "the data have ids below 40, the model 30"),
        ({**GPT, "vocab_size": 50}, LETTERS, "the data have ids below 40, the model 50"),
        (VIT, REVIEWS, "the data are ids, but the model reads none"),
        (BERT, HOUSES, "no Transformers model is extended for tabular data"),
        ({**VIT, "image_size": 16}, DIGITS, r"the images are \[1, 8, 8\], the model is for 1 channels of side 16"),
        (VIT, contract("classification", "image", (1, 8, 9), (2,)), r"the images are \[1, 8, 9\]"),
    ],
)
def test_a_model_that_does_not_fit_the_data_is_told(
    config: dict[str, Any], data: Contract, told: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=told):
        source_of(described(tmp_path, config), data)


def test_a_folder_without_weights_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"holds no \.safetensors: save it again by save_pretrained"):
        weights_of(tmp_path, DIGITS)


def test_what_is_missing_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(tmp_path / "store")
    with pytest.raises(UsageError, match="--weights are for a network of your own"):
        extension("hf:x", tmp_path, store)
    with pytest.raises(UsageError, match="say by --data what it is to be built for"):
        extension("hf:x", None, store)
    monkeypatch.setattr(hugging_face, "LIBRARY", "no_such_library")
    with pytest.raises(UsageError, match=r"needs Transformers: pip install 'neuromosaic\[huggingface\]'"):
        extension("hf:x", None, store, Brief(data="digits"))
    with pytest.raises(UsageError, match="cannot be read"):
        source_of(tmp_path, DIGITS)


def test_a_name_is_had_from_the_hubs_cache_or_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hugging_face, "LIBRARY", "json")
    hub = pytest.importorskip("huggingface_hub")
    monkeypatch.setattr(hub, "snapshot_download", lambda name, allow_patterns: str(tmp_path / name))
    assert folder_of("someone/net") == tmp_path / "someone/net"
    assert folder_of(str(tmp_path)) == tmp_path

    def nowhere(name: str, allow_patterns: list[str]) -> str:
        raise OSError("there is no such repository\nat all")

    monkeypatch.setattr(hub, "snapshot_download", nowhere)
    with pytest.raises(UsageError, match=r"not to be had by name: there is no such repository$"):
        folder_of("someone/net")


# ---------------------------------------------------------------- with the library itself


@pytest.fixture(scope="module")
def library() -> ModuleType:
    reason = "needs Transformers: pip install 'neuromosaic[huggingface]'"
    module: ModuleType = pytest.importorskip("transformers", reason=reason)
    return module


@pytest.fixture(scope="module")
def sandbox(library: ModuleType) -> Iterator[Sandbox]:
    modules = [f"transformers.models.{kind}.modeling_{kind}" for kind in MODELS]
    box = ProcessSandbox(workers=1, libraries=["transformers", *modules])
    yield box
    box.close()


def saved(kind: str, folder: Path, library: ModuleType) -> Any:
    """A small model as the library saves it."""
    config, data = MODELS[kind]
    known = {key: value for key, value in config.items() if key not in ("model_type", "architectures")}
    auto = library.AutoModelForCausalLM if data.task == "language_modelling" else library.AutoModel
    model = auto.from_config(library.AutoConfig.for_model(kind, **known))
    model.save_pretrained(folder)
    return model


def proposals(source: str, data: Contract) -> list[FamilyProposal]:
    """As given, and what the built-in designer makes of it."""
    known = {**example_task(), "contract": data, "hardware": example_hardware(), "slots": 3}
    inputs = [ExtensionInputs(**{**known, "given": source, "entry": ENTRY, "slot": slot}) for slot in (1, 2)]
    return [as_family(source, ENTRY), *(extend_family(OfflineDesigner(), one) for one in inputs)]


@pytest.mark.parametrize("kind", MODELS)
def test_a_saved_model_is_exported_with_its_weights_and_extended_without_change(
    kind: str, tmp_path: Path, library: ModuleType, sandbox: Sandbox
) -> None:
    model, data = saved(kind, tmp_path, library), MODELS[kind][1]
    source, weights = source_of(tmp_path, data), weights_of(tmp_path, data)
    assert libraries_of(tmp_path)[-1] == f"transformers.models.{kind}.modeling_{kind}"
    trained = {tensor.sum().item() for tensor in model.state_dict().values() if tensor.std() > 0}
    assert len(trained - {to_torch(data).sum().item() for data in weights.values()}) <= 1  # ViT's head has no pooler
    families = proposals(source, data)
    assert [family.name for family in families] == [
        "Given as given", "Given with low-rank parts", "Given with a part behind it"
    ]  # fmt: skip
    for family in families:
        program = Program(family.source, family_default(family), 0)
        exported = sandbox.export(program, signature_of(data, "cross_entropy"))
        assert exported.graph is not None, exported.obstacle
        placed = {to_torch(data).sum().item() for data in with_weights(exported.graph, weights).tensors.values()}
        assert len(trained - placed) <= 1
        assert check_unchanged(program, source, ENTRY, data.input, sandbox).passed


def test_a_head_that_the_folder_has_none_for_begins_afresh(tmp_path: Path, library: ModuleType) -> None:
    saved("bert", tmp_path, library)
    assert not [name for name in weights_of(tmp_path, REVIEWS) if "classifier" in name]


def test_weights_that_cannot_be_read_are_told(tmp_path: Path, library: ModuleType) -> None:
    described(tmp_path, BERT)
    (tmp_path / "model.safetensors").write_bytes(b"\x00" * 9)
    with pytest.raises(UsageError, match=r"the weights of .* cannot be read"):
        weights_of(tmp_path, REVIEWS)


@pytest.mark.soak
@pytest.mark.timeout(1200)
def test_a_whole_run_starts_from_a_saved_model(tmp_path: Path, library: ModuleType) -> None:
    saved("vit", tmp_path / "vit", library)
    store = Store(tmp_path / "store")
    brief = Brief(data="digits", budget=Budget(trials=2))
    given = extension(f"hf:{tmp_path / 'vit'}", None, store, brief)
    run = runs.create(store, brief, Options(folder=str(tmp_path / "out"), extend=given))
    with at_work(store, run) as bench:
        results = runs.carry_on(bench)
    proposed = [event.data["name"] for event in store.events(run) if event.kind == "family.proposed"]
    accepted = [event.data["family"] for event in store.events(run) if event.kind == "family.accepted"]
    assert {"Given as given", "Given with low-rank parts"} <= set(proposed)
    assert len(accepted) == len(proposed)
    assert results.status == "met"
    assert results.winner is not None
    assert results.winner.lane == "graph"
    assert "from transformers import" in (tmp_path / "out" / "model.py").read_text()
    assert "model.py imports transformers" in (tmp_path / "out" / "card.md").read_text()


MIXTURE = {**SMALL, "num_key_value_heads": 2, "num_local_experts": 4, "num_experts_per_tok": 2}
"""Sends each token to experts by a kernel with a backward of its own: what no graph can hold."""


@pytest.mark.soak
@pytest.mark.timeout(1200)
def test_a_saved_model_that_cannot_be_exported_takes_the_python_lane(tmp_path: Path, library: ModuleType) -> None:
    (tmp_path / "words.txt").write_text("the cat sees a dog. " * 300)
    store, brief = Store(tmp_path / "store"), Brief(data=str(tmp_path / "words.txt"), budget=Budget(trials=1))
    read = load_dataset(brief).contract.input
    config = library.AutoConfig.for_model("mixtral", vocab_size=read.upper, **MIXTURE)
    library.AutoModelForCausalLM.from_config(config).save_pretrained(tmp_path / "mixture")
    given = extension(f"hf:{tmp_path / 'mixture'}", None, store, brief)
    run = runs.create(store, brief, Options(folder=str(tmp_path / "out"), extend=given))
    with at_work(store, run) as bench:
        results = runs.carry_on(bench)
    best = results.winner or results.nearest
    assert best is not None
    assert best.lane == "python"
    assert "AutoModelForCausalLM" in (tmp_path / "out" / "model.py").read_text()
