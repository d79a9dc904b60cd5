"""The inbox shows the newest first, page by page, and only what meets every condition."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from time import perf_counter

import pytest
from factories import NOON, incident, prediction

from features.domain.predictions import PredictionRecord
from features.domain.report import IncidentReport, Outcome, ResolvedIncident
from features.store.incidents.incident_search import InboxCursor, InboxPage, InboxQuery
from features.store.store import Store, open_store


def incident_after(hours: float | None, incident_id: str, **facts: str) -> ResolvedIncident:
    opened_at = None if hours is None else NOON + timedelta(hours=hours)
    return incident(incident_id, opened_at=opened_at, **facts)


def predicted(
    incident_id: str,
    label: str,
    *,
    age: float = 0,
    target: str = "category",
    decision: str = "auto",
) -> PredictionRecord:
    return prediction(
        incident_id,
        label,
        prediction_id=f"{incident_id} {age}",
        target=target,
        confidence=0.5,
        decision=decision,
        answer={"label": label},
        answered_at=NOON - timedelta(hours=age),
    )


def ids(page: InboxPage) -> list[str]:
    return [entry.report.id for entry in page.incidents]


def pages(store: Store, query: InboxQuery) -> Iterator[InboxPage]:
    page = store.inbox.page(query)
    yield page
    while page.next:
        page = store.inbox.page(replace(query, before=page.next))
        yield page


def test_the_newest_come_first_then_those_of_unknown_time(store: Store) -> None:
    times = {"b": 0, "a": 1, "ä": None, "B": 0, "z": None, "row-10": 0, "row-9": 0, "c": -0.5}
    store.incidents.upsert([incident_after(hours, name) for name, hours in times.items()])
    page = store.inbox.page(InboxQuery())
    assert ids(page) == ["a", "B", "b", "row-10", "row-9", "c", "z", "ä"]
    assert (page.next, page.total) == (None, 8)
    assert page.incidents[0] == store.incidents.get("a")


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 8])
def test_pages_follow_each_other_without_gap_or_repetition(store: Store, limit: int) -> None:
    times = [0, 0, 0, 1, 2, None, None, None]
    store.incidents.upsert(
        [incident_after(hours, f"INC{number}") for number, hours in enumerate(times)]
    )
    all_pages = list(pages(store, InboxQuery(limit=limit)))
    assert [name for page in all_pages for name in ids(page)] == [
        f"INC{number}" for number in (4, 3, 0, 1, 2, 5, 6, 7)
    ]
    assert {len(page.incidents) for page in all_pages[:-1]} <= {limit}
    assert {page.total for page in all_pages} == {8}


def test_an_incident_that_arrives_between_two_pages_moves_nothing(store: Store) -> None:
    store.incidents.upsert([incident_after(-number, f"INC{number}") for number in range(4)])
    first = store.inbox.page(InboxQuery(limit=2))
    store.incidents.upsert([incident_after(1, "new")])
    assert ids(store.inbox.page(InboxQuery(limit=2, before=first.next))) == ["INC2", "INC3"]


def test_the_cursor_of_an_incident_that_is_gone_still_holds(store: Store) -> None:
    store.incidents.upsert([incident_after(-number, f"INC{number}") for number in range(3)])
    assert ids(store.inbox.page(InboxQuery(before=InboxCursor(NOON, "INC0")))) == ["INC1", "INC2"]
    store.incidents.delete("INC0")
    assert ids(store.inbox.page(InboxQuery(before=InboxCursor(NOON, "INC0")))) == ["INC1", "INC2"]


def test_an_empty_store_has_an_empty_page(store: Store) -> None:
    assert store.inbox.page(InboxQuery()) == InboxPage((), None, 0)


def test_an_incident_is_open_while_its_outcome_is(store: Store) -> None:
    repeated = ResolvedIncident(IncidentReport("repeated"), Outcome(duplicate_of="open"))
    store.incidents.upsert([incident("open"), incident("done", category="Network"), repeated])
    for state, names in (("open", ["open", "repeated"]), ("resolved", ["done"])):
        page = store.inbox.page(InboxQuery(state=state))  # type: ignore[arg-type]
        assert (ids(page), page.total) == (names, len(names))
        assert {incident.outcome.is_open for incident in page.incidents} == {state == "open"}


def test_a_ranking_and_filters_hold_together_on_every_page(store: Store) -> None:
    store.incidents.upsert(
        [incident_after(-number, f"INC{number}", service="ab"[number % 2]) for number in range(300)]
    )
    ranking = [f"INC{number}" for number in (7, 8, 5, 404, *range(20, 300))]
    query = InboxQuery(service="b", limit=3)
    first = store.inbox.ranked_page(ranking, query)
    assert (ids(first), first.total) == (["INC7", "INC5", "INC21"], None)
    assert first.next == InboxCursor.after(first.incidents[-1])
    last = store.inbox.ranked_page(ranking[-4:], query)
    assert (ids(last), last.next) == (["INC297", "INC299"], None)
    # The filter leaves only incidents that come late in the ranking.
    recent = replace(query, opened_after=NOON - timedelta(hours=262))
    ranking.sort(key=lambda name: -int(name.removeprefix("INC")))
    assert ids(store.inbox.ranked_page(ranking, recent)) == ["INC261", "INC259", "INC257"]
    few = replace(query, opened_after=NOON - timedelta(hours=22))
    late = store.inbox.ranked_page(ranking, few)
    assert (ids(late), late.next) == (["INC21", "INC7", "INC5"], None)
    assert store.inbox.ranked_page([], query) == InboxPage(())


@pytest.mark.parametrize("target", ["category", "severity"])
def test_a_label_is_the_known_one_or_else_the_newest_predicted(store: Store, target: str) -> None:
    store.incidents.upsert(
        [incident("known", **{target: "A"}), incident("guessed"), incident("neither")]
    )
    store.predictions.record(
        [
            predicted("known", "B", target=target),
            predicted("guessed", "A", target=target),
            predicted("guessed", "B", target=target, age=1),
            predicted("neither", "A", target="assignment"),
        ]
    )
    assert ids(store.inbox.page(InboxQuery(**{target: "A"}))) == ["guessed", "known"]  # type: ignore[arg-type]
    assert ids(store.inbox.page(InboxQuery(**{target: "B"}))) == []  # type: ignore[arg-type]


def test_a_decision_is_that_of_the_newest_prediction_of_a_category(store: Store) -> None:
    store.incidents.upsert([incident("INC1"), incident_after(None, "INC2"), incident("INC3")])
    store.predictions.record(
        [
            predicted("INC1", "A", age=2, decision="abstain"),
            predicted("INC1", "A", age=1, decision="auto"),
            predicted("INC2", "A", decision="abstain"),
            predicted("INC3", "high", target="severity", decision="auto"),
            predicted("unknown", "A", decision="auto"),
        ]
    )
    assert ids(store.inbox.page(InboxQuery(decision="auto"))) == ["INC1"]
    assert ids(store.inbox.page(InboxQuery(decision="abstain"))) == ["INC2"]
    assert ids(store.inbox.page(InboxQuery(decision="suggest"))) == []


def test_of_two_answers_at_one_moment_one_is_the_newest(store: Store) -> None:
    store.incidents.upsert([incident("INC1")])
    first = predicted("INC1", "A", decision="auto")
    second = replace(first, prediction_id="another", decision="suggest")
    store.predictions.record([first, second])
    (latest,) = store.predictions.latest(["INC1"])["INC1"]
    for decision in ("auto", "suggest"):
        assert bool(ids(store.inbox.page(InboxQuery(decision=decision)))) is (
            latest.decision == decision
        )


def test_another_tenants_incidents_and_predictions_are_not_seen(database_url: str) -> None:
    with open_store(database_url) as ours, open_store(database_url, tenant="acme") as theirs:
        ours.incidents.upsert([incident("INC1")])
        theirs.incidents.upsert([incident("INC1", title="theirs")])
        theirs.predictions.record([predicted("INC1", "A")])
        assert ours.inbox.page(InboxQuery()).incidents == (incident("INC1"),)
        assert ids(ours.inbox.page(InboxQuery(decision="auto"))) == []
        assert ids(ours.inbox.page(InboxQuery(category="A"))) == []


def test_a_label_that_is_longer_than_any_index_takes_is_stored_and_found(
    store: Store,
) -> None:
    # Text that does not compress.
    label = "".join(chr(0x4E00 + number * 7919 % 20_000) for number in range(20_000))
    store.incidents.upsert([incident("INC1", category=label, service=label)])
    store.predictions.record([predicted("INC1", label)])
    assert ids(store.inbox.page(InboxQuery(category=label, service=label, decision="auto"))) == [
        "INC1"
    ]


@pytest.mark.quality
def test_a_page_of_many_incidents_is_quick(store: Store) -> None:
    many = range(20_000)
    store.incidents.upsert(
        [incident_after(number, f"INC{number}", title="VPN down") for number in many]
    )
    store.predictions.record([predicted(f"INC{number}", "A") for number in many])
    started = perf_counter()
    for query in (InboxQuery(), InboxQuery(category="A"), InboxQuery(decision="auto")):
        assert len(store.inbox.page(query).incidents) == 25
    # A few hundredths of a second; the limit tells an index from a scan for every incident.
    assert perf_counter() - started < 2
