"""Finds surges among the newest incidents, and proposes one parent incident for each."""

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from features.domain.opening import Opening
from features.domain.tracking import TrackedIncident
from features.store.store import Store
from models.surges.baseline import UsualRates, learn_baseline
from models.surges.find_surges import Surge, find_surges
from models.surges.sentences import name_of_stream, sentence_of
from models.surges.streams import StreamKind
from serving.background.poller import Poller
from serving.runtime.errors import UnknownSurge
from serving.services.alerts.storms import StormService

_POLL_SECONDS = 30.0
_PAST = timedelta(weeks=13)
# Evidence begins at the last but one of the hours 0, 6, 12 and 18, so that a surge keeps its id for
# hours. It is over so long after its last incident.
_LOOK_BACK_HOURS, _OVER_AFTER = 6, timedelta(hours=1)
# Of a larger past, the newest incidents are learned.
_MOST_PAST, _MOST_RECENT = 50_000, 5_000
_RELEARN_SECONDS, _FEW = 600.0, 0.1


@dataclass(frozen=True, slots=True)
class SurgeParent:
    """The incident that heads most of a surge, or else its first open one, which is proposed.

    `joined` is how many other incidents of the surge are its consequences by now.
    """

    id: str
    title: str
    joined: int


@dataclass(frozen=True, slots=True)
class OpenSurge:
    """A surge that goes on, the name of its stream, and the parent of its incidents.

    `parent` is None if none of its incidents is open. `unjoined_ids` are its other open
    incidents, without those that are consequences of some incident.
    """

    surge: Surge
    name: str
    parent: SurgeParent | None
    unjoined_ids: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """What surges, and what is usual."""
        return sentence_of(self.surge, self.name)

    @property
    def kind(self) -> StreamKind:
        """What its incidents have in common."""
        return self.surge.stream.kind


class SurgeFinder(Poller):
    """Finds the surges of the last hour every 30 seconds.

    What is usual is learned from the 13 weeks before midnight (UTC), and learned again when
    incidents are added to them. Everything is read from the store, so all workers that share it
    find the same surges.
    """

    failure = "surges cannot be found"

    def __init__(self, store: Store, storms: StormService) -> None:
        super().__init__(_POLL_SECONDS, "surges", patience_seconds=0.0)
        self._store = store
        self._storms = storms
        self._baseline: UsualRates | None = None
        self._learned_from: tuple[datetime | None, int] = (None, 0)
        self._learned_at = 0.0
        self._surges: tuple[tuple[Surge, str], ...] = ()

    @property
    def count(self) -> int:
        """The number of surges that went on at the last poll."""
        return len(self._surges)

    def open_surges(self) -> tuple[OpenSurge, ...]:
        """Return the surges that go on, the first detected first; raises `StoreUnavailable`."""
        surges = self._surges
        if not surges:
            return ()
        ids = {id_ for surge, _ in surges for id_ in surge.incident_ids}
        tracked = dict(self._store.tracked.find(sorted(ids)))
        heads = {one.tracking.consequence_of for one in tracked.values()}
        tracked |= self._store.tracked.find(sorted(id_ for id_ in heads if id_ is not None))
        return tuple(_with_parent(surge, name, tracked) for surge, name in surges)

    def join(self, surge_id: str, given_by: str) -> SurgeParent:
        """Make the open incidents of a surge consequences of its parent; return the parent.

        Raises `UnknownSurge` if the surge is over, or none of its incidents is open.
        """
        for found in self.open_surges():
            if found.surge.id == surge_id and found.parent is not None:
                for incident_id in found.unjoined_ids:
                    self._storms.join(incident_id, found.parent.id, given_by)
                return found.parent
        raise UnknownSurge(f"no surge {surge_id!r} goes on; look at the inbox again")

    def find(self, now: datetime) -> tuple[tuple[Surge, str], ...]:
        """Return the surges that go on at a time, each with the name of its stream."""
        hour = now.hour - now.hour % _LOOK_BACK_HOURS
        latest = now.replace(hour=hour, minute=0, second=0, microsecond=0)
        began = latest - timedelta(hours=_LOOK_BACK_HOURS)
        until = began.replace(hour=0)
        self._learn(until)
        if self._baseline is None:
            return ()
        recent = self._store.openings.between(began, now, limit=_MOST_RECENT)
        titles = {opening.id: opening.title for opening in recent}
        return tuple(
            (surge, name_of_stream(surge, [titles[id_] for id_ in surge.incident_ids]))
            for surge in find_surges(recent, self._baseline)
            if surge.last_at > now - _OVER_AFTER
        )

    def _poll(self) -> None:
        self._surges = self.find(datetime.now(UTC))

    def _learn(self, until: datetime) -> None:
        """Learn the baseline if a day began, or if incidents were added to the past or deleted.

        After few changes, at most every ten minutes.
        """
        count = self._store.openings.count(until - _PAST, until)
        known_until, known = self._learned_from
        if (until, count) == (known_until, known):
            return
        is_old = time.monotonic() - self._learned_at >= _RELEARN_SECONDS
        if until == known_until and abs(count - known) <= _FEW * known and not is_old:
            return
        openings = self._store.openings.between(until - _PAST, until, limit=_MOST_PAST)
        self._baseline = _baseline_of(openings, until)
        self._learned_from, self._learned_at = (until, count), time.monotonic()


class SurgeCollector(Collector):
    """Exports to Prometheus how many surges go on."""

    def __init__(self, surges: SurgeFinder) -> None:
        self._surges = surges

    def collect(self) -> Iterator[Metric]:
        """Yield a gauge with the number of surges."""
        yield GaugeMetricFamily(
            "precedent_surges",
            "Surges of incidents that go on",
            value=float(self._surges.count),
        )


def _baseline_of(openings: Sequence[Opening], until: datetime) -> UsualRates | None:
    """Return what is usual by openings that are sorted newest first; None without any."""
    if not openings:
        return None
    return learn_baseline(openings, openings[-1].opened_at.timestamp(), until.timestamp())


def _with_parent(surge: Surge, name: str, tracked: Mapping[str, TrackedIncident]) -> OpenSurge:
    still_open = [
        tracked[id_]
        for id_ in surge.incident_ids
        if id_ in tracked and tracked[id_].incident.outcome.is_open
    ]
    alone = [one.incident.report.id for one in still_open if not one.tracking.consequence_of]
    joined: Counter[str] = Counter(
        head
        for one in still_open
        if (head := one.tracking.consequence_of) is not None
        and head in tracked
        and tracked[head].incident.outcome.is_open
    )
    heads = [*alone, *(head for head in joined if head not in alone)]
    if not heads:
        return OpenSurge(surge, name, None, ())
    # A head may have opened before the surge, and then it is none of its incidents.
    parent = tracked[max(heads, key=lambda id_: joined[id_])].incident.report
    unjoined = tuple(id_ for id_ in alone if id_ != parent.id)
    return OpenSurge(surge, name, SurgeParent(parent.id, parent.title, joined[parent.id]), unjoined)
