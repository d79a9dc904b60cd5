"""From a history to fitted models that were judged on what they had not seen."""

from dataclasses import dataclass, replace

import numpy as np

from features.domain.history import History, Provenance
from features.encoding.encoder_weights import open_encoder
from features.encoding.vector_cache import EncodingCache, encode_ahead
from features.text.cleaning import clean_text, incident_text
from models.classification.calibrated_model import CalibratedModel, Certification
from models.classification.fine_tuned_head import FineTunedHead
from models.kinds import build_model
from training.dataset.split import Split, split_history
from training.dataset.targets import Target
from training.evaluation.certify import certify
from training.evaluation.drift import rows_since_drift
from training.evaluation.evaluate import Evaluation, evaluate
from training.evaluation.learning_curve import LabelForecast, forecast_labels
from training.evaluation.metrics import take_rows
from training.pipeline.fine_tune import AdaptedEncoder, why_adapted_wins
from training.plan import Progress, TrainingPlan


def prepare(history: History, plan: TrainingPlan, progress: Progress) -> tuple[Split, int]:
    """Split the history and encode its texts; returns how many had to be encoded anew."""
    split = split_history(history, seed=plan.seed)
    return split, encode_history(history, plan, progress)


def encode_history(history: History, plan: TrainingPlan, progress: Progress) -> int:
    """Make the encoder remember the history's texts; returns how many it had to encode anew."""
    encoder = open_encoder(plan.encoder)
    unique = dict.fromkeys(incident_text(one.report) for one in history.incidents)
    # Titles too: similar incidents are sought by both.
    unique |= dict.fromkeys(clean_text(one.report.title) for one in history.incidents)
    texts = [text for text in unique if text]
    done = 0

    def advance(count: int) -> None:
        nonlocal done
        done += count
        progress("encoding", done, len(texts))

    cache = EncodingCache(plan.home.encodings, encoder)
    return encode_ahead(encoder, texts, cache, advance)


def fit_and_judge(
    history: History,
    target: Target,
    split: Split,
    plan: TrainingPlan,
    adapted: FineTunedHead | None = None,
) -> tuple[CalibratedModel, Evaluation]:
    """Fit one target, judge it on held-out rows, and certify what these rows prove."""
    model = build_model(
        target.name,
        levels=target.levels,
        encoder=plan.encoder,
        seed=plan.seed,
        under_rating_cost=plan.under_rating_cost,
        adapted=adapted,
    )
    model.fit(history.incidents, split.folds, split.copies)
    evaluation = evaluate(model, target, split, [one.report for one in history.incidents])
    withheld = why_auto_is_withheld(history)
    proven = prove(model, evaluation, split, plan)
    allowed = {} if withheld else proven.certificates
    model.certify(replace(proven, certificates=allowed, withheld=withheld))
    return model, evaluation


def why_auto_is_withheld(history: History) -> str | None:
    """Return why no certificate may be given: report columns that may hold later knowledge."""
    doubtful = [
        column for column, known in history.provenance.items() if known is not Provenance.OPENING
    ]
    if not doubtful:
        return None
    return (
        f"auto is withheld: it is not known whether {', '.join(doubtful)} "
        "held these values at opening; confirm it under `columns_known` in the mapping"
    )


def prove(
    model: CalibratedModel, evaluation: Evaluation, split: Split, plan: TrainingPlan
) -> Certification:
    """Return the certificates that the held-out answers prove, at the precision of the plan.

    What was proven before a drift does not hold after it: only the answers since then count.
    """
    kept = np.flatnonzero(rows_since_drift(evaluation.drift, evaluation.rows, split))
    return certify(
        take_rows(evaluation.judged, kept),
        model.classes_,
        split.copies[evaluation.rows[kept]],
        precision=plan.auto_precision,
        family=plan.family,
    )


@dataclass(frozen=True, slots=True)
class Fitted:
    """A fitted model and how it was judged; `encoder` says in words what became of adapting.

    `forecast` tells what more labels would bring.
    """

    model: CalibratedModel
    evaluation: Evaluation
    encoder: str | None = None
    is_adapted: bool = False
    forecast: LabelForecast | None = None


def fit_best_encoder(
    history: History,
    target: Target,
    split: Split,
    plan: TrainingPlan,
    adapted: AdaptedEncoder | str | None,
) -> Fitted:
    """Fit with the frozen encoder and, where there is an adapted one, keep the better model."""
    fitted = _fit_better(history, target, split, plan, adapted)
    reports = [one.report for one in history.incidents]
    forecast = forecast_labels(fitted.model, fitted.evaluation, target, split, reports, plan)
    return replace(fitted, forecast=forecast)


def _fit_better(
    history: History,
    target: Target,
    split: Split,
    plan: TrainingPlan,
    adapted: AdaptedEncoder | str | None,
) -> Fitted:
    frozen = Fitted(*fit_and_judge(history, target, split, plan))
    if not isinstance(adapted, AdaptedEncoder):
        return replace(frozen, encoder=adapted)
    tuned = adapted.targets.get(target.name)
    if tuned is None:
        return frozen
    model, evaluation = fit_and_judge(
        history, target, replace(split, folds=tuned.folds), plan, tuned.head
    )
    wins, why = why_adapted_wins(evaluation, frozen.evaluation)
    if wins:
        return Fitted(model, evaluation, f"{adapted.describe()}; {why}", is_adapted=True)
    return replace(frozen, encoder=f"{adapted.describe()}; {why}")
