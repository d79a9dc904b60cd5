"""Sentences name the stream as people write it, and durations in units that they use."""

from datetime import timedelta

import pytest
from surge_streams import START

from models.surges.find_surges import Surge
from models.surges.sentences import name_of_stream, sentence_of
from models.surges.streams import Stream, StreamKind


def surge(kind=StreamKind.SERVICE, value="vpn", expected=0.5, minutes=20, weeks=8.0) -> Surge:
    end = START + timedelta(minutes=minutes)
    ids = tuple("abcdefghi")
    return Surge("1", Stream(kind, value), START, end, end, ids, expected, weeks)


@pytest.mark.parametrize(
    ("expected", "usual"),
    [
        (0.5, "usually 1 in 2 h"),
        (3.2, "usually 3 in 1 h"),
        (1 / 72, "usually 1 in 3 days"),
        (1 / 700, "usually 1 in 4 weeks"),
        (0.0, "none in the last 8 weeks"),
    ],
)
def test_what_is_usual_has_a_readable_unit(expected: float, usual: str) -> None:
    assert sentence_of(surge(expected=expected), "vpn") == f"vpn tickets: 9 in 20 min, {usual}"


def test_long_surges_are_told_in_hours() -> None:
    assert "9 in 3 h" in sentence_of(surge(minutes=185), "vpn")


def test_a_term_is_told_as_it_is_written() -> None:
    of_text = surge(StreamKind.TEXT, "connect")
    titles = ["Cannot connect to VPN", "Connecting fails", "I cannot connect"]
    name = name_of_stream(of_text, titles)
    assert sentence_of(of_text, name).startswith("Tickets with “connect”: 9")
    assert name_of_stream(of_text, []) == "connect"
