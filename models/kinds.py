"""The list of all kinds of model, for the command line, the contract tests and the README."""

from collections.abc import Sequence
from dataclasses import dataclass

from models.base.report_model import ReportModel
from models.classification.calibrated_model import CalibratedModel
from models.classification.choice import ChoiceModel
from models.classification.fine_tuned_head import FineTunedHead
from models.classification.severity import SeverityModel
from models.novelty.novelty_model import NoveltyModel
from models.resolution.resolution_model import ResolutionModel
from models.runbooks.runbook_model import RunbookModel
from models.similarity.similar_model import SimilarModel


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of model: its name, its class, and a description of the targets that it predicts."""

    name: str
    definition: type[ReportModel]
    targets: str


CHOICE = Kind("choice", ChoiceModel, "`category`, `assignment` and every other `fields.<name>`")
SEVERITY = Kind(
    "severity", SeverityModel, "ordered levels: `severity`, `fields.impact`, `fields.urgency`"
)

SIMILAR = Kind("similar", SimilarModel, "`similar`: past incidents about the same trouble")
RUNBOOK = Kind("runbook", RunbookModel, "`runbooks`: the runbooks that apply")

NOVELTY = Kind("novelty", NoveltyModel, "`novelty`: whether a report is like the history")

RESOLUTION = Kind(
    "resolution",
    ResolutionModel,
    "`resolution`: the hours to resolve, the risk of a missed target time and of a reassignment",
)

KINDS: tuple[Kind, ...] = (CHOICE, SEVERITY, SIMILAR, RUNBOOK, NOVELTY, RESOLUTION)


def kind_of(levels: Sequence[str]) -> Kind:
    """Return the kind of model for a target: severity if it has ordered levels, else choice.

    >>> kind_of(levels=("low", "high")).name, kind_of(levels=()).name
    ('severity', 'choice')
    """
    return SEVERITY if levels else CHOICE


def build_model(
    target: str,
    *,
    levels: Sequence[str],
    encoder: str,
    seed: int,
    under_rating_cost: float | None = None,
    adapted: FineTunedHead | None = None,
) -> CalibratedModel:
    """Return an unfitted model for a target.

    `levels` are the target's ordered levels, least severe first; they are empty for a choice.
    `under_rating_cost` is the cost of too low a rating, as a multiple of the cost of too high a
    rating; None keeps the model's default. Only choice models use `adapted`.
    """
    if kind_of(levels) is CHOICE:
        return ChoiceModel(target=target, encoder=encoder, adapted=adapted, seed=seed)
    model = SeverityModel(target=target, levels=tuple(levels), encoder=encoder, seed=seed)
    if under_rating_cost is not None:
        model.under_rating_cost = under_rating_cost
    return model
