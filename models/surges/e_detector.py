"""The e-detector of one stream: evidence that its incidents come faster than its bound allows."""

from dataclasses import dataclass, field
from math import exp

from models.surges.hour_profile import HOUR

# The alternatives are this multiple of the bound, plus so many incidents per hour each. Rates up to
# about twice the bound are no evidence for any of them. Of tests/benchmarks/surges.py.
MULTIPLE = 4.0
ADDED_RATES = (6.0, 18.0, 54.0)
EXCITED_HOURS = 0.5

# Evidence is capped, or a surge would not end for hours; below the second value it has ended.
_MOST_EVIDENCE, _ENDED, _MOST_DECAY = 10.0, 0.01, 700.0


@dataclass(slots=True)
class EDetector:
    """A Shiryaev-Roberts e-detector in continuous time (Shin, Ramdas and Rinaldo, 2023).

    The null hypothesis bounds the conditional rate of the stream: at most `upper + excitation *
    recent`, where `recent` is the exponentially forgotten rate of the stream itself. With it the
    counts are overdispersed: the bound is the conditional rate of a negative binomial process whose
    variance is proportional to its mean. The likelihood ratio of an alternative that starts at some
    incident is multiplied by the alternative's rate over the bound at each later incident, and by
    the exponential of what the alternative expects less in between; it is a supermartingale under
    every rate below the bound. `evidence` is the sum of the ratios that started at any incident,
    each with the weight that was given with it. So its expectation is at most the sum of the
    weights, for all streams together: if the weights add up to one a week on average, the evidence
    of any stream reaches 1 at most once a week on average.
    """

    ratios: list[float] = field(default_factory=lambda: [0.0] * len(ADDED_RATES))
    recent: float = 0.0
    last: float = 0.0
    upper: float = 0.0

    @property
    def evidence(self) -> float:
        """The evidence after the last incident; 1 or more is a surge."""
        return sum(self.ratios)

    def has_ended(self, time: float) -> bool:
        """Tell whether hardly any evidence is left at a time (Unix seconds)."""
        hours = max(time - self.last, 0.0) / HOUR
        return sum(self._decayed(hours, self.upper * hours)) < _ENDED

    def observe(self, time: float, upper: float, excitation: float, weight: float) -> float:
        """Take an incident at a time (Unix seconds), not before the last one; return the bound.

        `upper` is the bound of the stream's rate per hour by the hour of the week.
        """
        hours = max(time - self.last, 0.0) / HOUR
        kept = exp(-hours / EXCITED_HOURS)
        excited = excitation * self.recent * EXCITED_HOURS * (1.0 - kept)
        expected = 0.5 * (upper + self.upper) * hours + excited
        self.recent *= kept
        bound = upper + excitation * self.recent
        share = weight / len(ADDED_RATES)
        self.ratios = [
            ratio * (MULTIPLE + added / bound) + share
            for ratio, added in zip(self._decayed(hours, expected), ADDED_RATES, strict=True)
        ]
        excess = self.evidence / _MOST_EVIDENCE
        if excess > 1.0:
            self.ratios = [ratio / excess for ratio in self.ratios]
        self.recent += 1.0 / EXCITED_HOURS
        self.last, self.upper = time, upper
        return bound

    def _decayed(self, hours: float, expected: float) -> list[float]:
        """Return the ratios after hours without an incident, when the bound expected so many."""
        return [
            ratio * exp(-min((MULTIPLE - 1.0) * expected + added * hours, _MOST_DECAY))
            for ratio, added in zip(self.ratios, ADDED_RATES, strict=True)
        ]

    def restart(self) -> None:
        """Forget all evidence, as after a surge."""
        self.ratios = [0.0] * len(ADDED_RATES)
