"""Terms: which words count, that the terms are stable, and that splitting is fast."""

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.encoding.encoder_weights import MINILM
from features.encoding.word_pieces import open_word_pieces
from features.text.tokens import TERM_BUCKETS, term_ids, terms_of, terms_of_vocabulary

TICKET = """Payment service on pay-api-{n} is very slow since 03:{n}. Customers of shop {n} see a
timeout at the last step, the gateway pool seems exhausted. Please look soon, we lose orders."""


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", []),
        ("The VPN is not working!", ["vpn", "work"]),
        ("printers printing printed", ["printer", "print", "print"]),
        ("KubePodCrashLooping", ["kubepodcrashloop", "kube", "pod", "crash", "loop"]),
        ("high_disk_usage", ["highdiskusag", "high", "disk", "usag"]),
        ("HTTPServer", ["httpserver", "http", "server"]),
        ("srv-db-012 at 10.0.0.7, INC0012345, 98%", ["srv", "db"]),
        ("fails with ORA-600", ["fail", "ora00600"]),
        ("HTTP 503", ["http", "http503"]),
        ("Größe Café STRASSE Straße", ["gross", "cafe", "strass", "strass"]),
        ("Der Drucker geht nicht", ["drucker", "geht"]),
        ("无法登录", ["无法", "法登", "登录"]),
        ("<b>disk</b> full {{ $labels.pod }}", ["disk", "full", "label", "pod"]),
        ("a b c I", []),
    ],
)
def test_terms(text: str, wanted: list[str]) -> None:
    assert terms_of(text) == wanted


def test_inflected_and_joined_spellings_meet() -> None:
    one, other = terms_of("Disks filling up on node1"), terms_of("disk filled, node 22")
    assert set(one) == set(other) == {"disk", "fill", "node"}
    assert set(terms_of("kube pod crash looping")) < set(terms_of("KubePodCrashLooping"))


def test_code_that_is_a_word_counts_once() -> None:
    assert terms_of("NullPointerException").count("nullpointerexcept") == 1


def test_ids_are_in_order_and_the_same_everywhere() -> None:
    ids = term_ids(["vpn", "down", "vpn"])
    assert ids.dtype == np.uint32
    assert ids.tolist() == [587865, 1019963, 587865]
    assert term_ids([]).tolist() == []


@given(st.lists(st.text()))
def test_ids_stay_below_the_number_of_buckets(terms: list[str]) -> None:
    ids = term_ids(terms)
    assert len(ids) == len(terms)
    assert all(0 <= bucket < TERM_BUCKETS for bucket in ids.tolist())


@given(st.text())
def test_terms_of_any_text_are_short_words(text: str) -> None:
    assert all(0 < len(term) <= 64 and not term.isspace() for term in terms_of(text))


@given(st.text(alphabet="aAbZz019_-. /é登\n<>"))
def test_case_of_plain_words_does_not_matter(text: str) -> None:
    assert terms_of(text.lower()) == terms_of(text.lower().upper().lower())


def test_many_short_texts_are_read_fast() -> None:
    tickets = [TICKET.format(n=n) for n in range(3000)]
    started = time.process_time()
    for ticket in tickets:
        terms_of(ticket)
    assert time.process_time() - started < 1.5


@pytest.mark.parametrize(
    "piece",
    [
        "a",
        "A",
        "aA",
        "Aa1",
        "_",
        "a_",
        "登",
        "登a",
        "<",
        "<a",
        "E_",
        "error ",
        "é",
        "rc=1 ",
        "404 ",
    ],
)
def test_longest_text_is_read_quickly(piece: str) -> None:
    started = time.process_time()
    terms_of((piece * 200_000)[:200_000])
    assert time.process_time() - started < 1


def test_a_vocabulary_has_the_terms_of_its_words() -> None:
    words = [*open_word_pieces(MINILM).words, "KubePod", "ORA-00942", "don't", "", "Überlauf"]
    assert terms_of_vocabulary(words) == [tuple(terms_of(word)) for word in words]
