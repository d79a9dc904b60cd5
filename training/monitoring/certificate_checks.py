"""Checks certificates with audits: people label answered incidents without seeing the answers."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from shlex import quote

import pandas as pd

from features.domain.certificate_withdrawal import CertificateWithdrawal
from features.domain.monitoring import Alarm, Measure
from features.domain.predictions import AuditedAnswer
from features.store.store import Store
from models.artifacts.registry import ModelVersion
from models.base.model_card import Card
from models.statistics.confidence_sequence import precision_bounds
from training.monitoring.findings import RETRAIN, Findings

_MAX_EXAMPLES = 5


def check_certificates(
    version: ModelVersion,
    card: Card,
    audited: Sequence[AuditedAnswer],
    withdrawals: Iterable[CertificateWithdrawal],
) -> Findings:
    """Return bounds on the precision of each audited label of a champion, and alarms.

    There is an alarm for each withdrawn certificate, and for each other certificate whose upper
    bound on the precision is below the promised precision. The estimate of the precision weights
    each answer by the inverse of its probability of being audited.
    """
    answers_by_label: dict[str, list[AuditedAnswer]] = defaultdict(list)
    for answer in audited:
        if answer.version == version.version and answer.truth is not None:
            answers_by_label[answer.label].append(answer)
    withdrawal_by_label = {
        withdrawal.label: withdrawal
        for withdrawal in withdrawals
        if withdrawal.target == version.target and withdrawal.version == version.version
    }
    alarms = [
        _withdrawal_alarm(withdrawal, answers_by_label.get(label, []))
        for label, withdrawal in sorted(withdrawal_by_label.items())
    ]
    measures = []
    for label, answers in sorted(answers_by_label.items()):
        certificate = card.certificates.get(label)
        promised = certificate.precision_at_least if certificate else None
        measure = _measure_precision(version.target, label, answers, promised)
        measures.append(measure)
        is_broken = promised is not None and measure.high is not None and measure.high < promised
        if is_broken and label not in withdrawal_by_label:
            alarms.append(_broken_alarm(version.target, label, measure, answers))
    return Findings(tuple(measures), tuple(alarms))


def _measure_precision(
    target: str, label: str, answers: Sequence[AuditedAnswer], promised: float | None
) -> Measure:
    right_answers = [answer for answer in answers if answer.truth == answer.label]
    total = sum(1 / answer.share for answer in answers)
    estimate = sum(1 / answer.share for answer in right_answers) / total
    bounds = precision_bounds(len(right_answers), len(answers) - len(right_answers))
    figures = (estimate, bounds.low, bounds.high, promised)
    return Measure("audited precision", *figures, target, label, n=bounds.n)


def _withdrawal_alarm(withdrawal: CertificateWithdrawal, answers: Sequence[AuditedAnswer]) -> Alarm:
    return Alarm(
        signal="certificate",
        statement=(
            f"the certificate of {withdrawal.label!r} in {withdrawal.target} was withdrawn: "
            f"{withdrawal.right} of {withdrawal.audited} audited answers were right, so the "
            f"precision is at most {withdrawal.high:.0%}, but {withdrawal.promised:.0%} was "
            "promised; the label is now answered as suggest"
        ),
        advice=f"read the examples and retrain: {RETRAIN}",
        since=withdrawal.withdrawn_at,
        examples=_wrong_examples(answers),
        target=withdrawal.target,
        label=withdrawal.label,
    )


def _broken_alarm(
    target: str, label: str, measure: Measure, answers: Sequence[AuditedAnswer]
) -> Alarm:
    return Alarm(
        signal="certificate",
        statement=(
            f"auto answers with {label!r} in {target} are right in at most {measure.high:.0%} of "
            f"cases, but {measure.reference:.0%} was promised, and the label is still certified"
        ),
        advice=(
            "start the server, which withdraws the certificate within seconds, or set the label "
            "to recommend: "
            f"precedent mode recommend --target {quote(target)} --label {quote(label)}"
        ),
        since=answers[0].answered_at,
        examples=_wrong_examples(answers),
        target=target,
        label=label,
    )


def _wrong_examples(answers: Sequence[AuditedAnswer]) -> tuple[str, ...]:
    ids = [answer.incident_id for answer in answers if answer.truth != answer.label]
    return tuple(ids[-_MAX_EXAMPLES:])


def precision_history(store: Store, target: str, version: str, card: Card) -> pd.DataFrame:
    """Return the precision bounds of each label over time, for a chart.

    There is a row for each audited answer whose incident a person has labelled. The columns are
    `label`, `day` (when the incident opened or, if that is unknown, when it was answered), `n`,
    `right`, `estimate`, `low`, `high` and `promised`.
    """
    answers = [
        answer
        for answer in store.predictions.audited(target)
        if answer.version == version and answer.truth is not None
    ]
    incidents = store.incidents.find([answer.incident_id for answer in answers])
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    rows = []
    for answer in answers:
        counts[answer.label][answer.truth != answer.label] += 1
        bounds = precision_bounds(*counts[answer.label])
        incident = incidents.get(answer.incident_id)
        certificate = card.certificates.get(answer.label)
        opened_at = incident.report.opened_at if incident else None
        rows.append(
            {
                "label": answer.label,
                "day": (opened_at or answer.answered_at).date(),
                "n": bounds.n,
                "right": counts[answer.label][0],
                "estimate": bounds.value,
                "low": bounds.low,
                "high": bounds.high,
                "promised": certificate.precision_at_least if certificate else None,
            }
        )
    return pd.DataFrame(rows)
