"""The demo company's metrics: seeded, seasonal, and broken by one deploy only."""

from datetime import timedelta

import numpy as np
import pytest

from training.demo.incidents import EXAMPLE_END, generate_company
from training.demo.telemetry import DemoDay, generate_day

DEPENDENCIES = generate_company(incidents=1).dependencies


def values(day: DemoDay, service: str, metric: str) -> np.ndarray:
    (series,) = (s for s in day.series if (s.service, s.metric) == (service, metric))
    return series.values


def reached(day: DemoDay) -> set[str]:
    """The broken service and all that rests on it."""
    services, size = {day.service}, 0
    while len(services) > size:
        size = len(services)
        services |= {user for user, needed in DEPENDENCIES.items() if services.intersection(needed)}
    return services


def test_equal_seeds_make_equal_days_and_others_break_others() -> None:
    one, same = generate_day(DEPENDENCIES, seed=3), generate_day(DEPENDENCIES, seed=3)
    assert one.changes == same.changes
    for first, second in zip(one.series, same.series, strict=True):
        assert np.array_equal(first.values, second.values)
    assert len({generate_day(DEPENDENCIES, seed=seed).service for seed in range(12)}) > 4


def test_another_end_shifts_the_same_day() -> None:
    shift = timedelta(days=3, hours=11)
    day = generate_day(DEPENDENCIES, seed=3)
    later = generate_day(DEPENDENCIES, seed=3, end=EXAMPLE_END + shift)
    assert later.ends_at - day.ends_at == later.culprit.at - day.culprit.at == shift
    for series, shifted in zip(day.series, later.series, strict=True):
        assert series.values == pytest.approx(shifted.values)


def test_there_are_ten_services_and_one_culprit_among_many_changes() -> None:
    day = generate_day(DEPENDENCIES, seed=1)
    assert len({series.service for series in day.series}) == 10
    assert {len(series.values) for series in day.series} == {len(day.times)}
    assert day.culprit.service == day.service
    assert f"{day.culprit.at:%H:%M}" == "14:02"
    assert day.changes.count(day.culprit) == 1
    assert len(day.changes) > 10
    assert all(abs(change.at - day.culprit.at) < timedelta(days=1) for change in day.changes)


@pytest.mark.parametrize("seed", range(4))
def test_only_the_broken_service_and_what_rests_on_it_suffer(seed: int) -> None:
    day = generate_day(DEPENDENCIES, seed=seed)
    hurt = set()
    for service in DEPENDENCIES:
        latency = values(day, service, "latency")
        if latency[-5:].mean() > 1.3 * latency[-60:-25].mean():
            hurt.add(service)
    assert day.service in hurt
    assert hurt <= reached(day)


def test_load_has_a_daily_season() -> None:
    load = values(generate_day(DEPENDENCIES), "mail", "requests")
    days = load[: 6 * 1440].reshape(6, 1440)
    assert np.corrcoef(days[0], days[3])[0, 1] > 0.8
    assert days.min() > 0
