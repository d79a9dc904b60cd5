"""Keeps the rates of a target's labels up to date between trainings, and logs their changes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.domain.audit_event import AuditEvent
from features.domain.label_rates import LabelRates
from features.domain.report import IncidentReport
from features.store.store import Store
from models.classification.calibrated_model import CalibratedModel
from models.statistics.label_bias import evidence_of_bias, fit_label_bias

Floats = NDArray[np.float64]

MOST_LABELS = 100
"""How many of the newest labelled incidents the rates rest on at most."""

_FEWEST_LABELS = 20
_LEAST_EVIDENCE = float(np.log(100.0))
_LEAST_FACTOR, _LEAST_CHANGE = 0.05, 0.2
_LEAST_PROBABILITY = 1e-6
_ACTION, _BY_ITSELF = "label rates", "precedent"


@dataclass(frozen=True, slots=True)
class LabelledReport:
    """A report and its correct label; the time of its opening is known."""

    report: IncidentReport
    label: str
    opened_at: datetime


class RateEstimator:
    """Estimates the label rates of one version again and again; asks it once about each report."""

    def __init__(self, model: CalibratedModel, version: str) -> None:
        self._model = model
        self.version = version
        self._answers: dict[str, Floats] = {}

    def estimate(self, newest: Sequence[LabelledReport], now: datetime) -> LabelRates | None:
        """Return how often labels occur lately, against the probabilities of the version.

        `newest` are incidents that the version has not learned from; the newest 100 of them with a
        label that it knows count. None with fewer than 20, or without evidence of 100 to 1 that
        other rates predict the labels better than the version's own (see `evidence_of_bias`).
        """
        numbers = {label: number for number, label in enumerate(self._model.classes_)}
        known = [one for one in newest if one.label in numbers]
        counted = sorted(known, key=lambda one: one.opened_at)[-MOST_LABELS:]
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

    def _ask(self, reports: Sequence[IncidentReport]) -> Floats:
        """Return log probabilities of shape (reports, classes)."""
        new = [report for report in reports if report.id not in self._answers]
        probabilities = np.maximum(self._model.predict_proba(new), _LEAST_PROBABILITY)
        asked = dict(zip((report.id for report in new), np.log(probabilities), strict=True))
        self._answers = {report.id: (self._answers | asked)[report.id] for report in reports}
        return np.array(list(self._answers.values()))


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
