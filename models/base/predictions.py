"""What a model predicts: one object for each prediction, never parallel lists."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Decision(StrEnum):
    """What the evidence supports: acting without a person, showing a suggestion, or abstaining."""

    AUTO = "auto"
    SUGGEST = "suggest"
    ABSTAIN = "abstain"


@dataclass(frozen=True, slots=True)
class Certificate:
    """The proven precision behind `auto` (Learn-then-Test, arXiv 2110.01052).

    From a confidence of `threshold` on, the precision is at least `precision_at_least`, proven at
    the 95% level on `n` groups of near-copies. A `pooled` certificate was proven for several rare
    classes together. With `family` the 95% hold for all certificates of the model jointly,
    otherwise for each one alone.
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
    """A labelled past report close to this one; another label contradicts the prediction."""

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

    `label` is the likeliest one whatever the decision; `label_set` contains the right label with
    the coverage that the model's card states.
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


@dataclass(frozen=True, slots=True)
class SimilarIncident:
    """A past incident that is probably about the same trouble.

    `relatedness` is the calibrated probability that it is; `why` lists what the two share, in a few
    words each. `resolution` is the sentence that names the fix, or says that none was recorded.
    `copies` are the ids of the near-copies that this entry represents, without its own id.
    """

    id: str
    title: str
    relatedness: float
    why: tuple[str, ...] = ()
    resolution: str = ""
    has_fix: bool = False
    opened_at: datetime | None = None
    resolved_at: datetime | None = None
    resolved_by: str | None = None
    hours_to_resolve: float | None = None
    copies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OpenMatch:
    """The open incident that a new one probably belongs to.

    `members` counts the incidents known to belong to it, itself included.
    """

    id: str
    title: str
    relatedness: float
    opened_at: datetime
    members: int = 1
    why: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SimilarPrediction:
    """The past incidents worth reading, most related first; an empty list is a valid answer."""

    similar: tuple[SimilarIncident, ...] = ()
    open_match: OpenMatch | None = None

    @property
    def label(self) -> str:
        """The id of the most related incident, empty if there is none."""
        return self.similar[0].id if self.similar else ""

    @property
    def confidence(self) -> float:
        """The relatedness of the first incident, 0 if there is none."""
        return self.similar[0].relatedness if self.similar else 0.0

    @property
    def decision(self) -> Decision:
        """Suggest if there is anything to show, else abstain."""
        return Decision.SUGGEST if self.similar else Decision.ABSTAIN


@dataclass(frozen=True, slots=True)
class SuggestedRunbook:
    """A runbook that probably applies.

    `relevance` is the calibrated probability that it does; `why` quotes the section that matched;
    `steps` are what to do, in order.
    """

    id: str
    title: str
    relevance: float
    why: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
    url: str | None = None


@dataclass(frozen=True, slots=True)
class RunbookPrediction:
    """The runbooks that probably apply, most relevant first; an empty list is a valid answer."""

    runbooks: tuple[SuggestedRunbook, ...] = ()

    @property
    def label(self) -> str:
        """The id of the most relevant runbook, empty if there is none."""
        return self.runbooks[0].id if self.runbooks else ""

    @property
    def confidence(self) -> float:
        """The relevance of the first runbook, 0 if there is none."""
        return self.runbooks[0].relevance if self.runbooks else 0.0

    @property
    def decision(self) -> Decision:
        """Suggest if there is anything to show, else abstain."""
        return Decision.SUGGEST if self.runbooks else Decision.ABSTAIN


LabelPrediction = ChoicePrediction | SeverityPrediction
Prediction = LabelPrediction | SimilarPrediction | RunbookPrediction
