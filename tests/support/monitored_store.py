"""Incidents of a company before and after a change, and what fills a store with them."""

from datetime import UTC, datetime, timedelta
from random import Random

from features.domain.certificate_withdrawal import CertificateWithdrawal
from features.domain.feedback import FeedbackAction, FeedbackRecord
from features.domain.labels import LabelRecord, LabelSource
from features.domain.predictions import PredictionRecord
from features.domain.report import IncidentReport, Outcome, ResolvedIncident

BEGIN = datetime(2026, 1, 5, tzinfo=UTC)
CUTOFF = datetime(2026, 2, 1, tzinfo=UTC)
_THINGS = {
    "Network": ("vpn tunnel", "wifi"),
    "Printing": ("label printer", "toner"),
    "Mail": ("mailbox", "outlook"),
}


def incident(number, rng, category=None, **facts):
    category = category or rng.choice(list(_THINGS))
    thing = rng.choice(_THINGS.get(category, ("badge reader", "turnstile")))
    trouble = rng.choice(["fails", "slow", "broken"])
    title = f"{thing} {trouble} in room {rng.choice('abcdefgh')}{number}"
    at = BEGIN + timedelta(hours=2 * number)
    report = IncidentReport(f"INC{number}", at, title, "", facts.get("service", "desk"), "portal")
    return ResolvedIncident(report, Outcome(category=facts.get("label", category), resolved_at=at))


def past_and_present(changed=None):
    rng = Random(0)
    incidents = []
    for number in range(700):
        is_new = changed is not None and number >= 500 and number % 6 == 0
        incidents.append(incident(number, rng, **(changed if is_new else {})))
    return incidents


def answered(one, label, *, share=None, decision="auto"):
    return PredictionRecord(
        prediction_id=f"p-{one.report.id}",
        request_id="r",
        incident_id=one.report.id,
        target="category",
        model_version="1",
        label=label,
        confidence=0.95,
        decision=decision,
        mode="auto",
        answer={},
        answered_at=one.report.opened_at,
        audit_share=share,
        seconds=0.02,
    )


def labelled(one, label, source, given_by="ana"):
    at = one.report.opened_at + timedelta(days=1)
    id_ = one.report.id
    return LabelRecord(id_, "category", label, source, given_by, at, f"p-{id_}")


def fill_quiet_month(store):
    """Everything is as before: right answers, one in four abstained, half of them taken."""
    incidents = past_and_present()
    store.incidents.upsert(incidents)
    late = incidents[500:]
    store.predictions.record(
        [
            answered(
                example, example.outcome.category, decision="auto" if number % 4 else "abstain"
            )
            for number, example in enumerate(late)
        ]
    )
    for number, example in enumerate(late[:40]):
        action = FeedbackAction.DISMISS if number % 2 else FeedbackAction.ACCEPT
        id_, at = example.report.id, example.report.opened_at
        feedback = FeedbackRecord(f"p-{id_}", id_, "category", action, None, None, "ana", at, "api")
        store.feedback.record(feedback)


def fill_bad_month(store):
    """Mail is renamed, there are kiosks, Printing is gone, and answers are wrong from day 37 on."""
    changed = past_and_present({"category": "Mail", "label": "E-mail", "service": "kiosk"})
    incidents = [
        example
        for n, example in enumerate(changed)
        if n < 350 or example.outcome.category != "Printing"
    ]
    store.incidents.upsert(incidents)
    late = [
        example for example in incidents if example.report.opened_at > BEGIN + timedelta(days=33)
    ]
    since = BEGIN + timedelta(days=37)
    store.predictions.record(
        [
            answered(
                example,
                "Network" if example.report.opened_at > since else example.outcome.category,
                share=0.05 if number % 3 == 0 else None,
            )
            for number, example in enumerate(late)
        ]
    )
    store.labels.record(
        [labelled(example, example.outcome.category, LabelSource.AUDITED) for example in late[::3]]
    )
    store.certificate_withdrawals.record(
        CertificateWithdrawal("category", "1", "Mail", 0.92, 8, 30, 0.5, CUTOFF)
    )


def alarm(report, signal):
    return next(alarm for alarm in report.alarms if alarm.signal == signal)
