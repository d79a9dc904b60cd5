"""What holds for answers at a moment: modes, withdrawn certificates and the audit sample."""

from collections.abc import Collection
from dataclasses import dataclass

from features.domain.modes import Modes
from serving.background.certificates import CertificatePoller
from serving.background.mode_poller import ModePoller
from serving.services.audit_sampling import AuditSample


@dataclass(frozen=True, slots=True)
class AnswerPolicy:
    """How predictions are answered at a moment; a request takes it once and keeps it to its end.

    `withdrawn` are the targets, versions and labels that may not be answered as `auto`.
    """

    modes: Modes
    withdrawn: Collection[tuple[str, str, str]] = ()
    sample: AuditSample | None = None


class PolicySource:
    """Puts the policy of the moment together from what is polled."""

    def __init__(
        self, modes: ModePoller, certificates: CertificatePoller, sample: AuditSample
    ) -> None:
        self._modes = modes
        self._certificates = certificates
        self._sample = sample

    def current(self) -> AnswerPolicy:
        """Return how predictions are answered now."""
        return AnswerPolicy(self._modes.modes, self._certificates.withdrawn, self._sample)
