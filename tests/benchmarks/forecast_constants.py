"""Prints what the shipped coefficients of breach forecasts were rounded from.

A logistic regression over visible series, and its Brier skill over climatology on series that it
was not fitted on, in eight folds of series.
"""

import numpy as np
from forecast_origins import climatology, origins_of
from rich.console import Console
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold
from telemetry_data import load_kpi, load_wsd

from features.timeseries.breach_features import FEATURES, breach_features
from models.timeseries.forecast.breach_hazard import COEFFICIENTS, design_matrix

_HOURS = (1, 3, 6, 24, 72, 168)
_HOURS_APART, _WARM_UP_DAYS = 6, 8
_STRENGTH = 1.0
_FOLDS = 8


def main() -> None:
    """Print the coefficients beside those shipped, and the skill by lead."""
    console = Console()
    rows = [
        (origin.series.name, hours, reached <= hours * 3_600, *_row(origin, hours))
        for load in (load_wsd, load_kpi)
        for series in load()
        for origin in origins_of(series, _HOURS_APART, _WARM_UP_DAYS)
        for hours in _HOURS
        if (reached := origin.reached_after(hours)) is not None
    ]
    names, hours, outcomes, usual, designs = (np.array(part) for part in zip(*rows, strict=True))
    model = LogisticRegression(C=_STRENGTH, max_iter=500, fit_intercept=False)
    fitted = model.fit(designs, outcomes).coef_[0]
    labels = (*FEATURES, "logarithm of the lead", "constant")
    for label, value, shipped in zip(labels, fitted, COEFFICIENTS, strict=True):
        console.print(f"{label}: {value:.3f} (shipped {shipped:g})")
    held_out = np.zeros(len(outcomes))
    for learned, judged in GroupKFold(_FOLDS).split(designs, outcomes, names):
        model.fit(designs[learned], outcomes[learned])
        held_out[judged] = model.predict_proba(designs[judged])[:, 1]
    for lead in _HOURS:
        at = hours == lead
        loss, usual_loss = (np.mean((p - outcomes)[at] ** 2) for p in (held_out, usual))
        console.print(f"within {lead} h: skill {1 - loss / usual_loss:.3f} on {at.sum()} origins")


def _row(origin, hours):
    windows = origin.windows(hours)
    place = np.array([len(origin.blocks) - 1])
    features = breach_features(origin.blocks, origin.course, windows, place)
    return climatology(windows, origin.blocks)[0], design_matrix(features, hours)[0]


if __name__ == "__main__":
    main()
