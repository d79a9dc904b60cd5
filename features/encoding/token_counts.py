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
    return _WORD.findall(text.lower())


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


def character_columns(text: str) -> Columns:
    """Return the columns of runs of 3 to 5 characters within the words of a text's beginning.

    Each word has a space before and after it; a word that is shorter than a run counts once.
    """
    known: dict[str, Columns] = {}
    return _character_columns(text, known)


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
    return stack_counts([_character_columns(text, known) for text in texts])


def no_counts(rows: int) -> csr_array:
    """Return counts of shape (rows, TOKEN_COLUMNS) that are all zero."""
    nothing = (np.empty(0, np.float32), np.empty(0, np.int32), np.zeros(rows + 1, np.int32))
    return csr_array(nothing, shape=(rows, TOKEN_COLUMNS))


def stack_counts(columns: Sequence[Columns]) -> csr_array:
    """Return one row of counts for each text's columns, of shape (texts, TOKEN_COLUMNS)."""
    if not columns:
        return no_counts(0)
    counted = [np.unique(row, return_counts=True) for row in columns]
    ends = np.cumsum([0, *(len(row) for row, _ in counted)])
    if ends[-1] < np.iinfo(np.int32).max:
        ends = ends.astype(np.int32)
    counts = np.concatenate([count for _, count in counted])
    parts = (counts.astype(np.float32), np.concatenate([row for row, _ in counted]), ends)
    return csr_array(parts, shape=(len(columns), TOKEN_COLUMNS))


def _character_columns(text: str, known: dict[str, Columns]) -> Columns:
    words = text[:CHARACTERS_READ].lower().split()
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
