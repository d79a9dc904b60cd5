"""A withdrawn certificate: the model version may no longer answer this label as `auto`."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class CertificateWithdrawal:
    """A label that a model version answers as `suggest` from `withdrawn_at` on.

    `promised` is the precision that the label's certificate guaranteed. `right` of the `audited`
    answers were correct; `high` is the upper confidence bound of the precision, from these answers.
    """

    target: str
    version: str
    label: str
    promised: float
    right: int
    audited: int
    high: float
    withdrawn_at: datetime
