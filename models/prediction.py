"""What a model answers: one object for each prediction, never parallel lists."""

from dataclasses import dataclass
from enum import StrEnum


class Decision(StrEnum):
    """What the evidence supports: act, show, or stay silent."""

    AUTO = "auto"
    SUGGEST = "suggest"
    ABSTAIN = "abstain"


@dataclass(frozen=True, slots=True)
class Certificate:
    """The proven precision behind `auto` (Learn-then-Test, arXiv 2110.01052).

    Above `threshold` the precision is at least `precision_at_least`, at 95% confidence, shown on
    `n` groups of near-copies. A `pooled` certificate was proven for several rare classes together.
    With `family` the 95% hold for all of the model's certificates at once, else for each alone.
    """

    precision_at_least: float
    threshold: float
    n: int
    pooled: bool = False
    family: bool = False


@dataclass(frozen=True, slots=True)
class Alternative:
    """A less likely label with its calibrated confidence in 0..1."""

    label: str
    confidence: float


@dataclass(frozen=True, slots=True)
class TokenWeight:
    """A token of the text and its signed contribution to the label's score, in log-odds."""

    token: str
    weight: float


@dataclass(frozen=True, slots=True)
class FieldWeight:
    """A structured fact and its signed contribution to the label's score, in log-odds."""

    field: str
    value: str
    weight: float


@dataclass(frozen=True, slots=True)
class Exemplar:
    """A labelled past report near this one; one with another label contradicts the prediction."""

    id: str
    label: str
    similarity: float


@dataclass(frozen=True, slots=True)
class Evidence:
    """Why the model answered as it did."""

    tokens: tuple[TokenWeight, ...] = ()
    fields: tuple[FieldWeight, ...] = ()
    exemplars: tuple[Exemplar, ...] = ()


@dataclass(frozen=True, slots=True)
class ChoicePrediction:
    """One label out of several, with calibrated confidence.

    `label` is the likeliest whatever the decision; `label_set` holds the right label with the
    coverage that the model's card states.
    """

    label: str
    confidence: float
    decision: Decision
    alternatives: tuple[Alternative, ...] = ()
    label_set: tuple[str, ...] = ()
    certificate: Certificate | None = None
    evidence: Evidence = Evidence()


@dataclass(frozen=True, slots=True)
class SeverityPrediction(ChoicePrediction):
    """An ordered level: `label` has the least expected cost, `rank` 0 is the least severe.

    `alternatives` holds every other level; `expected_rank` is the mean rank under the confidences.
    """

    rank: int = 0
    expected_rank: float = 0.0


Prediction = ChoicePrediction | SeverityPrediction
