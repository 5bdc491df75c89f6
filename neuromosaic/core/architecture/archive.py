"""Evaluated architectures: found by id, ranked by any metric."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Literal

from neuromosaic.core.architecture.spec import ArchitectureSpec
from neuromosaic.core.errors import ArchitectureError
from neuromosaic.core.spelling import did_you_mean


class Archive:
    """Specs with their metrics, one for each id.

    >>> archive = Archive()
    >>> spec = archive.add(ArchitectureSpec.chain((8,), ("linear", {"features": 4})), {"accuracy": 0.9})
    >>> archive.get(spec.id).metrics["accuracy"], archive.top(1, "accuracy") == [spec]
    (0.9, True)
    """

    def __init__(self) -> None:
        self._specs: dict[str, ArchitectureSpec] = {}

    def add(self, spec: ArchitectureSpec, metrics: Mapping[str, float]) -> ArchitectureSpec:
        """Metrics that are known already stay, but for those that are told again."""
        known = self._specs.get(spec.id, spec)
        self._specs[spec.id] = replace(known, metrics={**known.metrics, **metrics})
        return self._specs[spec.id]

    def get(self, key: str) -> ArchitectureSpec:
        """Raises ArchitectureError where no architecture has this id."""
        if key not in self._specs:
            raise ArchitectureError(f"no architecture of the {len(self)} has the id {key!r}")
        return self._specs[key]

    def top(
        self, count: int, metric: str, direction: Literal["maximize", "minimize"] = "maximize"
    ) -> list[ArchitectureSpec]:
        """The best first; equal ones by id. Those without the metric are left out, and NaN comes in no list.

        Raises ArchitectureError for a metric that none has.
        """
        if direction not in ("maximize", "minimize"):
            raise ArchitectureError(f"the direction is maximize or minimize, not {direction!r}")
        names = {name for spec in self for name in spec.metrics}
        if metric not in names:
            raise ArchitectureError(f"no architecture has the metric {metric!r}{did_you_mean(metric, names)}")
        sign = -1 if direction == "maximize" else 1
        having = [spec for spec in self if spec.metrics.get(metric) == spec.metrics.get(metric, float("nan"))]
        return sorted(having, key=lambda spec: (sign * spec.metrics[metric], spec.id))[:count]

    def to_dict(self) -> dict[str, Any]:
        return {"architectures": [spec.to_dict() for spec in self]}

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> "Archive":
        """Raises ArchitectureError with the path of the fault."""
        archive = cls()
        for n, part in enumerate(document["architectures"]):
            try:
                spec = ArchitectureSpec.from_dict(part)
            except ArchitectureError as error:
                raise ArchitectureError(str(error), f"architectures[{n}]") from None
            archive.add(spec, spec.metrics)
        return archive

    def __iter__(self) -> Iterator[ArchitectureSpec]:
        return iter(self._specs.values())

    def __len__(self) -> int:
        return len(self._specs)
