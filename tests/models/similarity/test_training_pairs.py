"""What the ranker learns from: who is known to be whose relative, and who nobody knows of."""

from datetime import UTC, datetime, timedelta

import pytest
from factories import incident

from features.domain.report import ResolvedIncident
from features.encoding.encoder import HashingEncoder
from features.search.incident_index import IncidentIndex
from models.similarity import training_pairs
from models.similarity.pair_features import FEATURES
from models.similarity.pair_statistics import measure_statistics
from models.similarity.stranger_cohort import draw_cohort
from models.similarity.training_pairs import LabelledQuery, PairJudgement, labelled_queries

START = datetime(2026, 1, 1, tzinfo=UTC)
TITLES = (
    "card payments hang at the gateway",
    "printer jams on floor two",
    "vpn tunnel of the branch drops",
    "no space left on the volume",
    "outgoing mail is refused by the relay",
    "login page is slow since noon",
)


def numbered(number: int, *, timed: bool = True, **outcome: str) -> ResolvedIncident:
    """The number names its title and its hour."""
    opened = START + timedelta(hours=number) if timed else None
    title = TITLES[number % len(TITLES)]
    return incident(str(number), title, f"case {number}", opened_at=opened, **outcome)


def queries(
    examples: list[ResolvedIncident], *judgements: PairJudgement, seed: int = 0
) -> dict[str, LabelledQuery]:
    index = IncidentIndex(HashingEncoder())
    index.upsert(examples)
    statistics, cohort = measure_statistics(index), draw_cohort(index, seed=0)
    labelled = labelled_queries(examples, index, statistics, cohort, judgements, seed=seed)
    return {query.id: query for query in labelled}


def relatives_of(query: LabelledQuery, examples: list[ResolvedIncident]) -> set[str]:
    """Candidates are those before, in the order of their places in the index."""
    before = [example.report.id for example in examples if int(example.report.id) < int(query.id)]
    assert len(before) == len(query.is_relative)
    return {name for name, is_one in zip(before, query.is_relative, strict=True) if is_one}


def test_a_link_makes_relatives_of_those_before() -> None:
    examples = [
        numbered(0),
        numbered(1),
        numbered(2, duplicate_of="0"),
        numbered(3, duplicate_of="2"),
    ]
    query_of = queries(examples)
    assert relatives_of(query_of["2"], examples) == {"0"}
    assert relatives_of(query_of["3"], examples) == {"0", "2"}
    assert query_of["3"].has_relative is True
    assert query_of["1"].has_relative is False
    assert query_of["0"].has_relative is False
    assert query_of["0"].features.shape == (0, len(FEATURES))
    assert query_of["3"].features.shape == (3, len(FEATURES))


def test_one_group_has_one_number_and_others_their_own() -> None:
    examples = [numbered(0), numbered(1), numbered(2, duplicate_of="0"), numbered(3)]
    query_of = queries(examples)
    assert query_of["0"].group == query_of["2"].group
    assert len({query.group for query in query_of.values()}) == 3


def test_without_a_link_nobody_knows() -> None:
    query_of = queries([numbered(n) for n in range(4)])
    assert [query.has_relative for query in query_of.values()] == [None] * 4
    assert not any(query.is_relative.any() for query in query_of.values())


def test_a_shared_runbook_makes_relatives() -> None:
    examples = [
        numbered(0, runbook_id="vpn"),
        numbered(1, runbook_id="disk"),
        numbered(2, runbook_id="vpn", duplicate_of="0"),
        numbered(3, runbook_id="vpn"),
    ]
    assert relatives_of(queries(examples)["3"], examples) == {"0", "2"}


def test_near_copies_that_nobody_linked_make_a_missing_link_say_nothing() -> None:
    examples = [numbered(n) for n in range(18)]
    examples.append(numbered(18, duplicate_of="12"))
    query_of = queries(examples)
    assert relatives_of(query_of["17"], examples) == {"5", "11"}
    assert {query.has_relative for query in query_of.values()} == {None}


def test_people_are_believed_before_links() -> None:
    examples = [numbered(0), numbered(1), numbered(2, duplicate_of="0"), numbered(3)]
    judgements = (PairJudgement("2", "0", False), PairJudgement("3", "1", True))
    query_of = queries(examples, *judgements)
    assert relatives_of(query_of["2"], examples) == set()
    assert relatives_of(query_of["3"], examples) == {"1"}
    assert query_of["3"].has_relative is True


def test_a_later_word_replaces_an_earlier_one() -> None:
    examples = [numbered(n) for n in range(3)]
    judgements = (PairJudgement("2", "0", False), PairJudgement("2", "0", True))
    assert relatives_of(queries(examples, *judgements)["2"], examples) == {"0"}


def test_words_about_what_is_not_there_are_passed_over() -> None:
    examples = [numbered(n) for n in range(3)]
    query_of = queries(examples, PairJudgement("99", "0", True), PairJudgement("2", "99", False))
    assert {query.has_relative for query in query_of.values()} == {None}


def test_without_times_any_of_a_group_is_past() -> None:
    examples = [numbered(0, timed=False), numbered(1, timed=False, duplicate_of="0")]
    query_of = queries(examples)
    assert [query.has_relative for query in query_of.values()] == [True, True]
    assert all(query.is_relative.tolist() == [True] for query in query_of.values())


def test_many_are_drawn_from_and_weighed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training_pairs, "_MOST_OF_EACH", 4)
    examples = [numbered(n) for n in range(6)]
    examples += [numbered(n, duplicate_of=str(n - 6)) for n in range(6, 16)]
    query_of = queries(examples)
    assert len(query_of) == 8
    assert sum(query.weight for query in query_of.values()) == pytest.approx(len(examples))
    assert set(query_of) == set(queries(examples))
    assert any(set(query_of) != set(queries(examples, seed=seed)) for seed in range(1, 4))


def test_order_and_features_are_those_of_the_candidates() -> None:
    examples = [numbered(0), numbered(1), numbered(6, duplicate_of="0")]
    (query,) = [query for query in queries(examples).values() if query.id == "6"]
    cosine = query.features[:, FEATURES.index("title_cosine")]
    assert cosine[0] == pytest.approx(1, abs=1e-3)
    assert cosine[0] > cosine[1]
    assert len(query.strangers.is_near) == len(query.is_relative) == 2


def test_nothing_has_no_queries() -> None:
    assert queries([]) == {}
