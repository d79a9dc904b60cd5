"""A measured value with its 95% interval."""

from dataclasses import dataclass

from features.formatting import interval


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with its 95% interval `low`..`high`.

    Records that are saved have three fields for these numbers instead, filled from `triple`.

    >>> gain = Estimate(0.021, 0.008, 0.034)
    >>> f"{gain:+.3f}"
    '+0.021 (+0.008 to +0.034)'
    """

    value: float
    low: float
    high: float

    @property
    def excludes_zero(self) -> bool:
        """Whether the interval lies wholly above or wholly below zero."""
        return self.low > 0 or self.high < 0

    @property
    def triple(self) -> tuple[float, float, float]:
        """The value, the interval's low end and its high end."""
        return self.value, self.low, self.high

    def __format__(self, form: str) -> str:
        """Return the value and its interval as text, each number in the format `form`."""
        return f"{self.value:{form}} ({interval(self.low, self.high, form)})"
