"""Whether certified classes keep their promise, by the answers that a person checked unseen."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

import pandas as pd

from features.domain.certificate_withdrawal import CertificateWithdrawal
from features.domain.monitoring import Alarm, Measure
from features.domain.predictions import AuditedAnswer
from features.store.store import Store
from models.artifacts.registry import ModelVersion
from models.base.model_card import Card
from models.statistics.confidence_sequence import precision_bounds
from training.monitoring.findings import Findings

_EXAMPLES = 5


def check_certificates(
    version: ModelVersion,
    card: Card,
    audited: Sequence[AuditedAnswer],
    withdrawals: Iterable[CertificateWithdrawal],
) -> Findings:
    """Bound the precision of each label a champion answered alone, and tell what was withdrawn.

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
            alarms.append(_broken_alarm(measure, answers))
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
        advice="read the examples and train anew: training retrain --from-store",
        since=gone.withdrawn_at,
        examples=_missed(answers),
        target=gone.target,
        label=gone.label,
    )


def _broken_alarm(measure: Measure, answers: Sequence[AuditedAnswer]) -> Alarm:
    return Alarm(
        signal="certificate",
        statement=(
            f"{measure.label!r} in {measure.target} is right in at most {measure.high:.0%} of its "
            f"auto answers and {measure.reference:.0%} was promised, but it is still certified"
        ),
        advice=(
            "start the server, which withdraws it at its next look, or set it to suggest: training "
            f"mode suggest --target {measure.target} --label {measure.label!r}"
        ),
        since=answers[0].answered_at,
        examples=_missed(answers),
        target=measure.target,
        label=measure.label,
    )


def _missed(answers: Sequence[AuditedAnswer]) -> tuple[str, ...]:
    wrong = [one.incident_id for one in answers if one.truth != one.label]
    return tuple(wrong[-_EXAMPLES:])


def precision_history(store: Store, target: str, version: str, card: Card) -> pd.DataFrame:
    """Return how the bounds of each label went, for a chart: a row for each audited answer.

    Columns are `label`, `day` (when its incident was opened, else when it was answered), `n`,
    `right`, `estimate`, `low`, `high` and `promised`.
    """
    answers = [
        one
        for one in store.predictions.audited(target)
        if one.version == version and one.truth is not None
    ]
    stored = store.incidents.find([one.incident_id for one in answers])
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    rows = []
    for one in answers:
        counts[one.label][one.truth != one.label] += 1
        bounds = precision_bounds(*counts[one.label])
        incident, certificate = stored.get(one.incident_id), card.certificates.get(one.label)
        opened = incident.report.opened_at if incident else None
        rows.append(
            {
                "label": one.label,
                "day": (opened or one.answered_at).date(),
                "n": bounds.n,
                "right": counts[one.label][0],
                "estimate": bounds.value,
                "low": bounds.low,
                "high": bounds.high,
                "promised": certificate.precision_at_least if certificate else None,
            }
        )
    return pd.DataFrame(rows)
