"""The tables of detectors and of alarm rates, as Markdown."""

from collections.abc import Mapping, Sequence
from typing import Any

Section = Mapping[str, Any]

_WHOLE = 100

_OF_DETECTORS = """{events} judged events of WSD's series. An event is a run of labelled points;
it is found if one of its scores exceeds the threshold. That is the lowest that keeps to the budget
of false alarms a week and series (exceedances outside events, one an hour at most) on the series of
the seven other folds of eight. Each series' first five days are not judged. The 90th percentile
over series of false alarms a week, and the median delay of what was found, are at a budget of 1.

KPI's F1 is over the points of the test parts, an event counting with all its points if found within
seven points of its start; the threshold is the best by the labels of the train part, of the same
curve or of all curves together. The random row tells what such adjusting gives away. NAB's score is
of the standard profile, with the threshold of the other half of its files. Half-space trees are too
slow for KPI's 2.6 million points. The peers' settings were the best of several on these series.

Brackets hold 95% intervals that resample series. The last rows are gains in recall, paired by
series; bold where the interval excludes zero."""
_OF_RATES = """False alarms a week and series, outside labelled events and one an hour at most, of
flags where the model expected no more than the budget; no label and no other threshold is used."""


def write_detectors(section: Section) -> str:
    """Write what each method reached, and the gains of ours."""
    names = list(next(iter(section["figures"].values())))
    rows = [
        _row(method, *(_cell(figures[name]) for name in names))
        for method, figures in section["figures"].items()
    ]
    gains = [
        _row(pair, *(_gain(gained[name]) if name in gained else "" for name in names))
        for pair, gained in section["gains"].items()
    ]
    return _table(_OF_DETECTORS.format(**section), ["", *names], [*rows, *gains])


def write_alarm_rates(section: Section) -> str:
    """Write budgets beside the real rates."""
    names = ["flags of", "budget", "real rate", "times the budget", "90th percentile", "recall"]
    rows = [
        _row(
            rate["flags"],
            f"{rate['budget']:g}",
            _cell(rate["real"]),
            f"{rate['real']['value'] / rate['budget']:.2f}",
            f"{rate['high']:.2f}",
            _cell(rate["recall"]),
        )
        for rate in section["alarm_rates"]
    ]
    return _table(_OF_RATES, names, rows)


def _table(text: str, names: Sequence[str], rows: Sequence[str]) -> str:
    return "\n".join([text, "", _row(*names), _row(*["---"] * len(names)), *rows])


def _cell(found: Mapping[str, float] | float | None) -> str:
    if found is None:
        return "n/a"
    if isinstance(found, Mapping):
        return f"{found['value']:.3f} [{found['low']:.3f}, {found['high']:.3f}]"
    return f"{found:,.0f}" if found >= _WHOLE else f"{found:.3g}"


def _gain(found: Mapping[str, float]) -> str:
    text = f"{found['value']:+.3f} [{found['low']:+.3f}, {found['high']:+.3f}]"
    return f"**{text}**" if found["low"] > 0 or found["high"] < 0 else text


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"
