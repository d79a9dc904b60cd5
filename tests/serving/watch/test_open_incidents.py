"""The watch does not learn what moves while an incident is open on the series' service."""

import math
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from factories import incident

from features.domain.report import Status

LAG = timedelta(minutes=2)


def moment(watching, minutes=0.0):
    return datetime.fromtimestamp(watching.now, UTC) + timedelta(minutes=minutes)


def mean_of(watching) -> float:
    (state,) = watching.store.series_states.of_watch("watch").values()
    return float(watching.model.restore(state.state)["mean"][0])


def learns_the_rise(watching) -> bool:
    """Let the series rise far above its mean, as the detector would learn it at once."""
    watching.model.learns_all = True
    before = mean_of(watching)
    for _ in range(4):
        watching.step()
    return abs(mean_of(watching) - before) > 1


def rise(watching):
    begins = watching.now + 30
    watching.prometheus.series["errors"] = [
        ({"instance": "a"}, lambda t: 100.0 if t > begins else 20 + math.sin(t / 600))
    ]


@pytest.mark.parametrize(
    ("fields", "is_learned"),
    [
        ({}, False),
        ({"service": "Checkout "}, False),
        ({"service": "cart", "attributes": {"other_services": "mail, checkout"}}, False),
        ({"service": "cart"}, True),
        ({"service": None}, True),
        ({"status": Status.STALE}, True),
        ({"status": Status.RESOLVED, "resolved_at": "before"}, True),
        ({"opened_at": timedelta(days=8)}, True),
        ({"opened_at": timedelta(days=6)}, False),
    ],
)
def test_only_an_open_incident_of_the_service_holds_learning(watching, fields, is_learned):
    watching.step()
    rise(watching)
    known = {"service": "checkout", "status": Status.OPEN} | fields
    known["opened_at"] = moment(watching) - fields.get("opened_at", LAG)
    if "resolved_at" in fields:
        known["resolved_at"] = moment(watching) - LAG / 2
    watching.store.incidents.upsert([incident("INC1", "errors", **known)])
    assert learns_the_rise(watching) is is_learned


def test_an_incident_that_opens_later_gives_back_what_was_usual(watching):
    watching.step()
    watching.model.learns_all = True
    before = mean_of(watching)
    rise(watching)
    watching.step()
    assert mean_of(watching) - before > 1
    known = {"service": "checkout", "status": Status.OPEN, "opened_at": moment(watching)}
    watching.store.incidents.upsert([incident("INC1", "errors", **known)])
    watching.step()
    watching.step()
    assert mean_of(watching) == before


def test_what_came_before_the_incident_is_learned_in_one_chunk_with_what_came_after(watching):
    watching.step()
    watching.model.learns_all = True
    watching.store.incidents.upsert(
        [
            incident(
                "INC1",
                "errors",
                service="checkout",
                status=Status.OPEN,
                opened_at=moment(watching, 30),
            )
        ]
    )
    rise(watching)
    before = mean_of(watching)
    watching.step(minutes=20)
    learned = mean_of(watching)
    assert learned - before > 1
    watching.step(minutes=40)
    again = mean_of(watching)
    watching.step(minutes=60)
    assert mean_of(watching) == again


def test_a_series_of_the_service_that_does_not_move_learns_on(watching):
    watching.step()
    watching.store.incidents.upsert(
        [
            incident(
                "INC1",
                "errors",
                service="checkout",
                status=Status.OPEN,
                opened_at=moment(watching) - LAG,
            )
        ]
    )
    (before,) = watching.store.series_states.of_watch("watch").values()
    watching.step()
    (after,) = watching.store.series_states.of_watch("watch").values()
    counts = [watching.model.restore(one.state)["count"] for one in (before, after)]
    assert np.diff(counts, axis=0).tolist() == [[1.0]]
