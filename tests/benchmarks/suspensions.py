"""How often a champion is suspended without reason, and how soon with reason, over seeded years.

Every day of a year the newest period is judged, with all labels that are at least a week old. A
quiet year has no change: each suspension in it is wrong. In a year with a new policy, most
incidents get one label that was rare, whatever their text says, from some day on. The champion is a
linear model, fitted once on the 120 days before the year.
"""

import argparse
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from concept_change import pools
from concept_years import PAST_DAYS, YEAR_DAYS, Year, make_year
from rich.console import Console
from sklearn.linear_model import RidgeClassifier

from features.home import open_home
from training.monitoring.dataset import opened_at
from training.monitoring.newest_period import ERROR, LabelledIncident, judge_newest_period

_LAG_DAYS = 7.0
_POLICY_SHARE = 0.6
_FEW = 60
CHAMPIONS = ("fitted", "fitted on 60", "no better than its baseline")


@dataclass(frozen=True, slots=True)
class Suspended:
    """Of the years of one kind: in how many the champion was suspended, and after how many labels.

    `before` counts the years with a suspension that was wrong. `waits` are quantiles of the number
    of labelled incidents from the change to the suspension, `missed` the years without one.
    """

    source: str
    champion: str
    kind: str
    error: float
    years: int
    before: int
    median: float | None = None
    nine_in_ten: float | None = None
    missed: int = 0


def judged_incidents(
    year: Year, champion: str, *, changed_at: float | None, seed: int
) -> list[LabelledIncident]:
    """Return the year's incidents with the champion's answers, changed from some day on."""
    rng = np.random.default_rng([seed, CHAMPIONS.index(champion)])
    labels = np.array([label or "" for label in year.dataset.labels("category")])
    since, days = year.since, year.dataset.days
    answers = _answers(year, labels, champion, rng)
    if changed_at is not None:
        names, counts = np.unique(labels[:since], return_counts=True)
        is_new = (days >= changed_at) & (rng.random(len(days)) < _POLICY_SHARE)
        labels = np.where(is_new, names[counts.argsort()[len(names) // 2]], labels)
    return [
        LabelledIncident(
            opened_at(incident), str(label), str(answers[row - since]) if row >= since else None
        )
        for row, (incident, label) in enumerate(zip(year.dataset.incidents, labels, strict=True))
    ]


def _answers(year: Year, labels: np.ndarray, champion: str, rng: np.random.Generator) -> np.ndarray:
    since = year.since
    if champion == CHAMPIONS[2]:
        _, counts = np.unique(labels[:since], return_counts=True)
        is_right = rng.random(len(labels) - since) < counts.max() / since
        return np.where(is_right, labels[since:], "wrong")
    rows = np.arange(since) if champion == "fitted" else np.arange(since - _FEW, since)
    model = RidgeClassifier().fit(year.dataset.vectors[rows], labels[rows])
    return model.predict(year.dataset.vectors[since:])


def daily_p_values(
    incidents: Sequence[LabelledIncident], start: float
) -> list[tuple[float, float]]:
    """Return each day on which there are new labels, with the p-value that the judgement has."""
    days = [incident.opened_at.timestamp() / 86_400 for incident in incidents]
    p_values, last = [], 0
    for day in np.arange(start, start + YEAR_DAYS):
        until = bisect_right(days, day - _LAG_DAYS)
        known, last, is_new = incidents[max(until - 1_000, 0) : until], until, until > last
        # With an error of 1 the judgement is always about the period with the smallest p-value.
        judgement = judge_newest_period("", "", known, error=1.0) if is_new else None
        if judgement is not None:
            p_values.append((float(day), judgement.p_value))
    return p_values


def measure_suspensions(
    pool, a_year: int, *, seeds: int, errors: Sequence[float], champions: Sequence[str]
) -> Iterator[Suspended]:
    """Measure quiet years of each champion, and years with a new policy of the fitted one."""
    years = [
        make_year(pool, "quiet", seed=seed, a_year=a_year, share=0.12) for seed in range(seeds)
    ]
    start = float(years[0].dataset.days[0] // 1 + PAST_DAYS)
    for champion in champions:
        quiet = [
            daily_p_values(judged_incidents(year, champion, changed_at=None, seed=seed), start)
            for seed, year in enumerate(years)
        ]
        for error in errors:
            before = sum(_first(p_values, error) is not None for p_values in quiet)
            yield Suspended(pool.name, champion, "quiet", error, seeds, before)
    yield from _measure_changes(pool.name, years, start, errors)


def _measure_changes(
    source: str, years: Sequence[Year], start: float, errors: Sequence[float]
) -> Iterator[Suspended]:
    changed, first = [], CHAMPIONS[0]
    for seed, year in enumerate(years):
        change = start + float(np.random.default_rng(seed).uniform(60, 250))
        incidents = judged_incidents(year, first, changed_at=change, seed=seed)
        changed.append((change, incidents, daily_p_values(incidents, start)))
    for error in errors:
        firsts = [_first(p_values, error) for _, _, p_values in changed]
        waits = sorted(
            _labels_between(incidents, change, day)
            for (change, incidents, _), day in zip(changed, firsts, strict=True)
            if day is None or day >= change
        )
        yield Suspended(
            source,
            first,
            "new policy",
            error,
            len(years),
            len(years) - len(waits),
            _quantile(waits, 0.5),
            _quantile(waits, 0.9),
            sum(day is None for day in firsts),
        )


def _first(p_values: Sequence[tuple[float, float]], error: float) -> float | None:
    return next((day for day, p_value in p_values if p_value < error), None)


def _labels_between(
    incidents: Sequence[LabelledIncident], change: float, day: float | None
) -> float:
    if day is None:
        return np.inf
    days = np.array([incident.opened_at.timestamp() / 86_400 for incident in incidents])
    return float(((days >= change) & (days <= day - _LAG_DAYS)).sum())


def _quantile(waits: list[float], share: float) -> float | None:
    wait = waits[min(int(np.ceil(share * len(waits))), len(waits)) - 1]
    return None if wait == np.inf else float(wait)


def main() -> None:
    """Print each figure as it is measured; nothing is written."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pool", nargs="+", default=["it-tickets", "assignment"])
    parser.add_argument("--a-year", type=int, default=None, help="incidents a year")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--error", type=float, nargs="+", default=[ERROR])
    parser.add_argument("--champion", nargs="+", default=list(CHAMPIONS))
    arguments = parser.parse_args()
    for pool, a_year in pools(open_home(), tuple(arguments.pool)):
        for suspended in measure_suspensions(
            pool,
            arguments.a_year or a_year,
            seeds=arguments.seeds,
            errors=arguments.error,
            champions=arguments.champion,
        ):
            Console().print_json(data=asdict(suspended), indent=None)


if __name__ == "__main__":
    main()
