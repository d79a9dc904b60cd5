"""A model's card: its data, method, measured quality and limits."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from platform import python_version
from typing import ClassVar, Self

from pydantic import ConfigDict, TypeAdapter

from models.base.gate_verdict import Verdict
from models.base.predictions import Certificate

_RECORDED_PACKAGES = (
    "precedent",
    "scikit-learn",
    "skops",
    "numpy",
    "scipy",
    "pandas",
    "onnxruntime",
    "torch",
    "sentence-transformers",
)


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric's value with its 95% interval `low`..`high`, and the baseline's value, if any."""

    name: str
    value: float
    low: float
    high: float
    baseline: float | None = None
    baseline_name: str | None = None


@dataclass(frozen=True, slots=True)
class ConfidenceBin:
    """The `n` held-out predictions with a confidence in `low`..`high`.

    A model is calibrated if its `accuracy` equals its `mean_confidence` in every bin.
    """

    low: float
    high: float
    n: int
    mean_confidence: float
    accuracy: float


@dataclass(frozen=True, slots=True)
class ClassReliability:
    """The precision, the recall and the mean confidence of one label on held-out rows.

    `labelled` counts the rows that have the label, `predicted` the rows for which the label was
    predicted. `precision` and `mean_confidence` are over the predicted rows, and None if there are
    no predicted rows. `recall` is over the labelled rows, and None if there are no labelled rows.
    """

    label: str
    labelled: int
    predicted: int
    precision: float | None
    recall: float | None
    mean_confidence: float | None


@dataclass(frozen=True, slots=True)
class SliceMetric:
    """A metric on the held-out incidents whose `slice` (class, service, length, ...) is `value`.

    `score` is the value of `metric` with its 95% interval `low`..`high`; `groups` counts the groups
    of near-copies among the `incidents`.
    """

    slice: str
    value: str
    incidents: int
    groups: int
    metric: str
    score: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """The held-out accuracy, with its 95% interval, of a light model fitted on `labels` labels."""

    labels: int
    accuracy: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class RowCounts:
    """The numbers of the export's rows: read, used, rejected, and with a label of the target."""

    read: int = 0
    used: int = 0
    rejected: int = 0
    labelled: int = 0


@dataclass(frozen=True, slots=True)
class LabelNoise:
    """Estimates of how many labels are mistaken, and of the highest accuracy that the labels allow.

    `suspected` counts the labels that the model or near-copies contradict. `share` is the share of
    the `assessed` labels that the model contradicts. `ceiling` is the highest possible accuracy by
    confident learning; it is too low if the model is weak. `copies_ceiling` is the highest accuracy
    on the `copied` rows, which have near-copies, if a model gives all near-copies one label.
    `disagreeing` counts the groups of near-copies with several labels. A ceiling is None if too few
    rows support it; `ceiling` is also None if the model's accuracy exceeds it. `by_chance` is the
    number of labels that the model contradicts in a control without mistakes; they are not counted
    as suspected. It is None if the model assessed no labels.
    """

    suspected: int
    share: float
    assessed: int
    ceiling: float | None
    copied: int
    disagreeing: int
    copies_ceiling: float | None
    by_chance: float | None = None


@dataclass(frozen=True, slots=True)
class Drift:
    """Whether the shares of the labels, or the model's calibration, have changed over time.

    `since` is the start of the latest evaluated period at which there is a drift, None without a
    drift. `moved` is the share of labels that would have to change to restore the label shares from
    before `since` (without a drift: from before the newest evaluated period). `chance` is the
    share of shuffles of the days with at least this difference. `overconfidence` is the newest
    period's mean confidence minus its accuracy, None if the period has too few incidents or days.
    `statement` describes the drift in words.
    """

    has_drifted: bool
    since: datetime | None
    moved: float
    chance: float
    overconfidence: float | None
    statement: str


@dataclass(frozen=True, slots=True)
class UnknownLabelPrecision:
    """The estimated precision of `auto` if a `share` of incidents were of kinds never learned.

    `auto_share` is the estimated share of such incidents that would be answered `auto`.
    """

    share: float
    precision: float
    auto_share: float


@dataclass(frozen=True, slots=True)
class Card:
    """The description of one trained model, saved with the model as `card.json`.

    `cutoff` is the opening time of the latest labelled incident. `split` describes how rows were
    held out for evaluation. `provenance` says for each report column when its value was written.
    `reliability` and `class_reliability` compare confidence with accuracy on held-out rows, by bin
    and by class. `slices` are metrics on parts of these rows. `certificates` are keyed by label.
    `verdict` is the gate's verdict. `encoder_sha256` and `adapted_encoder_sha256` are the hashes of
    the encoders' weights. `rung` is how much of the method the labels support (`neighbours`,
    `linear` or `full`). `learning_curve` is the accuracy by number of labels. `labels_until_auto`
    estimates how many more labels a first certificate needs; it is None if held-out predictions
    already prove a certificate, or if no estimate is possible. `unknown_label_precision` estimates
    the precision of `auto` if some incidents had labels that the model never learned.

    >>> card = Card("category", "choice", datetime(2026, 1, 1), notes=("refitted on all",))
    >>> Card.from_json(card.to_json()) == card
    True
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(
        extra="ignore", ser_json_inf_nan="constants"
    )

    target: str
    kind: str
    created_at: datetime
    data_sha256: str = ""
    rows: RowCounts = RowCounts()
    cutoff: datetime | None = None
    split: str = ""
    provenance: Mapping[str, str] = field(default_factory=dict)
    metrics: tuple[Metric, ...] = ()
    reliability: tuple[ConfidenceBin, ...] = ()
    class_reliability: tuple[ClassReliability, ...] = ()
    slices: tuple[SliceMetric, ...] = ()
    certificates: Mapping[str, Certificate] = field(default_factory=dict)
    label_noise: LabelNoise | None = None
    drift: Drift | None = None
    verdict: Verdict | None = None
    rung: str = ""
    learning_curve: tuple[CurvePoint, ...] = ()
    labels_until_auto: int | None = None
    unknown_label_precision: tuple[UnknownLabelPrecision, ...] = ()
    parameters: Mapping[str, str | int | float | bool | None] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    encoder_sha256: str | None = None
    adapted_encoder_sha256: str | None = None
    notes: tuple[str, ...] = ()

    def to_json(self) -> str:
        """Return the card as indented JSON."""
        return _adapter().dump_json(self, indent=2).decode()

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read a card from JSON; unknown keys, which a newer version may add, are ignored."""
        return _adapter().validate_json(text)  # type: ignore[return-value]


def package_versions() -> dict[str, str]:
    """Return the versions of Python and of the installed packages that affect a model's answers."""
    versions = {"python": python_version()}
    for name in _RECORDED_PACKAGES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return versions


@cache
def _adapter() -> TypeAdapter[Card]:
    # The adapter is built when first used: this takes a while, and many commands read no card.
    return TypeAdapter(Card)
