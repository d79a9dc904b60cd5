"""What is usual for each stream of a tenant: its rate by hour of the week, and how bursty it is."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from features.domain.opening import Opening
from models.surges.hour_profile import (
    HOUR,
    HOURS_OF_WEEK,
    SHRINKAGE_WEEKS,
    WEEK,
    Floats,
    HourProfile,
    count_hours,
    hour_of_week,
    learn_hour_profile,
    smooth_hours,
)
from models.surges.streams import Stream, StreamKind, streams_of

# Incidents that follow one within this time are its followers; at most so many count for each.
FOLLOWED_WITHIN = HOUR
_MOST_FOLLOWERS = 5.0
# The followers of a stream's incidents are shrunk to those of its kind, as of so many incidents.
_SHRINKAGE_INCIDENTS = 20.0
# The followers of a kind are a mean over streams, in which a stream counts as so many incidents.
_MOST_POOLED = 20.0
_LEAST_FOLLOWERS, _MOST_EXCITATION = 0.02, 0.9
# What is told as usual is the mean of the hours so far around.
_TOLD_HOURS = 2

_NO_TIMES = np.zeros(0)


@dataclass(frozen=True, slots=True)
class UsualRate:
    """The rate of a stream at some hour of the week, per hour: expected, and a bound above it."""

    expected: float
    upper: float


@dataclass(slots=True)
class UsualRates:
    """The past of a tenant's streams between two times (Unix seconds), until which all is known.

    `times` holds the sorted times of each stream, `followers` how many more incidents than expected
    follow one of a stream within the hour, by stream and by kind.
    """

    since: float
    until: float
    profile: HourProfile
    incidents: int
    times: dict[Stream, Floats]
    followers: dict[Stream, float]
    followers_of_kind: dict[StreamKind, float]
    _rates: dict[Stream, tuple[Floats, float]] = field(default_factory=dict)

    @property
    def weeks(self) -> float:
        """How many weeks the past has."""
        return (self.until - self.since) / WEEK

    @property
    def incidents_per_week(self) -> float:
        """The rate of all incidents together, with an allowance for what few weeks leave open."""
        return (self.incidents + 1.0 + sqrt(self.incidents)) / max(self.weeks, 1e-9)

    def times_of(self, stream: Stream) -> Floats:
        """Return the sorted times of a stream's incidents, Unix seconds."""
        return self.times.get(stream, _NO_TIMES)

    def rate(self, stream: Stream, time: float) -> UsualRate:
        """Return the rate of a stream at the hour of the week of a time.

        The counts of the hour of the week are shrunk to the stream's overall rate, spread as the
        tenant's incidents are. The overall rate counts from the stream's first incident. Its bound
        is one standard deviation above it, so a rate that is learned from few weeks is higher.
        """
        rates, margin = self._rates.get(stream) or self._learn(stream)
        expected = float(rates[int(time // HOUR + 72) % HOURS_OF_WEEK])
        return UsualRate(expected, expected * margin)

    def usual_rate(self, stream: Stream, time: float) -> float:
        """Return the expected rate per hour around the hour of the week of a time, to be told."""
        times = (time + hours * HOUR for hours in range(-_TOLD_HOURS, _TOLD_HOURS + 1))
        return sum(self.rate(stream, at).expected for at in times) / (2 * _TOLD_HOURS + 1)

    def excitation(self, stream: Stream) -> float:
        """Return how many further incidents an incident of the stream brings about, below 1.

        With `r` more followers than expected, of which followers have followers in turn, an
        incident itself brings `r / (1 + r)`.
        """
        pooled = self.followers_of_kind.get(stream.kind, _LEAST_FOLLOWERS)
        followers = max(self.followers.get(stream, pooled), _LEAST_FOLLOWERS)
        return min(followers / (1.0 + followers), _MOST_EXCITATION)

    def _learn(self, stream: Stream) -> tuple[Floats, float]:
        times = self.times_of(stream)
        n = len(times)
        weeks = (self.until - (times[0] if n else self.since)) / WEEK
        # A stream that began late was not there before; one that is as old as the past may have.
        weeks = min(max(weeks, 1.0 / HOURS_OF_WEEK), self.weeks)
        overall = (n + 1.0) / (weeks * HOURS_OF_WEEK)
        prior = overall * self.profile.relative
        counts = smooth_hours(count_hours(times))
        seen = self.profile.seen * min(1.0, weeks / max(self.weeks, 1e-9))
        rates = (counts + SHRINKAGE_WEEKS * prior) / (seen + SHRINKAGE_WEEKS)
        learned = self._rates[stream] = (rates, 1.0 + (n + 1.0) ** -0.5)
        return learned


def learn_baseline(openings: Sequence[Opening], since: float, until: float) -> UsualRates:
    """Learn what is usual from the incidents that opened between two times (Unix seconds).

    >>> from datetime import UTC, datetime, timedelta
    >>> start = datetime(2026, 1, 5, 9, 30, tzinfo=UTC)
    >>> past = [Opening(str(n), start + timedelta(days=n), service="vpn") for n in range(28)]
    >>> since = datetime(2026, 1, 5, tzinfo=UTC).timestamp()
    >>> baseline = learn_baseline(past, since, since + 28 * 86_400)
    >>> vpn = Stream(StreamKind.SERVICE, "vpn")
    >>> at_nine, at_night = since + 28 * 86_400 + 9.5 * 3600, since + 28 * 86_400 + 3.5 * 3600
    >>> baseline.rate(vpn, at_nine).expected > 5 * baseline.rate(vpn, at_night).expected
    True
    """
    grouped: dict[Stream, list[float]] = {}
    opened = []
    for opening in openings:
        time = opening.opened_at.timestamp()
        if since <= time < until:
            opened.append(time)
            for stream in streams_of(opening):
                grouped.setdefault(stream, []).append(time)
    times = {stream: np.sort(np.array(group)) for stream, group in grouped.items()}
    profile = learn_hour_profile(np.array(opened), since, until)
    weeks = max((until - since) / WEEK, 1e-9)
    by_stream, by_kind = _learn_followers(times, profile, weeks)
    return UsualRates(since, until, profile, len(opened), times, by_stream, by_kind)


def _learn_followers(
    times: dict[Stream, Floats], profile: HourProfile, weeks: float
) -> tuple[dict[Stream, float], dict[StreamKind, float]]:
    """Return the excess of followers over the expected ones, by stream and by kind of stream."""
    streams = list(times)
    if not streams:
        return {}, {}
    sizes = np.array([len(times[stream]) for stream in streams])
    owners = np.repeat(np.arange(len(streams)), sizes)
    flat = np.concatenate([times[stream] for stream in streams])
    excess = np.bincount(owners, _excess_followers(flat, owners, sizes, profile, weeks))
    kinds = np.array([stream.kind for stream in streams], dtype=object)
    weights = np.minimum(1.0, _MOST_POOLED / sizes)
    pooled = {
        kind: max(float((weights * excess)[is_kind].sum() / (weights * sizes)[is_kind].sum()), 0.0)
        for kind in StreamKind
        if (is_kind := kinds == kind).any()
    }
    prior = np.array([pooled[kind] for kind in kinds])
    shrunk = (excess + _SHRINKAGE_INCIDENTS * prior) / (sizes + _SHRINKAGE_INCIDENTS)
    return dict(zip(streams, shrunk.tolist(), strict=True)), pooled


def _excess_followers(
    flat: Floats,
    owners: NDArray[np.int64],
    sizes: NDArray[np.int64],
    profile: HourProfile,
    weeks: float,
) -> Floats:
    """Return each incident's followers of its stream, less those that its stream's rate brings."""
    begins, span = flat.min(), flat.max() - flat.min() + 2 * FOLLOWED_WITHIN
    places = owners * span + (flat - begins)
    last = np.searchsorted(places, places + FOLLOWED_WITHIN, side="right")
    followers = last - np.arange(len(places)) - 1
    rates = sizes[owners] / (weeks * HOURS_OF_WEEK)
    expected = rates * profile.relative[hour_of_week(flat)] * FOLLOWED_WITHIN / HOUR
    excess: Floats = np.minimum(followers - expected, _MOST_FOLLOWERS)
    return excess
