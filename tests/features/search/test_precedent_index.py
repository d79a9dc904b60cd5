"""The index that tells how many incidents were open at a moment, and how earlier ones went."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import log

import numpy as np
import pytest

from features.domain.report import IncidentReport, Outcome, ResolvedIncident, Status
from features.search.precedent_index import PrecedentIndex, hours_to_resolve

START = datetime(2026, 3, 2, tzinfo=UTC)


def incident(id_, opened, ended=None, service="vpn", **outcome):
    """Return an incident that opened and ended so many hours after the start."""
    resolved_at = None if ended is None else START + timedelta(hours=ended)
    report = IncidentReport(id_, START + timedelta(hours=opened), service=service)
    return ResolvedIncident(report, Outcome(resolved_at=resolved_at, **outcome))


def at(hours, service="vpn", id_="new"):
    return IncidentReport(id_, START + timedelta(hours=hours), service=service)


PAST = [
    incident("A", 0, 4, sla_met=True, reassigned=True),
    incident("B", 1, 9, sla_met=False),
    incident("C", 2, service="mail"),
    incident("D", 3, 5, service="MAIL", sla_met=True),
]


@pytest.mark.parametrize(
    ("hours", "total", "of_service", "arrivals"),
    [(0, 0, 0, 0), (1, 1, 1, 1), (4.5, 3, 1, 4), (6, 2, 1, 4), (10, 1, 0, 4), (26, 1, 0, 2)],
)
def test_open_incidents_are_counted_as_of_the_moment(hours, total, of_service, arrivals):
    counts = PrecedentIndex(PAST).context_of(at(hours)).open_counts
    assert (counts.total, counts.of_service, counts.arrivals) == (total, of_service, arrivals)


def test_only_what_was_resolved_before_is_a_precedent():
    index = PrecedentIndex(PAST)
    assert index.context_of(at(4)).precedents_as_of["service"].count == 0
    early = index.context_of(at(5)).precedents_as_of
    assert (early["service"].count, early[""].count) == (1, 1)
    assert early["service"].log_hours == pytest.approx(log(4))
    assert (early["service"].missed, early["service"].reassigned) == (0.0, 1.0)
    late = index.context_of(at(10)).precedents_as_of
    assert late["service"].count == 2
    assert late["service"].missed == 0.5
    assert late["service"].reassigned == 1.0


def test_the_spelling_of_a_service_does_not_matter():
    index = PrecedentIndex(PAST)
    counts = index.context_of(at(4, service="Mail")).open_counts
    assert counts.of_service == 2


def test_an_incident_never_knows_its_own_outcome():
    for known in PAST:
        others = [other for other in PAST if other is not known]
        for hours in (0, 3, 30):
            report = replace(known.report, opened_at=START + timedelta(hours=hours))
            whole = PrecedentIndex(PAST).context_of(report)
            assert whole == PrecedentIndex(others).context_of(report)


def test_contexts_do_not_depend_on_later_incidents():
    index, early = PrecedentIndex(PAST), PrecedentIndex(PAST[:2])
    later = [incident(f"L{n}", 6 + n, 7 + n, sla_met=False) for n in range(20)]
    index.update(later)
    assert index.context_of(at(1.5)) == early.context_of(at(1.5))


def test_updates_and_removals_equal_a_new_index():
    rng = np.random.default_rng(0)
    index, kept = PrecedentIndex(), {}
    for number in range(300):
        id_ = f"I{rng.integers(60)}"
        opened = float(rng.integers(100))
        ended = opened + float(rng.integers(1, 40)) if rng.random() < 0.7 else None
        status = Status.OPEN if ended is None else None
        kept[id_] = incident(id_, opened, ended, str(rng.choice(["a", "b"])), status=status)
        index.update([kept[id_]])
        if number % 7 == 0:
            gone = str(rng.choice(list(kept)))
            del kept[gone]
            index.update(removed=[gone])
    fresh = PrecedentIndex(kept.values())
    assert len(index) == len(fresh) == len(kept)
    for hours in range(0, 160, 7):
        assert index.context_of(at(hours, "a")) == fresh.context_of(at(hours, "a"))


def test_without_a_time_of_opening_the_present_counts():
    index = PrecedentIndex(PAST)
    report = IncidentReport("new", service="vpn")
    now = START + timedelta(hours=10)
    assert index.context_of(report, now=now) == index.context_of(at(10))
    assert index.context_of(report).open_counts is None


def test_incidents_without_times_are_always_precedents():
    undated = ResolvedIncident(IncidentReport("U", service="vpn"), Outcome(sla_met=False))
    context = PrecedentIndex([undated]).context_of(at(0))
    assert context.precedents_as_of["service"].missed == 1.0
    assert context.precedents_as_of["service"].log_hours is None


def test_resolved_at_an_unknown_time_is_neither_open_nor_a_precedent():
    unknown = incident("U", 0, category="Network")
    context = PrecedentIndex([unknown]).context_of(at(5))
    assert context.open_counts.total == 0
    assert context.precedents_as_of[""].count == 0


def test_stale_incidents_have_no_time_to_resolve():
    stale = incident("S", 0, status=Status.STALE)
    assert hours_to_resolve(stale) is None
    assert PrecedentIndex([stale]).context_of(at(5)).open_counts.total == 1
    assert hours_to_resolve(incident("A", 4, 2)) is None
    assert hours_to_resolve(incident("A", 4, 4)) == pytest.approx(1 / 60)
