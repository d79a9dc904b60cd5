"""The one list of kinds of model; the command line, the contract tests and the README follow it."""

from collections.abc import Sequence
from dataclasses import dataclass

from models.calibrated import CalibratedModel
from models.choice import ChoiceModel
from models.severity import SeverityModel


@dataclass(frozen=True, slots=True)
class Kind:
    """A definition of model, and in words what it predicts."""

    name: str
    definition: type[CalibratedModel]
    targets: str


CHOICE = Kind("choice", ChoiceModel, "`category`, `assignment` and every `fields.<name>`")
SEVERITY = Kind("severity", SeverityModel, "`severity`, an ordered level")

KINDS: tuple[Kind, ...] = (CHOICE, SEVERITY)


def kind_of(target: str) -> Kind:
    """Return the kind of model that predicts a target.

    >>> kind_of("fields.subcategory").name
    'choice'
    """
    return SEVERITY if target == "severity" else CHOICE


def build_model(target: str, *, levels: Sequence[str], encoder: str, seed: int) -> CalibratedModel:
    """Return an unfitted model for a target; `levels` order the severities."""
    if kind_of(target) is SEVERITY:
        return SeverityModel(target=target, levels=tuple(levels), encoder=encoder, seed=seed)
    return ChoiceModel(target=target, encoder=encoder, seed=seed)
