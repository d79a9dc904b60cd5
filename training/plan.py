"""What a training is asked to do."""

from collections.abc import Callable
from dataclasses import dataclass

from features.home import Home
from features.incident.runbook import Runbook
from training.certify import WANTED_PRECISION

Progress = Callable[[str, int, int], None]
"""Told the name of a step, how much of it is done, and of how much."""


@dataclass(frozen=True, slots=True)
class TrainingPlan:
    """What to train and where; no `targets` means all that the history supports.

    `adapt_minutes` is the time that adapting the encoder may take, 0 for none. `runbooks` take the
    place of those that are stored, but for `kept_runbooks`, whose files could not be read; None
    keeps all.
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
    runbooks: tuple[Runbook, ...] | None = None
    kept_runbooks: tuple[str, ...] = ()
