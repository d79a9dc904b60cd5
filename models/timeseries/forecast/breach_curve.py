"""The probability of having reached a level, as it rises with the lead; and when that will be."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Self

import numpy as np

from features.timeseries.breach_features import RecentCourse, past_windows
from features.timeseries.level_blocks import Floats, LevelBlocks
from models.timeseries.forecast.breach_probability import TrustedTrend, usual_probabilities

_HOUR = 3_600
_TREND_HOURS = (1, 6, 24, 72, 168)
# Leads are close where peaks of a day can be told apart: until hour, hours between two leads.
_LEADS_APART = ((24, 1), (72, 3), (168, 6))
_FLAT = 1e-12


@dataclass(frozen=True, slots=True)
class BreachCurve:
    """Leads in seconds, rising, and the probability that the level is reached within each."""

    seconds: Floats
    probabilities: Floats

    @classmethod
    def of(cls, blocks: LevelBlocks, course: RecentCourse, longest_seconds: float) -> Self:
        """Return the curve of a series that is not beyond the level now."""
        leads = _leads(blocks, longest_seconds)
        now = np.array([len(blocks) - 1])
        usual = [
            float(usual_probabilities(blocks, course, past_windows(blocks, lead), now)[0])
            for lead in leads
        ]
        trends = _trends(blocks, course, leads[-1])
        mixed = [
            trend.mixed(probability, blocks, lead)
            if (trend := _nearest(trends, lead))
            else probability
            for lead, probability in zip(leads, usual, strict=True)
        ]
        seconds = np.array([0.0, *leads]) * blocks.seconds
        return cls(seconds, np.maximum.accumulate([0.0, *mixed]))

    def probability(self, seconds: float) -> float:
        """Return the probability that the level is reached within so many seconds."""
        return float(np.interp(seconds, self.seconds, self.probabilities))

    def quantiles(self, within: float, shares: Floats) -> Floats:
        """Return the seconds by which the level is reached with each share of the probability.

        That is if it is reached within so many seconds at all.
        """
        probabilities = np.minimum(self.probabilities, self.probability(within))
        # Where the curve is flat, the level is reached at its end and not anywhere on it.
        rising = probabilities + _FLAT * np.arange(len(probabilities))
        quantiles: Floats = np.interp(shares * probabilities[-1], rising, self.seconds)
        return np.minimum(quantiles, within)


def _leads(blocks: LevelBlocks, longest_seconds: float) -> list[int]:
    """Return the leads of the curve in blocks, up to the longest."""
    hours = [
        float(hour)
        for (start, _), (end, apart) in pairwise([(0, 0), *_LEADS_APART])
        for hour in range(start + apart, end + 1, apart)
    ]
    longest = longest_seconds / _HOUR
    hours = [hour for hour in (0.25, 0.5, *hours) if hour < longest] + [longest]
    return sorted({blocks.count(hour * _HOUR) for hour in hours})


def _trends(
    blocks: LevelBlocks, course: RecentCourse, longest: int
) -> list[tuple[int, TrustedTrend | None]]:
    """Return the trends that are followed, by the lead up to which each of them is."""
    leads = sorted({blocks.count(hours * _HOUR) for hours in _TREND_HOURS})
    used = [lead for lead in leads if lead < longest]
    used += [lead for lead in leads if lead >= longest][:1]
    return [(lead, TrustedTrend.find(blocks, course, lead)) for lead in used]


def _nearest(trends: list[tuple[int, TrustedTrend | None]], lead: int) -> TrustedTrend | None:
    return min(trends, key=lambda entry: abs(np.log(entry[0] / lead)))[1]
