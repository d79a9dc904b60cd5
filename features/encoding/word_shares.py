"""How common words are in general, by their places in an encoder's vocabulary."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.encoding.word_pieces import RANK_OFFSET, open_word_pieces
from features.text.tokens import term_ids, terms_of_vocabulary

# The word of rank r is in about 10 / (r + 50) of texts with some forty words.
_TEXT_WORDS = 10.0


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
    words = open_word_pieces(reference).words
    terms = [
        (term, rank)
        for rank, terms_of_word in enumerate(terms_of_vocabulary(words))
        for term in terms_of_word
    ]
    buckets, places = np.unique(term_ids([term for term, _ in terms]), return_inverse=True)
    ranks = np.array([rank for _, rank in terms], dtype=np.float64)
    shares = np.bincount(places.ravel(), _TEXT_WORDS / (ranks + RANK_OFFSET), len(buckets))
    return WordShares(buckets, np.minimum(shares, 1.0))
