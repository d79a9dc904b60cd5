"""The predictions of models, one object for each report."""

from collections.abc import Mapping
from dataclasses import dataclass, field
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

    Predictions with a confidence of at least `threshold` have a precision of at least
    `precision_at_least`, proven at the 95% level on `n` groups of near-copies. A `pooled`
    certificate was proven for several rare labels together. If `family`, the 95% level holds for
    all certificates of the model jointly, otherwise for each certificate separately.
    """

    precision_at_least: float
    threshold: float
    n: int
    pooled: bool = False
    family: bool = False


@dataclass(frozen=True, slots=True)
class Alternative:
    """A label other than the predicted label, with its calibrated confidence in 0..1."""

    label: str
    confidence: float


@dataclass(frozen=True, slots=True)
class TokenWeight:
    """A token of the text and its signed contribution to the label's score, in log-odds.

    The token stands at the characters `start` to `end` (exclusive) of the report's `field`.
    """

    token: str
    weight: float
    field: str | None = None
    start: int | None = None
    end: int | None = None


@dataclass(frozen=True, slots=True)
class FieldWeight:
    """A structured fact and its signed contribution to the label's score, in log-odds."""

    field: str
    value: str
    weight: float


@dataclass(frozen=True, slots=True)
class Reason:
    """A reason for an answer, and the words of the report that it rests on.

    `field` is the report's field, such as "title" or "attributes.site"; the words stand at the
    characters `start` to `end` (exclusive) of it. All three are None if no single word of the
    report is the reason.
    """

    text: str
    field: str | None = None
    start: int | None = None
    end: int | None = None


@dataclass(frozen=True, slots=True)
class Exemplar:
    """A labelled past report that is similar to the report; its label may contradict the answer."""

    id: str
    label: str
    similarity: float


@dataclass(frozen=True, slots=True)
class Evidence:
    """The tokens, the structured facts and the past reports that explain a prediction."""

    tokens: tuple[TokenWeight, ...] = ()
    fields: tuple[FieldWeight, ...] = ()
    exemplars: tuple[Exemplar, ...] = ()


@dataclass(frozen=True, slots=True)
class ChoicePrediction:
    """One label out of several, with calibrated confidence.

    `label` is the likeliest label, whatever the decision. `label_set` contains the correct label
    with a probability, the coverage, that the model's card states. `why` says in sentences what
    else bears on the decision.
    """

    label: str
    confidence: float
    decision: Decision
    alternatives: tuple[Alternative, ...] = ()
    label_set: tuple[str, ...] = ()
    certificate: Certificate | None = None
    evidence: Evidence = Evidence()
    why: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SeverityPrediction(ChoicePrediction):
    """An ordered level: `label` is the level of least expected cost, `rank` its place.

    Rank 0 is the least severe level. `alternatives` holds every other level. `expected_rank` is the
    mean rank of all levels, weighted by their confidences. `stated` is what the sender said: a
    level of the history, or the sender's own word; None if nothing was said. `stated_rank` is its
    place, None if it cannot be compared with the levels. `likeliest` is the
    likeliest level if this is not `label`, else None. `why` also says why the label is not the
    likeliest level, and why a rating below the stated level is not acted on.
    """

    rank: int = 0
    expected_rank: float = 0.0
    stated: str | None = None
    stated_rank: int | None = None
    likeliest: str | None = None


@dataclass(frozen=True, slots=True)
class Occurrences:
    """How often an issue occurred before, when it did last, and how often a fix is recorded.

    `last_at` is the newest known time of opening.
    """

    count: int = 1
    last_at: datetime | None = None
    with_fix: int = 0


@dataclass(frozen=True, slots=True)
class SimilarIncident:
    """A past incident that is probably about the same issue as the report.

    `relatedness` is the calibrated probability of this. `why` lists what the report and the
    incident share, in a few words each; `reasons` are the same with their places in the report.
    `resolution` is the sentence of the closing note that names
    the fix. If no sentence does (`has_fix` is false), `resolution` says that the incident is still
    open or that no fix was recorded. The entry represents the near-copies of the incident too:
    `occurrences` counts all of them, `copies` are the ids of at most 100, without its own id.
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
    occurrences: Occurrences = Occurrences()
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class OpenMatch:
    """The open incident of which a new report is probably a duplicate.

    `members` is the number of its known duplicates, plus one for itself.
    """

    id: str
    title: str
    relatedness: float
    opened_at: datetime
    members: int = 1
    why: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SimilarPrediction:
    """The related past incidents, most related first, and the open match; there may be none."""

    similar: tuple[SimilarIncident, ...] = ()
    open_match: OpenMatch | None = None

    @property
    def label(self) -> str:
        """The id of the most related incident, empty if there is none."""
        return self.similar[0].id if self.similar else ""

    @property
    def confidence(self) -> float:
        """The relatedness of the most related incident, 0 if there is none."""
        return self.similar[0].relatedness if self.similar else 0.0

    @property
    def decision(self) -> Decision:
        """`suggest` if there is a similar incident, else `abstain`."""
        return Decision.SUGGEST if self.similar else Decision.ABSTAIN


@dataclass(frozen=True, slots=True)
class SuggestedRunbook:
    """A runbook that probably applies.

    `relevance` is the calibrated probability that it applies. `why` lists the reasons, such as a
    past use or a quote from the best matching section. `steps` are what to do, in order. `reasons`
    are the two or three that carry most, with their places in the report.
    """

    id: str
    title: str
    relevance: float
    why: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
    url: str | None = None
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class RunbookPrediction:
    """The runbooks that probably apply, most relevant first; there may be none."""

    runbooks: tuple[SuggestedRunbook, ...] = ()

    @property
    def label(self) -> str:
        """The id of the most relevant runbook, empty if there is none."""
        return self.runbooks[0].id if self.runbooks else ""

    @property
    def confidence(self) -> float:
        """The relevance of the most relevant runbook, 0 if there is none."""
        return self.runbooks[0].relevance if self.runbooks else 0.0

    @property
    def decision(self) -> Decision:
        """`suggest` if there is a runbook, else `abstain`."""
        return Decision.SUGGEST if self.runbooks else Decision.ABSTAIN


@dataclass(frozen=True, slots=True)
class NoveltyPrediction:
    """How usual a report is among the incidents that the models learned from.

    `p_value` is the conformal p-value of "this report is like the history"; small is strange. A
    report that is not readable holds too little that the history knows. `auto` is allowed only if
    `allows_auto`. `resembles` gives, by target, the label of corrected incidents that the report
    resembles, where the target's model has not learned this label.
    """

    p_value: float
    is_novel: bool
    is_readable: bool = True
    allows_auto: bool = True
    resembles: Mapping[str, str] = field(default_factory=dict)
    why: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """`novel` or `familiar`."""
        return "novel" if self.is_novel else "familiar"

    @property
    def confidence(self) -> float:
        """The p-value."""
        return self.p_value

    @property
    def decision(self) -> Decision:
        """`abstain` for a novel or unreadable report, else `suggest`."""
        is_judged = self.is_readable and not self.is_novel
        return Decision.SUGGEST if is_judged else Decision.ABSTAIN


@dataclass(frozen=True, slots=True)
class ResolutionPrediction:
    """How long an incident will take, and two risks; None for what is not known.

    It is resolved within `median_hours` with probability 0.5, and between `lower_hours` and
    `upper_hours` with probability 0.8. `breach_probability` is the probability that its target time
    is missed, `reassignment_probability` that it goes to another group or person after its first.
    `target_hours` is the target time, where targets are stated.
    """

    median_hours: float | None = None
    lower_hours: float | None = None
    upper_hours: float | None = None
    breach_probability: float | None = None
    reassignment_probability: float | None = None
    target_hours: float | None = None

    @property
    def label(self) -> str:
        """Empty: a number of hours is no label."""
        return ""

    @property
    def confidence(self) -> float:
        """How narrow the interval is: the lower bound as a share of the median; else a risk."""
        if self.median_hours and self.lower_hours is not None:
            return self.lower_hours / self.median_hours
        risks = (self.breach_probability, self.reassignment_probability)
        return next((risk for risk in risks if risk is not None), 0.0)

    @property
    def decision(self) -> Decision:
        """`suggest`: nothing is done because of a forecast without a person."""
        return Decision.SUGGEST


LabelPrediction = ChoicePrediction | SeverityPrediction
Prediction = (
    LabelPrediction
    | SimilarPrediction
    | RunbookPrediction
    | NoveltyPrediction
    | ResolutionPrediction
)
