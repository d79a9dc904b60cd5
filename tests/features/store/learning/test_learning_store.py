"""What the store learns from use: answers, audit, shadows, withdrawals, monitoring and facts."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from factories import incident, label_record, prediction

from features.domain.history import History, PriorityMatrix, Provenance
from features.store.learning.certificate_withdrawals import CertificateWithdrawal
from features.store.learning.dataset_metadata import DatasetMetadata
from features.store.learning.labels import FINAL_STATE, LabelRecord
from features.store.learning.monitoring_reports import Alarm, Measure, MonitoringReport, Proposal
from features.store.learning.predictions import PredictionRecord
from features.store.learning.shadow_predictions import ShadowPair, ShadowRecord
from features.store.store import IncidentStore

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
THEN = datetime(2026, 3, 2, 3, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def answer(incident_id: str, hours: float = 0, **given: Any) -> PredictionRecord:
    usual = {"model_version": "7", "decision": "auto", "mode": "auto", "seconds": 0.25} | given
    return prediction(
        incident_id,
        "VPN",
        prediction_id=f"{incident_id}-{hours}-{usual['model_version']}",
        answer={"label": "VPN"},
        answered_at=THEN + hours * HOUR,
        **usual,
    )


def label(incident_id: str, said: str, source: str = "audited", **given: Any) -> LabelRecord:
    usual = {"given_by": FINAL_STATE, "given_at": THEN} | given
    return label_record(incident_id, said, source, **usual)


@SQLITE
def test_answers_of_a_period_come_without_their_evidence(store: IncidentStore) -> None:
    given = [answer("INC1"), answer("INC2", 1, audit_share=0.05), answer("INC3", 2)]
    store.record_predictions([*given, answer("INC1", 1, target="severity")])
    first, second, third = store.learning.answers_between(THEN, THEN + 2 * HOUR)
    assert [one.incident_id for one in (first, second, third)] == ["INC1", "INC2", "INC1"]
    assert (second.audit_share, second.seconds, second.version) == (0.05, 0.25, "7")
    only = store.learning.answers_between(THEN, THEN + 3 * HOUR, "category")
    assert [one.incident_id for one in only] == ["INC1", "INC2", "INC3"]
    newest = store.learning.newest_answers(["INC1", "INC9"])
    assert newest == {("INC1", "category"): first, ("INC1", "severity"): third}


@SQLITE
def test_all_that_was_answered_about_an_incident_newest_first(store: IncidentStore) -> None:
    old, new = answer("INC1"), answer("INC1", 1)
    store.record_predictions([old, new, answer("INC2")])
    assert store.learning.predictions_about("INC1") == (new, old)
    assert store.learning.predictions_about("INC1", until=THEN) == (old,)


def test_audited_answers_have_the_truth_that_came_after_them(store: IncidentStore) -> None:
    later = (datetime.now(UTC) + HOUR - THEN) / HOUR
    drawn = {"audit_share": 0.05}
    store.record_predictions(
        [
            answer("INC1", **drawn),
            answer("INC1", 1, **drawn),
            answer("INC1", 2, **drawn, model_version="8"),
            answer("INC2", **drawn),
            answer("INC3"),
            answer("INC4", later, **drawn),
            answer("INC5", **drawn),
        ]
    )
    store.learning.record_labels(
        [
            label("INC1", "Mail"),
            label("INC2", "VPN", "accepted"),
            label("INC3", "VPN"),
            label("INC4", "VPN"),
            label("INC5", "VPN", "echo"),
        ]
    )
    audited = store.learning.audited_answers("category")
    found = [(one.incident_id, one.version, one.truth) for one in audited]
    assert found == [
        ("INC1", "7", "Mail"),
        ("INC2", "7", None),
        ("INC5", "7", None),
        ("INC1", "8", "Mail"),
        ("INC4", "7", None),
    ]
    assert (audited[0].share, audited[0].answered_at, audited[0].labelled_at) == (0.05, THEN, THEN)
    assert store.learning.audited_answers("severity") == ()


def test_the_unlabelled_are_stored_open_and_asked_least_sure_first(store: IncidentStore) -> None:
    open_ones = [incident(name) for name in ("sure", "unsure", "told", "echoed", "old")]
    done, sited = incident("done", category="VPN"), incident("sited", fields={"site": "Graz"})
    store.upsert([*open_ones, done, sited])
    store.record_predictions(
        [
            answer("sure", confidence=0.1),
            answer("sure", 1, confidence=0.8),
            answer("unsure", confidence=0.3),
            *(answer(name, confidence=0.2) for name in ("done", "told", "unknown", "sited")),
            answer("echoed", confidence=0.4),
            answer("old", -9, confidence=0.4),
            answer("sited", 1, target="fields.site"),
            answer("sure", 2, target="fields.site"),
        ]
    )
    store.learning.record_labels([label("told", "VPN"), label("echoed", "VPN", "echo")])
    ask = store.learning.unlabelled
    found = ask("category", since=THEN, limit=9)
    assert [one.incident_id for one in found] == ["sited", "unsure", "echoed", "sure"]
    assert found[-1].confidence == 0.8
    assert [one.incident_id for one in ask("category", since=None, limit=3)][-1] == "old"
    assert [one.incident_id for one in ask("fields.site", since=None, limit=9)] == ["sure"]


def test_a_certificate_is_withdrawn_once(store: IncidentStore) -> None:
    first = CertificateWithdrawal("category", "7", "VPN", 0.92, 10, 20, 0.8, THEN)
    assert store.learning.withdraw(first)
    assert not store.learning.withdraw(replace(first, right=9))
    other = replace(first, version="8", withdrawn_at=THEN + HOUR)
    assert store.learning.withdraw(other)
    assert store.learning.withdrawals() == (first, other)


@SQLITE
def test_shadows_stand_beside_what_the_champion_answered(store: IncidentStore) -> None:
    about = [answer("INC1"), answer("INC2", 1)]
    store.record_predictions(about)
    shadows = [
        ShadowRecord(
            one.prediction_id, one.incident_id, "category", "8", "Mail", 0.6, "suggest", at
        )
        for one, at in ((one, one.answered_at) for one in about)
    ]
    store.learning.record_shadows(shadows)
    store.learning.record_labels([label("INC1", "VPN", "echo"), label("INC2", "Mail", "accepted")])
    beside = {"champion_version": "7", "champion_label": "VPN", "champion_decision": "auto"}
    silent = {"label": "Mail", "confidence": 0.6, "decision": "suggest"}
    assert store.learning.shadow_pairs("category", "8") == (
        ShadowPair("INC1", THEN, **silent, **beside, champion_confidence=0.9, truth=None),
        ShadowPair("INC2", THEN + HOUR, **silent, **beside, champion_confidence=0.9, truth="Mail"),
    )
    assert store.learning.shadow_pairs("category", "9") == ()


MONITORING = MonitoringReport(
    THEN,
    (Measure("abstention", 0.2, 0.1, None, 0.15, "category"),),
    (Alarm("words", "new words", "look at them", THEN - HOUR, ("INC1", "INC2")),),
    (Proposal("new category", "category", "Teams", "calls drop", 12, None, ("INC1",)),),
)
FACTS = DatasetMetadata(
    severity_levels=("Low", "High"),
    field_levels={"impact": ("1", "2")},
    priority_matrix=PriorityMatrix({("1", "2"): "Low"}, is_learned=True),
    groups={"INC1": "north", "INC2": "south"},
    provenance={"title": Provenance.OPENING},
    sha256="ab",
)


@SQLITE
def test_monitoring_and_facts_come_back_as_they_were(store: IncidentStore) -> None:
    learning = store.learning
    assert learning.latest_monitoring() is learning.history_facts() is None
    learning.keep_monitoring(replace(MONITORING, alarms=()))
    learning.keep_monitoring(replace(MONITORING, at=THEN - HOUR))
    assert learning.latest_monitoring() == replace(MONITORING, alarms=())
    learning.keep_monitoring(MONITORING)
    assert learning.latest_monitoring() == MONITORING
    learning.save_dataset_metadata(DatasetMetadata())
    learning.save_dataset_metadata(FACTS)
    assert learning.history_facts() == FACTS


def test_facts_are_those_of_a_history() -> None:
    history = History(
        (incident("INC1"), incident("INC2")),
        severity_levels=FACTS.severity_levels,
        field_levels=FACTS.field_levels,
        priority_matrix=FACTS.priority_matrix,
        groups=("north", "south"),
        provenance=FACTS.provenance,
        sha256="ab",
    )
    assert DatasetMetadata.of(history) == FACTS
    assert DatasetMetadata.of(History(())).groups == {}


@SQLITE
def test_a_deleted_incident_leaves_nothing_that_was_learned_of_it(store: IncidentStore) -> None:
    learning = store.learning
    store.upsert([incident("INC1"), incident("INC2")])
    store.record_predictions([answer("INC1", audit_share=0.5), answer("INC2")])
    mine = answer("INC1").prediction_id
    learning.record_shadows(
        [ShadowRecord(mine, "INC1", "category", "8", "Mail", 0.6, "suggest", THEN)]
    )
    kept = label("INC2", "VPN")
    learning.record_labels(
        [label("INC1", "VPN"), kept, label("INC2", "INC1", "accepted", target="similar")]
    )
    learning.keep_monitoring(MONITORING)
    learning.save_dataset_metadata(FACTS)
    assert store.delete("INC1")
    assert learning.labels() == (kept,)
    assert learning.audited_answers() == learning.shadow_pairs("category", "8") == ()
    found = learning.latest_monitoring()
    assert found.alarms[0].examples == ("INC2",)
    assert found.proposals[0].examples == ()
    assert learning.history_facts().groups == {"INC2": "south"}


@SQLITE
def test_labels_count_since_a_moment_but_for_echoes(store: IncidentStore) -> None:
    before = datetime.now(UTC)
    store.learning.record_labels([label("INC1", "VPN"), label("INC2", "VPN", "echo")])
    assert store.learning.count_labels_since(before) == 1
    assert store.learning.count_labels_since(datetime.now(UTC)) == 0


@SQLITE
def test_an_incident_and_its_labels_are_stored_together_or_not_at_all(
    store: IncidentStore,
) -> None:
    stored = incident("INC1", category="VPN")
    store.upsert([stored], [label("INC1", "VPN")])
    assert (store.get("INC1"), len(store.learning.labels())) == (stored, 1)
