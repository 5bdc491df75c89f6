"""The delivered folder: written whole or not at all, and never over what a person wrote."""

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from itertools import count
from pathlib import Path

from neuromosaic.core.errors import RunFailedError, UsageError
from neuromosaic.core.graph.document import TensorData
from neuromosaic.delivery.contents import Delivery
from neuromosaic.delivery.extended import FILE as EXTENDS
from neuromosaic.delivery.text import chosen

MANIFEST = ".neuromosaic.json"
"""SHA-256 of each file as it was written: how a later delivery knows what a person has added or changed."""

_LEFTOVERS = {"__pycache__", ".pytest_cache"}
"""What running the tests leaves behind: nobody wrote it."""

_TAKEN = (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR)


def deliver(folder: Path, delivery: Delivery) -> list[Path]:
    """Writes the delivery and returns its files, all in one folder: `folder`, or beside it, numbered ("net-2").

    It steps aside where `folder` holds anything that was not delivered there, or was changed since; card and report
    then say so. An earlier delivery that nobody touched is replaced. The folder appears complete or not at all.
    Raises RunFailedError where there is no network to deliver, and UsageError where the place cannot be written to.
    """
    if chosen(delivery.results) is None:
        raise RunFailedError("there is no certified network to deliver")
    wanted = folder.resolve() if folder.is_symlink() else Path(os.path.abspath(folder))
    if not wanted.name:
        raise UsageError(f"cannot deliver to {folder}: name a folder that can be made")
    try:
        wanted.parent.mkdir(parents=True, exist_ok=True)
        return _write(wanted, delivery)
    except OSError as error:
        reason = error.strerror or error
        raise UsageError(f"cannot deliver to {folder}: {reason}; name another place with --out") from None


def untouched(folder: Path) -> bool:
    """Whether a folder is empty, or holds nothing but a delivery as it was written."""
    if not folder.is_dir():
        return False
    present = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if _counts(folder, path)}
    if not present:
        return True
    try:
        written = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["files"]
        return set(present) - {MANIFEST} <= set(written) and all(
            _digest(path.read_bytes()) == written[name] for name, path in present.items() if name != MANIFEST
        )
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _counts(folder: Path, path: Path) -> bool:
    """Links count whatever they point to; folders by what they hold."""
    inside = set(path.relative_to(folder).parts)
    return (path.is_symlink() or not path.is_dir()) and not inside & _LEFTOVERS


def _write(wanted: Path, delivery: Delivery) -> list[Path]:
    target = next(place for place in _places(wanted) if not _taken(place))
    contents = _contents(delivery, wanted, target)
    part = target.with_name(f".{target.name}.{delivery.results.run}.part")
    try:
        _fill(part, contents)
        _put(part, target)
    except OSError as error:
        shutil.rmtree(part, ignore_errors=True)
        if error.errno in _TAKEN and _taken(target):
            return _write(wanted, delivery)  # somebody else was quicker: the next place
        raise
    return [target / name for name in contents if name != MANIFEST]


def _places(wanted: Path) -> Iterator[Path]:
    yield wanted
    for number in count(2):
        yield wanted.with_name(f"{wanted.name}-{number}")


def _taken(place: Path) -> bool:
    return os.path.lexists(place) and not untouched(place)


def _fill(part: Path, contents: Mapping[str, bytes]) -> None:
    """The files in a folder next to the target, on disk before this returns."""
    shutil.rmtree(part, ignore_errors=True)  # of a process that was killed here
    part.mkdir()
    for name, data in contents.items():
        with (part / name).open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    _sync(part)


def _put(part: Path, target: Path) -> None:
    """Renames into place; what stood there is moved away first, and removed last or put back."""
    old = part.with_suffix(".old")
    shutil.rmtree(old, ignore_errors=True)
    if target.exists():
        target.rename(old)
    try:
        part.rename(target)
    except OSError:
        if old.exists() and not os.path.lexists(target):
            old.rename(target)
        raise
    _sync(target.parent)
    shutil.rmtree(old, ignore_errors=True)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


# ---------------------------------------------------------------- what is written


def _contents(delivery: Delivery, wanted: Path, target: Path) -> dict[str, bytes]:
    """Every file by name, the manifest last."""
    from dataclasses import replace

    from neuromosaic.delivery.card import card
    from neuromosaic.delivery.model_file import model_file
    from neuromosaic.delivery.report import report
    from neuromosaic.delivery.summary import pictures, summary

    best = chosen(delivery.results)
    assert best is not None  # deliver has checked
    if target != wanted:
        aside = (
            f"Delivered to {target.name}: {wanted.name} holds files that were not delivered there, or changed since."
        )
        delivery = replace(delivery, notes=[aside, *delivery.notes])
    texts = {
        "model.py": model_file(delivery.model_source, delivery.results, best),
        "test_model.py": delivery.suite_source,
        "results.json": delivery.results.model_dump_json(indent=2),
        "preprocessing.json": delivery.preprocessing,
        "card.md": card(delivery),
        "report.html": report(delivery),
        "report.md": summary(delivery),
        **pictures(delivery),
        **({"test_unchanged.py": delivery.unchanged_source} if delivery.unchanged_source else {}),
        **({"loss.py": delivery.loss_source} if delivery.loss_source else {}),
    }
    if delivery.extends:
        texts[EXTENDS] = delivery.extends.model_dump_json(indent=2)
    files = {name: (text.rstrip("\n") + "\n").encode("utf-8", "replace") for name, text in texts.items()}
    files |= {"weights.safetensors": weights_file(delivery.weights), **delivery.variants}
    digests = {name: _digest(data) for name, data in files.items()}
    manifest = json.dumps({"run": delivery.results.run, "files": digests}, indent=2)
    return {**files, MANIFEST: (manifest + "\n").encode()}


def weights_file(weights: Mapping[str, TensorData]) -> bytes:
    """The state_dict in the safetensors format: no pickle, any framework."""
    from safetensors.torch import save

    from neuromosaic.core.graph.tensors import to_torch

    return save({name: to_torch(data) for name, data in weights.items()}, metadata={"format": "pt"})


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
