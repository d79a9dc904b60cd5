"""Fits models on what was known at moments of the past, and compares their confidence later."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np

from features.domain.history import History
from features.domain.report import ResolvedIncident
from features.errors import NotEnoughHistory
from models.base.target_labels import label_of
from models.classification.learning.cross_validation import Rows, one_of_each
from models.kinds import build_model
from training.dataset.split import Split, split_history
from training.dataset.targets import Target
from training.evaluation.drift_doubt import OriginCheck
from training.plan import TrainingPlan

_ORIGINS = (0.25, 0.375, 0.5, 0.625, 0.75)
_SPAN = 0.25
_MOST_LEARNED = 3_000
_MOST_ASKED = 1_500
_FEWEST_ANSWERS = 30


def check_past_origins(
    history: History, target: Target, split: Split, plan: TrainingPlan
) -> tuple[OriginCheck, ...]:
    """Return the confidence and accuracy of models of the past, about the incidents after each.

    The origins are five, from a quarter to three quarters of the dated incidents. A model learns
    from at most the newest 3,000 incidents whose label was known by then, by the whole method, and
    answers the next quarter: the lag at which a model is used until it is replaced. Of near-copies
    one is asked, and of more than 1,500 incidents every n-th. Origins with fewer than 30 answers,
    or with too little to learn from, are left out.
    """
    dated = [row for row, incident in enumerate(history.incidents) if incident.report.opened_at]
    order = sorted(dated, key=lambda row: _opened_at(history.incidents[row]))
    labelled = {
        row for row in dated if label_of(history.incidents[row].outcome, target.name) is not None
    }
    checks = []
    for share in _ORIGINS:
        start, end = (round(part * len(order)) for part in (share, share + _SPAN))
        if start == end:
            continue
        origin = _opened_at(history.incidents[order[start]])
        learned = [
            history.incidents[row]
            for row in order[:start]
            if row in labelled and _is_known(history.incidents[row], origin)
        ]
        later = np.array([row for row in order[start:end] if row in labelled], dtype=np.int64)
        check = _check(history, target, plan, learned, _draw(later, split.copies), origin)
        if check is not None:
            checks.append(check)
    return tuple(checks)


def _check(
    history: History,
    target: Target,
    plan: TrainingPlan,
    learned: Sequence[ResolvedIncident],
    rows: Rows,
    origin: datetime,
) -> OriginCheck | None:
    if len(rows) < _FEWEST_ANSWERS:
        return None
    past = replace(history, incidents=tuple(learned[-_MOST_LEARNED:]), groups=())
    split = split_history(past, seed=plan.seed)
    model = build_model(
        target.name,
        levels=target.levels,
        encoder=plan.encoder,
        seed=plan.seed,
        under_rating_cost=plan.under_rating_cost,
    )
    try:
        model.fit(past.incidents, split.folds, split.copies, follows_time=bool(split.periods))
    except NotEnoughHistory:
        return None
    probabilities = model.predict_proba([history.incidents[int(row)].report for row in rows])
    picked = model.pick(probabilities)
    is_right = [
        model.classes_[number] == label_of(history.incidents[int(row)].outcome, target.name)
        for number, row in zip(picked, rows, strict=True)
    ]
    confidence = probabilities[np.arange(len(rows)), picked]
    return OriginCheck(
        origin, len(rows), float(confidence.mean()), float(np.mean(is_right)), len(model.classes_)
    )


def _draw(rows: Rows, copies: Rows) -> Rows:
    sample = rows[one_of_each(copies[rows])] if len(rows) else rows
    return sample[:: max(-(-len(sample) // _MOST_ASKED), 1)]


def _is_known(incident: ResolvedIncident, origin: datetime) -> bool:
    moment = incident.labels_known_at
    return moment is not None and moment <= origin


def _opened_at(incident: ResolvedIncident) -> datetime:
    return incident.report.opened_at or datetime.min.replace(tzinfo=UTC)
