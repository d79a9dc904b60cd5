"""Chunks of the past are read ahead of scoring, each once, and a failure costs no points."""

from itertools import pairwise
from urllib.parse import parse_qs

import pytest

SLOTS, STEP = 200, 60


@pytest.fixture
def chunked(watching, monkeypatch):
    monkeypatch.setattr("serving.watch.query_reader.MOST_SLOTS", SLOTS)
    watching.options["history_days"] = 1
    return watching


def ranges(watching):
    """Return the first and the last slot of each chunk that was asked for, in seconds."""
    asked = [parse_qs(query) for query in watching.prometheus.asked]
    spans = [(int(query["start"][0]), int(query["end"][0])) for query in asked if "start" in query]
    return [span for span in spans if span[1] > span[0]]


def test_each_chunk_is_read_once_and_the_next_one_ahead(chunked):
    chunked.step(0)
    assert len(ranges(chunked)) >= 1
    for _ in range(12):
        chunked.step(0)
    spans = ranges(chunked)
    assert len(spans) == 1_440 // SLOTS + 1
    assert all(later[0] == earlier[1] + STEP for earlier, later in pairwise(spans))


def test_a_chunk_that_cannot_be_read_ahead_is_read_again(chunked):
    chunked.step(0)
    chunked.prometheus.answer_with = lambda _: (503, b"down")
    chunked.step(0)
    chunked.prometheus.answer_with = None
    for _ in range(12):
        chunked.step(5)
    spans = sorted(set(ranges(chunked)))
    covered = {slot for first, last in spans for slot in range(first, last + 1, STEP)}
    assert covered == set(range(min(covered), max(covered) + 1, STEP))
