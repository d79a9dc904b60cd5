"""The gate's verdict: whether a challenger may be promoted, why, and the measured differences."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Comparison:
    """A challenger's gain over another version or the baseline, on the same incidents.

    `name` is the other version or the baseline; for a comparison with the champion on a slice of
    the incidents, it is the slice. Higher values of `metric` are better. `value` is the gain, with
    its 95% interval `low`..`high`. `groups` counts the groups of near-copies among the incidents.
    """

    name: str
    metric: str
    incidents: int
    groups: int
    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a challenger may be promoted, the reasons, warnings, and the figures behind it."""

    promoted: bool
    reasons: tuple[str, ...]
    warnings: tuple[str, ...] = ()
    comparisons: tuple[Comparison, ...] = ()

    def figures(self) -> dict[str, Mapping[str, Any]]:
        """Return each comparison's figures by its name, rounded, as the audit log stores them.

        >>> verdict = Verdict(True, (), comparisons=(Comparison("v1", "accuracy", 9, 8, 0, -1, 1),))
        >>> verdict.figures()["v1"]["low"]
        -1
        """
        return {comparison.name: _figures(comparison) for comparison in self.comparisons}

    def to_json(self) -> str:
        """Return the verdict as indented JSON."""
        return json.dumps(asdict(self), indent=2)


def _figures(comparison: Comparison) -> dict[str, Any]:
    figures = {name: value for name, value in asdict(comparison).items() if name != "name"}
    return {
        name: round(value, 5) if isinstance(value, float) else value
        for name, value in figures.items()
    }
