"""How well the time to resolve, a breach and a reassignment are foreseen at opening.

`python tests/benchmarks/resolution.py [servicenow-log|bank-incidents] [--final]` learns from the
incidents before the beginning of a month, as they were known then, and judges those that opened in
it; of a data set without times, it learns from the first three quarters of the rows. With
`--final`, the past has the outcomes that it got later, as in an export that was made long after;
contexts still hold only what was known at opening. The peer is scikit-learn's gradient boosting on
the same features: quantile losses of the hours, or of their logarithm, and log loss for the risks.
Intervals are 95%, by resampling days. Prints JSON lines and, without `--final`, writes a section
of RESULTS.md. Needs `PRECEDENT_DATA`.
"""

import argparse
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from time import perf_counter

import numpy as np
from data_sets import DATA_SETS, DataSet
from results import NamedFigure, describe_run, keep_section, named_figures_section
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.metrics import average_precision_score, roc_auc_score

from features.domain.report import ResolvedIncident
from features.imports.column_mapping import load_mapping
from features.imports.load_history import load_history
from features.search.precedent_index import PrecedentIndex
from models.resolution.observations import Observations, observe
from models.resolution.past_contexts import is_dated, learning_order, past_contexts
from models.resolution.resolution_model import ResolutionModel
from training.dataset.known_outcomes import known_at
from training.evaluation.bootstrap import bootstrap

NAMES = ("servicenow-log", "bank-incidents")
ORIGINS = (datetime(2016, 4, 1, tzinfo=UTC), datetime(2016, 5, 1, tzinfo=UTC))
LEVELS = (0.1, 0.5, 0.9)

_NOTE = """How the time to resolve and its risks are foreseen at opening, in months after the past.

Beside gradient boosting on the same features; a gain is ours less the peer's. A loss over the
levels .1, .5 and .9 is of hours, or of their logarithm; the peer's quantiles are fitted to each."""

Incidents = Sequence[ResolvedIncident]
Floats = np.ndarray
Scale = Callable[[Floats], Floats]


@dataclass(frozen=True, slots=True)
class Forecasts:
    """Forecasts of ours and of the peer, beside what came; one row for each judged incident.

    All quantiles have shape (incidents, levels), in hours; those of the peer are fitted to the
    hours, or to their logarithm.
    """

    days: Floats
    months: Floats
    seen: Observations
    quantiles: Floats
    peer_quantiles: Floats
    peer_log_quantiles: Floats
    risks: dict[str, tuple[Floats, Floats]]


def main() -> None:
    """Print the figures of one data set as JSON lines."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data_set", nargs="?", default=NAMES[0], choices=NAMES)
    parser.add_argument("--final", action="store_true")
    options = parser.parse_args()
    incidents = load_incidents(DATA_SETS[options.data_set])
    periods = list(forecast_periods(incidents, is_final=options.final))
    lines = [line for period in periods for line in measure(period)]
    if len(periods) > 1:
        lines += [line | {"month": "all"} for line in measure(join(periods))]
    for line in lines:
        show(data_set=options.data_set, **line)
    if not options.final:
        command = f"python tests/benchmarks/resolution.py {options.data_set}"
        figures = [figure for line in lines for figure in named_figures(line)]
        section = named_figures_section(_NOTE, figures, describe_run(command))
        keep_section(f"resolution: {options.data_set}", section)


def named_figures(line: Mapping[str, object]) -> Iterator[NamedFigure]:
    """Yield the estimates of one line, named by what they are of and their month, if any."""
    about = " ".join(str(line[key]) for key in ("month", "risk") if line.get(key))
    for name, value in line.items():
        if isinstance(value, list):
            words = f"{about}: {name.replace('_', ' ')}".removeprefix(": ")
            yield NamedFigure(words, *value, _goal(name) if line["month"] else "")


def _goal(name: str) -> str:
    if name == "coverage_ours":
        return ".75 to .85"
    if name.endswith("_gain"):
        return "below 0" if name.startswith(("pinball", "log_loss")) else "above 0"
    return ""


def load_incidents(data_set: DataSet) -> Incidents:
    """Read a data set with all facts of the opening, and the outcomes of its resolution."""
    name = data_set.mapping.with_name(f"{data_set.name}-resolution.yaml")
    return load_history(data_set.path, load_mapping(name)).incidents


def forecast_periods(incidents: Incidents, *, is_final: bool) -> Iterator[Forecasts]:
    """Yield the forecasts of each judged period, each by models of its past."""
    if not is_dated(incidents):
        cut = 3 * len(incidents) // 4
        yield forecast(incidents[:cut], incidents[cut:], None)
        return
    for number, origin in enumerate(ORIGINS):
        end = ORIGINS[number + 1] if number + 1 < len(ORIGINS) else datetime.max.replace(tzinfo=UTC)
        until = None if is_final else origin
        past = [known_at(incident, until) for incident in opened(incidents, None, origin)]
        past = [incident for incident in past if not has_no_end(incident)]
        index = PrecedentIndex(incidents)
        yield forecast(past, opened(incidents, origin, end), until, index)


def opened(incidents: Incidents, start: datetime | None, end: datetime) -> list[ResolvedIncident]:
    """Return the incidents that opened in a period."""
    return [
        incident
        for incident in incidents
        if incident.report.opened_at is not None
        and (start is None or incident.report.opened_at >= start)
        and incident.report.opened_at < end
    ]


def has_no_end(incident: ResolvedIncident) -> bool:
    """Return whether an incident is resolved at an unknown time, so that none can learn from it."""
    return incident.outcome.resolved_at is None and not incident.outcome.is_open


def forecast(
    past: Incidents,
    judged: Incidents,
    cutoff: datetime | None,
    index: PrecedentIndex | None = None,
) -> Forecasts:
    """Learn from the past, and forecast the judged incidents, ours and the peer's."""
    order = learning_order(past)
    contexts, seen = past_contexts(past), observe(past, cutoff=cutoff)
    contexts, seen = [contexts[row] for row in order], seen.take(order)
    started = perf_counter()
    model = ResolutionModel().learn(contexts, seen)
    seconds = perf_counter() - started
    future = (index or PrecedentIndex(past)).contexts_of([incident.report for incident in judged])
    predictions = model.forecast(future)
    features, new = model.features_.transform(contexts), model.features_.transform(future)
    moments = [incident.report.opened_at for incident in judged]
    show(
        learned=len(past), judged=len(judged), seconds=round(seconds, 1), levels=str(model.levels_)
    )
    quantiles = np.array(
        [[p.lower_hours, p.median_hours, p.upper_hours] for p in predictions], dtype=np.float64
    )
    quantiles[:, 2] = np.where(np.isnan(quantiles[:, 2]), np.inf, quantiles[:, 2])
    outcomes = {
        "breach": ("breach_probability", seen.missed),
        "reassignment": ("reassignment_probability", seen.reassigned),
    }
    return Forecasts(
        days=np.array([number if m is None else m.toordinal() for number, m in enumerate(moments)]),
        months=np.array(["" if m is None else f"{m:%Y-%m}" for m in moments]),
        seen=observe(judged),
        quantiles=quantiles,
        peer_quantiles=peer_quantiles(features, seen, new, np.asarray, np.asarray),
        peer_log_quantiles=peer_quantiles(features, seen, new, np.log, np.exp),
        risks={
            name: (
                np.array([getattr(p, field) for p in predictions], dtype=np.float64),
                peer_risk(features, outcome, new),
            )
            for name, (field, outcome) in outcomes.items()
        },
    )


def peer_quantiles(
    features: Floats, seen: Observations, new: Floats, scale: Scale, unscale: Scale
) -> Floats:
    """Return the quantiles of gradient boosting on the resolved incidents."""
    rows = seen.is_timed & seen.is_resolved
    if not rows.any():
        return np.full((len(new), len(LEVELS)), np.nan)
    hours = scale(seen.hours[rows])
    return np.column_stack(
        [
            unscale(
                HistGradientBoostingRegressor(loss="quantile", quantile=level, random_state=0)
                .fit(features[rows], hours)
                .predict(new)
            )
            for level in LEVELS
        ]
    )


def peer_risk(features: Floats, outcome: Floats, new: Floats) -> Floats:
    """Return the probabilities of gradient boosting on the known outcomes."""
    known = np.isfinite(outcome)
    if len(np.unique(outcome[known])) < 2:
        return np.full(len(new), np.nan)
    trees = HistGradientBoostingClassifier(random_state=0)
    return trees.fit(features[known], outcome[known]).predict_proba(new)[:, 1]


def measure(forecasts: Forecasts) -> Iterator[dict[str, object]]:
    """Yield the figures of one period."""
    month = "/".join(sorted(set(forecasts.months.tolist())))
    rows = np.flatnonzero(forecasts.seen.is_timed & forecasts.seen.is_resolved)
    if len(rows):
        yield {"month": month, "n": len(rows)} | _time_figures(forecasts, rows)
    outcomes = {"breach": forecasts.seen.missed, "reassignment": forecasts.seen.reassigned}
    for name, (ours, peer) in forecasts.risks.items():
        known = np.flatnonzero(np.isfinite(outcomes[name]) & np.isfinite(ours) & np.isfinite(peer))
        if len(known):
            yield {"month": month, "risk": name, "n": len(known)} | _risk_figures(
                outcomes[name][known], ours[known], peer[known], forecasts.days[known]
            )


def _risk_figures(truth: Floats, ours: Floats, peer: Floats, days: Floats) -> dict[str, object]:
    figures: dict[str, object] = {"base": round(float(truth.mean()), 3)}
    for name, metric in (("roc", roc), ("ap", precision), ("log_loss", log_loss)):
        figures[f"{name}_ours"] = estimate(days, partial(metric, truth, ours))
        figures[f"{name}_peer"] = estimate(days, partial(metric, truth, peer))
        figures[f"{name}_gain"] = estimate(days, partial(_gain, metric, truth, ours, peer))
    return figures


def _gain(
    metric: Callable[[Floats, Floats, Floats], float],
    truth: Floats,
    ours: Floats,
    peer: Floats,
    weight: Floats,
) -> float:
    return metric(truth, ours, weight) - metric(truth, peer, weight)


def _time_figures(forecasts: Forecasts, rows: Floats) -> dict[str, object]:
    hours, days = forecasts.seen.hours[rows], forecasts.days[rows]
    ours, peer = forecasts.quantiles[rows], forecasts.peer_log_quantiles[rows]
    losses = {
        "ours": pinball(hours, ours),
        "peer": pinball(hours, forecasts.peer_quantiles[rows]),
    }
    logs = {
        "ours": pinball(np.log(hours), np.log(ours)),
        "peer": pinball(np.log(hours), np.log(peer)),
    }
    figures: dict[str, object] = {}
    for scale, of in (("hours", losses), ("log_hours", logs)):
        for whose, loss in of.items():
            figures[f"pinball_{scale}_{whose}"] = mean_by_day(loss, days)
        figures[f"pinball_{scale}_gain"] = mean_by_day(of["ours"] - of["peer"], days)
    for whose, bounds in (("ours", ours), ("peer", peer)):
        covered = (hours >= bounds[:, 0]) & (hours <= bounds[:, 2])
        figures[f"coverage_{whose}"] = mean_by_day(covered.astype(float), days)
        figures[f"below_median_{whose}"] = mean_by_day((hours <= bounds[:, 1]).astype(float), days)
    figures["no_upper"] = round(float(np.isinf(ours[:, 2]).mean()), 4)
    return figures


def pinball(truth: Floats, quantiles: Floats) -> Floats:
    """Return the mean loss of each row over the levels; an open end is the largest truth."""
    finite = np.where(np.isfinite(quantiles), quantiles, np.nanmax(truth))
    errors = truth[:, None] - finite
    return np.maximum(np.array(LEVELS) * errors, (np.array(LEVELS) - 1) * errors).mean(axis=1)


def mean_by_day(values: Floats, days: Floats) -> list[float]:
    """Return a mean with its interval."""
    return estimate(days, lambda weight: float(weight @ values / weight.sum()))


def estimate(days: Floats, statistic: Callable[[Floats], float]) -> list[float]:
    """Return a statistic with its interval, rounded."""
    return [round(value, 4) for value in bootstrap(statistic, days).triple]


def roc(truth: Floats, score: Floats, weight: Floats) -> float:
    """Return the area under the ROC curve."""
    return float(roc_auc_score(truth, score, sample_weight=weight))


def precision(truth: Floats, score: Floats, weight: Floats) -> float:
    """Return the average precision."""
    return float(average_precision_score(truth, score, sample_weight=weight))


def log_loss(truth: Floats, score: Floats, weight: Floats) -> float:
    """Return the mean log loss."""
    likelihood = np.where(truth == 1, score, 1 - score)
    return float(weight @ -np.log(np.maximum(likelihood, 1e-12)) / weight.sum())


def join(periods: Sequence[Forecasts]) -> Forecasts:
    """Return the forecasts of all periods together."""
    names = periods[0].risks.keys()
    seen = [period.seen for period in periods]
    return Forecasts(
        days=np.concatenate([period.days for period in periods]),
        months=np.concatenate([period.months for period in periods]),
        seen=Observations(
            *(
                np.concatenate([getattr(part, name) for part in seen])
                for name in ("hours", "is_resolved", "follow_up", "missed", "reassigned")
            )
        ),
        quantiles=np.vstack([period.quantiles for period in periods]),
        peer_quantiles=np.vstack([period.peer_quantiles for period in periods]),
        peer_log_quantiles=np.vstack([period.peer_log_quantiles for period in periods]),
        risks={
            name: tuple(
                np.concatenate([period.risks[name][whose] for period in periods])
                for whose in (0, 1)
            )
            for name in names
        },
    )


def show(**figures: object) -> None:
    """Print figures as one JSON line."""
    print(json.dumps(figures), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
