"""Checks of certificates against the audited answers, which a person labels unseen."""

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

_EXAMPLES = 5


def check_certificates(
    version: ModelVersion,
    card: Card,
    audited: Sequence[AuditedAnswer],
    withdrawals: Iterable[CertificateWithdrawal],
) -> Findings:
    """Bound the precision of each label a champion answered alone, and alarm at what was withdrawn.

    The estimate weighs each answer by the inverse of the share with which it was drawn.
    """
    checked: dict[str, list[AuditedAnswer]] = defaultdict(list)
    for answer in audited:
        if answer.version == version.version and answer.truth is not None:
            checked[answer.label].append(answer)
    gone = {
        one.label: one
        for one in withdrawals
        if one.target == version.target and one.version == version.version
    }
    alarms = [_withdrawn_alarm(one, checked.get(label, [])) for label, one in sorted(gone.items())]
    measures = []
    for label, answers in sorted(checked.items()):
        certificate = card.certificates.get(label)
        promised = certificate.precision_at_least if certificate else None
        measure = _precision(version.target, label, answers, promised)
        measures.append(measure)
        is_broken = promised is not None and measure.high is not None and measure.high < promised
        if is_broken and label not in gone:
            alarms.append(_broken_alarm(version.target, label, measure, answers))
    return Findings(tuple(measures), tuple(alarms))


def _precision(
    target: str, label: str, answers: Sequence[AuditedAnswer], promised: float | None
) -> Measure:
    right = [one for one in answers if one.truth == one.label]
    estimate = sum(1 / one.share for one in right) / sum(1 / one.share for one in answers)
    bounds = precision_bounds(len(right), len(answers) - len(right))
    found = (estimate, bounds.low, bounds.high, promised)
    return Measure("audited precision", *found, target, label, n=bounds.n)


def _withdrawn_alarm(gone: CertificateWithdrawal, answers: Sequence[AuditedAnswer]) -> Alarm:
    return Alarm(
        signal="certificate",
        statement=(
            f"the certificate of {gone.label!r} in {gone.target} is withdrawn: of {gone.audited} "
            f"audited answers {gone.right} were right, so at most {gone.high:.0%} of such answers "
            f"are, and {gone.promised:.0%} was promised; it is answered as suggest"
        ),
        advice=f"read the examples and train anew: {RETRAIN}",
        since=gone.withdrawn_at,
        examples=_missed(answers),
        target=gone.target,
        label=gone.label,
    )


def _broken_alarm(
    target: str, label: str, measure: Measure, answers: Sequence[AuditedAnswer]
) -> Alarm:
    return Alarm(
        signal="certificate",
        statement=(
            f"{label!r} in {target} is right in at most {measure.high:.0%} of its "
            f"auto answers and {measure.reference:.0%} was promised, but it is still certified"
        ),
        advice=(
            "start the server, which withdraws it within seconds, or set it to recommend: "
            f"precedent mode recommend --target {quote(target)} --label {quote(label)}"
        ),
        since=answers[0].answered_at,
        examples=_missed(answers),
        target=target,
        label=label,
    )


def _missed(answers: Sequence[AuditedAnswer]) -> tuple[str, ...]:
    wrong = [one.incident_id for one in answers if one.truth != one.label]
    return tuple(wrong[-_EXAMPLES:])


def precision_history(store: Store, target: str, version: str, card: Card) -> pd.DataFrame:
    """Return the bounds of each label over time, for a chart: a row for each audited answer.

    Columns are `label`, `day` (when its incident was opened, else when it was answered), `n`,
    `right`, `estimate`, `low`, `high` and `promised`.
    """
    answers = [
        answer
        for answer in store.predictions.audited(target)
        if answer.version == version and answer.truth is not None
    ]
    stored = store.incidents.find([answer.incident_id for answer in answers])
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    rows = []
    for answer in answers:
        counts[answer.label][answer.truth != answer.label] += 1
        bounds = precision_bounds(*counts[answer.label])
        incident, certificate = stored.get(answer.incident_id), card.certificates.get(answer.label)
        opened = incident.report.opened_at if incident else None
        rows.append(
            {
                "label": answer.label,
                "day": (opened or answer.answered_at).date(),
                "n": bounds.n,
                "right": counts[answer.label][0],
                "estimate": bounds.value,
                "low": bounds.low,
                "high": bounds.high,
                "promised": certificate.precision_at_least if certificate else None,
            }
        )
    return pd.DataFrame(rows)
