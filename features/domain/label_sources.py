"""Tells from what was answered before where the label of a final state comes from."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from features.domain.labels import FINAL_STATE, LabelRecord, LabelSource
from features.domain.modes import Mode
from features.domain.predictions import PredictionRecord, PredictionSummary
from features.domain.report import Outcome

Given = PredictionSummary | PredictionRecord

_NOT_SHOWN = frozenset({Mode.OFF, Mode.MONITOR})


def labels_of(outcome: Outcome) -> dict[str, str]:
    """Return the label of each target that an outcome decides.

    >>> labels_of(Outcome(category="VPN", runbook_id="vpn/restart", fields={"site": "Graz"}))
    {'category': 'VPN', 'runbooks': 'vpn/restart', 'fields.site': 'Graz'}
    """
    labels = {
        "category": outcome.category,
        "assignment": outcome.assignment,
        "severity": outcome.severity,
        "runbooks": outcome.runbook_id,
        "similar": outcome.duplicate_of,
    } | {f"fields.{name}": label for name, label in outcome.fields.items()}
    return {target: label for target, label in labels.items() if label is not None}


def source_for(label: str, answer: Given | None) -> LabelSource:
    """Return the source of a final state's label, given the newest answer before we learned of it.

    What was never shown cannot have swayed anybody. What was acted upon and stayed was seen by
    nobody; what was shown and stayed was taken by somebody.
    """
    if answer is None or answer.decision == "abstain" or answer.mode in _NOT_SHOWN:
        return LabelSource.OUTCOME
    if answer.audit_share is not None:
        return LabelSource.AUDITED
    if label not in _offered(answer):
        return LabelSource.REPLACED
    acted_upon = answer.decision == "auto" and answer.mode == Mode.AUTO
    return LabelSource.SELF_CONFIRMED if acted_upon else LabelSource.ACCEPTED


def labels_from_outcome(
    incident_id: str,
    outcome: Outcome,
    *,
    known: Outcome,
    answers: Iterable[PredictionRecord],
    now: datetime,
) -> tuple[LabelRecord, ...]:
    """Return the labels that an outcome brings beyond the known one.

    `answers` are those given before we were told of it, newest first. The final state was reached
    when the incident was resolved, else `now`; a clock that runs ahead would outlast every word.
    """
    given_at = min(outcome.resolved_at or now, now)
    before = labels_of(known)
    newest: dict[str, PredictionRecord] = {}
    for earlier in answers:
        newest.setdefault(earlier.target, earlier)
    return tuple(
        LabelRecord(
            incident_id=incident_id,
            target=target,
            label=label,
            source=source_for(label, answer := newest.get(target)),
            given_by=FINAL_STATE,
            given_at=given_at,
            prediction_id=None if answer is None else answer.prediction_id,
        )
        for target, label in labels_of(outcome).items()
        if before.get(target) != label
    )


def _offered(answer: Given) -> frozenset[str]:
    """Return the answer's label, and every entry where it is a list."""
    listed: Mapping[str, object] = answer.answer if isinstance(answer, PredictionRecord) else {}
    entries = listed.get(answer.target)
    ids = [entry["id"] for entry in entries] if isinstance(entries, list) else []
    return frozenset((answer.label, *ids))
