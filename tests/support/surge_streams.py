"""Histories of incidents for the tests of surges."""

from datetime import UTC, datetime, timedelta

import numpy as np

from features.domain.opening import Opening
from models.surges.baseline import UsualRates, learn_baseline

START = datetime(2026, 1, 5, tzinfo=UTC)
"""A Monday."""


def after(hours: float) -> datetime:
    return START + timedelta(hours=hours)


def made_up(service: str, hours: np.ndarray, title: str = "") -> list[Opening]:
    return [
        Opening(f"{service} {title} {n}", after(float(at)), title, service)
        for n, at in enumerate(np.sort(hours))
    ]


def poisson_hours(rng: np.random.Generator, per_hour: float, hours: float) -> np.ndarray:
    return rng.uniform(0, hours, rng.poisson(per_hour * hours))


def baseline_of(openings: list[Opening], hours: float) -> UsualRates:
    return learn_baseline(openings, after(0).timestamp(), after(hours).timestamp())


def burst(
    service: str, at: float, n: int = 9, minutes: float = 20, title: str = ""
) -> list[Opening]:
    """Nine incidents in 20 minutes from an hour on, evenly spaced."""
    return [
        Opening(f"burst {service} {k}", after(at + k * minutes / 60 / n), title, service)
        for k in range(n)
    ]
