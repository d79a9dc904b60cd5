"""Comparison of a challenger in shadow with the champion: agreement, accuracy, calibration."""

from collections.abc import Callable, Sequence

from features.domain.monitoring import Measure
from features.domain.predictions import ShadowPair
from training.evaluation.bootstrap import mean_by_day
from training.monitoring.findings import Findings


def measure_shadow(target: str, version: str, pairs: Sequence[ShadowPair]) -> Findings:
    """Measure agreement, and where the truth is known accuracy and calibration side by side."""
    known = [pair for pair in pairs if pair.truth is not None]
    figures: list[tuple[str, Sequence[ShadowPair], Callable[[ShadowPair], float]]] = [
        ("agrees with the champion", pairs, lambda one: one.label == one.champion_label),
        ("accuracy", known, lambda one: one.label == one.truth),
        ("accuracy less the champion's", known, _gain),
        (
            "confidence above accuracy",
            known,
            lambda one: one.confidence - (one.label == one.truth),
        ),
    ]
    return Findings(
        measures=tuple(
            _measure(f"shadow version {version}: {name}", target, among, figure)
            for name, among, figure in figures
            if among
        )
    )


def _gain(pair: ShadowPair) -> float:
    return float(pair.label == pair.truth) - float(pair.champion_label == pair.truth)


def _measure(
    name: str, target: str, pairs: Sequence[ShadowPair], figure: Callable[[ShadowPair], float]
) -> Measure:
    values = [float(figure(pair)) for pair in pairs]
    found = mean_by_day(values, [pair.answered_at for pair in pairs])
    return Measure(name, *found.triple, None, target, n=len(values))
