"""Past incidents as a responder needs them: in order, once, explained; and the open one."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import numpy as np
import pytest

from features.domain.report import IncidentReport, Outcome, ResolvedIncident
from features.encoding.encoder import HashingEncoder
from features.errors import NotTrained
from features.search.incident_index import IncidentIndex
from models.base.predictions import Decision, SimilarPrediction
from models.similarity.related_candidates import order_candidates
from models.similarity.result_entries import ListedRecords
from models.similarity.similar_model import SimilarModel

NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
TITLE, TEXT = "card payments hang at the gateway", "checkout times out, pool exhausted, 40 wait"
ASKED = IncidentReport("NEW", NOW, TITLE, TEXT, service="payments")
STRANGER = IncidentReport("ODD", NOW, "coffee machine leaks", "water on the floor")
WORDS = ("printer jams", "vpn drops", "disk full", "mail stuck", "login slow", "screen black")


def past(
    id: str,  # noqa: A002
    title: str = TITLE,
    text: str = TEXT,
    *,
    hours_ago: float | None = 1,
    **outcome: object,
) -> ResolvedIncident:
    opened = None if hours_ago is None else NOW - timedelta(hours=hours_ago)
    return ResolvedIncident(
        IncidentReport(id, opened, title, text, service="payments"), Outcome(**outcome)
    )


class Dismissing(ListedRecords):
    """Past incidents of which some were said to have nothing to do with any."""

    def __init__(self, incidents: list[ResolvedIncident], *dismissed: str) -> None:
        super().__init__(incidents)
        self._dismissed = dismissed

    def dismissed(self, ids: Sequence[str]) -> Mapping[str, Collection[str]]:
        return dict.fromkeys(ids, self._dismissed)


@pytest.fixture(scope="module")
def model() -> SimilarModel:
    return SimilarModel(encoder="hashing").fit([])


def search(
    model: SimilarModel,
    incidents: list[ResolvedIncident],
    asked: IncidentReport = ASKED,
    dismissed: tuple[str, ...] = (),
    **options: float,
) -> SimilarPrediction:
    index = IncidentIndex(HashingEncoder())
    index.upsert(incidents)
    records = Dismissing(incidents, *dismissed)
    (answer,) = model.search([asked], index, records, **options)
    return answer


def ids(answer: SimilarPrediction) -> list[str]:
    return [entry.id for entry in answer.similar]


def test_the_most_related_comes_first(model) -> None:
    others = [past(f"O{n}", words, "another story") for n, words in enumerate(WORDS)]
    answer = search(model, [*others, past("MATCH")])
    assert ids(answer) == ["MATCH"]
    assert answer.confidence == answer.similar[0].relatedness > 0.5
    assert answer.decision is Decision.SUGGEST


def test_equally_related_come_by_documentation_and_then_the_newest() -> None:
    candidates = SimpleNamespace(
        ids=("note", "old fix", "none", "new fix", "behind", "ahead"),
        documentation=np.array([1, 2, 0, 2, 2, 0]),
        opened=np.array([5, 1, 9, 3, 9, 9]),
    )
    relatedness = np.array([0.9, 0.9 - 4e-10, 0.9 - 5e-10, 0.9, 0.9 - 1e-6, 0.9 + 1e-6])
    related = order_candidates(IncidentReport(id="1"), None, candidates, relatedness, cutoff=0.5)
    order = [candidates.ids[row] for row in related.rows]
    assert order == ["ahead", "new fix", "old fix", "note", "none", "behind"]


def test_a_clear_lead_outweighs_documentation(model) -> None:
    incidents = [
        past("WELL", "printer jams", "label printer", resolution="Restarted the spooler."),
        past("ALIKE"),
    ]
    assert ids(search(model, incidents, cutoff=0)) == ["ALIKE", "WELL"]


def test_without_a_time_everything_is_past(model) -> None:
    incidents = [past("LATER", hours_ago=-5), past("UNKNOWN", "vpn", "x", hours_ago=None)]
    assert ids(search(model, incidents, cutoff=0)) == ["UNKNOWN"]
    answer = search(model, incidents, replace(ASKED, opened_at=None), cutoff=0)
    assert set(ids(answer)) == {"LATER", "UNKNOWN"}


def test_copies_are_counted_in_one_entry_led_by_the_best_documented(model) -> None:
    incidents = [
        past("C1", hours_ago=5),
        past("C2", hours_ago=9, resolution="Raised the pool to 80."),
        past("C3", hours_ago=1, resolution="done"),
    ]
    (entry,) = search(model, incidents).similar
    assert entry.id == "C2"
    assert sorted(entry.copies) == ["C1", "C3"]


def test_what_was_dismissed_is_shown_no_more(model) -> None:
    others = past("C", "cash register", text="the terminal shows no total, drawer stays shut")
    incidents = [past("A"), past("B", resolution="done"), others]
    # A is a copy of what was dismissed.
    assert ids(search(model, incidents, cutoff=0, dismissed=("B",))) == ["C"]
    assert search(model, incidents, dismissed=("A", "B")).similar == ()


def test_what_is_indexed_but_no_longer_stored_is_no_entry(model) -> None:
    index = IncidentIndex(HashingEncoder())
    index.upsert([past("GONE")])
    (answer,) = model.search([ASKED], index, ListedRecords([]))
    assert answer == SimilarPrediction()


def test_limit_beyond_the_usual_candidates(model) -> None:
    incidents = [past(f"I{n}", f"{a} {b}") for n, (a, b) in enumerate(pairs(130))]
    assert len(search(model, incidents, cutoff=0, limit=100).similar) == 100


def pairs(count: int) -> list[tuple[str, str]]:
    syllables = [f"{a}{b}" for a in "bdfgklmnprst" for b in ("ola", "eki", "uro")]
    return [(syllables[n % 36], syllables[n // 36 + 5]) for n in range(count)]


def test_the_entry_tells_what_fixed_it(model) -> None:
    fixed = past(
        "FIXED",
        hours_ago=10,
        resolution="Called the vendor. Raised the gateway pool to 80.",
        resolved_at=NOW - timedelta(hours=7.5),
        assignment="Payments",
        fields={"resolved_by": "Mia"},
    )
    (entry,) = search(model, [fixed]).similar
    assert entry.resolution == "Raised the gateway pool to 80."
    assert entry.has_fix
    assert (entry.hours_to_resolve, entry.resolved_by) == (2.5, "Mia")
    assert (entry.opened_at, entry.resolved_at) == (
        fixed.report.opened_at,
        fixed.outcome.resolved_at,
    )


@pytest.mark.parametrize(
    ("outcome", "resolution"),
    [
        ({}, "still open"),
        ({"duplicate_of": "X"}, "still open"),
        ({"category": "Payments"}, "fix not recorded"),
        ({"resolution": "closed, no response"}, "fix not recorded"),
    ],
    ids=str,
)
def test_what_names_no_fix_says_so(model, outcome, resolution) -> None:
    (entry,) = search(model, [past("A", **outcome)]).similar
    assert (entry.resolution, entry.has_fix) == (resolution, False)


def test_times_out_of_order_tell_no_duration(model) -> None:
    odd = past("A", hours_ago=1, resolution="x", resolved_at=NOW - timedelta(hours=3))
    assert search(model, [odd]).similar[0].hours_to_resolve is None


def test_without_a_title_the_text_begins_it(model) -> None:
    report = replace(ASKED, title="")
    (entry,) = search(model, [past("A", "", f"{TEXT}\nsecond line")], report).similar
    assert entry.title == TEXT


def test_there_is_always_a_reason(model) -> None:
    one = past("A", "vpn drops", "x")
    one = replace(one, report=replace(one.report, service=None))
    assert search(model, [one], STRANGER, cutoff=0).similar[0].why == ("similar wording",)


def test_the_open_incident_is_named_with_its_members(model) -> None:
    incidents = [
        past("ROOT", hours_ago=3),
        past("DUP1", hours_ago=2, duplicate_of="ROOT"),
        past("DUP2", hours_ago=1, duplicate_of="ROOT"),
    ]
    match = search(model, incidents).open_match
    assert match is not None
    assert (match.id, match.members) == ("ROOT", 3)
    assert match.opened_at == NOW - timedelta(hours=3)
    assert match.relatedness > 0.5
    assert "same title" in match.why


def test_a_repeat_leads_to_the_first_report(model) -> None:
    root = past("ROOT", "shop is down", "nobody can pay by card", hours_ago=30)
    middle = past("MIDDLE", "no cards taken", "terminals say no", hours_ago=20, duplicate_of="ROOT")
    match = search(model, [root, middle, past("DUP", duplicate_of="MIDDLE")]).open_match
    assert match is not None
    assert match.id == "ROOT"


def test_repeats_in_a_circle_end(model) -> None:
    circle = [past("A", duplicate_of="B"), past("B", duplicate_of="A", hours_ago=2)]
    match = search(model, circle).open_match
    assert match is not None
    assert match.id in {"A", "B"}


def test_a_repeat_of_what_is_resolved_is_no_open_match(model) -> None:
    root = past("ROOT", "shop is down", hours_ago=30, resolution="Raised the pool.")
    assert search(model, [root, past("DUP", duplicate_of="ROOT")]).open_match is None


def test_a_repeat_of_what_is_unknown_stands_for_itself(model) -> None:
    match = search(model, [past("DUP", duplicate_of="PRB1")]).open_match
    assert match is not None
    assert match.id == "DUP"


def test_an_incident_is_no_repeat_of_itself(model) -> None:
    """Reports that came before may name as first the one that is asked about."""
    incidents = [past("DUP", duplicate_of="NEW"), past("NEW", hours_ago=0)]
    assert search(model, incidents).open_match is None


def test_a_first_report_that_came_later_is_not_named(model) -> None:
    incidents = [past("DUP", duplicate_of="LATER"), past("LATER", hours_ago=-1)]
    answer = search(model, incidents)
    assert answer.open_match is None
    assert "LATER" not in repr(answer)


@pytest.mark.parametrize("hours_ago", [None, 24 * 14 + 1])
def test_what_is_open_since_nobody_knows_or_long_ago_is_no_match(model, hours_ago) -> None:
    answer = search(model, [past("OLD", hours_ago=hours_ago)])
    assert ids(answer) == ["OLD"]
    assert answer.open_match is None


def test_a_first_report_of_unknown_time_does_not_hide_the_next(model) -> None:
    incidents = [
        past("DUP", hours_ago=1, duplicate_of="ROOT"),
        past("ROOT", "shop is down", "x", hours_ago=None),
        past("OTHER", hours_ago=2),
    ]
    match = search(model, incidents).open_match
    assert match is not None
    assert match.id == "OTHER"


def test_resolved_ones_are_similar_but_no_open_match(model) -> None:
    answer = search(model, [past("A", resolution="Raised the pool.")])
    assert ids(answer) == ["A"]
    assert answer.open_match is None


def test_a_dismissed_match_gives_way_to_the_next(model) -> None:
    incidents = [past("A", hours_ago=1), past("B", hours_ago=2)]
    assert search(model, incidents).open_match.id == "A"
    assert search(model, incidents, dismissed=("A",)).open_match.id == "B"
    assert search(model, incidents, dismissed=("A", "B")).open_match is None
    incidents.append(past("DUP", hours_ago=0.5, duplicate_of="A"))
    assert search(model, incidents, dismissed=("A", "B")).open_match is None


def test_the_open_match_keeps_to_the_calibrated_cutoff(model) -> None:
    unrelated = past("A", "printer jams", "label printer")
    assert search(model, [unrelated], cutoff=0).open_match is None
    assert search(model, [past("A")], cutoff=1).open_match is not None


def test_links_move_the_ranker_and_copies_of_state_hold_no_past() -> None:
    examples = [
        past(f"{n}{half}", f"{a} {b} fails", hours_ago=hours - n, **link)
        for n, (a, b) in enumerate(pairs(20))
        for half, hours, link in (("x", 90, {}), ("y", 40, {"duplicate_of": f"{n}x"}))
    ]
    learned = SimilarModel(encoder="hashing").fit(examples)
    shipped = SimilarModel(encoder="hashing").fit([])
    assert learned.ranker_.weights_.tolist() != shipped.ranker_.weights_.tolist()
    assert not {"index_", "records_"} & learned.__getstate__().keys()


def test_search_before_fit_is_refused() -> None:
    with pytest.raises(NotTrained, match="similar"):
        search(SimilarModel(encoder="hashing"), [past("A")])
