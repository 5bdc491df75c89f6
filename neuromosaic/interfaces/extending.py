"""`--extend path.py:Class`: the network that a design starts from, read and never run here."""

from pathlib import Path

from neuromosaic.agents.model_architect import read_given
from neuromosaic.core.brief import Brief
from neuromosaic.core.errors import UsageError
from neuromosaic.core.graph.packing import pack_tensors
from neuromosaic.core.graph.tensors import from_numpy
from neuromosaic.core.store.store import Store
from neuromosaic.delivery.extended import Extended, path_in_repository
from neuromosaic.interfaces import hugging_face
from neuromosaic.workflows.options import Extension

LARGEST = 100_000
"""Characters of source: it has to fit into a prompt."""


def extension(named: str, weights: Path | None, store: Store, brief: Brief | None = None) -> Extension:
    """What `path.py:Class` and a .safetensors file of its trained weights hold, or a Transformers model `hf:...`,
    which is built for the `brief`'s data; the weights go into the store.

    Raises UsageError naming what cannot be read.
    """
    if named.startswith(hugging_face.PREFIX):
        return _from_library(named.removeprefix(hugging_face.PREFIX), weights, store, brief or Brief())
    path, colon, entry = named.rpartition(":")
    if not colon or not entry.isidentifier() or not path:
        raise UsageError(f"--extend {named}: name a file and a class in it, such as net.py:Net")
    try:
        source = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--extend {named}: cannot read {path}: {error}") from None
    if len(source) > LARGEST:
        raise UsageError(f"--extend {named}: {path} has {len(source):,} characters, at most {LARGEST:,} are read")
    given, called = read_given(source, entry, path)
    file = Extended(path=path_in_repository(Path(path)), source=source, entry=entry, given=called)
    return Extension(source=given, entry=called, weights=_stored(weights, store) if weights else None, file=file)


def _from_library(named: str, weights: Path | None, store: Store, brief: Brief) -> Extension:
    if weights is not None:
        raise UsageError("--weights are for a network of your own: a Transformers model has them in its folder")
    if brief.data is None:
        raise UsageError(f"--extend {hugging_face.PREFIX}{named}: say by --data what it is to be built for")
    from neuromosaic.core.evaluation.data.loading import load_dataset

    folder = hugging_face.folder_of(named)
    contract = load_dataset(brief).contract
    source = hugging_face.source_of(folder, contract)
    kept = store.put(pack_tensors(hugging_face.weights_of(folder, contract)))
    return Extension(
        source=source, entry=hugging_face.ENTRY, weights=kept, libraries=hugging_face.libraries_of(folder)
    )


def _stored(weights: Path, store: Store) -> str:
    """Tensors only, no pickle."""
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        tensors = {name: from_numpy(array) for name, array in load_file(weights).items()}
    except (OSError, SafetensorError, TypeError, KeyError, ValueError) as error:
        raise UsageError(f"--weights {weights}: cannot be read as .safetensors: {error}") from None
    return store.put(pack_tensors(tensors))
