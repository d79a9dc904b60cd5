"""The policy for answers: modes, suspensions, label rates, certificates and the audit sample."""

from collections.abc import Collection
from dataclasses import dataclass, field

from features.domain.modes import Modes
from serving.background.certificates import CertificatePoller
from serving.background.label_rates import LabelRatePoller, RatesByVersion
from serving.background.mode_poller import ModePoller
from serving.background.suspensions import SuspensionPoller, Suspensions
from serving.background.unknown_labels import UnknownLabelPoller, UnknownLabelsByTarget
from serving.services.audit_sampling import AuditSample


@dataclass(frozen=True, slots=True)
class AnswerPolicy:
    """The policy at a moment; each request reads it once and uses it for all answers.

    `withdrawn` holds the (target, version, label) triples that may not be answered as `auto`.
    `unknown_labels` holds, by target, labels that people gave and its champion has not learned.
    `suspensions` holds the versions whose answers all abstain. `label_rates` holds how often the
    labels of a version occur lately, if its answers are corrected to that.
    """

    modes: Modes
    withdrawn: Collection[tuple[str, str, str]] = ()
    sample: AuditSample | None = None
    unknown_labels: UnknownLabelsByTarget = field(default_factory=dict)
    suspensions: Suspensions = field(default_factory=dict)
    label_rates: RatesByVersion = field(default_factory=dict)


class PolicySource:
    """Builds the current policy from what the pollers read."""

    def __init__(
        self,
        modes: ModePoller,
        certificates: CertificatePoller,
        sample: AuditSample,
        unknown_labels: UnknownLabelPoller,
        suspensions: SuspensionPoller,
        label_rates: LabelRatePoller,
    ) -> None:
        self._modes = modes
        self._unknown_labels = unknown_labels
        self._certificates = certificates
        self._sample = sample
        self._suspensions = suspensions
        self._label_rates = label_rates

    def current(self) -> AnswerPolicy:
        """Return the policy of this moment."""
        return AnswerPolicy(
            self._modes.modes,
            self._certificates.withdrawn,
            self._sample,
            self._unknown_labels.unknown_labels,
            self._suspensions.suspensions,
            self._label_rates.rates,
        )
