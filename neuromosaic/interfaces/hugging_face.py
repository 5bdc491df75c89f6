"""`--extend hf:PATH_OR_NAME`: a Transformers model, from its config and its safetensors; no code comes with it."""

import importlib
import importlib.util
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from pprint import pformat
from typing import Any

from neuromosaic.core.brief import Contract
from neuromosaic.core.errors import UsageError
from neuromosaic.core.graph.document import TensorData
from neuromosaic.core.graph.tensors import from_torch

PREFIX = "hf:"
LIBRARY = "transformers"
ENTRY = "Given"
WANTED = ["config.json", "*.safetensors", "*.safetensors.index.json"]
ABOUT_FILES = frozenset({"architectures", "dtype", "torch_dtype", "transformers_version", "_name_or_path"})
"""What a config tells of where it came from, and not of the network."""

_SOURCE = '''"""{title}."""

import torch
from torch import nn
from transformers import AutoConfig, {auto}

CONFIG = {config}


class {entry}(nn.Module):
    """{title}: {purpose}."""

    def __init__(self) -> None:
        super().__init__()
        self.network = {auto}.from_config(AutoConfig.for_model({kind!r}, **CONFIG))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.network({argument}=x).logits
'''


def folder_of(named: str) -> Path:
    """The folder of a local model, or of one on the hub, which the library's own client fetches once.

    Raises UsageError where there is no such model, or the library is missing.
    """
    if importlib.util.find_spec(LIBRARY) is None:
        raise UsageError(f"--extend {PREFIX}{named} needs Transformers: pip install 'neuromosaic[huggingface]'")
    if (folder := Path(named)).is_dir():
        return folder
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(named, allow_patterns=WANTED))
    except (HFValidationError, HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        reason = str(error).partition("\n")[0]
        raise UsageError(f"--extend {PREFIX}{named}: no such folder, and not to be had by name: {reason}") from None


def source_of(folder: Path, contract: Contract) -> str:
    """A module with one class that builds the network for this task and calls it with one tensor: [batch, ...].

    The head is the one that Transformers has for the task, with as many outputs as the contract asks for. Raises
    UsageError where the model is not for such data.
    """
    config = _config(folder)
    auto, argument = _for_task(config, contract, folder)
    outputs = contract.output.shape[-1]
    kept = {key: value for key, value in config.items() if key not in ABOUT_FILES | {"model_type"}}
    if contract.task != "language_modelling":
        kept = {key: value for key, value in kept.items() if key not in ("id2label", "label2id")}
        kept["num_labels"] = outputs
    title = f"{(config.get('architectures') or [config['model_type']])[0]} from {folder.name}"
    text = pformat(kept, width=110, sort_dicts=True)
    return _SOURCE.format(
        title=title.replace('"', "'"), auto=auto, config=text, entry=ENTRY, kind=config["model_type"],
        argument=argument, purpose=f"{contract.task.replace('_', ' ')}, {outputs} outputs",
    )  # fmt: skip


def weights_of(folder: Path, contract: Contract) -> dict[str, TensorData]:
    """The folder's tensors by the names that they have in the class of `source_of`, which the library itself knows:
    names in a file may be older. Heads that the folder has none for are left out.

    Raises UsageError where there are none, or they cannot be read.
    """
    if not list(folder.glob("*.safetensors")):
        raise UsageError(f"{folder} holds no .safetensors: save it again by save_pretrained, no pickle is read")
    from safetensors import SafetensorError

    auto, _ = _for_task(_config(folder), contract, folder)
    labels = {} if contract.task == "language_modelling" else {"num_labels": contract.output.shape[-1]}
    try:
        model, told = _loaded(auto, folder, labels)
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        raise UsageError(f"the weights of {folder} cannot be read: {error}") from None
    fresh = {*told["missing_keys"], *(name for name, *_ in told["mismatched_keys"])}
    state = model.state_dict().items()
    return {f"network.{name}": from_torch(tensor.float()) for name, tensor in state if name not in fresh}


def _loaded(auto: str, folder: Path, labels: dict[str, int]) -> tuple[Any, Mapping[str, Any]]:
    """The network as the library loads it, of tensors alone, and what it found missing."""
    library = importlib.import_module(LIBRARY)
    library.utils.logging.set_verbosity_error()
    library.utils.logging.disable_progress_bar()
    loaded: tuple[Any, Mapping[str, Any]] = getattr(library, auto).from_pretrained(
        folder, use_safetensors=True, local_files_only=True, ignore_mismatched_sizes=True, output_loading_info=True,
        **labels,
    )  # fmt: skip
    return loaded


def libraries_of(folder: Path) -> tuple[str, ...]:
    """The modules that build the network: imported once, not for each job on it."""
    kind = _config(folder)["model_type"].replace("-", "_")
    return (LIBRARY, f"{LIBRARY}.modeling_utils", f"{LIBRARY}.models.{kind}.modeling_{kind}")


def _config(folder: Path) -> dict[str, Any]:
    path = folder / "config.json"
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} cannot be read: {error}") from None
    if not isinstance(config, dict) or not isinstance(config.get("model_type"), str):
        raise UsageError(f"{path} names no model_type: it is no config of a Transformers model")
    if "auto_map" in config:
        raise UsageError(f"{path} asks for code of its own (auto_map): give that code by --extend path.py:Class")
    return config


def _for_task(config: Mapping[str, Any], contract: Contract, folder: Path) -> tuple[str, str]:
    """The Auto class and the name of forward's argument."""
    faults = list(_misfits(config, contract))
    if faults:
        raise UsageError(f"{folder}: {'; '.join(faults)}")
    if contract.task == "language_modelling":
        return "AutoModelForCausalLM", "input_ids"
    if contract.input.dtype == "int64":
        return "AutoModelForSequenceClassification", "input_ids"
    return "AutoModelForImageClassification", "pixel_values"


def _misfits(config: Mapping[str, Any], contract: Contract) -> Iterator[str]:
    if contract.input.dtype == "int64":
        known, needed = config.get("vocab_size"), contract.input.upper or 0
        if not isinstance(known, int):
            yield "the data are ids, but the model reads none (its config has no vocab_size)"
        elif known < needed or (contract.task == "language_modelling" and known != needed):
            yield f"the data have ids below {needed}, the model {known}: hand over the ids of its own tokenizer"
    elif contract.kind != "image":
        yield f"no Transformers model is extended for {contract.kind} data: give text as ids, or images"
    elif (config.get("num_channels", 3), config.get("image_size")) != (contract.input.shape[0], _side(contract)):
        size = f"{config.get('num_channels', 3)} channels of side {config.get('image_size')}"
        yield f"the images are {list(contract.input.shape)}, the model is for {size}"


def _side(contract: Contract) -> int | None:
    """None where the images are not square."""
    height, width = contract.input.shape[-2:]
    return height if height == width else None
