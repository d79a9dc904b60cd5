"""What the store, the ledger and a file say was known at a cutoff, and what never trains."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from features.domain.history import History, Provenance
from features.domain.report import IncidentReport, Outcome, ResolvedIncident
from features.store.learning.dataset_metadata import DatasetMetadata
from features.store.learning.labels import FINAL_STATE, LabelRecord, LabelSource
from features.store.learning.predictions import PredictionRecord
from features.store.store import IncidentStore, open_store
from training.dataset.point_in_time import (
    PointInTimeHistory,
    exclude_self_confirmed,
    read_point_in_time,
)

OPENED = datetime(2026, 3, 2, 3, tzinfo=UTC)
HOUR = timedelta(hours=1)
CUTOFF = OPENED + 24 * HOUR


@pytest.fixture
def store(tmp_path: Path, empty_store: Path) -> Iterator[IncidentStore]:
    file = tmp_path / "precedent.db"
    file.write_bytes(empty_store.read_bytes())
    with open_store(f"sqlite:///{file}") as opened:
        yield opened


def incident(incident_id: str = "INC1", hours: float = 0, **outcome: Any) -> ResolvedIncident:
    report = IncidentReport(incident_id, OPENED + hours * HOUR, f"title of {incident_id}")
    return ResolvedIncident(report, Outcome(**outcome))


def said(label: str, source: str, hours: float = 1, **given: str) -> LabelRecord:
    by = FINAL_STATE if source in ("echo", "outcome", "replaced") else "Ana"
    usual = {"incident_id": "INC1", "target": "category", "given_by": by} | given
    return LabelRecord(
        label=label, source=LabelSource(source), given_at=OPENED + hours * HOUR, **usual
    )


def auto_answer(label: str, incident_id: str = "INC1") -> PredictionRecord:
    at = OPENED + HOUR / 2
    return PredictionRecord(
        f"p-{incident_id}", "r", incident_id, "category", "7", label, 0.9, "auto", "auto", {}, at
    )


def categories(past: PointInTimeHistory) -> dict[str, str | None]:
    return {one.report.id: one.outcome.category for one in past.history.incidents}


def test_only_what_was_known_at_the_cutoff_is_in_it(store: IncidentStore) -> None:
    store.upsert(
        [
            incident("known", category="VPN", resolved_at=OPENED + HOUR, resolution="rebooted"),
            incident("later", category="VPN", resolved_at=CUTOFF + HOUR, resolution="rebooted"),
            incident("timeless", category="VPN"),
            incident("unopened", 24, category="VPN"),
            incident("told", category="VPN"),
        ]
    )
    store.learning.record_labels([said("VPN", "outcome", hours=30, incident_id="told")])
    past = read_point_in_time(store, CUTOFF)
    assert categories(past) == {"known": "VPN", "later": None, "timeless": "VPN", "told": None}
    later = next(one.outcome for one in past.history.incidents if one.report.id == "later")
    assert later == Outcome()
    assert categories(read_point_in_time(store, CUTOFF + 48 * HOUR))["told"] == "VPN"


@pytest.mark.parametrize(
    ("ledger", "label", "self_confirmed"),
    [
        ([said("VPN", "echo")], None, 1),
        ([said("VPN", "echo"), said("VPN", "accepted", 2)], "VPN", 0),
        ([said("VPN", "echo"), said("Mail", "corrected", 2)], "Mail", 0),
        ([said("VPN", "accepted"), said("Mail", "replaced", 2)], "Mail", 0),
        ([said("Mail", "corrected"), said("VPN", "accepted", 2)], "Mail", 0),
        ([said("Mail", "audited", 2), said("VPN", "outcome", 3)], "VPN", 0),
    ],
)
def test_our_own_word_never_trains_and_the_strongest_counts(
    store, ledger, label, self_confirmed
) -> None:
    store.upsert([incident(category="VPN", assignment="Desk"), incident("INC2", category="Mail")])
    store.learning.record_labels(ledger)
    past = read_point_in_time(store, CUTOFF)
    one = past.history.incidents[0]
    assert (one.outcome.category, one.outcome.assignment, past.self_confirmed) == (
        label,
        "Desk",
        self_confirmed,
    )


def test_labels_of_every_target_find_their_place(store: IncidentStore) -> None:
    store.upsert([incident(), incident("INC2", assignment="Desk", fields={"site": "Graz"})])
    targets = {
        "assignment": "Desk",
        "severity": "High",
        "fields.site": "Graz",
        "runbooks": "vpn/a",
        "similar": "INC0",
    }
    store.learning.record_labels(
        [said(label, "corrected", target=target) for target, label in targets.items()]
    )
    store.learning.save_dataset_metadata(DatasetMetadata(severity_levels=("Low", "High")))
    one = read_point_in_time(store, CUTOFF).history.incidents[0]
    assert one.outcome == Outcome(
        assignment="Desk",
        severity="High",
        runbook_id="vpn/a",
        duplicate_of="INC0",
        fields={"site": "Graz"},
    )


def test_a_file_joins_the_store_and_the_ledger_has_its_say(store: IncidentStore) -> None:
    store.upsert([incident("INC1"), incident("INC2", category="Mail"), incident("INC5", 2)])
    store.upsert([incident("INC6", 3, category="Chat")])
    store.record_predictions([auto_answer("VPN"), auto_answer("VPN", "INC3")])
    store.learning.record_labels([said("Chat", "corrected", incident_id="INC2")])
    filed = History(
        (
            incident("INC4", -1, category="Print"),
            incident("INC3", category="VPN"),
            replace(incident("INC1", category="VPN"), report=IncidentReport("INC1", OPENED, "x")),
            incident("INC2", category="Mail"),
        )
    )
    past = read_point_in_time(store, CUTOFF, file=filed)
    assert categories(past) == {
        "INC4": "Print",
        "INC1": None,
        "INC2": "Chat",
        "INC3": None,
        "INC5": None,
        "INC6": "Chat",
    }
    assert past.self_confirmed == 2
    assert past.history.incidents[1].report.title == "title of INC1"
    assert {one.incident_id for one in past.labels_to_store} == {"INC1", "INC3"}
    assert {one.report.id for one in past.incidents_to_store} == {"INC1", "INC3", "INC4"}
    store.upsert(past.incidents_to_store, past.labels_to_store)
    again = read_point_in_time(store, CUTOFF)
    assert categories(again) == categories(past)
    assert again.history.sha256 == past.history.sha256
    assert set(categories(read_point_in_time(store, CUTOFF, file=filed, with_store=False))) == {
        one.report.id for one in filed.incidents
    }


def test_an_export_of_our_own_answers_teaches_nothing(store: IncidentStore) -> None:
    store.upsert([incident("known", category="VPN")])
    store.record_predictions([auto_answer("VPN", name) for name in ("known", "echoed", "mended")])
    store.learning.record_labels([said("Chat", "corrected", incident_id="mended")])
    given = {"untouched": "VPN", "known": "VPN", "echoed": "VPN", "mended": "VPN", "rare": "Chat"}
    filed = History(
        tuple(incident(name, category=label) for name, label in given.items()), sha256="of the file"
    )
    past = exclude_self_confirmed(store, filed)
    labels = [one.outcome.category for one in past.history.incidents]
    assert dict(zip(given, labels, strict=True)) == {
        "untouched": "VPN",
        "known": "VPN",
        "echoed": None,
        "mended": "Chat",
        "rare": "Chat",
    }
    assert (past.self_confirmed, past.history.sha256) == (1, "of the file")
    store.upsert(filed.incidents, past.labels_to_store)
    assert exclude_self_confirmed(store, filed).history == past.history
    assert categories(read_point_in_time(store, CUTOFF))["echoed"] is None


def test_a_slip_of_the_pen_is_not_learned_beside_a_file_either(store: IncidentStore) -> None:
    filed = History(tuple(incident(name, category="Chat") for name in ("untouched", "mended")))
    store.learning.record_labels([said("Chatt", "corrected", incident_id="mended")])
    past = exclude_self_confirmed(store, filed)
    assert [one.outcome.category for one in past.history.incidents] == ["Chat", None]
    assert "'Chatt' in category, and no other does (like 'Chat'?)" in past.warnings[0]


def test_a_file_may_correct_what_was_only_accepted(store: IncidentStore) -> None:
    store.upsert([incident(category="VPN", resolved_at=OPENED + HOUR)])
    store.learning.record_labels([said("VPN", "accepted", given_by=FINAL_STATE)])
    reopened = History((incident(category="Mail", resolved_at=OPENED + 2 * HOUR),))
    assert categories(read_point_in_time(store, CUTOFF, file=reopened)) == {"INC1": "Mail"}
    assert categories(read_point_in_time(store, CUTOFF)) == {"INC1": "VPN"}


def test_what_a_mapping_said_is_remembered(store: IncidentStore) -> None:
    store.upsert([incident("INC1"), incident("INC2", 1), incident("INC3", 2)])
    store.learning.save_dataset_metadata(
        DatasetMetadata(
            severity_levels=("Low", "High"),
            groups={"INC1": "north", "INC2": "south"},
            provenance={"title": Provenance.OPENING},
            sha256="of the file",
        )
    )
    history = read_point_in_time(store, CUTOFF).history
    assert history.severity_levels == ("Low", "High")
    assert history.groups == ("north", "south", "")
    assert history.provenance == {"title": Provenance.OPENING}
    store.upsert([incident(f"new{n}", 3) for n in range(3)])
    assert read_point_in_time(store, CUTOFF).history.groups == ()
    file = History((incident("INC9", severity="P1"),), severity_levels=("P2", "P1"))
    assert read_point_in_time(store, CUTOFF, file=file).history.severity_levels == ("P2", "P1")


def test_the_hash_is_that_of_ids_and_labels(store: IncidentStore) -> None:
    store.upsert([incident("INC1", category="VPN"), incident("INC2", 1)])
    store.upsert([incident("INC3", 2, category="Mail")])
    before = read_point_in_time(store, CUTOFF).history.sha256
    assert read_point_in_time(store, CUTOFF).history.sha256 == before
    store.learning.record_labels([said("Mail", "corrected", incident_id="INC2")])
    assert read_point_in_time(store, CUTOFF).history.sha256 != before
    assert (
        read_point_in_time(store, OPENED).history.sha256
        == read_point_in_time(store, OPENED - HOUR).history.sha256
    )
