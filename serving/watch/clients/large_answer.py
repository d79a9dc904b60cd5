"""Reads the samples of a large answer in compiled code, without an object for each of them."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from features.timeseries.sample_text import read_samples
from features.timeseries.time_grid import Times, Values

_MARK = b'"values":'
_PADDING = bytes(8)


@dataclass(frozen=True, slots=True)
class LargeAnswer:
    """The samples of an answer, a row for each series, and the rest of its JSON without them."""

    values: Values
    rest: bytes


def read_large_answer(body: bytes, times: Times, step_seconds: int) -> LargeAnswer | None:
    """Read the samples of a matrix at `times`; None if they are not written as Prometheus does.

    The rest still needs to be checked; it has one list `values`, empty, for each series.

    >>> text = b'{"result":[{"metric":{},"values":[[60,"1"],[120,"2"]]}]}'
    >>> answer = read_large_answer(text, np.array([60, 120]), 60)
    >>> answer.values.tolist(), answer.rest
    ([[1.0, 2.0]], b'{"result":[{"metric":{},"values":[]}]}')
    """
    begins = _places_after(_MARK, body)
    values = np.full((len(begins), len(times)), np.nan)
    text = np.frombuffer(bytearray(body) + _PADDING, np.uint8)
    ends = read_samples(text, np.array(begins, np.int64), times, step_seconds, values)
    if not len(ends) or (ends < 0).any():
        return None
    borders = [0, *(place for pair in zip(begins, ends.tolist(), strict=True) for place in pair)]
    kept = [body[first:last] for first, last in list(pairwise([*borders, len(body)]))[::2]]
    return LargeAnswer(values, b"[]".join(kept))


def _places_after(mark: bytes, body: bytes) -> list[int]:
    # In the text of a label its quotes would be escaped.
    places, place = [], body.find(mark)
    while place >= 0:
        places.append(place + len(mark))
        place = body.find(mark, place + len(mark))
    return places
