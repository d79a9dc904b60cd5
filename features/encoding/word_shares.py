"""How common words are in general, by their places in an encoder's vocabulary."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from features.encoding.encoder import HashingEncoder
from features.encoding.encoder_weights import find_weights
from features.text.tokens import term_ids, terms_of

# In BERT's vocabulary, whole words stand in falling frequency from this place on.
_FIRST_WORD = 1_996
_PIECE = "##"
# By Zipf's law, the word of rank r is in about 10 / (r + 50) of texts with some forty words.
_LEADING_WORDS, _TEXT_WORDS = 50, 10.0


@dataclass(frozen=True, slots=True)
class WordShares:
    """The share of texts in which a term occurs, by the term's hash bucket in ascending order."""

    buckets: NDArray[np.uint32]
    shares: NDArray[np.float64]


def word_shares(reference: str) -> WordShares:
    """Estimate the shares of terms from the rank of words in an encoder's vocabulary.

    Words with the same stem count together. An encoder without a vocabulary knows no word.

    >>> len(word_shares("hashing").buckets)
    0
    """
    if reference == HashingEncoder.reference:
        return WordShares(np.empty(0, dtype=np.uint32), np.empty(0))
    vocabulary = find_weights(reference) / "vocab.txt"
    words = _words(vocabulary)
    terms = [(term, rank) for rank, word in enumerate(words) for term in terms_of(word)]
    buckets, places = np.unique(term_ids([term for term, _ in terms]), return_inverse=True)
    ranks = np.array([rank for _, rank in terms], dtype=np.float64)
    shares = np.bincount(places.ravel(), _TEXT_WORDS / (ranks + _LEADING_WORDS), len(buckets))
    return WordShares(buckets, np.minimum(shares, 1.0))


def _words(vocabulary: Path) -> list[str]:
    if not vocabulary.is_file():
        return []
    entries = vocabulary.read_text(encoding="utf-8").splitlines()[_FIRST_WORD:]
    return [entry for entry in entries if not entry.startswith(_PIECE)]
