"""Precedent's detector beside its peers on WSD, KPI and NAB; its alarms beside their budget."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter

import numpy as np
from rich.console import Console
from telemetry_data import Floats, LabelledSeries, load_kpi, load_nab, load_wsd
from telemetry_nab import ScoredRows, carried_nab_score
from telemetry_ours import TIERS, OurScores, score_ours, state_bytes
from telemetry_peers import PEERS, Peer
from telemetry_point_f1 import ScoredCurve, carried_f1
from telemetry_scoring import (
    BUDGETS,
    AlarmScorer,
    ScoredSeries,
    SeriesAlarms,
    compare_recall,
    event_recall,
    high_rate,
    mean_rate,
    median_delay,
)

from models.base.estimate import Estimate

SUM_OF_CHANNELS, TIME_OF_DAY = "sum of channels", "time of day"

_AT = 1.0

Series = Sequence[LabelledSeries]
Figures = Mapping[str, Estimate | float | None]


@dataclass(frozen=True, slots=True)
class Detectors:
    """Figures of each method, and the gain in recall of ours over others, paired by series.

    `events` counts what is judged on WSD. A figure is None where a method was too slow for it.
    """

    events: int
    figures: Mapping[str, Figures]
    gains: Mapping[str, Figures]


@dataclass(frozen=True, slots=True)
class AlarmRate:
    """How often the service's own flags are false where it promised a budget a week."""

    flags: str
    budget: float
    real: Estimate
    high: float
    recall: Estimate


@dataclass(frozen=True, slots=True)
class _Scored:
    """A method's scores of the series of each source, shape (points,) each; None: not scored."""

    wsd: Sequence[Floats]
    kpi: Sequence[Floats] | None
    nab: Sequence[Floats]
    microseconds: float
    state_bytes: int


class TelemetryBench:
    """Scores every series once with every method, then judges the scores."""

    def __init__(self, most_series: int | None = None) -> None:
        self._wsd, self._kpi, self._nab = (
            load()[:most_series] for load in (load_wsd, load_kpi, load_nab)
        )
        self._ours: dict[str, dict[str, list[OurScores]]] = {}

    def compare_with_peers(self) -> Detectors:
        """Judge ours and every peer."""
        figures: dict[str, Figures] = {}
        alarms: dict[str, dict[float, list[SeriesAlarms]]] = {}
        for name, scored in self._score_everything():
            scorer = AlarmScorer(_pair(self._wsd, scored.wsd))
            alarms[name] = {budget: scorer.judge_carried(budget) for budget in BUDGETS}
            figures[name] = self._figures(scored, alarms[name])
            Console(stderr=True).print(name, figures[name][recall_at(_AT)], markup=False)
        gains = {
            f"Precedent, {tier}, less {other}": {
                recall_at(b): compare_recall(alarms[f"Precedent, {tier}"][b], alarms[other][b])
                for b in BUDGETS
            }
            for tier in TIERS
            for other in (SUM_OF_CHANNELS, TIME_OF_DAY)
        }
        events = sum(len(series.delays) for series in alarms[TIME_OF_DAY][_AT])
        return Detectors(events, figures, gains)

    def check_alarm_rates(self) -> list[AlarmRate]:
        """Compare budgets with the real rates of flags raised at them, on WSD and KPI."""
        return [
            _rate(f"{tier}, {source}", AlarmScorer(self._own_flags(source, tier)), budget)
            for tier in TIERS
            for source in ("WSD", "KPI")
            for budget in BUDGETS
        ]

    def _score_everything(self):
        for tier in TIERS:
            scored, rated = self._score_ours(tier)
            yield f"Precedent, {tier}", scored
            yield f"Precedent, {tier}, by expected a week", rated
        for name, peer in PEERS.items():
            yield name, self._score_peer(peer)

    def _score_ours(self, tier: str) -> tuple[_Scored, _Scored]:
        """Return what is judged by score, and by how often the series reaches it by itself."""
        score_ours(self._wsd[0], tier)
        started = perf_counter()
        wsd = [score_ours(curve, tier) for curve in self._wsd]
        seconds = perf_counter() - started
        self._ours[tier] = {"WSD": wsd, "KPI": [score_ours(curve, tier) for curve in self._kpi]}
        sources = wsd, self._ours[tier]["KPI"], [score_ours(curve, tier) for curve in self._nab]
        costs = _per_point(seconds, self._wsd), state_bytes(tier)
        scored = [[curve.scores for curve in curves] for curves in sources]
        rated = [[-np.log(curve.alarms_per_week) for curve in curves] for curves in sources]
        return _Scored(*scored, *costs), _Scored(*rated, *costs)

    def _score_peer(self, peer: Peer) -> _Scored:
        started = perf_counter()
        wsd = _score_all(peer.score, self._wsd)
        seconds = perf_counter() - started
        return _Scored(
            wsd,
            None if peer.is_slow else _score_all(peer.score, self._kpi),
            _score_all(peer.score, self._nab),
            _per_point(seconds, self._wsd),
            peer.state_bytes,
        )

    def _figures(self, scored: _Scored, alarms: Mapping[float, Sequence[SeriesAlarms]]) -> Figures:
        per_curve, pooled = self._point_f1(scored.kpi)
        rows = [
            ScoredRows(scores[curve.cells], curve.is_event[curve.cells])
            for curve, scores in zip(self._nab, scored.nab, strict=True)
        ]
        return {
            **{recall_at(budget): event_recall(alarms[budget]) for budget in BUDGETS},
            "p90 of false alarms": high_rate(alarms[_AT]),
            "delay, minutes": median_delay(alarms[_AT]),
            "KPI F1, threshold per curve": per_curve,
            "KPI F1, one threshold": pooled,
            "NAB": carried_nab_score(rows),
            "µs a point": scored.microseconds,
            "bytes a series": float(scored.state_bytes),
        }

    def _point_f1(self, scores: Sequence[Floats] | None) -> tuple[Estimate | None, Estimate | None]:
        if scores is None:
            return None, None
        curves = [
            ScoredCurve(curve.times, its, curve.is_event, curve.is_test)
            for curve, its in zip(self._kpi, scores, strict=True)
        ]
        return carried_f1(curves, per_curve=True), carried_f1(curves, per_curve=False)

    def _own_flags(self, source: str, tier: str) -> list[ScoredSeries]:
        series = self._wsd if source == "WSD" else self._kpi
        return _pair(series, [-curve.alarms_per_week for curve in self._ours[tier][source]])


def recall_at(budget: float) -> str:
    """Name the recall of WSD's events at a budget."""
    return f"WSD recall at {budget:g}"


def _rate(flags: str, scorer: AlarmScorer, budget: float) -> AlarmRate:
    """Judge flags, scored by the expected alarms negated, where these are at most the budget."""
    alarms = scorer.judge_at(float(np.nextafter(-budget, -np.inf)))
    return AlarmRate(flags, budget, mean_rate(alarms), high_rate(alarms), event_recall(alarms))


def _score_all(score: Callable[[Floats, int], Floats], series: Series) -> list[Floats]:
    return [score(curve.values, curve.step_seconds) for curve in series]


def _pair(series: Series, scores: Sequence[Floats]) -> list[ScoredSeries]:
    return [
        ScoredSeries(curve.times, its, curve.is_event)
        for curve, its in zip(series, scores, strict=True)
    ]


def _per_point(seconds: float, series: Series) -> float:
    return 1e6 * seconds / sum(len(curve.times) for curve in series)
