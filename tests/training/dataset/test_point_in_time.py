"""What the store, the ledger and a file say was known at a cutoff, and what never trains."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from factories import incident, label_record, prediction

from features.domain.history import DatasetMetadata, History, Provenance
from features.domain.labels import FINAL_STATE, LabelRecord
from features.domain.predictions import PredictionRecord
from features.domain.report import IncidentReport, Outcome, ResolvedIncident, Status
from features.domain.tracking import Author, TrackedIncident, Tracking
from features.store.incidents.incident_revisions import Revision
from features.store.store import Store
from training.dataset.point_in_time import (
    PointInTimeHistory,
    exclude_self_confirmed,
    read_point_in_time,
)

OPENED = datetime(2026, 3, 2, 3, tzinfo=UTC)
HOUR = timedelta(hours=1)
CUTOFF = OPENED + 24 * HOUR


def titled(incident_id: str = "INC1", hours: float = 0, **outcome: Any) -> ResolvedIncident:
    opened_at = OPENED + hours * HOUR
    return incident(incident_id, f"title of {incident_id}", opened_at=opened_at, **outcome)


def ledger_record(label: str, source: str, hours: float = 1, **given: str) -> LabelRecord:
    by = FINAL_STATE if source in ("echo", "outcome", "replaced") else "Ana"
    usual = {"given_by": by, "given_at": OPENED + hours * HOUR} | given
    return label_record(label=label, source=source, **usual)


def auto_answer(label: str, incident_id: str = "INC1") -> PredictionRecord:
    return prediction(
        incident_id,
        label,
        prediction_id=f"p-{incident_id}",
        model_version="7",
        decision="auto",
        mode="auto",
        answered_at=OPENED + HOUR / 2,
    )


def categories(past: PointInTimeHistory) -> dict[str, str | None]:
    return {resolved.report.id: resolved.outcome.category for resolved in past.history.incidents}


def test_only_what_was_known_at_the_cutoff_is_in_it(store: Store) -> None:
    store.incidents.upsert(
        [
            titled("known", category="VPN", resolved_at=OPENED + HOUR, resolution="rebooted"),
            titled("later", category="VPN", resolved_at=CUTOFF + HOUR, resolution="rebooted"),
            titled("timeless", category="VPN"),
            titled("unopened", 24, category="VPN"),
            titled("told", category="VPN"),
        ]
    )
    store.labels.record([ledger_record("VPN", "outcome", hours=30, incident_id="told")])
    past = read_point_in_time(store, CUTOFF)
    assert categories(past) == {"known": "VPN", "later": None, "timeless": "VPN", "told": None}
    later = next(
        resolved.outcome for resolved in past.history.incidents if resolved.report.id == "later"
    )
    assert later == Outcome()
    assert categories(read_point_in_time(store, CUTOFF + 48 * HOUR))["told"] == "VPN"


def test_an_incident_that_is_stated_to_be_open_does_not_teach(store: Store) -> None:
    """A category that was picked in passing, or before a ticket was reopened, is not final."""
    opened = titled("INC1", category="VPN", resolution="rebooted", status=Status.OPEN)
    done = titled("INC2", category="VPN", resolution="rebooted", status=Status.RESOLVED)
    store.incidents.upsert([opened, done])
    for history in (
        read_point_in_time(store, CUTOFF).history,
        exclude_self_confirmed(store, History((opened, done))).history,
    ):
        outcomes = {past.report.id: past.outcome for past in history.incidents}
        assert outcomes == {"INC1": Outcome(status=Status.OPEN), "INC2": done.outcome}


def test_the_label_of_an_incident_that_closed_meanwhile_is_learned(store: Store) -> None:
    store.incidents.upsert([titled("INC1", category="VPN", status=Status.OPEN)])
    closed = titled("INC1", category="VPN", status=Status.RESOLVED, resolved_at=OPENED + HOUR)
    past = read_point_in_time(store, CUTOFF, file=History((closed,)))
    assert categories(past) == {"INC1": "VPN"}
    assert past.history.incidents[0].outcome.status is Status.RESOLVED


def test_what_was_resolved_after_the_cutoff_is_open_at_the_cutoff(store: Store) -> None:
    later = titled(category="VPN", status=Status.RESOLVED, resolved_at=CUTOFF + HOUR)
    store.incidents.upsert([later])
    outcome = read_point_in_time(store, CUTOFF).history.incidents[0].outcome
    assert outcome == Outcome(status=Status.OPEN)


@pytest.mark.parametrize(
    ("ledger", "label", "self_confirmed"),
    [
        ([ledger_record("VPN", "echo")], None, 1),
        ([ledger_record("VPN", "echo"), ledger_record("VPN", "accepted", 2)], "VPN", 0),
        ([ledger_record("VPN", "echo"), ledger_record("Mail", "corrected", 2)], "Mail", 0),
        ([ledger_record("VPN", "accepted"), ledger_record("Mail", "replaced", 2)], "Mail", 0),
        ([ledger_record("Mail", "corrected"), ledger_record("VPN", "accepted", 2)], "Mail", 0),
        ([ledger_record("Mail", "audited", 2), ledger_record("VPN", "outcome", 3)], "VPN", 0),
    ],
)
def test_our_own_word_never_trains_and_the_strongest_counts(
    store, ledger, label, self_confirmed
) -> None:
    store.incidents.upsert(
        [incident(category="VPN", assignment="Desk"), incident("INC2", category="Mail")]
    )
    store.labels.record(ledger)
    past = read_point_in_time(store, CUTOFF)
    resolved = past.history.incidents[0]
    assert (resolved.outcome.category, resolved.outcome.assignment, past.self_confirmed) == (
        label,
        "Desk",
        self_confirmed,
    )


def test_labels_of_every_target_find_their_place(store: Store) -> None:
    store.incidents.upsert([titled(), titled("INC2", assignment="Desk", fields={"site": "Graz"})])
    targets = {
        "assignment": "Desk",
        "severity": "High",
        "fields.site": "Graz",
        "runbooks": "vpn/a",
        "similar": "INC0",
    }
    store.labels.record(
        [ledger_record(label, "corrected", target=target) for target, label in targets.items()]
    )
    store.dataset_metadata.save(DatasetMetadata(severity_levels=("Low", "High")))
    resolved = read_point_in_time(store, CUTOFF).history.incidents[0]
    assert resolved.outcome == Outcome(
        assignment="Desk",
        severity="High",
        runbook_id="vpn/a",
        duplicate_of="INC0",
        fields={"site": "Graz"},
    )


def test_a_file_joins_the_store_and_the_ledger_has_its_say(store: Store) -> None:
    store.incidents.upsert([titled("INC1"), titled("INC2", category="Mail"), titled("INC5", 2)])
    store.incidents.upsert([titled("INC6", 3, category="Chat")])
    store.predictions.record([auto_answer("VPN"), auto_answer("VPN", "INC3")])
    store.labels.record([ledger_record("Chat", "corrected", incident_id="INC2")])
    filed = History(
        (
            titled("INC4", -1, category="Print"),
            titled("INC3", category="VPN"),
            replace(titled("INC1", category="VPN"), report=IncidentReport("INC1", OPENED, "x")),
            titled("INC2", category="Mail"),
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
    assert {record.incident_id for record in past.labels_to_store} == {"INC1", "INC3"}
    assert {resolved.report.id for resolved in past.incidents_to_store} == {"INC1", "INC3", "INC4"}
    store.incidents.upsert(past.incidents_to_store, past.labels_to_store)
    again = read_point_in_time(store, CUTOFF)
    assert categories(again) == categories(past)
    assert again.history.sha256 == past.history.sha256
    assert set(categories(read_point_in_time(store, CUTOFF, file=filed, with_store=False))) == {
        resolved.report.id for resolved in filed.incidents
    }


def test_an_export_of_our_own_answers_teaches_nothing(store: Store) -> None:
    store.incidents.upsert([titled("known", category="VPN")])
    store.predictions.record([auto_answer("VPN", name) for name in ("known", "echoed", "mended")])
    store.labels.record([ledger_record("Chat", "corrected", incident_id="mended")])
    truths = {"untouched": "VPN", "known": "VPN", "echoed": "VPN", "mended": "VPN", "rare": "Chat"}
    filed = History(
        tuple(titled(name, category=label) for name, label in truths.items()), sha256="of the file"
    )
    past = exclude_self_confirmed(store, filed)
    labels = [resolved.outcome.category for resolved in past.history.incidents]
    assert dict(zip(truths, labels, strict=True)) == {
        "untouched": "VPN",
        "known": "VPN",
        "echoed": None,
        "mended": "Chat",
        "rare": "Chat",
    }
    assert (past.self_confirmed, past.history.sha256) == (1, "of the file")
    store.incidents.upsert(filed.incidents, past.labels_to_store)
    assert exclude_self_confirmed(store, filed).history == past.history
    assert categories(read_point_in_time(store, CUTOFF))["echoed"] is None


def test_a_typing_mistake_is_not_learned_beside_a_file_either(store: Store) -> None:
    filed = History(tuple(titled(name, category="Chat") for name in ("untouched", "mended")))
    store.labels.record([ledger_record("Chatt", "corrected", incident_id="mended")])
    past = exclude_self_confirmed(store, filed)
    assert [resolved.outcome.category for resolved in past.history.incidents] == ["Chat", None]
    assert "did you mean 'Chat'?" in past.warnings[0]


def test_a_file_may_correct_what_was_only_accepted(store: Store) -> None:
    store.incidents.upsert([titled(category="VPN", resolved_at=OPENED + HOUR)])
    store.labels.record([ledger_record("VPN", "accepted", given_by=FINAL_STATE)])
    reopened = History((titled(category="Mail", resolved_at=OPENED + 2 * HOUR),))
    assert categories(read_point_in_time(store, CUTOFF, file=reopened)) == {"INC1": "Mail"}
    assert categories(read_point_in_time(store, CUTOFF)) == {"INC1": "VPN"}


def test_what_a_mapping_said_is_remembered(store: Store) -> None:
    store.incidents.upsert([titled("INC1"), titled("INC2", 1), titled("INC3", 2)])
    store.dataset_metadata.save(
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
    store.incidents.upsert([titled(f"new{n}", 3) for n in range(3)])
    assert read_point_in_time(store, CUTOFF).history.groups == ()
    file = History((titled("INC9", severity="P1"),), severity_levels=("P2", "P1"))
    assert read_point_in_time(store, CUTOFF, file=file).history.severity_levels == ("P2", "P1")


def test_the_hash_is_that_of_ids_and_labels(store: Store) -> None:
    store.incidents.upsert([titled("INC1", category="VPN"), titled("INC2", 1)])
    store.incidents.upsert([titled("INC3", 2, category="Mail")])
    before = read_point_in_time(store, CUTOFF).history.sha256
    assert read_point_in_time(store, CUTOFF).history.sha256 == before
    store.labels.record([ledger_record("Mail", "corrected", incident_id="INC2")])
    assert read_point_in_time(store, CUTOFF).history.sha256 != before
    assert (
        read_point_in_time(store, OPENED).history.sha256
        == read_point_in_time(store, OPENED - HOUR).history.sha256
    )


def test_renamed_labels_are_read_as_the_new_ones(store: Store) -> None:
    store.incidents.upsert(
        [titled(f"INC{number}", category="Net") for number in (1, 2)]
        + [titled("INC3", category="Network")]
    )
    store.labels.record([ledger_record("Net", "corrected", incident_id="INC3")])
    past = read_point_in_time(store, CUTOFF, renamed={"category": {"Net": "Network"}})
    assert set(categories(past).values()) == {"Network"}
    assert past.history.renamed == {"category": {"Net": "Network"}}
    store.dataset_metadata.save(past.metadata)
    assert set(categories(read_point_in_time(store, CUTOFF)).values()) == {"Network"}
    back = read_point_in_time(store, CUTOFF, renamed={"category": {"Network": "Net"}})
    assert set(categories(back).values()) == {"Net"}


def test_levels_that_were_renamed_are_no_unknown_levels(store: Store) -> None:
    store.incidents.upsert([titled("INC1", severity="P1"), titled("INC2", severity="low")])
    store.dataset_metadata.save(DatasetMetadata(severity_levels=("low", "P1")))
    past = read_point_in_time(store, CUTOFF, renamed={"severity": {"P1": "high"}})
    assert past.history.severity_levels == ("low", "high")
    assert [one.outcome.severity for one in past.history.incidents] == ["high", "low"]


def test_a_file_with_the_new_name_does_not_contradict_our_answer(store: Store) -> None:
    store.incidents.upsert([titled("INC1", category="Net", resolved_at=OPENED + HOUR)])
    store.predictions.record([auto_answer("Net")])
    store.labels.record([ledger_record("Net", "echo", incident_id="INC1")])
    store.dataset_metadata.save(DatasetMetadata(renamed={"category": {"Net": "Network"}}))
    file = History((titled("INC1", category="Network", resolved_at=OPENED + HOUR),))
    assert read_point_in_time(store, CUTOFF, file=file).labels_to_store == ()
    exclusion = exclude_self_confirmed(store, file)
    assert (exclusion.labels_to_store, exclusion.self_confirmed) == ((), 1)


def test_stored_renames_hold_for_a_file_too(store: Store) -> None:
    store.dataset_metadata.save(DatasetMetadata(renamed={"category": {"Net": "Network"}}))
    history = exclude_self_confirmed(store, History((titled("INC9", category="Net"),))).history
    assert history.incidents[0].outcome.category == "Network"
    assert history.renamed == {"category": {"Net": "Network"}}


def test_an_edited_incident_is_learned_as_it_opened(store: Store) -> None:
    opened = incident("INC1", "vpn down", category="Network")
    edited = replace(opened, report=replace(opened.report, title="vpn: fixed by a certificate"))
    tracked = TrackedIncident(edited, Tracking(opening=opened.report))
    store.tracked.revise("INC1", lambda _: Revision((tracked,), Author.SOURCE, OPENED))
    past = read_point_in_time(store, datetime.max.replace(tzinfo=UTC), file=History((edited,)))
    assert past.history.incidents == (opened,)
    assert past.incidents_to_store == ()
    assert store.incidents.get("INC1") == edited
