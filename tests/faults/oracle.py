"""What was sent and acknowledged, and what the store holds of it afterwards."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from threading import Lock

from features.store.store import Store, open_store

_IDS_AT_ONCE = 500


class Kind(Enum):
    """The kinds of writes, each of which is found again in another way."""

    INCIDENT = "incident"
    """An incident with an id of its own."""
    KEYED_INCIDENT = "keyed incident"
    """An incident without an id, sent with an Idempotency-Key until it is acknowledged."""
    ALERT = "alert"
    """A delivery of one alert, sent until it is acknowledged, as Alertmanager does."""
    FEEDBACK = "feedback"
    """Feedback on an answer."""


@dataclass(frozen=True, slots=True)
class Write:
    """One write; its number is in its texts, so that it is found in the store."""

    number: int
    kind: Kind

    @property
    def mark(self) -> str:
        """The text that only this write has: a title, a fingerprint or a person."""
        return f"{self.kind.name.lower()}-{self.number}"


@dataclass(frozen=True, slots=True)
class Tally:
    """How many acknowledged writes there were, and which are lost or stored twice."""

    writes: int
    lost: tuple[str, ...] = ()
    doubled: tuple[str, ...] = ()


@dataclass
class Oracle:
    """Knows every write that was sent, and which of them were acknowledged with 2xx."""

    _sent: set[Write] = field(default_factory=set)
    _acknowledged: set[Write] = field(default_factory=set)
    _lock: Lock = field(default_factory=Lock)

    def send(self, write: Write) -> None:
        """Note a write before it is sent."""
        with self._lock:
            self._sent.add(write)

    def acknowledge(self, write: Write) -> None:
        """Note that a write was answered with 2xx."""
        with self._lock:
            self._acknowledged.add(write)

    def is_acknowledged(self, write: Write) -> bool:
        """Return whether a write was answered with 2xx."""
        with self._lock:
            return write in self._acknowledged

    def unacknowledged(self) -> list[Write]:
        """Return the writes that are to be sent again."""
        repeated = (Kind.KEYED_INCIDENT, Kind.ALERT)
        with self._lock:
            waiting = self._sent - self._acknowledged
        return sorted(
            (write for write in waiting if write.kind in repeated), key=lambda write: write.number
        )

    def compare(self, database_url: str) -> Tally:
        """Read the store, and return what it holds of the writes.

        An acknowledged write must be stored exactly once, any other at most once.
        """
        with open_store(database_url) as store:
            found = Counter(_marks(store))
        with self._lock:
            sent, acknowledged = set(self._sent), set(self._acknowledged)
        return Tally(
            writes=len(acknowledged),
            lost=_sorted(write.mark for write in acknowledged if not found[write.mark]),
            doubled=_sorted(write.mark for write in sent if found[write.mark] > 1),
        )


def _marks(store: Store) -> Iterator[str]:
    ids = []
    for incident in store.incidents.all():
        ids.append(incident.report.id)
        yield incident.report.title
    for start in range(0, len(ids), _IDS_AT_ONCE):
        for tracked in store.tracked.find(ids[start : start + _IDS_AT_ONCE]).values():
            yield from (alert.fingerprint for alert in tracked.alerts)
    yield from (record.given_by for record in store.feedback.select())


def _sorted(marks: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(marks))
