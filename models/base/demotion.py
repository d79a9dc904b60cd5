"""Lowers the decision of a prediction, for reasons that its model does not know."""

from dataclasses import replace
from typing import TypeVar

from models.base.predictions import ChoicePrediction, Decision, Prediction

AnyPrediction = TypeVar("AnyPrediction", bound=Prediction)

_ORDER = (Decision.ABSTAIN, Decision.SUGGEST, Decision.AUTO)


def demote(prediction: AnyPrediction, most: Decision, why: str = "") -> AnyPrediction:
    """Return a label's prediction without its certificate, with at most the decision `most`.

    `why` is the sentence that explains it, put before the prediction's other reasons. Other
    predictions are returned unchanged: they are never `auto`.

    >>> sure = ChoicePrediction("VPN", 0.97, Decision.AUTO)
    >>> str(demote(sure, Decision.SUGGEST).decision)
    'suggest'
    """
    if not isinstance(prediction, ChoicePrediction):
        return prediction
    decision = min(prediction.decision, most, key=_ORDER.index)
    reasons = (why, *prediction.why) if why else prediction.why
    return replace(prediction, decision=decision, certificate=None, why=reasons)
