"""Fits the model of a target, evaluates it on held-out rows, and certifies it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from features.domain.history import History, Provenance
from features.domain.report import ResolvedIncident
from features.encoding.encoder_weights import open_encoder
from features.encoding.vector_cache import EncodingCache, encode_ahead
from features.text.cleaning import clean_text, incident_text
from models.base.model_card import Drift
from models.classification.calibrated_model import CalibratedModel
from models.classification.calibrated_predictor import Certification
from models.classification.drift_doubt import DriftDoubt
from models.classification.fine_tuned_head import FineTunedHead
from models.kinds import build_model
from training.dataset.split import Split, split_history
from training.dataset.stated_severity import without_late_severity
from training.dataset.targets import Target
from training.evaluation.certify import certify, severe_levels_from
from training.evaluation.drift import rows_since_drift
from training.evaluation.drift_doubt import OriginCheck, check_parts, judge_confidence
from training.evaluation.evaluate import Evaluation, Flags, evaluate
from training.evaluation.learning_curve import LabelForecast, forecast_labels
from training.evaluation.metrics import take_rows
from training.pipeline.fine_tune import AdaptedEncoder, compare_encoders
from training.pipeline.past_origins import check_past_origins
from training.plan import Progress, TrainingPlan

# Half of the texts that the cache keeps in one file, since most incidents have two.
_ENCODED_AT_ONCE = 2_048
_OTHERS = "encoding what is not learned from"


def prepare(history: History, plan: TrainingPlan, progress: Progress) -> tuple[Split, int]:
    """Encode a history's texts; return its split, and how many texts were not in the cache."""
    split = split_history(history, seed=plan.seed)
    return split, encode_history(history, plan, progress)


def encode_history(
    history: History, plan: TrainingPlan, progress: Progress, learned: History | None = None
) -> int:
    """Encode the history's texts into the cache; return how many were not in it.

    Models learn from the incidents of `learned`, by default from all, so the vectors of these are
    held in memory. Those of the other incidents are only written to the cache, in blocks.
    """
    learned = learned or history
    encoder = open_encoder(plan.encoder)
    cache = EncodingCache(plan.home.encodings, encoder)
    texts = _texts_of(learned.incidents)
    encoded = 0

    def advance(count: int) -> None:
        nonlocal encoded
        encoded += count
        progress("encoding", encoded, len(texts))

    new = encode_ahead(encoder, texts, cache, advance)
    ids = {incident.report.id for incident in learned.incidents}
    others = [incident for incident in history.incidents if incident.report.id not in ids]
    for start in range(0, len(others), _ENCODED_AT_ONCE):
        progress(_OTHERS, start, len(others))
        texts_of_block = _texts_of(others[start : start + _ENCODED_AT_ONCE])
        new += encode_ahead(encoder, texts_of_block, cache, lambda _: None, remember=False)
    if others:
        progress(_OTHERS, len(others), len(others))
    return new


def _texts_of(incidents: Sequence[ResolvedIncident]) -> list[str]:
    """Return each text that is encoded, once.

    Titles are encoded too, since similar incidents are searched by text and by title.
    """
    unique = dict.fromkeys(incident_text(incident.report) for incident in incidents)
    unique |= dict.fromkeys(clean_text(incident.report.title) for incident in incidents)
    return [text for text in unique if text]


def fit_and_judge(
    history: History,
    target: Target,
    split: Split,
    plan: TrainingPlan,
    adapted: FineTunedHead | None = None,
    allows_auto: Flags | None = None,
) -> tuple[CalibratedModel, Evaluation]:
    """Fit the model of one target, evaluate it on held-out rows, and certify it.

    After a drift, the confidence is lowered to what the held-out answers since then support, if
    they are by experts of the recent past, or else models of the past (see `judge_confidence`); if
    none is supported, all answers abstain and nothing is certified. The held-out predictions prove
    the certificates, which may be withheld. `allows_auto` has a flag for each incident: whether the
    model of novelty allows `auto`. Certificates are proven on these incidents alone, because only
    such reports are answered `auto`.
    """
    model = build_model(
        target.name,
        levels=target.levels,
        encoder=plan.encoder,
        seed=plan.seed,
        under_rating_cost=plan.under_rating_cost,
        adapted=adapted,
    )
    learned = without_late_severity(history)
    model.fit(learned.incidents, split.folds, split.copies, follows_time=bool(split.periods))
    reports = [incident.report for incident in history.incidents]
    evaluation = evaluate(model, target, split, reports, allows_auto)
    if evaluation.drift is not None and evaluation.drift.has_drifted:
        checks = _check_since_change(evaluation, history) if model.recent_past_ else ()
        checks = checks or check_past_origins(learned, target, split, plan)
        model.doubt(judge_confidence(checks, ordered=model.is_ordered))
        drift = _with_doubt(evaluation.drift, model.drift_doubt_)
        evaluation = evaluate(model, target, split, reports, allows_auto)
        evaluation = replace(evaluation, drift=drift)
    certification = prove(model, evaluation, split, plan)
    reason = why_auto_is_withheld(history)
    if reason is not None:
        certification = replace(certification, certificates={}, withheld=reason)
    model.certify(replace(certification, needs_novelty=allows_auto is not None))
    return model, evaluation


def _check_since_change(evaluation: Evaluation, history: History) -> tuple[OriginCheck, ...]:
    """Check the confidence on what came since the change, answered from what was known before it.

    With experts of the recent past the held-out answers are such answers, at the lag of use.
    """
    if evaluation.is_since_change is None:
        return ()
    rows = np.flatnonzero(evaluation.is_since_change)
    opened = [history.incidents[int(row)].report.opened_at for row in evaluation.rows[rows]]
    dated = [place for place, moment in enumerate(opened) if moment is not None]
    moments = [moment for moment in opened if moment is not None]
    return check_parts(take_rows(evaluation.judged, rows[dated]), moments)


def _with_doubt(drift: Drift, doubt: DriftDoubt) -> Drift:
    return replace(drift, statement="; ".join(filter(None, (drift.statement, doubt.statement))))


def why_auto_is_withheld(history: History) -> str | None:
    """Return why certificates are withheld, None if they are not.

    They are withheld if report columns that are learned from may have values that were entered
    after the opening.
    """
    columns = [
        column
        for column, provenance in without_late_severity(history).provenance.items()
        if provenance is not Provenance.OPENING
    ]
    if not columns:
        return None
    return (
        f"auto is withheld: the values of {', '.join(columns)} may have been entered after the "
        "opening; if they were known at opening, confirm it under `columns_known` in the mapping"
    )


def prove(
    model: CalibratedModel, evaluation: Evaluation, split: Split, plan: TrainingPlan
) -> Certification:
    """Return the certificates that the held-out predictions prove, at the precision of the plan.

    An answer that may not be `auto` counts as not confident. After a drift only the predictions
    since the drift count, because earlier predictions prove nothing for later incidents. Ordered
    levels need a second proof, of how rarely severe incidents are rated too low.
    """
    rows = np.flatnonzero(rows_since_drift(evaluation.drift, evaluation.rows, split))
    if model.drift_doubt_.abstains:
        return Certification(withheld=f"auto is withheld: {model.drift_doubt_.statement}")
    return certify(
        take_rows(evaluation.actionable, rows),
        model.classes_,
        split.copies[evaluation.rows[rows]],
        precision=plan.auto_precision,
        family=plan.family,
        severe_from=severe_levels_from(evaluation.judged.labels) if model.is_ordered else None,
    )


@dataclass(frozen=True, slots=True)
class Fitted:
    """A fitted model and its evaluation.

    `encoder` says in words whether the adapted encoder is used; None if adapting was not requested
    or does not apply to the target. `forecast` is the forecast for more labels.
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
    allows_auto: Flags | None = None,
) -> Fitted:
    """Fit with the original encoder and with the adapted one, if any; return the better model.

    `allows_auto` has a flag for each incident, see `fit_and_judge`.
    """
    fitted = _fit_better(history, target, split, plan, adapted, allows_auto)
    reports = [incident.report for incident in history.incidents]
    forecast = forecast_labels(fitted.model, fitted.evaluation, target, split, reports, plan)
    return replace(fitted, forecast=forecast)


def _fit_better(
    history: History,
    target: Target,
    split: Split,
    plan: TrainingPlan,
    adapted: AdaptedEncoder | str | None,
    allows_auto: Flags | None,
) -> Fitted:
    frozen = Fitted(*fit_and_judge(history, target, split, plan, allows_auto=allows_auto))
    if not isinstance(adapted, AdaptedEncoder):
        return replace(frozen, encoder=adapted)
    adapted_target = adapted.targets.get(target.name)
    if adapted_target is None:
        return frozen
    adapted_split = replace(split, folds=adapted_target.folds)
    model, evaluation = fit_and_judge(
        history, target, adapted_split, plan, adapted_target.head, allows_auto
    )
    is_better, comparison = compare_encoders(evaluation, frozen.evaluation)
    description = f"{adapted.describe()}; {comparison}"
    if is_better:
        return Fitted(model, evaluation, description, is_adapted=True)
    return replace(frozen, encoder=description)
