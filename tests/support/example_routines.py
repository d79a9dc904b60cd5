"""A routine of a watched series as tests store it."""

from dataclasses import replace
from datetime import datetime

from features.domain.telemetry.series_routine import SeriesRoutine


def example_routine(id_: str, learned_at: datetime, **changed: object) -> SeriesRoutine:
    """Return a daily job of a service, with some fields changed."""
    usual = SeriesRoutine(
        id=id_,
        series_key='shop/latency{pod="a"}',
        series='latency{pod="a"}',
        service="checkout",
        unit="ms",
        direction="up",
        at="06:00",
        every="day",
        duration_seconds=1_800.0,
        lower=320.0,
        upper=900.0,
        days_seen=4,
        learned_at=learned_at,
    )
    return replace(usual, **changed)
