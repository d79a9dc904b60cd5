"""A withdrawn certificate: the model version may no longer answer this label as `auto`."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class CertificateWithdrawal:
    """A label that a model version answers as `suggest` from `withdrawn_at` on.

    `promised` is the precision that the label's certificate guaranteed. `audited` is
    the number of audited answers, and `right` the number of correct ones among them. `high` is the
    upper confidence bound of the precision, computed from both.
    """

    target: str
    version: str
    label: str
    promised: float
    right: int
    audited: int
    high: float
    withdrawn_at: datetime
