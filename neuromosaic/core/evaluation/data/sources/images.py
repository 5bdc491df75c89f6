"""Folders of images, one subfolder per class."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from neuromosaic.core.errors import DataError
from neuromosaic.core.evaluation.data.raw import Array, Part, PartName, Raw
from neuromosaic.core.evaluation.data.room import room
from neuromosaic.core.evaluation.data.sources.arrays import NAMES
from neuromosaic.core.evaluation.data.sources.selection import Selection
from neuromosaic.core.evaluation.data.spelling import listed

EXTENSIONS = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".pgm", ".ppm")
_GREY, _COLOURED = ("1", "L", "LA"), ("P", "PA", "RGB", "RGBA", "CMYK", "YCbCr", "HSV", "LAB")


@dataclass(frozen=True)
class _Form:
    """What an image is, or is brought to."""

    width: int
    height: int
    grey: bool


def is_image_folder(path: Path) -> bool:
    """True where images lie in it, in its subfolders, or one level below them."""
    return any(file.suffix.lower() in EXTENSIONS for depth in ("*", "*/*", "*/*/*") for file in path.glob(depth))


def read_image_folder(path: Path, selection: Selection) -> Raw:
    """`CLASS/*.png`, or `train/CLASS/*.png` and `test/CLASS/*.png`; without labels also images directly in it.

    Uint8 [n, height, width] where all are grey, else [n, height, width, 3]. Where their sizes differ, they are
    resized to the size that the brief names, or else to the most common one.
    Raises DataError naming the image that cannot be read.
    """
    notes = [*selection.refuse_columns(path.name)]
    folders = _split_folders(path)
    files = {part: _files(folder, selection) for part, folder in folders.items()}
    forms = {file: _form(file) for part in files.values() for file in part}
    form = _common_form(forms.values(), selection)
    parts = {name: Part(_pixels(part, form), _classes(part, folders[name])) for name, part in files.items()}
    return Raw(path.name, parts, notes=(*notes, *_changes(forms.values(), form)))


def _split_folders(path: Path) -> Mapping[PartName, Path]:
    """Folders named train, test, ... by the split that they hold; without them `path` is all.

    Raises DataError where there are others beside them.
    """
    folders = _folders(path)
    splits = {NAMES[folder.name.lower()]: folder for folder in folders if folder.name.lower() in NAMES}
    if "train" not in splits:
        return {"train": path}
    others = [folder.name for folder in folders if folder not in splits.values()]
    if others:
        raise DataError(f"{path} has the folders {listed(others)} beside train: keep splits only, or classes only")
    return splits


def _folders(path: Path) -> list[Path]:
    return sorted(folder for folder in path.iterdir() if folder.is_dir() and not folder.name.startswith("."))


def _files(path: Path, selection: Selection) -> list[Path]:
    loose = _images(path)
    by_class = [file for folder in _folders(path) for file in _images(folder)]
    if loose and (by_class or selection.labelled):
        raise DataError(f"{loose[0]} lies outside of any class: put every image into a folder named after its class")
    if not loose and not by_class:
        raise DataError(f"{path} holds no images in folders named after their classes")
    return loose or by_class


def _images(path: Path) -> list[Path]:
    files = (file for file in path.iterdir() if file.suffix.lower() in EXTENSIONS)
    return sorted(file for file in files if not file.name.startswith("."))


def _classes(files: Sequence[Path], folder: Path) -> Array | None:
    """The names of the folders that the images lie in, unless that is `folder` itself."""
    return None if files[0].parent == folder else np.array([file.parent.name for file in files])


def _common_form(forms: Iterable[_Form], selection: Selection) -> _Form:
    """The form of a network's training images; of a brief, where the images differ; or the most common one."""
    forms = list(forms)
    sizes = Counter((form.width, form.height) for form in forms)
    (width, height), _ = min(sizes.items(), key=lambda item: (-item[1], item[0]))
    grey = all(form.grey for form in forms)
    if len(selection.shape) != 3 or (selection.known is None and len(set(forms)) == 1):
        return _Form(width, height, grey)
    channels, height, width = selection.shape
    return _Form(width, height, channels == 1)


def _changes(forms: Iterable[_Form], form: _Form) -> list[str]:
    """Sentences on what had to be changed."""
    forms = list(forms)
    resized = sum((other.width, other.height) != (form.width, form.height) for other in forms)
    recoloured = sum(other.grey != form.grey for other in forms)
    notes = [f"{resized} of {len(forms)} images were resized to {form.width}x{form.height}"] if resized else []
    colours = "grey" if form.grey else "coloured"
    return notes + ([f"{recoloured} of {len(forms)} images were made {colours}"] if recoloured else [])


def _form(file: Path) -> _Form:
    with _opened(file) as image:
        if image.mode not in _GREY + _COLOURED:
            raise DataError(f"{file} has {image.mode!r} pixels: convert it to 8 bits per channel")
        return _Form(image.width, image.height, image.mode in _GREY)


def _pixels(files: Sequence[Path], form: _Form) -> Array:
    shape = (form.height, form.width) if form.grey else (form.height, form.width, 3)
    pixels = room((len(files), *shape), np.uint8)
    for place, file in enumerate(files):
        pixels[place] = _decoded(file, form)
    return pixels


def _decoded(file: Path, form: _Form) -> Array:
    size = (form.width, form.height)
    with _opened(file) as image:
        try:
            image = image.convert("L" if form.grey else "RGB")
        except Exception as error:  # decoders of damaged files raise all sorts
            raise DataError(f"{file} cannot be read as an image: {error}") from error
        return np.asarray(image if image.size == size else image.resize(size))


def _opened(file: Path) -> Any:
    try:
        from PIL import Image
    except ImportError:
        raise DataError("reading images needs Pillow: pip install neuromosaic[images]") from None
    try:
        return Image.open(file)
    except Exception as error:  # decoders of damaged files raise all sorts
        raise DataError(f"{file} cannot be read as an image: {error}") from error
