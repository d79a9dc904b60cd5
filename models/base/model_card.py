"""What a model says about itself: data, method, measured quality and limits."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
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
    "torch",
    "sentence-transformers",
)


@dataclass(frozen=True, slots=True)
class Metric:
    """A measured quality with its 95% interval `low`..`high`, beside a baseline's value."""

    name: str
    value: float
    low: float
    high: float
    baseline: float | None = None
    baseline_name: str | None = None


@dataclass(frozen=True, slots=True)
class ConfidenceBin:
    """Held-out predictions with a confidence in `low`..`high`: how many `n`, how sure, how right.

    Calibrated is a model whose `accuracy` equals its `mean_confidence` in every bin.
    """

    low: float
    high: float
    n: int
    mean_confidence: float
    accuracy: float


@dataclass(frozen=True, slots=True)
class ClassReliability:
    """How far held-out predictions of one label can be relied on.

    `labelled` and `predicted` count rows; `precision` and `mean_confidence` are of the predicted
    ones and `recall` of the labelled ones, None where there are none.
    """

    label: str
    labelled: int
    predicted: int
    precision: float | None
    recall: float | None
    mean_confidence: float | None


@dataclass(frozen=True, slots=True)
class SliceMetric:
    """A held-out figure of the incidents whose `slice` (class, service, length, ...) is `value`.

    `score` is the figure named `metric` with its 95% interval `low`..`high`; `groups` counts the
    `incidents`' groups of near-copies.
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
    """Held-out accuracy, with its 95% interval, of a light model that learned from `labels`."""

    labels: int
    accuracy: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class RowCounts:
    """Rows of the export: read, fit for use, rejected, and with a label for this target."""

    read: int = 0
    used: int = 0
    rejected: int = 0
    labelled: int = 0


@dataclass(frozen=True, slots=True)
class LabelNoise:
    """How far the history's labels can be trusted, and the ceilings that this puts on accuracy.

    `suspected` labels look mistaken to the model, a `share` of the `assessed` ones, or to their
    near-copies. `ceiling` is what confident learning estimates: low where the model is weak.
    `copies_ceiling` is what a model can reach that answers near-copies alike, on the `copied` rows;
    `disagreeing` groups of near-copies carry several labels. None: there was too little to tell.
    """

    suspected: int
    share: float
    assessed: int
    ceiling: float | None
    copied: int
    disagreeing: int
    copies_ceiling: float | None


@dataclass(frozen=True, slots=True)
class Drift:
    """Whether later incidents differ from earlier ones; `statement` says it in words.

    `since` dates the drift, None without one. `moved` is the share of labels that would have to
    change to restore the shares of before (without a drift: of before the newest judged period),
    `chance` how often shuffled days are as far apart. `overconfidence` is the newest period's mean
    confidence less its accuracy, None where it has too few incidents.
    """

    has_drifted: bool
    since: datetime | None
    moved: float
    chance: float
    overconfidence: float | None
    statement: str


@dataclass(frozen=True, slots=True)
class Card:
    """The account of one trained model, saved beside it as `card.json`.

    `cutoff` is the end of the data learned from, `split` says in words how evaluation rows were
    kept apart, `provenance` tells of each report column when its value was written,
    `reliability` compares confidence with accuracy by bin and by class, on held-out rows,
    `slices` measure parts of these rows, `verdict` is the gate's,
    `certificates` are keyed by class, and `encoder_sha256` and
    `adapted_encoder_sha256` name the encoders' weights. `rung` tells how much of the method the
    labels support (`neighbours`, `linear` or `full`), `learning_curve` what more labels would
    bring, and `labels_until_auto` about how many more a first certificate takes; None where there
    is one, or nothing tells.

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
    parameters: Mapping[str, str | int | float | bool | None] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    encoder_sha256: str | None = None
    adapted_encoder_sha256: str | None = None
    notes: tuple[str, ...] = ()

    def to_json(self) -> str:
        """Return the card as indented JSON."""
        return _CARD.dump_json(self, indent=2).decode()

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read a card; keys that a newer version added are ignored."""
        return _CARD.validate_json(text)  # type: ignore[return-value]


def package_versions() -> dict[str, str]:
    """Return the versions of Python and of the installed packages that shape a model's answers."""
    found = {"python": python_version()}
    for name in _RECORDED_PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


_CARD = TypeAdapter(Card)
