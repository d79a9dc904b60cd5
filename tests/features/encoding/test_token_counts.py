"""Tokens are counted in the columns of scikit-learn's hashing vectorizer."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.feature_extraction.text import HashingVectorizer

from features.encoding.token_counts import (
    CHARACTERS_READ,
    TOKEN_COLUMNS,
    count_characters,
    count_single_words,
    count_words,
)

TEXTS = st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=400), max_size=4)


def counter(analyzer: str, ngrams: tuple[int, int]) -> HashingVectorizer:
    return HashingVectorizer(
        analyzer=analyzer,
        ngram_range=ngrams,
        n_features=TOKEN_COLUMNS,
        alternate_sign=False,
        norm=None,
        dtype=np.float32,
    )


@given(TEXTS)
def test_counts_are_those_of_scikit_learn(texts: list[str]) -> None:
    beginnings = [text[:CHARACTERS_READ] for text in texts]
    if not texts:
        assert count_words(texts).shape == (0, TOKEN_COLUMNS)
        return
    for ours, theirs in (
        (count_words(texts), counter("word", (1, 2)).transform(texts)),
        (count_single_words(texts), counter("word", (1, 1)).transform(texts)),
        (count_characters(texts), counter("char_wb", (3, 5)).transform(beginnings)),
    ):
        assert ours.shape == theirs.shape
        assert (ours != theirs).nnz == 0


@pytest.mark.parametrize("text", ["disk \ud800x full", "\udfff", "a\udc80"])
def test_halves_of_surrogate_pairs_are_survived(text: str) -> None:
    assert count_words([text]).shape == count_characters([text]).shape == (1, TOKEN_COLUMNS)
