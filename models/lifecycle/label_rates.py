"""Keeps the rates of a target's labels up to date between trainings, and logs their changes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.domain.audit_event import AuditEvent
from features.domain.label_rates import LabelRates
from features.domain.report import IncidentReport
from features.store.store import Store
from features.text.fingerprint import fingerprint
from models.classification.calibrated_predictor import CalibratedPredictor
from models.classification.learning.cross_validation import report_copy_groups
from models.statistics.label_bias import evidence_of_bias, fit_label_bias

Floats = NDArray[np.float64]

MOST_LABELS = 100
"""How many of the newest labelled incidents the rates rest on at most."""

_FEWEST_LABELS = 20
_LEAST_EVIDENCE = float(np.log(100.0))
_LEAST_FACTOR, _LEAST_CHANGE = 0.05, 0.2
_LEAST_PROBABILITY = 1e-6
_LABELLED = 0.9
_ACTION, _BY_ITSELF = "label rates", "precedent"


@dataclass(frozen=True, slots=True)
class LabelledReport:
    """A report, its correct label, and when it was opened and labelled."""

    report: IncidentReport
    label: str
    opened_at: datetime
    labelled_at: datetime


class RateEstimator:
    """Estimates the label rates of one version again and again; asks it once about each report."""

    def __init__(self, model: CalibratedPredictor, version: str, learned_until: datetime) -> None:
        self._model = model
        self.version = version
        self._learned_until = learned_until
        self._answers: dict[str, Floats] = {}

    def estimate(self, labelled: Sequence[LabelledReport], now: datetime) -> LabelRates | None:
        """Return how often labels occur lately, against the probabilities of the version.

        The newest 100 incidents count that the version has not learned from, with a label that it
        knows; of near-copies one counts. Where some kinds of incidents are labelled sooner than
        others, the newest labelled ones are not like all: so only incidents count whose opening is
        longer ago than nine in ten labels take. None with fewer than 20 incidents, or without
        evidence of 100 to 1 that other rates predict the labels better than the version's own (see
        `evidence_of_bias`).
        """
        numbers = {label: number for number, label in enumerate(self._model.classes_)}
        counted = [one for one in self._select(labelled) if one.label in numbers][-MOST_LABELS:]
        if len(counted) < _FEWEST_LABELS:
            return None
        answers = self._ask([one.report for one in counted])
        labels = np.array([numbers[one.label] for one in counted], dtype=np.int64)
        if evidence_of_bias(answers, labels) < _LEAST_EVIDENCE:
            return None
        bias = fit_label_bias(answers, labels).tolist()
        factors = {
            label: round(factor, 3)
            for label, factor in zip(self._model.classes_, bias, strict=True)
            if abs(factor) >= _LEAST_FACTOR
        }
        since = counted[0].opened_at
        return LabelRates(self._model.target, self.version, factors, len(counted), since, now)

    def _select(self, labelled: Sequence[LabelledReport]) -> list[LabelledReport]:
        """Return the incidents that stand for all since the version's data ended, oldest first."""
        if not labelled:
            return []
        delays = [(one.labelled_at - one.opened_at).total_seconds() for one in labelled]
        newest = max(one.labelled_at for one in labelled)
        usual_delay = timedelta(seconds=max(float(np.quantile(delays, _LABELLED)), 0.0))
        mature = [
            one
            for one in sorted(labelled, key=lambda one: one.opened_at)
            if self._learned_until < one.opened_at <= newest - usual_delay
        ]
        if not mature:
            return []
        groups = report_copy_groups([one.report for one in mature])
        first_rows = np.sort(np.unique(groups, return_index=True)[1])
        return [mature[int(row)] for row in first_rows]

    def _ask(self, reports: Sequence[IncidentReport]) -> Floats:
        """Return log probabilities of shape (reports, classes)."""
        prints = [fingerprint(report) for report in reports]
        new = dict(zip(prints, reports, strict=True))
        for known in self._answers.keys() & new.keys():
            del new[known]
        probabilities = self._model.predict_proba(list(new.values()))
        asked = dict(zip(new, np.log(np.maximum(probabilities, _LEAST_PROBABILITY)), strict=True))
        known_answers = self._answers | asked
        self._answers = {print_: known_answers[print_] for print_ in prints}
        return np.array([self._answers[print_] for print_ in prints])


def save_label_rates(
    target: str, version: str, rates: LabelRates | None, store: Store, now: datetime
) -> bool:
    """Store the rates of a target's champion in place of earlier ones, and log the change.

    None removes them. A change is stored if a factor becomes a fifth larger or smaller, or if the
    champion is another one; returns whether it is. Raises `StoreUnavailable`.
    """
    before = next((one for one in store.label_rates.all() if one.target == target), None)
    if rates is None:
        if before is None or not store.label_rates.remove(target):
            return False
        reason = f"the rates of labels are no longer corrected; before: {before.describe()}"
        _log(store, target, version, reason, {}, now)
        return True
    if before is not None and before.version == rates.version and not _differ(before, rates):
        return False
    store.label_rates.save(rates)
    details = {"log_factors": dict(rates.log_factors), "incidents": rates.incidents}
    _log(store, target, version, rates.describe(), details, now)
    return True


def _differ(before: LabelRates, after: LabelRates) -> bool:
    labels = before.log_factors.keys() | after.log_factors.keys()
    changes = [
        abs(before.log_factors.get(label, 0.0) - after.log_factors.get(label, 0.0))
        for label in labels
    ]
    return max(changes, default=0.0) >= _LEAST_CHANGE


def _log(
    store: Store, target: str, version: str, reason: str, details: Mapping[str, Any], now: datetime
) -> None:
    event = AuditEvent(now, _BY_ITSELF, _ACTION, target, version, reason, details)
    store.audit_log.append(event)
