"""Measures whether incidents were resolved within the interval that was foreseen."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from features.domain.monitoring import Measure
from features.domain.predictions import PredictionRecord
from features.domain.report import ResolvedIncident
from features.store.store import Store
from models.artifacts.read_card import read_card
from models.artifacts.registry import ModelRegistry
from models.resolution.conformal_levels import LOWER, MEDIAN, UPPER, observation_weights
from models.resolution.observations import observe
from models.resolution.resolution_predictor import TARGET
from training.evaluation.bootstrap import Floats, bootstrap
from training.monitoring.dataset import opened_at
from training.monitoring.findings import Findings

_MIN_RESOLVED = 10


def measure_resolution(
    store: Store, registry: ModelRegistry, incidents: Sequence[ResolvedIncident]
) -> Findings:
    """Compare the champion's first answers with when the incidents were resolved.

    Only incidents that opened after the champion's data ended count. Resolved ones also stand for
    those that are still open (see `observation_weights`). Returns no measures with fewer than 10
    resolved incidents. Raises `RegistryUnavailable` and `StoreUnavailable`.
    """
    champion = registry.champions().get(TARGET)
    if champion is None:
        return Findings()
    learned_until = read_card(champion).cutoff or champion.trained_at
    answers = _first_answers(store.predictions.of_version(TARGET, champion.version))
    answered = [
        incident
        for incident in incidents
        if opened_at(incident) > learned_until and incident.report.id in answers
    ]
    return Findings(tuple(_measure(answered, answers)))


def _first_answers(records: Sequence[PredictionRecord]) -> dict[str, Mapping[str, Any]]:
    first: dict[str, Mapping[str, Any]] = {}
    for record in records:
        if record.answer.get("median_hours") is not None:
            first.setdefault(record.incident_id, record.answer)
    return first


def _measure(
    incidents: Sequence[ResolvedIncident], answers: Mapping[str, Mapping[str, Any]]
) -> list[Measure]:
    seen = observe(incidents)
    weights = observation_weights(seen.hours, seen.is_resolved, seen.follow_up)
    rows = np.flatnonzero((weights > 0) & seen.is_timed)
    if len(rows) < _MIN_RESOLVED:
        return []
    hours, weights = seen.hours[rows], weights[rows]
    given = [answers[incidents[row].report.id] for row in rows.tolist()]
    lower, median, upper = (_hours(given, f"{name}_hours") for name in ("lower", "median", "upper"))
    days = np.array([opened_at(incidents[row]).toordinal() for row in rows.tolist()])

    def share(name: str, is_true: Floats, reference: float) -> Measure:
        estimate = bootstrap(
            lambda weight: float((weight * weights) @ is_true / (weight @ weights)),
            days,
            replicates=400,
        )
        return Measure(name, *estimate.triple, reference, TARGET, n=len(rows))

    within = ((hours >= lower) & (hours <= upper)).astype(np.float64)
    return [
        share("resolved within the interval", within, round(UPPER - LOWER, 2)),
        share("resolved within the median", (hours <= median).astype(np.float64), MEDIAN),
    ]


def _hours(answers: Sequence[Mapping[str, Any]], name: str) -> Floats:
    values = [np.inf if answer.get(name) is None else answer[name] for answer in answers]
    return np.array(values, dtype=np.float64)
