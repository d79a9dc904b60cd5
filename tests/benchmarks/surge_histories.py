"""The visible histories with times, as openings, for measuring surges."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from data_sets import DATA_SETS, load_data_set

from features.domain.opening import Opening
from models.surges.baseline import UsualRates, learn_baseline
from models.surges.hour_profile import DAY, WEEK
from models.surges.streams import Stream, streams_of

HISTORIES = (
    "servicenow-log",
    "shuffled-texts",
    "cloud-incidents",
    "seamonkey-issues",
    "openoffice",
)
WARM_UP, PAST = 4 * WEEK, 13 * WEEK


@dataclass(frozen=True, slots=True)
class Past:
    """The openings of a history in order of time, and their times as Unix seconds.

    `facts` holds each incident's caller, and its symptom and group, by id, if they are known.
    """

    name: str
    openings: tuple[Opening, ...]
    times: np.ndarray
    facts: Mapping[str, tuple[str, str]]

    def between(self, since: float, until: float) -> Sequence[Opening]:
        """Return the openings from one time to before another."""
        first, last = np.searchsorted(self.times, (since, until))
        return self.openings[first:last]

    def baseline(self, time: float) -> UsualRates:
        """Return what is usual by the past before a time."""
        since = max(time - PAST, float(self.times[0]))
        return learn_baseline(self.between(since, time), since, time)

    def holders(self, stream: Stream, baseline: UsualRates) -> Sequence[Opening]:
        """Return the openings of a stream from which a baseline was learned."""
        times = set(baseline.times_of(stream).tolist())
        known = self.between(baseline.since, baseline.until)
        at_times = (one for one in known if one.opened_at.timestamp() in times)
        return [one for one in at_times if stream in streams_of(one)]

    @property
    def start(self) -> float:
        """The midnight after the warm-up."""
        return float(np.ceil((self.times[0] + WARM_UP) / DAY) * DAY)


def read_past(name: str) -> Past:
    """Return the openings of a visible history; a subcategory stands for a missing service."""
    if name == "shuffled-texts":
        return _shuffled(read_past("servicenow-log"), "it-tickets")
    openings, facts = [], {}
    for incident in load_data_set(DATA_SETS[name]).incidents:
        report, outcome = incident.report, incident.outcome
        if report.opened_at is None:
            continue
        service = report.service or outcome.fields.get("category.1")
        if "caller_id" in report.attributes:
            symptom = f"{report.attributes.get('u_symptom')} {outcome.assignment}"
            facts[report.id] = report.attributes["caller_id"], symptom
        openings.append(
            Opening(report.id, report.opened_at, report.title, service, outcome.category)
        )
    openings.sort(key=lambda opening: (opening.opened_at, opening.id))
    times = np.array([opening.opened_at.timestamp() for opening in openings])
    return Past(name, tuple(openings), times, facts)


def _shuffled(past: Past, texts: str) -> Past:
    """Return a history with its times, whose incidents are those of another in random order."""
    incidents = load_data_set(DATA_SETS[texts]).incidents
    order = np.random.default_rng(0).permutation(len(incidents))
    openings = tuple(
        Opening(
            opening.id,
            opening.opened_at,
            incidents[row].report.description,
            category=incidents[row].outcome.category,
        )
        for opening, row in zip(past.openings, order, strict=False)
    )
    return Past("shuffled-texts", openings, past.times[: len(openings)], {})
