"""Which example goes to training, validation or test: fixed by the data's hash, never by a seed."""

import hashlib

import numpy as np

from neuromosaic.core.errors import DataError
from neuromosaic.core.evaluation.data.raw import Array, PartName
from neuromosaic.core.evaluation.data.spelling import listed

SHARE = 0.15
"""What validation and test each get of the examples that are divided."""
GROUP_DRAWS = 50

Rows = dict[PartName, Array]


def shuffled(count: int, digest: str, purpose: str) -> Array:
    """A permutation of `count` rows. PCG64's raw stream is fixed for good, unlike numpy's own `permutation`."""
    seed = int(hashlib.sha256(f"{digest}/{purpose}".encode()).hexdigest()[:32], 16)
    return np.argsort(np.random.PCG64(seed).random_raw(count), kind="stable")


def divide(count: int, wanted: tuple[PartName, ...], digest: str) -> Rows:
    """Rows drawn at random. Raises DataError where a part would stay empty."""
    order = shuffled(count, digest, "split")
    size = max(1, round(SHARE * count))
    if count <= size * len(wanted):
        raise DataError(f"{count} examples cannot be divided into training, validation and test: give more")
    return _cut(order, [size] * len(wanted), wanted)


def divide_by_class(classes: Array, names: tuple[object, ...], wanted: tuple[PartName, ...], digest: str) -> Rows:
    """Rows such that every class has the same share in each part, and at least one example.

    `classes`: ids [n]. Raises DataError naming the classes that have too few examples for that.
    """
    counts = np.bincount(classes, minlength=len(names))
    few = [f"{names[place]!r} ({counts[place]})" for place in np.flatnonzero((counts > 0) & (counts <= len(wanted)))]
    if few:
        more = f" and {len(few) - 8} more" if len(few) > 8 else ""
        raise DataError(
            f"too few examples of the classes {', '.join(few[:8])}{more}: each needs at least {len(wanted) + 1}, "
            "so that every split has one; drop or merge these classes"
        )
    order = shuffled(len(classes), digest, "split")
    member = np.full(len(classes), -1)
    for rows in np.split(order[np.argsort(classes[order], kind="stable")], np.cumsum(counts)[:-1]):
        size = max(1, round(SHARE * len(rows))) if len(rows) else 0
        for place in range(len(wanted)):
            member[rows[place * size : (place + 1) * size]] = place
    return _members(order, member, wanted)


def divide_by_group(groups: Array, classes: Array | None, digest: str) -> Rows:
    """Whole groups in one part each: of some draws, the one whose parts come closest to the shares and classes."""
    names, group = np.unique(groups, return_inverse=True)
    if len(names) < 3:
        raise DataError(f"{len(names)} groups cannot be divided into training, validation and test: give 3 or more")
    sizes = np.bincount(group)
    draws = [_group_members(sizes, digest, number)[group] for number in range(GROUP_DRAWS)]
    member = min(draws, key=lambda draw: _distance(draw, classes))
    return _members(shuffled(len(groups), digest, "split"), member, ("test", "validation"))


def _group_members(sizes: Array, digest: str, number: int) -> Array:
    """Part per group (0 test, 1 validation, -1 training), filled in random order, at least one group each."""
    order = shuffled(len(sizes), digest, f"groups/{number}")
    filled = np.cumsum(sizes[order])
    goal = SHARE * filled[-1]
    first = min(int(np.searchsorted(filled, goal)) + 1, len(order) - 2)
    second = min(int(np.searchsorted(filled, filled[first - 1] + goal)) + 1, len(order) - 1)
    member = np.full(len(order), -1)
    member[order[:first]], member[order[first:second]] = 0, 1
    return member


def _distance(member: Array, classes: Array | None) -> float:
    """How far the parts are from the wanted sizes, and from the class shares of the whole."""
    parts = [member == place for place in (0, 1, -1)]
    wanted = (SHARE, SHARE, 1 - 2 * SHARE)
    distance = sum(abs(part.mean() - share) for part, share in zip(parts, wanted, strict=True))
    if classes is None:
        return float(distance)
    whole = np.bincount(classes) / len(classes)
    shares = [np.bincount(classes[part], minlength=len(whole)) / max(1, part.sum()) for part in parts]
    unlearned = np.sum((shares[2] == 0) & (whole > 0))
    return float(distance + sum(np.abs(share - whole).sum() for share in shares) + 100 * unlearned)


def divide_by_time(times: Array) -> Rows:
    """The latest are test, those before them validation, all earlier ones training; one instant stays together."""
    order = np.argsort(times, kind="stable")
    ordered, count = times[order], len(times)
    wanted = [count - 2 * max(1, round(SHARE * count)), count - max(1, round(SHARE * count))]
    first, second = (int(np.searchsorted(ordered, ordered[max(place, 0)])) for place in wanted)
    if not 0 < first < second:
        values = listed(np.unique(ordered)[:3].tolist())
        raise DataError(
            f"the times ({values}, ...) have too few distinct values to put the latest into test and those "
            "before into validation: give a finer time column"
        )
    return {"train": order[:first], "validation": order[first:second], "test": order[second:]}


def _cut(order: Array, sizes: list[int], wanted: tuple[PartName, ...]) -> Rows:
    pieces = np.split(order, np.cumsum(sizes))
    return dict(zip((*wanted, "train"), pieces, strict=True))


def _members(order: Array, member: Array, wanted: tuple[PartName, ...]) -> Rows:
    """Rows of each part, in random order: a part of the training rows is then a fair sample of them."""
    rows: Rows = {part: order[member[order] == place] for place, part in enumerate(wanted)}
    return rows | {"train": order[member[order] == -1]}
