"""Near-copies among search results stand in one entry."""

import pytest

from features.domain.report import IncidentReport, Outcome, ResolvedIncident
from features.encoding.encoder import HashingEncoder
from features.search.candidates import Candidates
from features.search.incident_index import IncidentIndex
from features.search.query import SearchView, view_reports
from models.similarity.deduplication import collapse_copies, copies_of

TEXT = "the nightly export of invoices stops with a timeout after the third retry on the gateway"
ENCODER = HashingEncoder()


def view_of(title: str, text: str) -> SearchView:
    return view_reports([IncidentReport("asked", title=title, description=text)], ENCODER)[0]


def candidates(*texts: tuple[str, str]) -> Candidates:
    """Candidates a, b, c, ... of these titles and texts, in this order."""
    index = IncidentIndex(ENCODER)
    for at, (title, text) in enumerate(texts):
        report = IncidentReport(chr(ord("a") + at), title=title, description=text)
        index.upsert([ResolvedIncident(report, Outcome())])
    matches = index.candidates(view_of("export", TEXT))
    assert list(matches.ids) == sorted(matches.ids)
    assert len(matches) == len(texts)
    return matches


def test_copies_are_grouped_in_the_given_order() -> None:
    matches = candidates(("export", TEXT), ("mail", "relay refuses"), ("export", TEXT))
    assert collapse_copies(matches, [0, 1, 2]) == [[0, 2], [1]]
    assert collapse_copies(matches, [2, 1, 0]) == [[2, 0], [1]]
    assert collapse_copies(matches, [1]) == [[1]]
    assert collapse_copies(matches, []) == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("host srv-db-012 down", "host srv-db-931 down"),
        ("at 2026-03-01 04:05:06 lost", "at 2026-04-11 14:15:16 lost"),
        ("request 0xdeadbeef by 10.1.2.3", "request 0xcafebabe by 10.9.8.7"),
    ],
)
def test_variable_parts_do_not_count(one: str, other: str) -> None:
    matches = candidates(("export", f"{TEXT} {one}"), ("export", f"{TEXT} {other}"))
    assert collapse_copies(matches, [0, 1]) == [[0, 1]]


def test_one_word_in_ten_may_differ_but_not_two() -> None:
    words = [f"{a}{b}" for a in ("bola", "keri", "muto", "sadu") for b in ("gen", "fik", "lop")]
    nine = " ".join(words[:10])
    assert len(collapse_copies(candidates(("x", nine), ("x", f"{nine} zuri")), [0, 1])) == 1
    far = f"{nine} zuri {words[10]} {words[11]}"
    assert len(collapse_copies(candidates(("x", nine), ("x", far)), [0, 1])) == 2


def test_another_title_is_another_incident() -> None:
    matches = candidates(("export fails", TEXT), ("printer jams", TEXT))
    assert collapse_copies(matches, [0, 1]) == [[0], [1]]


def test_copies_of_a_report() -> None:
    matches = candidates(("export", TEXT), ("mail", "relay refuses"), ("export", f"{TEXT} 4711"))
    assert copies_of(view_of("export", TEXT), matches).tolist() == [True, False, True]


def test_few_words_tell_of_no_copy() -> None:
    matches = candidates(("export", "stops"))
    assert copies_of(view_of("export", "stops"), matches).tolist() == [False]


def test_a_later_row_never_joins_two_groups() -> None:
    """The middle text is a near-copy of both others, which are none of each other."""
    words = [f"{a}{b}" for a in ("bola", "keri", "muto", "sadu", "pine") for b in ("gen", "fik")]
    one, other = [*words, "zuri"], [*words, "tamo"]
    matches = candidates(("x", " ".join(one)), ("x", " ".join(other)), ("x", " ".join(words)))
    assert collapse_copies(matches, [0, 1, 2]) == [[0, 2], [1]]
