"""What other incidents must never do to a pair, to a documented precedent or to another issue."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.domain.report import IncidentReport, Outcome, ResolvedIncident
from features.encoding.encoder import HashingEncoder
from features.search.incident_index import IncidentIndex
from models.base.predictions import SimilarPrediction
from models.similarity.result_entries import ListedRecords
from models.similarity.similar_model import SimilarModel

NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
ALL = {"cutoff": 0.0, "limit": 100}
ISSUES = (
    ("Card payments time out", "gateway pool exhausted, threads wait for the acquirer"),
    ("VPN tunnel drops", "users of the branch office lose the tunnel after some minutes"),
    ("Disk full on mail server", "spool partition has no space left, queue grows"),
    ("Printer jams", "tray two of the printer on the second floor jams again"),
    ("Login is slow", "directory server answers after many seconds, sessions expire"),
)
WORDS = ("since the release", "again", "for all customers", "in the night", "after the update")
ASKED = IncidentReport(
    "NEW",
    NOW,
    "Card payments time out: 41% failing",
    "gateway pool exhausted, 71 threads wait",
    service="payments",
)


def past(
    id: str,  # noqa: A002
    title: str,
    text: str,
    hours_ago: float,
    service: str | None = "payments",
    **outcome: str,
) -> ResolvedIncident:
    opened = NOW - timedelta(hours=hours_ago)
    return ResolvedIncident(IncidentReport(id, opened, title, text, service), Outcome(**outcome))


DOCUMENTED = (
    past(
        "P1",
        "Card payments time out: 12% failing",
        "gateway pool exhausted, threads wait at the bank",
        900,
        resolution="Raised the gateway pool to 80.",
    ),
    past(
        "P2",
        "Card payments failing",
        "gateway pool exhausted, 9 threads wait",
        700,
        resolution="done",
    ),
    past(
        "P3",
        "Card payments time out at checkout",
        "payment gateway pool exhausted, many threads wait",
        500,
        resolution="Restarted the gateway.",
    ),
    past(
        "P4",
        "Card payments time out and fail",
        "pool of the gateway exhausted, 20 threads wait",
        300,
        resolution="solved",
    ),
)


def others(count: int = 40) -> list[ResolvedIncident]:
    return [
        past(f"O{n}", f"{title} {WORDS[n % 5]}", f"{text} {WORDS[n // 5 % 5]}", 50 + n, "other")
        for n, (title, text) in enumerate(ISSUES[1:] * (count // 4))
    ]


@pytest.fixture(scope="module")
def trained() -> SimilarModel:
    return SimilarModel(encoder="hashing").fit(others())


@pytest.fixture(scope="module")
def shipped() -> SimilarModel:
    return SimilarModel(encoder="hashing").fit([])


@pytest.fixture(params=["trained", "shipped"])
def model(request: pytest.FixtureRequest) -> SimilarModel:
    return request.getfixturevalue(request.param)


def search(
    model: SimilarModel,
    incidents: Sequence[ResolvedIncident],
    asked: IncidentReport = ASKED,
    **options: float,
) -> SimilarPrediction:
    index = IncidentIndex(HashingEncoder())
    index.upsert(incidents)
    return model.search([asked], index, ListedRecords(incidents), **options)[0]


def relatedness_of(answer: SimilarPrediction) -> dict[str, float]:
    return {entry.id: entry.relatedness for entry in answer.similar}


def ids(answer: SimilarPrediction) -> list[str]:
    return [entry.id for entry in answer.similar]


drawn = st.lists(
    st.builds(
        lambda issue, first, last, hours, fix: (*ISSUES[issue], first, last, hours, fix),
        st.integers(0, 4),
        st.sampled_from(WORDS),
        st.sampled_from(WORDS),
        st.integers(1, 50),
        st.sampled_from([None, "done", "Restarted the server."]),
    ),
    max_size=12,
)


def incidents_of(rows, prefix: str = "D") -> list[ResolvedIncident]:
    return [
        past(f"{prefix}{n}", f"{title} {first}", f"{text} {last}", hours, resolution=fix)
        for n, (title, text, first, last, hours, fix) in enumerate(rows)
    ]


@settings(max_examples=30, deadline=None)
@given(first=drawn, second=drawn, order=st.randoms(use_true_random=False))
def test_incidents_outside_a_pair_never_change_its_relatedness(
    trained, first, second, order
) -> None:
    """Added, removed or reordered: what both answers name is related the same to the last bit."""
    kept, added = incidents_of(first), incidents_of(second, "E")
    before = relatedness_of(search(trained, kept, **ALL))
    shuffled = [*kept, *added]
    order.shuffle(shuffled)
    index = IncidentIndex(HashingEncoder())
    index.upsert(shuffled)
    records = ListedRecords(shuffled)
    after = relatedness_of(trained.search([ASKED], index, records, **ALL)[0])
    index.remove([incident.report.id for incident in added])
    removed = relatedness_of(trained.search([ASKED], index, records, **ALL)[0])
    assert removed == before
    assert all(after[name] == before[name] for name in before.keys() & after.keys())


@settings(max_examples=30, deadline=None)
@given(rows=drawn, order=st.randoms(use_true_random=False))
def test_order_of_insertion_changes_no_answer(trained, rows, order) -> None:
    incidents = incidents_of([(*row[:4], 5, row[5]) for row in rows])
    shuffled = incidents.copy()
    order.shuffle(shuffled)
    one, other = search(trained, incidents, **ALL), search(trained, shuffled, **ALL)
    assert ids(one) == ids(other)
    for mine, theirs in zip(one.similar, other.similar, strict=True):
        assert mine.relatedness == pytest.approx(theirs.relatedness, abs=1e-9)
        assert (mine.occurrences, set(mine.copies)) == (theirs.occurrences, set(theirs.copies))


@settings(max_examples=30, deadline=None)
@given(rows=drawn, count=st.integers(1, 8), of_report=st.booleans(), hours=st.integers(1, 400))
def test_an_undocumented_recurrence_never_removes_or_demotes_a_precedent(
    trained, rows, count, of_report, hours
) -> None:
    history = [*DOCUMENTED, *incidents_of([row for row in rows if row[5]])]
    before = search(trained, history)
    again = ASKED if of_report else history[-1].report
    recurrences = [
        ResolvedIncident(
            replace(again, id=f"R{n}", opened_at=NOW - timedelta(hours=hours / (n + 1))),
            Outcome(category="Payments"),
        )
        for n in range(count)
    ]
    after = search(trained, [*history, *recurrences])
    assert ids(before) == ids(after)[: len(before.similar)]
    assert relatedness_of(before).items() <= relatedness_of(after).items()


def test_an_earlier_firing_without_a_note_leaves_the_four_precedents_in_the_lead(model) -> None:
    history = [*DOCUMENTED, *others()]
    before = search(model, history)
    assert {"P1", "P2", "P3", "P4"} <= set(ids(before))
    firing = past(
        "F1", "Card payments time out: 33% failing", "gateway pool exhausted, 64 threads wait", 2
    )
    firing = replace(firing, outcome=Outcome(category="Payments", resolved_at=NOW))
    after = search(model, [*history, firing])
    assert ids(after)[:4] == ids(before)[:4]
    (entry,) = [entry for entry in after.similar if "F1" in entry.copies]
    assert entry.id in {"P1", "P2", "P3", "P4"}
    assert entry.occurrences.count == 2
    assert entry.occurrences.last_at == NOW - timedelta(hours=2)


def test_two_hundred_recurrences_are_one_entry_and_crowd_out_nothing(model) -> None:
    history = [*DOCUMENTED, *others()]
    before = search(model, history, **ALL)
    firings = [
        past(
            f"F{n}",
            f"Card payments time out: {n}% failing",
            f"gateway pool exhausted, {n} threads wait",
            1 + n / 10,
            category="Payments",
        )
        for n in range(200)
    ]
    after = search(model, [*history, *firings], **ALL)
    assert ids(after) == ids(before)
    (entry,) = [entry for entry in after.similar if len(entry.copies) == 100]
    assert entry.id in {"P1", "P2", "P3", "P4"}
    assert entry.occurrences.count == 201
    assert entry.occurrences.last_at == NOW - timedelta(hours=1)


def test_occurrences_count_only_what_came_before_the_report(model) -> None:
    firings = [past(f"F{n}", *ISSUES[0], n - 5, category="Payments") for n in range(10)]
    (entry,) = search(model, firings).similar
    assert entry.occurrences.count == 4
    assert entry.id == "F6"


def test_the_best_documented_near_copy_leads_and_then_the_most_related(model) -> None:
    copies = [
        past("NEW", *ISSUES[0], 1, category="Payments"),
        past("NOTE", *ISSUES[0], 2, resolution="done"),
        past("FIX", *ISSUES[0], 90, resolution="Raised the gateway pool to 80."),
        past("OLD", *ISSUES[0], 99, resolution="Restarted the gateway."),
    ]
    asked = replace(ASKED, id="ASKED", title=ISSUES[0][0], description=ISSUES[0][1])
    (entry,) = search(model, copies, asked).similar
    assert entry.id == "FIX"
    assert (entry.occurrences.count, entry.occurrences.with_fix) == (4, 2)
