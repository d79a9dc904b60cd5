"""A certificate that did not keep its promise: a version may no longer answer this label alone."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class CertificateWithdrawal:
    """A label that a version answers as `suggest` from now on.

    `promised` is the precision of its certificate, `high` the upper bound of what `audited`
    answers show, of which `right` were right.
    """

    target: str
    version: str
    label: str
    promised: float
    right: int
    audited: int
    high: float
    withdrawn_at: datetime
