"""Determines the source of a final state's label by comparing it with our earlier answer."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from features.domain.labels import FINAL_STATE, LabelRecord, LabelSource, LabelTrust
from features.domain.modes import Mode
from features.domain.predictions import PredictionRecord, PredictionSummary
from features.domain.report import Outcome

AnyPrediction = PredictionSummary | PredictionRecord

_NOT_SHOWN = frozenset({Mode.OFF, Mode.MONITOR})


def labels_of(outcome: Outcome) -> dict[str, str]:
    """Return the labels that an outcome holds, by target.

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


def final_labels_of(outcome: Outcome) -> dict[str, str]:
    """Return the labels of an outcome that are final, by target.

    While an incident is open, only the link to the incident that it duplicates is final.

    >>> final_labels_of(Outcome("VPN")), final_labels_of(Outcome(duplicate_of="INC1"))
    ({'category': 'VPN'}, {'similar': 'INC1'})
    """
    final = Outcome(duplicate_of=outcome.duplicate_of) if outcome.is_open else outcome
    return labels_of(final)


def decided_targets(labels: Iterable[LabelRecord], outcome: Outcome) -> frozenset[str]:
    """Return the targets for which a final outcome, or a person, gave the correct label.

    >>> sorted(decided_targets([], Outcome("Network", fields={"site": "Graz"})))
    ['category', 'fields.site']
    """
    labelled = {label.target for label in labels if label.source.trust is LabelTrust.INDEPENDENT}
    return frozenset(labelled | final_labels_of(outcome).keys())


def source_for(label: str, answer: AnyPrediction | None) -> LabelSource:
    """Return the source of a final state's label.

    `answer` is our newest answer before we learned of the final state. An answer that nobody saw
    cannot have influenced the label; an answer that abstained is treated alike. If the label equals
    the answer, its source is `SELF_CONFIRMED` if we acted on the answer, and `ACCEPTED` if we only
    showed it.
    """
    if answer is None or answer.decision == "abstain" or answer.mode in _NOT_SHOWN:
        return LabelSource.OUTCOME
    if answer.audit_share is not None:
        return LabelSource.AUDITED
    if label not in _answered_labels(answer):
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
    """Return a record of each final label that the known outcome lacks or states differently.

    `answers` are those given before we learned of the outcome, newest first. The labels are dated
    with the time of resolution, or with `now` if that time is unknown or in the future. Of equally
    trusted labels the latest counts, so a label from the future would override what people say
    later.
    """
    given_at = min(outcome.resolved_at or now, now)
    known_labels = final_labels_of(known)
    newest: dict[str, PredictionRecord] = {}
    for prediction in answers:
        newest.setdefault(prediction.target, prediction)
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
        for target, label in final_labels_of(outcome).items()
        if known_labels.get(target) != label
    )


def _answered_labels(answer: AnyPrediction) -> frozenset[str]:
    """Return the answer's label, and the id of every entry if the answer is a list."""
    fields: Mapping[str, object] = answer.answer if isinstance(answer, PredictionRecord) else {}
    entries = fields.get(answer.target)
    ids = [entry["id"] for entry in entries] if isinstance(entries, list) else []
    return frozenset((answer.label, *ids))
