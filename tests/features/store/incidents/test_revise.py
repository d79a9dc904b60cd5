"""Choosing under the write lock which of several incidents with one id prefix is revised."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from factories import incident

from features.store.store import Store


def test_only_those_that_begin_so_are_seen_oldest_first(store: Store) -> None:
    names = ["a-2", "a-1", "a-", "a", "b-1", "A-1", "a-\U0001f525", "a%1"]
    store.incidents.upsert([incident(name) for name in names])
    seen: list[str] = []
    revised = store.incidents.revise(
        "a-", lambda incidents: seen.extend(incident.report.id for incident in incidents)
    )
    assert seen == ["a-", "a-1", "a-2", "a-\U0001f525"]
    assert (revised.incident, revised.is_written) == (None, False)
    assert store.incidents.revision() == 1


def test_what_is_new_is_written_and_what_is_known_is_left(store: Store) -> None:
    first = store.incidents.revise("a-", lambda _known: incident("a-1"))
    assert (first.incident, first.is_written) == (incident("a-1"), True)
    assert (store.incidents.get("a-1"), store.incidents.revision()) == (incident("a-1"), 1)
    again = store.incidents.revise("a-", lambda incidents: incidents[-1])
    assert (again.incident, again.is_written) == (incident("a-1"), False)
    assert store.incidents.revision() == 1
    assert store.incidents.revise("a-", lambda _known: incident("a-1", "other")).is_written
    assert store.incidents.changes_since(1).upserted == (incident("a-1", "other"),)


def test_of_many_that_are_told_the_same_one_acts(store: Store) -> None:
    start = Barrier(6)

    def tell(number: int) -> bool:
        start.wait()
        decide = lambda incidents: incidents[0] if incidents else incident(f"a-{number}")  # noqa: E731
        return store.incidents.revise("a-", decide).is_written

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(tell, range(6))) == 1
    assert store.incidents.count() == 1
