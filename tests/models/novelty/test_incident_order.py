from datetime import UTC, datetime, timedelta

import numpy as np

from features.domain.report import IncidentReport
from models.novelty.incident_order import order_incidents

START = datetime(2026, 1, 1, tzinfo=UTC)


def dated(*days: int | None) -> list[IncidentReport]:
    moments = [None if day is None else START + timedelta(days=day) for day in days]
    return [IncidentReport(id=str(n), opened_at=moment) for n, moment in enumerate(moments)]


def test_dated_incidents_are_ordered_by_time():
    order = order_incidents(dated(3, 1, 2), np.arange(3))
    assert order.rows.tolist() == [1, 2, 0]


def test_without_times_copies_stay_together_in_an_order_of_the_seed():
    copies = np.array([0, 1, 2, 0, 1, 3])
    order = order_incidents(dated(*[None] * 6), copies, seed=4)
    assert order.copies.tolist() == copies[order.rows].tolist()
    assert np.flatnonzero(np.diff(order.copies)).size == 3
    assert order_incidents(dated(*[None] * 6), copies, seed=4).rows.tolist() == order.rows.tolist()


def test_references_are_first_copies_strictly_before_a_moment():
    order = order_incidents(dated(0, 1, 2, 3), np.array([0, 0, 1, 2]))
    assert order.references(order.moments[3], 10).tolist() == [0, 2]
    assert order.references(np.inf, 2).tolist() == [2, 3]


def test_references_of_an_undated_block_hold_none_of_its_copies():
    copies = np.repeat(np.arange(8), 3)
    order = order_incidents(dated(*[None] * 24), copies)
    for place in range(24):
        assert order.copies[place] not in order.copies[order.references(order.moments[place], 99)]
