"""What a training is asked to do."""

from collections.abc import Callable
from dataclasses import dataclass

from features.domain.runbook import Runbook
from features.home import Home

Progress = Callable[[str, int, int], None]
"""Told the name of a step, how much of it is done, and of how much."""

FRESHER_DAYS = 7.0
WANTED_PRECISION = 0.92


@dataclass(frozen=True, slots=True)
class TrainingPlan:
    """What to train and where; no `targets` means all that the history supports.

    `adapt_minutes` is the time that adapting the encoder may take, 0 for none. `runbooks` take the
    place of those that are stored, but for `kept_runbooks`, whose files could not be read; None
    keeps all. `fresher_days` make a challenger fresher than the champion that ends by so much
    earlier; `actor` is who the audit log says has trained. `is_stored` tells that the history was
    read from the store, with some labels left out, and must not be written back.
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
    fresher_days: float = FRESHER_DAYS
    actor: str = "training"
    is_stored: bool = False
    runbooks: tuple[Runbook, ...] | None = None
    kept_runbooks: tuple[str, ...] = ()
