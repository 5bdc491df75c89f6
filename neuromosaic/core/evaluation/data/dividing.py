"""The three splits of raw data: those that the data bring are kept, the others are divided off."""

from neuromosaic.core.evaluation.data.raw import PARTS, Array, Part, PartName, Raw
from neuromosaic.core.evaluation.data.splitting import (
    Rows,
    divide,
    divide_by_class,
    divide_by_group,
    divide_by_time,
)
from neuromosaic.core.evaluation.data.targets import ClassTargets


def divided(raw: Raw, classes: ClassTargets | None, digest: str) -> tuple[dict[PartName, Part], str]:
    """All three parts in their order, and the sentence that says how they came about.

    Raises DataError where the data are too few for that.
    """
    missing: tuple[PartName, ...] = tuple(part for part in ("test", "validation") if part not in raw.parts)
    parts = dict(raw.parts)
    whole = parts["train"]
    if missing:
        ids = classes.encode(whole.y) if classes is not None and whole.y is not None else None
        rows = _rows(raw, ids, classes, missing, digest)
        parts |= {part: whole[places] for part, places in rows.items()}
    return {part: parts[part] for part in PARTS}, _how(raw, classes, missing)


def _rows(
    raw: Raw, ids: Array | None, classes: ClassTargets | None, missing: tuple[PartName, ...], digest: str
) -> Rows:
    if raw.groups is not None:
        return divide_by_group(raw.groups, ids, digest)
    if raw.times is not None:
        return divide_by_time(raw.times)
    if ids is not None and classes is not None:
        return divide_by_class(ids, classes.classes, missing, digest)
    return divide(len(raw.parts["train"]), missing, digest)


def _how(raw: Raw, classes: ClassTargets | None, missing: tuple[PartName, ...]) -> str:
    if not missing:
        return "training, validation and test splits are those that the data bring"
    names = " and ".join(reversed(missing))
    were = "were" if len(missing) == 2 else "was"
    if raw.groups is not None:
        return f"{names} {were} divided off by whole groups, fixed by the data's hash"
    if raw.times is not None:
        return f"{names} are the latest examples"
    how = "with equal class shares" if classes is not None else "at random"
    kept = (
        "" if len(missing) == 2 else f"; the {'test' if missing == ('validation',) else 'validation'} split is kept"
    )
    return f"{names} {were} divided off {how}, fixed by the data's hash{kept}"
