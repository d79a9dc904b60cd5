"""The times of past incidents: read in advance only while a model asks for them."""

from datetime import UTC, datetime, timedelta

import pytest

from features.domain.report import IncidentReport, Outcome, ResolvedIncident
from features.store.store import open_store
from serving.background.precedents import PrecedentUpdater

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture
def store(tmp_path, empty_store):
    with open_store(f"sqlite:///{tmp_path / 'precedent.db'}") as opened:
        yield opened


def past(name, hours):
    report = IncidentReport(name, NOW - timedelta(days=1), service="vpn")
    return ResolvedIncident(report, Outcome(resolved_at=report.opened_at + timedelta(hours=hours)))


def polled(store, *, is_needed):
    updater = PrecedentUpdater(store, 3_600, is_needed=lambda: is_needed)
    updater.poll()
    assert not updater.is_failing
    return updater


@pytest.mark.parametrize(("is_needed", "reads"), [(True, 1), (False, 0)])
def test_incidents_are_read_in_advance_only_if_a_model_asks(store, monkeypatch, is_needed, reads):
    store.incidents.upsert([past("A", 2)])
    read = []
    everything = store.incidents.all
    monkeypatch.setattr(store.incidents, "all", lambda: read.append(1) or everything())
    polled(store, is_needed=is_needed)
    assert len(read) == reads


def test_what_was_not_read_in_advance_is_read_when_it_is_asked_for(store):
    store.incidents.upsert([past("A", 2), past("B", 4)])
    updater = polled(store, is_needed=False)
    (context,) = updater.contexts_of([IncidentReport("C", NOW, service="vpn")])
    assert context.precedents_as_of["service"].count == 2
