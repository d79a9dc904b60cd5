"""Prints what the shipped constants of alarm rates were rounded from, for two sources of series.

Those of `models/timeseries/anomaly_model.py` are WSD's. What a series ended with is printed as the
median over series; each began with the shipped constants, so they are settled where the two agree.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from rich.console import Console
from telemetry_data import LabelledSeries, load_kpi, load_wsd
from telemetry_ours import TIERS, Tier
from telemetry_scoring import AlarmScorer, ScoredSeries

from models.timeseries.anomaly_model import _ALARMS, AnomalyModel

_BUDGET = 1.0


class Learned(NamedTuple):
    """What one series ended with, and its points scored by how rare an alarm there would be."""

    quantile: float
    excess: float
    often: float
    scored: ScoredSeries


def main() -> None:
    """Print quantile, excess, often and false share of each tier beside those shipped."""
    console = Console()
    for name, load in (("WSD", load_wsd), ("KPI", load_kpi)):
        series = load()
        for tier in TIERS:
            learned = [_learn(curve, tier) for curve in series]
            console.print(f"{name}, {len(series)} series, {tier}")
            for constant in ("quantile", "excess", "often"):
                middle = np.median([getattr(fitted, constant) for fitted in learned])
                _print(console, tier, constant, float(middle))
            _print_false_share(console, tier, [fitted.scored for fitted in learned])


def _learn(series: LabelledSeries, tier: Tier) -> Learned:
    model = AnomalyModel(tier=tier, step_seconds=series.step_seconds)
    states = model.start(1)
    scores = model.update(states, series.times, series.values[np.newaxis])
    (state,) = states
    return Learned(
        quantile=state["quantile"],
        excess=state["excess"] / state["exceedances"],
        often=state["often"],
        scored=ScoredSeries(series.times, -np.log(scores.alarms_per_week[0]), series.is_event),
    )


def _print_false_share(console: Console, tier: Tier, scored: Sequence[ScoredSeries]) -> None:
    """Rates are proportional to the false share: what meets the budget tells what it must be."""
    scorer = AlarmScorer(scored)
    console.print(f"  real rate at a budget of {_BUDGET:g} a week {_rate(scorer, _BUDGET):.2f}")
    low, high = np.log(_BUDGET / 16), np.log(_BUDGET * 16)
    while high - low > 0.01:
        middle = (low + high) / 2
        low, high = (middle, high) if _rate(scorer, np.exp(middle)) < _BUDGET else (low, middle)
    _print(console, tier, "false_share", _ALARMS[tier].false_share * _BUDGET / np.exp(low))


def _rate(scorer: AlarmScorer, alarms_per_week: float) -> float:
    """Return the real false alarms a week of flags at so many expected ones."""
    judged = scorer.judge_at(-np.log(alarms_per_week))
    return sum(series.false_alarms for series in judged) / sum(series.weeks for series in judged)


def _print(console: Console, tier: Tier, constant: str, found: float) -> None:
    console.print(f"  {constant} {found:.3f} (shipped {getattr(_ALARMS[tier], constant)})")


if __name__ == "__main__":
    main()
