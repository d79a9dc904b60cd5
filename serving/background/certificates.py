"""Withdraws certificates that the audit sample disproves, and reads other workers' withdrawals."""

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Lock

from features.domain.audit_event import AuditEvent
from features.domain.certificate_withdrawal import CertificateWithdrawal
from features.domain.labels import LabelRecord, LabelTrust
from features.domain.predictions import AuditedAnswer
from features.errors import PrecedentError
from features.store.store import Store
from models.statistics.confidence_sequence import PrecisionBounds, precision_bounds
from serving.background.champions import Champions, LoadedVersion
from serving.background.poller import Poller

_log = logging.getLogger(__name__)

_ADVICE = "answered as suggest from now on; train again and promote to certify it again"


@dataclass(frozen=True, slots=True)
class AuditedLabel:
    """The audited precision of one label of a version.

    `promised` is the precision of the label's certificate, None without one, and `right` the number
    of correct answers. `estimate` is the precision where each answer is weighted by the inverse of
    its sampling probability. `bounds` stay valid however often they are computed.
    """

    target: str
    version: str
    label: str
    promised: float | None
    right: int
    estimate: float
    bounds: PrecisionBounds

    @property
    def is_disproved(self) -> bool:
        """Whether the 95% upper bound of the precision is below the promised precision."""
        return self.promised is not None and self.bounds.high < self.promised


def audit_labels(
    answers: Iterable[AuditedAnswer], champions: Mapping[str, LoadedVersion]
) -> tuple[AuditedLabel, ...]:
    """Return the audited precision of each label that people checked for the current champions."""
    checked: dict[tuple[str, str, str], list[AuditedAnswer]] = defaultdict(list)
    for answer in answers:
        champion = champions.get(answer.target)
        is_current = champion is not None and champion.version.version == answer.version
        if is_current and answer.truth is not None:
            checked[answer.target, answer.version, answer.label].append(answer)
    return tuple(
        _audit_label(target, version, label, checked[target, version, label], champions[target])
        for target, version, label in sorted(checked)
    )


def _audit_label(
    target: str, version: str, label: str, checked: list[AuditedAnswer], champion: LoadedVersion
) -> AuditedLabel:
    certificate = champion.card.certificates.get(label)
    right = [answer for answer in checked if answer.truth == answer.label]
    weight = sum(1 / answer.share for answer in checked)
    return AuditedLabel(
        target,
        version,
        label,
        promised=None if certificate is None else certificate.precision_at_least,
        right=len(right),
        estimate=sum(1 / answer.share for answer in right) / weight,
        bounds=precision_bounds(len(right), len(checked) - len(right)),
    )


class CertificatePoller(Poller):
    """Keeps the withdrawals up to date, and withdraws certificates that new labels disprove.

    While the store is unavailable, the withdrawals read last stay in force.
    """

    failure = "the withdrawals cannot be read"

    def __init__(
        self, store: Store, champions: Callable[[], Champions], poll_seconds: float
    ) -> None:
        super().__init__(poll_seconds, "withdrawals")
        self._store = store
        self._champions = champions
        self._withdrawn: frozenset[tuple[str, str, str]] = frozenset()
        self._withdrawing = Lock()

    @property
    def withdrawn(self) -> frozenset[tuple[str, str, str]]:
        """The (target, version, label) of each answer that may no longer be given as `auto`."""
        return self._withdrawn

    def on_labels(self, labels: Iterable[LabelRecord]) -> None:
        """Withdraw the certificates that new labels disprove.

        The labels are already stored, so an error here is only logged: if it were raised, the
        caller would believe that storing failed. The next label of the target repeats the check.
        """
        targets = {label.target for label in labels if label.source.trust is LabelTrust.INDEPENDENT}
        try:
            for target in sorted(targets & self._champions().serving.keys()):
                self.withdraw_disproved(target)
        except PrecedentError as error:
            fields = {"reason": str(error)}
            _log.warning("certificates cannot be checked", extra={"fields": fields})

    def withdraw_disproved(self, target: str | None = None) -> tuple[AuditedLabel, ...]:
        """Withdraw the disproved certificates of one or all targets; return the audited labels.

        Raises `StoreUnavailable`.
        """
        # One thread at a time checks, so that none repeats the withdrawal of another.
        with self._withdrawing:
            answers = self._store.predictions.audited(target)
            audited_labels = audit_labels(answers, self._champions().serving)
            for audited in audited_labels:
                key = (audited.target, audited.version, audited.label)
                if audited.is_disproved and key not in self._withdrawn:
                    self._withdraw(audited)
        return audited_labels

    def _withdraw(self, audited: AuditedLabel) -> None:
        promised, bounds = audited.promised or 0.0, audited.bounds
        now = datetime.now(UTC)
        withdrawal = CertificateWithdrawal(
            audited.target,
            audited.version,
            audited.label,
            promised=promised,
            right=audited.right,
            audited=bounds.n,
            high=bounds.high,
            withdrawn_at=now,
        )
        if self._store.certificate_withdrawals.record(withdrawal):
            reason = (
                f"{audited.label!r}: {audited.right} of {bounds.n} audited answers were right, so "
                f"the precision is below {bounds.high:.3f}; promised was {promised:.3f}; {_ADVICE}"
            )
            details = {"label": audited.label, "promised": promised, "right": audited.right}
            details |= {"audited": bounds.n, "low": bounds.low, "high": bounds.high}
            self._store.audit_log.append(
                AuditEvent(
                    now,
                    "precedent",
                    "withdraw",
                    audited.target,
                    audited.version,
                    reason,
                    details,
                )
            )
            _log.warning("a certificate was withdrawn", extra={"fields": details})
        self._poll()

    def _poll(self) -> None:
        withdrawals = self._store.certificate_withdrawals.all()
        self._withdrawn = frozenset(
            (withdrawal.target, withdrawal.version, withdrawal.label) for withdrawal in withdrawals
        )
