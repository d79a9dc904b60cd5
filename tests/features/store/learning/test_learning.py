"""Records for learning: predictions, audits, shadows, withdrawals, monitoring and metadata."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from features.domain.certificate_withdrawal import CertificateWithdrawal
from features.domain.history import DatasetMetadata, PriorityMatrix, Provenance
from features.domain.labels import FINAL_STATE, LabelRecord, LabelSource
from features.domain.monitoring import Alarm, Measure, MonitoringReport, Proposal
from features.domain.predictions import PredictionRecord, ShadowPair, ShadowRecord
from features.domain.report import IncidentReport, Outcome, ResolvedIncident
from features.store.store import Store

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
THEN = datetime(2026, 3, 2, 3, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def answer(incident_id: str, hours: float = 0, **given: Any) -> PredictionRecord:
    usual = {"target": "category", "confidence": 0.9, "model_version": "7", "audit_share": None}
    usual |= given
    return PredictionRecord(
        prediction_id=f"{incident_id}-{hours}-{usual['model_version']}",
        request_id="r",
        incident_id=incident_id,
        label="VPN",
        decision="auto",
        mode="auto",
        answer={"label": "VPN"},
        answered_at=THEN + hours * HOUR,
        seconds=0.25,
        **usual,
    )


def label(incident_id: str, said: str, source: str = "audited", **given: Any) -> LabelRecord:
    usual = {"target": "category", "given_by": FINAL_STATE, "given_at": THEN} | given
    return LabelRecord(incident_id, label=said, source=LabelSource(source), **usual)


def incident(incident_id: str, **outcome: Any) -> ResolvedIncident:
    return ResolvedIncident(IncidentReport(id=incident_id), Outcome(**outcome))


@SQLITE
def test_answers_of_a_period_come_without_their_evidence(store: Store) -> None:
    answers = [answer("INC1"), answer("INC2", 1, audit_share=0.05), answer("INC3", 2)]
    store.predictions.record([*answers, answer("INC1", 1, target="severity")])
    first, second, third = store.predictions.between(THEN, THEN + 2 * HOUR)
    assert [summary.incident_id for summary in (first, second, third)] == ["INC1", "INC2", "INC1"]
    assert (second.audit_share, second.seconds, second.version) == (0.05, 0.25, "7")
    only = store.predictions.between(THEN, THEN + 3 * HOUR, "category")
    assert [summary.incident_id for summary in only] == ["INC1", "INC2", "INC3"]
    newest = store.predictions.latest_summaries(["INC1", "INC9"])
    assert newest == {("INC1", "category"): first, ("INC1", "severity"): third}


@SQLITE
def test_all_that_was_answered_about_an_incident_newest_first(store: Store) -> None:
    old, new = answer("INC1"), answer("INC1", 1)
    store.predictions.record([old, new, answer("INC2")])
    assert store.predictions.about("INC1") == (new, old)
    assert store.predictions.about("INC1", until=THEN) == (old,)


def test_audited_answers_have_the_truth_that_came_after_them(store: Store) -> None:
    later = (datetime.now(UTC) + HOUR - THEN) / HOUR
    drawn = {"audit_share": 0.05}
    store.predictions.record(
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
    store.labels.record(
        [
            label("INC1", "Mail"),
            label("INC2", "VPN", "accepted"),
            label("INC3", "VPN"),
            label("INC4", "VPN"),
            label("INC5", "VPN", "echo"),
        ]
    )
    audited = store.predictions.audited("category")
    rows = [(audit.incident_id, audit.version, audit.truth) for audit in audited]
    assert rows == [
        ("INC1", "7", "Mail"),
        ("INC2", "7", None),
        ("INC5", "7", None),
        ("INC1", "8", "Mail"),
        ("INC4", "7", None),
    ]
    assert (audited[0].share, audited[0].answered_at, audited[0].labelled_at) == (0.05, THEN, THEN)
    assert store.predictions.audited("severity") == ()


def test_the_unlabelled_are_stored_open_and_asked_least_sure_first(store: Store) -> None:
    open_ones = [incident(name) for name in ("sure", "unsure", "told", "echoed", "old")]
    done, sited = incident("done", category="VPN"), incident("sited", fields={"site": "Graz"})
    store.incidents.upsert([*open_ones, done, sited])
    store.predictions.record(
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
    store.labels.record([label("told", "VPN"), label("echoed", "VPN", "echo")])
    ask = store.predictions.unlabelled
    summaries = ask("category", since=THEN, limit=9)
    assert [summary.incident_id for summary in summaries] == ["sited", "unsure", "echoed", "sure"]
    assert summaries[-1].confidence == 0.8
    assert [summary.incident_id for summary in ask("category", since=None, limit=3)][-1] == "old"
    assert [summary.incident_id for summary in ask("fields.site", since=None, limit=9)] == ["sure"]


def test_a_certificate_is_withdrawn_once(store: Store) -> None:
    first = CertificateWithdrawal("category", "7", "VPN", 0.92, 10, 20, 0.8, THEN)
    assert store.certificate_withdrawals.record(first)
    assert not store.certificate_withdrawals.record(replace(first, right=9))
    other = replace(first, version="8", withdrawn_at=THEN + HOUR)
    assert store.certificate_withdrawals.record(other)
    assert store.certificate_withdrawals.all() == (first, other)


@SQLITE
def test_shadows_stand_beside_what_the_champion_answered(store: Store) -> None:
    answers = [answer("INC1"), answer("INC2", 1)]
    store.predictions.record(answers)
    shadows = [
        ShadowRecord(
            prediction.prediction_id,
            prediction.incident_id,
            "category",
            "8",
            "Mail",
            0.6,
            "suggest",
            prediction.answered_at,
        )
        for prediction in answers
    ]
    store.shadow_predictions.record(shadows)
    store.labels.record([label("INC1", "VPN", "echo"), label("INC2", "Mail", "accepted")])
    beside = {"champion_version": "7", "champion_label": "VPN", "champion_decision": "auto"}
    silent = {"label": "Mail", "confidence": 0.6, "decision": "suggest"}
    assert store.shadow_predictions.pairs("category", "8") == (
        ShadowPair("INC1", THEN, **silent, **beside, champion_confidence=0.9, truth=None),
        ShadowPair("INC2", THEN + HOUR, **silent, **beside, champion_confidence=0.9, truth="Mail"),
    )
    assert store.shadow_predictions.pairs("category", "9") == ()


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
def test_monitoring_and_facts_come_back_as_they_were(store: Store) -> None:
    assert store.monitoring_reports.latest() is store.dataset_metadata.get() is None
    store.monitoring_reports.save(replace(MONITORING, alarms=()))
    store.monitoring_reports.save(replace(MONITORING, at=THEN - HOUR))
    assert store.monitoring_reports.latest() == replace(MONITORING, alarms=())
    store.monitoring_reports.save(MONITORING)
    assert store.monitoring_reports.latest() == MONITORING
    earlier = replace(MONITORING, at=THEN - HOUR)
    assert store.monitoring_reports.since(THEN - HOUR) == (earlier, MONITORING)
    assert store.monitoring_reports.since(THEN) == (MONITORING,)
    store.dataset_metadata.save(DatasetMetadata())
    store.dataset_metadata.save(FACTS)
    assert store.dataset_metadata.get() == FACTS


@SQLITE
def test_a_deleted_incident_leaves_nothing_that_was_learned_of_it(store: Store) -> None:
    store.incidents.upsert([incident("INC1"), incident("INC2")])
    store.predictions.record([answer("INC1", audit_share=0.5), answer("INC2")])
    mine = answer("INC1").prediction_id
    store.shadow_predictions.record(
        [ShadowRecord(mine, "INC1", "category", "8", "Mail", 0.6, "suggest", THEN)]
    )
    other = label("INC2", "VPN")
    store.labels.record(
        [label("INC1", "VPN"), other, label("INC2", "INC1", "accepted", target="similar")]
    )
    store.monitoring_reports.save(MONITORING)
    store.dataset_metadata.save(FACTS)
    assert store.incidents.delete("INC1")
    assert store.labels.select() == (other,)
    assert store.predictions.audited() == store.shadow_predictions.pairs("category", "8") == ()
    report = store.monitoring_reports.latest()
    assert report.alarms[0].examples == ("INC2",)
    assert report.proposals[0].examples == ()
    assert store.dataset_metadata.get().groups == {"INC2": "south"}


@SQLITE
def test_an_incident_and_its_labels_are_stored_together_or_not_at_all(
    store: Store,
) -> None:
    stored = incident("INC1", category="VPN")
    store.incidents.upsert([stored], [label("INC1", "VPN")])
    assert (store.incidents.get("INC1"), len(store.labels.select())) == (stored, 1)
