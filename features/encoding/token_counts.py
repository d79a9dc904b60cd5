"""Counts the words, word pairs and characters of texts in hashed columns."""

import re
from collections.abc import Iterable, Sequence
from itertools import chain, pairwise

import mmh3
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

TOKEN_COLUMNS = 2**20
CHARACTERS_READ = 300

Columns = NDArray[np.int32]

_WORD = re.compile(r"\w\w+")
_SHORTEST, _LONGEST = 3, 5


def words_of(text: str) -> list[str]:
    """Return a text's words of at least two characters, in lower case and in order.

    >>> words_of("Disk FULL on db-1")
    ['disk', 'full', 'on', 'db']
    """
    return _WORD.findall(without_surrogates(text).lower())


def without_surrogates(text: str) -> str:
    """Return a text with a replacement character for each half of a broken pair of surrogates.

    >>> without_surrogates("disk \\ud800 full")
    'disk \ufffd full'
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def with_pairs(words: Sequence[str]) -> list[str]:
    """Return words, followed by the pairs of successive words.

    >>> with_pairs(["disk", "full"])
    ['disk', 'full', 'disk full']
    """
    pairs = pairwise(words)
    return [*words, *(f"{first} {second}" for first, second in pairs)]


def token_columns(tokens: Iterable[str]) -> Columns:
    """Return each token's column, by feature hashing (Weinberger et al. 2009) with MurmurHash3.

    The columns are those of scikit-learn's `FeatureHasher` without alternating signs.

    >>> int(token_columns(["disk"])[0]) < TOKEN_COLUMNS
    True
    """
    hashes = np.fromiter(map(mmh3.hash, tokens), dtype=np.int64)
    return (np.abs(hashes) % TOKEN_COLUMNS).astype(np.int32)


def count_words(texts: Iterable[str]) -> csr_array:
    """Count words and word pairs; the result has shape (texts, TOKEN_COLUMNS).

    >>> count_words(["disk full"]).nnz
    3
    """
    return stack_counts([token_columns(with_pairs(words_of(text))) for text in texts])


def count_single_words(texts: Iterable[str]) -> csr_array:
    """Count words; the result has shape (texts, TOKEN_COLUMNS).

    >>> count_single_words(["disk full"]).nnz
    2
    """
    return stack_counts([token_columns(words_of(text)) for text in texts])


def count_characters(texts: Iterable[str]) -> csr_array:
    """Count runs of characters in the first 300 characters of each text."""
    known: dict[str, Columns] = {}
    return stack_counts([character_columns(text, known) for text in texts])


def no_counts(rows: int) -> csr_array:
    """Return counts of shape (rows, TOKEN_COLUMNS) that are all zero."""
    nothing = (np.empty(0, np.float32), np.empty(0, np.int32), np.zeros(rows + 1, np.int32))
    return csr_array(nothing, shape=(rows, TOKEN_COLUMNS))


def stack_counts(columns: Sequence[Columns]) -> csr_array:
    """Return one row of counts for each text's columns, of shape (texts, TOKEN_COLUMNS)."""
    if not columns:
        return no_counts(0)
    row_of_token = np.repeat(np.arange(len(columns)), [len(row) for row in columns])
    cells, counts = np.unique(
        row_of_token * TOKEN_COLUMNS + np.concatenate(columns), return_counts=True
    )
    starts = np.searchsorted(cells, np.arange(len(columns) + 1) * TOKEN_COLUMNS)
    if len(cells) < np.iinfo(np.int32).max:
        starts = starts.astype(np.int32)
    parts = (counts.astype(np.float32), (cells % TOKEN_COLUMNS).astype(starts.dtype), starts)
    return csr_array(parts, shape=(len(columns), TOKEN_COLUMNS))


def character_columns(text: str, known: dict[str, Columns]) -> Columns:
    """Return the columns of runs of 3 to 5 characters within the words of a text's beginning.

    Each word has a space before and after it; a word that is shorter than a run counts once.
    `known` keeps the columns of words for further texts.
    """
    words = without_surrogates(text[:CHARACTERS_READ]).lower().split()
    if not words:
        return np.empty(0, dtype=np.int32)
    new = [word for word in dict.fromkeys(words) if word not in known]
    if new:
        runs = [_runs(f" {word} ") for word in new]
        columns = token_columns(chain.from_iterable(runs))
        start = 0
        for word, row in zip(new, runs, strict=True):
            known[word] = columns[start : start + len(row)]
            start += len(row)
    return np.concatenate([known[word] for word in words])


def _runs(word: str) -> list[str]:
    runs = []
    for length in range(_SHORTEST, _LONGEST + 1):
        runs += [word[start : start + length] for start in range(max(len(word) - length, 0) + 1)]
        if len(word) <= length:
            break
    return runs
