"""A zoo of made-up metric series: a grammar of what is ordinary, and twins with one fault each.

A kind is a base, a routine, a kind of noise, a step and a season; `draw` composes one by its seed.
Nothing in the series itself is trouble, so that every flag on it is false. Each twin is the same
series with one fault, which must be flagged before its deadline.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Seconds = NDArray[np.int64]

BASES = ("flat", "daily", "weekly", "traffic", "queue", "counts", "discrete", "bounded")
ROUTINES = ("none", "job", "batch", "deploys", "backups", "autoscaler", "pauses")
NOISES = ("gaussian", "heavy", "poisson", "quantised")
STEPS = (60, 300, 900, 3_600, 86_400)
SEASONS = ("none", "growth", "year", "daylight saving")
FAULTS = ("missing run", "bigger run", "freeze", "silence", "level shift", "burst", "drift")

WEEKS = 26
HOUR, DAY, WEEK = 3_600, 86_400, 604_800
_BEGIN = 1_756_684_800  # a Monday
_STEP_SHARES = (0.1, 0.6, 0.1, 0.15, 0.05)
_SCHEDULED = ("job", "batch", "backups")
_FIRST_FAULT_WEEK = 5


@dataclass(frozen=True, slots=True)
class ZooSeries:
    """A series of half a year without any trouble; `kind` names what it is composed of.

    `run_times` are when each run of its routine begins and ends, shape (runs, 2), in unix seconds.
    """

    kind: str
    step_seconds: int
    times: Seconds
    values: Floats
    run_times: Floats


@dataclass(frozen=True, slots=True)
class Twin:
    """The values of a series with one fault, which begins at `onset` and is found until `until`."""

    fault: str
    values: Floats
    onset: int
    until: int


@dataclass(frozen=True, slots=True)
class Runs:
    """The runs of a routine: when each begins and ends, in unix seconds, and how high it is."""

    begins: Floats
    ends: Floats
    heights: Floats

    def lift(self, times: Seconds, step: int) -> Floats:
        """Return the mean height over each step, shape (points,)."""
        covered = np.zeros(len(times) + 1)
        edges = np.append(times, times[-1] + step).astype(np.float64)
        for begin, end, height in zip(self.begins, self.ends, self.heights, strict=True):
            first, last = np.searchsorted(edges, [begin, end], side="right") - 1
            reach = slice(max(first, 0), min(last, len(times) - 1) + 1)
            inside = np.minimum(end, edges[reach] + step) - np.maximum(begin, edges[reach])
            covered[reach] += height * np.maximum(inside, 0) / step
        return covered[:-1]

    def without(self, run: int) -> "Runs":
        """Return all runs but one."""
        return Runs(*(np.delete(part, run) for part in (self.begins, self.ends, self.heights)))

    def enlarged(self, run: int, seconds: float | None) -> "Runs":
        """Return the runs, one of them as long as this, or two and a half times as high."""
        ends, heights = self.ends.copy(), self.heights.copy()
        if seconds is None:
            heights[run] *= 2.5
        else:
            ends[run] = self.begins[run] + seconds
        return Runs(self.begins, ends, heights)


def draw(seed: int, step_seconds: int | None = None) -> tuple[ZooSeries, tuple[Twin, ...]]:
    """Return the series of a seed, and its twins with one fault each; its step may be given.

    >>> series, twins = draw(0)
    >>> len(series.times) * series.step_seconds == WEEKS * WEEK
    True
    """
    rng = np.random.default_rng([17, seed])
    base, routine, noise, season = (
        str(rng.choice(names)) for names in (BASES, ROUTINES, NOISES, SEASONS)
    )
    step = step_seconds or int(rng.choice(STEPS, p=_STEP_SHARES))
    times = _BEGIN + step * np.arange(WEEKS * WEEK // step, dtype=np.int64)
    plan = _Plan(rng, base, routine, noise, season, step, times)
    values = plan.values(plan.runs)
    kind = f"{base}, {routine}, {noise}, {step} s, {season}"
    run_times = np.stack([plan.runs.begins, plan.runs.ends], axis=1)
    return ZooSeries(kind, step, times, values, run_times), tuple(plan.twins(values))


class _Plan:
    """What a series is drawn from; the same noise belongs to the series and to its twins."""

    def __init__(
        self,
        rng: np.random.Generator,
        base: str,
        routine: str,
        noise: str,
        season: str,
        step: int,
        times: Seconds,
    ) -> None:
        self._rng, self._base, self._routine, self._noise = rng, base, routine, noise
        self._step, self._times, self._season = step, times, season
        self._level = float(10 ** rng.uniform(0.5, 4))
        if base == "counts":
            self._level = float(10 ** rng.uniform(-3, 1)) * step / 300
        elif base == "bounded":
            self._level = float(rng.uniform(20, 60))
        elif base == "discrete":
            self._level = float(rng.integers(3, 12))
        self._spread = float(rng.uniform(0.02, 0.1))
        self._smooth = self._shape()
        self._gauss = rng.standard_normal(len(times))
        self._tails = rng.standard_t(3, len(times)) if noise == "heavy" else self._gauss
        self._noise_seed = int(rng.integers(2**32))
        self.runs = self._draw_runs()

    def _shape(self) -> Floats:
        """Draw the smooth part of the base."""
        local = self._times + self._shift()
        hour, day = local % DAY / HOUR, (local - _BEGIN) // DAY % 7
        peak, depth = self._rng.uniform(8, 18), self._rng.uniform(0.3, 0.8)
        wave = 1 + depth * np.cos(2 * np.pi * (hour - peak) / 24)
        rest = np.where(day >= 5, self._rng.uniform(0.4, 0.9), 1.0)
        if self._base == "daily":
            shape = wave
        elif self._base == "weekly":
            shape = wave * rest
        elif self._base in ("traffic", "discrete"):
            shape = (0.3 + 1.5 * np.exp(-(((hour - peak) / 4) ** 2))) * rest
        elif self._base == "queue":
            shape = np.exp(0.5 * self._walk())
        elif self._base == "bounded":
            shape = wave
        else:
            shape = np.ones(len(local))
        age = (self._times - _BEGIN) / (WEEKS * WEEK)
        if self._season == "growth":
            shape = shape * (1 + self._rng.uniform(0.1, 0.6) * age)
        elif self._season == "year":
            shape = shape * (1 + 0.3 * np.sin(np.pi * age + self._rng.uniform(0, 6)))
        return self._level * shape

    def _shift(self) -> Seconds:
        """Return how far local time is moved: by an hour after three months of daylight saving."""
        is_later = self._times > _BEGIN + WEEKS // 2 * WEEK
        return np.where(is_later & (self._season == "daylight saving"), HOUR, 0).astype(np.int64)

    def _walk(self) -> Floats:
        """Draw a stationary walk with a memory of three hours and a standard deviation of 1."""
        keep = np.exp(-self._step / (3 * HOUR))
        pushes = self._rng.standard_normal(len(self._times)) * np.sqrt(1 - keep**2)
        walk = np.empty(len(pushes))
        place = pushes[0]
        for point, push in enumerate(pushes):
            walk[point] = place = keep * place + push
        return walk

    def _draw_runs(self) -> Runs:
        rng, days = self._rng, WEEKS * 7
        size = self._level * rng.uniform(1, 10)
        if self._base == "counts":
            size = max(size, 5.0)
        midnight = _BEGIN + DAY * np.arange(days, dtype=np.float64)
        if self._season == "daylight saving":
            midnight[days // 2 + 1 :] -= HOUR
        start = 900 * rng.integers(0, 92)
        begins, lengths = np.zeros(0), np.zeros(0)
        if self._routine == "job":
            begins = midnight + start
            lengths = np.full(days, float(rng.choice([600, 1_800, 3_600])))
        elif self._routine == "batch":
            begins = midnight + start
            lengths = 5_400 * np.exp(0.35 * rng.standard_normal(days))
        elif self._routine == "backups":
            begins = midnight[int(rng.integers(7)) :: 7] + start
            lengths = np.full(len(begins), float(rng.choice([1_800, 3_600, 7_200])))
        elif self._routine == "deploys":
            chosen = np.flatnonzero(np.arange(days) % 7 < 5)
            begins = midnight[chosen] + rng.uniform(9, 17, len(chosen)) * HOUR
            lengths = rng.uniform(240, 900, len(chosen))
        elif self._routine == "pauses":
            begins = np.sort(rng.uniform(0, days, 2 * days)) * DAY + _BEGIN
            lengths = rng.uniform(30, 240, 2 * days)
        lengths = np.maximum(lengths, self._step if self._step < DAY else 0)
        heights = size * np.exp(rng.uniform(0, 0.1) * rng.standard_normal(len(begins)))
        return Runs(begins, begins + lengths, heights)

    def values(self, runs: Runs, extra: Floats | float = 0.0) -> Floats:
        """Return the values with these runs, and `extra` before the noise is added."""
        clean = self._smooth + extra
        if len(runs.begins):
            clean = clean + runs.lift(self._times, self._step)
        clean = np.maximum(clean, 0) if self._base == "counts" else clean
        if self._routine == "autoscaler":
            # Replicas follow the load; noise decides where it lies between two whole numbers.
            unit = self._level / 4
            return np.maximum(np.round(clean / unit + 0.15 * self._gauss), 1.0)
        if self._base == "counts" or self._noise == "poisson":
            return self._draw_counts(clean)
        noisy = clean * (1 + self._spread * self._tails)
        if self._base == "discrete":
            return np.maximum(np.round(noisy), 0)
        if self._base == "bounded":
            noisy = np.clip(noisy, 0, 100)
        if self._noise == "quantised":
            unit = self._spread * self._level
            return np.round(noisy / unit) * unit
        return noisy

    def _draw_counts(self, means: Floats) -> Floats:
        return np.random.default_rng(self._noise_seed).poisson(np.maximum(means, 0)).astype(float)

    def twins(self, values: Floats) -> list[Twin]:
        """Draw a time for each fault that this series can have, and return the twins."""
        makers: Mapping[str, Callable[[int], Twin | None]] = {
            "freeze": lambda at: self._freeze(values, at),
            "silence": lambda at: self._silence(values, at),
            "level shift": self._level_shift,
            "burst": self._burst,
            "drift": self._drift,
        }
        low, high = _FIRST_FAULT_WEEK * WEEK // self._step, 24 * WEEK // self._step
        made = [make(int(self._rng.integers(low, high))) for make in makers.values()]
        return [*(twin for twin in made if twin is not None), *self._run_twins()]

    def _run_twins(self) -> list[Twin]:
        if self._routine not in _SCHEDULED or self._step == DAY:
            return []
        missed, bigger = self._rng.integers(len(self.runs.begins) // 4, len(self.runs.begins), 2)
        # A bounded value cannot go higher; a run is longer from one and a half of the longest on.
        is_longer = self._base == "bounded" or self._rng.random() < 0.5
        longest = float((self.runs.ends - self.runs.begins).max())
        grown = self.runs.enlarged(int(bigger), 3 * longest if is_longer else None)
        begin, known = self.runs.begins[bigger], 1.5 * longest if is_longer else 0.0
        gone = self.runs.without(int(missed))
        return [
            self._twin("missing run", self.values(gone), self.runs.begins[missed]),
            self._twin("bigger run", self.values(grown), begin, int(known) + HOUR),
        ]

    def _freeze(self, values: Floats, at: int) -> Twin | None:
        is_continuous = self._noise in ("gaussian", "heavy") and self._base not in (
            "counts",
            "discrete",
        )
        if not is_continuous or self._routine == "autoscaler" or self._step == DAY:
            return None
        frozen = values.copy()
        frozen[at : at + 10 * HOUR // self._step] = values[at]
        return self._twin("freeze", frozen, self._times[at])

    def _silence(self, values: Floats, at: int) -> Twin:
        silent = values.copy()
        silent[at : at + max(10 * HOUR // self._step, 2)] = np.nan
        return self._twin("silence", silent, self._times[at])

    def _level_shift(self, at: int) -> Twin:
        return self._twin(
            "level shift", self._raised(at, max(2 * DAY // self._step, 2)), self._times[at]
        )

    def _burst(self, at: int) -> Twin:
        return self._twin("burst", self._raised(at, max(HOUR // self._step, 1)), self._times[at])

    def _raised(self, at: int, points: int) -> Floats:
        extra = np.zeros(len(self._times))
        extra[at : at + points] = self._trouble()
        return self.values(self.runs, extra)

    def _drift(self, at: int) -> Twin:
        extra = np.zeros(len(self._times))
        days = np.arange(len(extra) - at) * self._step / DAY
        extra[at:] = self._trouble() * np.where(days < 3, np.minimum(days, 1.0), 0.0)
        return self._twin("drift", self.values(self.runs, extra), self._times[at], DAY)

    def _trouble(self) -> float:
        """Return a size that is plain trouble: beyond noise, the day's own range and routines."""
        routine = 2.5 * float(self.runs.heights.max(initial=0.0))
        if self._base == "counts":
            # Twenty errors an hour, or six deviations of what is usual.
            step_errors = 20 * self._step / HOUR
            return max(step_errors, 8 * np.sqrt(self._level), routine)
        usual = float(np.quantile(self._smooth, 0.99) - np.quantile(self._smooth, 0.01))
        noise = self._spread * self._level
        if self._noise == "poisson":
            noise = max(noise, np.sqrt(self._level))
        return max(usual + 8 * noise + 0.5 * self._level, routine)

    def _twin(self, fault: str, values: Floats, onset: float, deadline: int = HOUR) -> Twin:
        # A point of an hour or a day stands for the time until the next one.
        return Twin(fault, values, int(onset), int(onset) + max(deadline, 2 * self._step))
