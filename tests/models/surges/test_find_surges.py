"""One surge for each trouble, found early, and few when nothing is wrong."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from surge_streams import after, baseline_of, burst, made_up, poisson_hours

from models.surges.find_alarms import find_alarms
from models.surges.find_surges import find_surges
from models.surges.streams import StreamKind

WEEKS = 6
HOURS = WEEKS * 168


def quiet_past(rng: np.random.Generator, services: int = 40, hours: float = HOURS):
    rates = 0.5 / np.arange(1, services + 1)
    return [
        opening
        for number, rate in enumerate(rates)
        for opening in made_up(f"service {number}", poisson_hours(rng, float(rate), hours))
    ]


@pytest.fixture(scope="module")
def past():
    return quiet_past(np.random.default_rng(0))


@pytest.fixture(scope="module")
def baseline(past):
    return baseline_of(past, HOURS)


def test_a_burst_is_found_by_its_fifth_incident(baseline) -> None:
    [surge] = find_surges(burst("service 12", HOURS + 10), baseline)
    assert surge.stream.value == "service 12"
    assert surge.count == 9
    assert surge.detected_at <= after(HOURS + 10 + 4 * 20 / 60 / 9)
    count, hours = surge.usual
    assert count == 1
    assert 10 < hours < 60


@pytest.mark.parametrize("seed", range(3))
def test_quiet_weeks_keep_the_budget(seed: int) -> None:
    rng = np.random.default_rng(seed)
    openings = quiet_past(rng, hours=2 * HOURS)
    known = baseline_of(openings, HOURS)
    after_it = [opening for opening in openings if opening.opened_at >= after(HOURS)]
    assert len(find_surges(after_it, known)) <= WEEKS


def with_offspring(rng: np.random.Generator, parents: np.ndarray, each: float) -> np.ndarray:
    """Add the incidents that incidents bring about, and theirs in turn, half an hour later."""
    hours = [parents]
    while len(hours[-1]):
        sources = np.repeat(hours[-1], rng.poisson(each, len(hours[-1])))
        hours.append(sources + rng.exponential(0.5, len(sources)))
    together = np.concatenate(hours)
    return together[together < 2 * HOURS]


@pytest.mark.parametrize("seed", range(3))
def test_bursty_weeks_keep_the_budget(seed: int) -> None:
    rng = np.random.default_rng(seed)
    openings = []
    for number in range(30):
        parents = poisson_hours(rng, 0.05, 2 * HOURS)
        openings += made_up(f"service {number}", with_offspring(rng, parents, 0.4))
    known = baseline_of(openings, HOURS)
    after_it = [opening for opening in openings if opening.opened_at >= after(HOURS)]
    assert len(find_surges(after_it, known)) <= WEEKS


def test_streams_of_one_trouble_make_one_surge(past) -> None:
    known = baseline_of([replace(opening, category="Network") for opening in past], HOURS)
    reports = [
        replace(opening, category="Network")
        for opening in burst("vpn", HOURS + 10, title="VPN tunnel drops")
    ]
    usual = [
        replace(opening, category="Network")
        for opening in made_up("service 1", HOURS + np.array([9.8, 10.1, 10.2]))
    ]
    [surge] = find_surges([*reports, *usual], known)
    assert (surge.stream.kind, surge.stream.value) == (StreamKind.SERVICE, "vpn")
    assert set(surge.incident_ids) == {report.id for report in reports}
    assert surge.usual == (0, HOURS)


def test_two_troubles_at_once_are_two_surges(baseline) -> None:
    both = [*burst("service 12", HOURS + 10), *burst("service 20", HOURS + 10.05)]
    assert {surge.stream.value for surge in find_surges(both, baseline)} == {
        "service 12",
        "service 20",
    }


def test_words_alone_are_a_stream(baseline) -> None:
    reports = [
        replace(opening, service=f"service {number}", title=f"printer jam at desk {number}")
        for number, opening in enumerate(burst("", HOURS + 10))
    ]
    [surge] = find_surges(reports, baseline)
    assert (surge.stream.kind, surge.stream.value) == (StreamKind.TEXT, "printer")
    assert surge.count == 9


def test_a_surge_keeps_its_id_while_it_grows_and_a_later_one_has_another(baseline) -> None:
    reports = burst("service 12", HOURS + 10)
    grown = [*reports, *burst("service 12 ", HOURS + 10.4)]
    grown = [replace(opening, service="service 12") for opening in grown]
    [first], [second] = find_surges(reports, baseline), find_surges(grown, baseline)
    assert first.id == second.id
    assert second.count == 18
    later = [
        replace(one, id=f"later {one.id}", opened_at=one.opened_at + timedelta(hours=5))
        for one in reports
    ]
    assert len({surge.id for surge in find_surges([*reports, *later], baseline)}) == 2


def test_a_burst_that_recurs_every_monday_is_no_surge(past) -> None:
    mondays = [
        replace(one, id=f"{week} {one.id}", opened_at=one.opened_at + timedelta(weeks=week))
        for week in range(WEEKS + 1)
        for one in burst("service 12", 9)
    ]
    known = baseline_of([*past, *mondays[: 9 * WEEKS]], HOURS)
    assert not find_surges(mondays[9 * WEEKS :], known)


def test_a_past_of_days_raises_no_alarm() -> None:
    known = baseline_of(made_up("mail", np.arange(0, 100, 2.0)), 100)
    assert not find_alarms(burst("vpn", 110), known)


def test_the_weights_shrink_when_more_streams_are_active(past, baseline) -> None:
    busier = baseline_of([*past, *made_up("mail", np.arange(0, HOURS, 0.02))], HOURS)
    assert busier.incidents_per_week > 5 * baseline.incidents_per_week
