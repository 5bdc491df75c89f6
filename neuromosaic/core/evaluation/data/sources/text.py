"""Texts for character language models."""

from pathlib import Path

from neuromosaic.core.errors import DataError
from neuromosaic.core.evaluation.data.raw import RawText
from neuromosaic.core.evaluation.data.sources.selection import Selection


def read_text(path: Path, selection: Selection) -> RawText:
    """A UTF-8 file, line ends kept as they are. Raises DataError where it is empty or not UTF-8."""
    notes = selection.refuse_columns(path.name)
    try:
        return RawText(path.name, path.read_bytes().decode("utf-8"), notes)
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 at byte {error.start}: convert it to UTF-8") from None
