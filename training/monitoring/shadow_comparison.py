"""Compares a challenger in shadow with the champion: agreement, accuracy and calibration."""

from collections.abc import Callable, Sequence

from features.domain.monitoring import Measure
from features.domain.predictions import ShadowPair
from training.evaluation.bootstrap import mean_by_day
from training.monitoring.findings import Findings


def measure_shadow(target: str, version: str, pairs: Sequence[ShadowPair]) -> Findings:
    """Measure agreement with the champion, and accuracy and calibration for known labels."""
    judged_pairs = [pair for pair in pairs if pair.truth is not None]
    metrics: list[tuple[str, Sequence[ShadowPair], Callable[[ShadowPair], float]]] = [
        ("agrees with the champion", pairs, lambda pair: pair.label == pair.champion_label),
        ("accuracy", judged_pairs, lambda pair: pair.label == pair.truth),
        ("accuracy less the champion's", judged_pairs, _gain),
        (
            "confidence above accuracy",
            judged_pairs,
            lambda pair: pair.confidence - (pair.label == pair.truth),
        ),
    ]
    return Findings(
        measures=tuple(
            _measure(f"shadow version {version}: {name}", target, metric_pairs, metric)
            for name, metric_pairs, metric in metrics
            if metric_pairs
        )
    )


def _gain(pair: ShadowPair) -> float:
    return float(pair.label == pair.truth) - float(pair.champion_label == pair.truth)


def _measure(
    name: str, target: str, pairs: Sequence[ShadowPair], metric: Callable[[ShadowPair], float]
) -> Measure:
    values = [float(metric(pair)) for pair in pairs]
    estimate = mean_by_day(values, [pair.answered_at for pair in pairs])
    return Measure(name, *estimate.triple, None, target, n=len(values))
