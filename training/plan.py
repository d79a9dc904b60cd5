"""The options of one training."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from features.domain.runbook import Runbook
from features.home import Home
from models.base.novelty_levels import DEFAULT_LEVELS, NoveltyLevels

Progress = Callable[[str, int, int], None]
"""Called with a step's name, the number of units done and the total number of units."""

FRESHER_DAYS = 7.0
WANTED_PRECISION = 0.92
MOST_ROWS = 50_000


@dataclass(frozen=True, slots=True)
class TrainingPlan:
    """What to train and where; without `targets`, all targets that the history supports.

    `adapt_minutes` limits the time for adapting the encoder; 0 skips it. With `family`, the error
    rate of certificates holds for all of a model's certificates together. A challenger counts as
    fresher than the champion if its data end at least `fresher_days` later. Models learn from the
    newest `most_rows` incidents. `actor` is the name that the audit log gives for the training.
    `is_stored` says that the history was read from the store with some labels left out, so it must
    not be written back. `runbooks` replace the stored ones; None leaves these unchanged.
    `kept_runbooks` are the ids of stored runbooks to keep, because their files could not be read.
    `target_hours` are the target times by severity.
    """

    home: Home
    tenant: str
    database_url: str
    encoder: str
    targets: tuple[str, ...] = ()
    force_promote: bool = False
    seed: int = 0
    adapt_minutes: float = 0.0
    under_rating_cost: float | None = None
    auto_precision: float = WANTED_PRECISION
    family: bool = False
    novelty: NoveltyLevels = DEFAULT_LEVELS
    fresher_days: float = FRESHER_DAYS
    most_rows: int = MOST_ROWS
    actor: str = "training"
    is_stored: bool = False
    runbooks: tuple[Runbook, ...] | None = None
    kept_runbooks: tuple[str, ...] = ()
    target_hours: Mapping[str, float] = field(default_factory=dict)
