"""The incident index: what is found, what is removed, and that threads can share it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import numpy as np
import pytest
from factories import NOON, incident

from features.domain.report import ResolvedIncident
from features.encoding.encoder import HashingEncoder
from features.errors import UnreadableFile
from features.search.incident_index import IncidentIndex
from features.search.index_file import read_arrays, write_arrays
from features.search.query import view_reports

ENCODER = HashingEncoder()


def shop_incident(name: str, title: str, minutes: int | None = 0, **outcome) -> ResolvedIncident:
    opened_at = None if minutes is None else NOON + timedelta(minutes=minutes)
    facts = {"service": "shop", "attributes": {"site": "Graz"}}
    return incident(name, title, opened_at=opened_at, **facts, **outcome)


def view(name: str, title: str, minutes: int | None = None):
    return view_reports([shop_incident(name, title, minutes).report], ENCODER)[0]


@pytest.fixture
def index() -> IncidentIndex:
    filled = IncidentIndex(ENCODER)
    filled.upsert(
        [
            shop_incident("disk", "disk full on database", 0, resolution="Deleted old logs."),
            shop_incident("vpn", "vpn tunnel drops", 10),
            shop_incident("old", "disk full on mail server", None),
        ]
    )
    return filled


def test_words_find_what_shares_them_and_vectors_the_rest(index: IncidentIndex) -> None:
    assert set(index.candidates(view("new", "database disk full")).ids) == {"disk", "vpn", "old"}
    assert index.candidates(view("new", "vpn"), count=1).ids[0] == "vpn"


def test_only_the_past_is_found_and_an_unknown_time_is_past(index: IncidentIndex) -> None:
    assert set(index.candidates(view("new", "disk vpn", 10)).ids) == {"disk", "old"}
    assert index.candidates(view("new", "disk vpn", 0)).ids == ("old",)


def test_a_report_never_finds_itself(index: IncidentIndex) -> None:
    assert "disk" not in index.candidates(view("disk", "disk full on database")).ids


def test_an_update_replaces_text_time_and_outcome(index: IncidentIndex) -> None:
    index.upsert([shop_incident("vpn", "printer jam", 20, category="Printing")])
    assert len(index) == 3
    candidates = index.candidates(view("new", "printer jam"), count=1)
    assert candidates.ids == ("vpn",)
    assert not candidates.is_open.any()
    assert "vpn" not in index.candidates(view("new", "printer jam", 15)).ids


def test_what_is_removed_is_found_no_more_and_its_slot_serves_again(index: IncidentIndex) -> None:
    index.remove(["disk", "never there"])
    assert "disk" not in index
    assert "disk" not in index.candidates(view("new", "disk full on database")).ids
    index.upsert([shop_incident("jam", "printer jam", 1)])
    assert index.candidates(view("new", "printer jam"), count=1).ids == ("jam",)


def test_columns_tell_of_documentation_and_of_what_is_open(index: IncidentIndex) -> None:
    candidates = index.candidates(view("new", "disk full vpn"))
    at = {name: row for row, name in enumerate(candidates.ids)}
    assert candidates.documentation[at["disk"]] == 2
    assert candidates.documentation[at["vpn"]] == 0
    assert candidates.is_open[at["vpn"]]
    assert not candidates.is_open[at["disk"]]


@pytest.mark.parametrize("title", ["", "???", "x" * 200_000, "the and of", "🔥" * 3])
def test_odd_texts_are_indexed_and_searched(index: IncidentIndex, title: str) -> None:
    index.upsert([shop_incident("odd", title)])
    assert "odd" in index
    index.candidates(view("new", title))


def test_the_same_id_twice_at_once_is_kept_once(index: IncidentIndex) -> None:
    index.upsert([shop_incident("twice", "first"), shop_incident("twice", "second words")])
    assert len(index) == 4
    assert index.candidates(view("new", "second words"), count=1).ids == ("twice",)


def test_many_updates_leave_no_trace_of_what_was_before() -> None:
    index = IncidentIndex(ENCODER)
    names = ("bola", "keri", "muto", "sadu", "pine", "wako")
    for turn in ("first", "second", "third", "last"):
        for _ in range(10):
            index.upsert([shop_incident(name, f"{turn} {name} fails " * 20) for name in names])
    assert len(index) == len(names) == len(index.ids_of_distinct_texts())
    candidates = index.candidates(view("new", "last muto"))
    assert set(candidates.ids) == set(names)
    assert {recurrences.ids for recurrences in candidates.recurrences} == {(n,) for n in names}
    terms = index.gather(["muto"]).text_terms.values
    np.testing.assert_array_equal(terms, view("muto", "last muto fails " * 20).text_terms)


def recurring(count: int, first: int = 0, **outcome) -> list[ResolvedIncident]:
    """Incidents of one text, one each minute; only masked numbers differ."""
    return [
        shop_incident(f"r{n:03}", f"worker {n}% busy", n, **outcome)
        for n in range(first, first + count)
    ]


def test_recurrences_take_one_place_and_all_of_the_past_are_counted(index: IncidentIndex) -> None:
    index.upsert(recurring(1, resolution="Stopped the batch job."))
    index.upsert(recurring(200, 1, category="Load"))
    candidates = index.candidates(view("new", "disk worker busy", 150), count=4)
    assert {"r000", "r149", "vpn", "disk"} <= set(candidates.ids)
    assert "r150" not in candidates.ids
    text = candidates.texts[candidates.ids.index("r000")]
    recurrences = candidates.recurrences[text]
    assert recurrences.ids == tuple(f"r{n:03}" for n in reversed(range(150)))
    assert recurrences.with_fix == 1
    assert recurrences.last_opened == view("x", "x", 149).opened


def test_the_newest_open_one_of_many_recurrences_is_a_candidate(index: IncidentIndex) -> None:
    index.upsert(recurring(1))
    index.upsert(recurring(50, 1, category="Load"))
    assert "r000" in index.candidates(view("new", "worker busy")).ids


def test_a_text_is_found_while_one_incident_has_it(index: IncidentIndex) -> None:
    index.upsert(recurring(30))
    for gone in range(30):
        assert "r029" in index.candidates(view("new", "worker busy"), 1).ids
        index.remove([f"r{gone:03}"])
    assert "r029" not in index.candidates(view("new", "worker busy"), 1).ids


def test_a_text_is_as_old_as_its_oldest_incident(index: IncidentIndex) -> None:
    index.upsert(recurring(1, 40))
    assert "r040" not in index.candidates(view("new", "worker busy", 30)).ids
    index.upsert(recurring(1, 20))
    assert "r020" in index.candidates(view("new", "worker busy", 30)).ids
    index.remove(["r020"])
    assert "r040" not in index.candidates(view("new", "worker busy", 30)).ids


def test_threads_may_search_while_others_write(index: IncidentIndex) -> None:
    def write(turn: int) -> None:
        index.upsert([shop_incident(f"n{turn}-{n}", f"disk {turn}") for n in range(20)])
        index.remove([f"n{turn}-0"])

    def search(_turn: int) -> bool:
        return "disk" in index.candidates(view("new", "disk full on database")).ids

    with ThreadPoolExecutor(4) as pool:
        writes = [pool.submit(write, turn) for turn in range(10)]
        assert all(pool.map(search, range(50)))
        for write_call in writes:
            write_call.result()
    assert len(index) == 3 + 10 * 19


def test_a_restored_index_answers_alike_and_goes_on(index: IncidentIndex, tmp_path) -> None:
    index.upsert([shop_incident("vpn2", "vpn tunnel drops", 30)])
    index.remove(["old"])
    write_arrays(tmp_path / "index.npz", index.state())
    restored = IncidentIndex.restore(ENCODER, read_arrays(tmp_path / "index.npz"))
    for title in ("vpn tunnel", "disk full", "printer"):
        before, after = (of.candidates(view("new", title)) for of in (index, restored))
        assert before.ids == after.ids
        assert before.recurrences == after.recurrences
        assert np.array_equal(before.text_vectors, after.text_vectors)
        assert np.array_equal(before.facts.values, after.facts.values)
    restored.upsert([shop_incident("jam", "printer jam", 40), shop_incident("vpn", "gone", 10)])
    assert restored.candidates(view("new", "printer jam"), count=1).ids[0] == "jam"
    assert restored.candidates(view("new", "vpn tunnel drops"), count=1).ids[0] == "vpn2"


def test_nothing_of_a_removed_incident_is_saved(index: IncidentIndex) -> None:
    index.upsert([shop_incident("secret", "xylophone burgled", 30)])
    index.remove(["secret"])
    never = IncidentIndex(ENCODER)
    never.upsert(
        [
            shop_incident("disk", "disk full on database", 0, resolution="Deleted old logs."),
            shop_incident("vpn", "vpn tunnel drops", 10),
            shop_incident("old", "disk full on mail server", None),
        ]
    )
    saved, expected = index.state(), never.state()
    for name, array in expected.items():
        # Components are not learned again, and numbers of texts leave gaps.
        if name not in ("texts.basis", "texts.scanned") and not name.startswith("lexical."):
            assert np.array_equal(saved[name][: len(array)], array), name
    terms = set(saved["lexical.text.terms"].tolist())
    assert terms == set(expected["lexical.text.terms"].tolist())
    assert not saved["copies.fingerprints"][len(expected["copies.fingerprints"]) :].any()


@pytest.mark.parametrize("damage", ["truncate", "zero", "flip"])
def test_a_damaged_file_is_refused(index: IncidentIndex, tmp_path, damage: str) -> None:
    file = tmp_path / "index.npz"
    write_arrays(file, index.state())
    content = bytearray(file.read_bytes())
    half = len(content) // 2
    if damage == "truncate":
        del content[half:]
    else:
        place = content.find(index.state()["texts.levels"].tobytes())
        content[place : place + 64] = bytes(64) if damage == "zero" else b"\xff" * 64
    file.write_bytes(content)
    with pytest.raises(UnreadableFile, match="cannot be read"):
        read_arrays(file)
