"""What a model says about itself: data, method, measured quality and limits."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from platform import python_version
from typing import ClassVar, Self

from pydantic import ConfigDict, TypeAdapter

from models.prediction import Certificate

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
class RowCounts:
    """Rows of the export: read, fit for use, rejected, and with a label for this target."""

    read: int = 0
    used: int = 0
    rejected: int = 0
    labelled: int = 0


@dataclass(frozen=True, slots=True)
class Card:
    """The account of one trained model, saved beside it as `card.json`.

    `cutoff` is the end of the data learned from, `split` says in words how evaluation rows were
    kept apart, `provenance` tells of each report column when its value was written,
    `certificates` are keyed by class, and `encoder_sha256` names the encoder's weights.

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
    certificates: Mapping[str, Certificate] = field(default_factory=dict)
    parameters: Mapping[str, str | int | float | bool | None] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    encoder_sha256: str | None = None
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
