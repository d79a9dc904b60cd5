"""Restricts answers about reports that are unlike the history that the models learned from."""

from dataclasses import replace
from typing import TypeVar

from models.base.demotion import demote
from models.base.predictions import (
    Decision,
    NoveltyPrediction,
    Prediction,
    RunbookPrediction,
    SimilarPrediction,
)

TARGET = "novelty"

AnyPrediction = TypeVar("AnyPrediction", bound=Prediction)

RETRIEVAL_CUTOFF = 0.9
"""The relatedness or relevance that a novel report's similar incidents and runbooks need."""


def restrict(target: str, prediction: AnyPrediction, novelty: NoveltyPrediction) -> AnyPrediction:
    """Return a target's prediction with at most what a report's novelty allows.

    For a novel or unreadable report, labels have the decision `abstain`, and similar incidents and
    runbooks need at least 0.9. A label's decision is also `abstain` if the report resembles
    incidents of a label that the target's model has not learned.

    >>> from models.base.predictions import ChoicePrediction
    >>> strange = NoveltyPrediction(0.001, is_novel=True, allows_auto=False)
    >>> sure = ChoicePrediction("VPN", 0.97, Decision.AUTO)
    >>> str(restrict("category", sure, strange).decision)
    'abstain'
    """
    if novelty.decision is Decision.ABSTAIN:
        return _keep_certain(demote(prediction, Decision.ABSTAIN))
    if target in novelty.resembles:
        return demote(prediction, Decision.ABSTAIN)
    if not novelty.allows_auto and prediction.decision is Decision.AUTO:
        return demote(prediction, Decision.SUGGEST)
    return prediction


def _keep_certain(prediction: AnyPrediction) -> AnyPrediction:
    if isinstance(prediction, SimilarPrediction):
        similar = [entry for entry in prediction.similar if entry.relatedness >= RETRIEVAL_CUTOFF]
        match = prediction.open_match
        is_certain = match is not None and match.relatedness >= RETRIEVAL_CUTOFF
        return replace(prediction, similar=tuple(similar), open_match=match if is_certain else None)
    if isinstance(prediction, RunbookPrediction):
        runbooks = [entry for entry in prediction.runbooks if entry.relevance >= RETRIEVAL_CUTOFF]
        return replace(prediction, runbooks=tuple(runbooks))
    return prediction
