"""Splits texts into the word pieces of an encoder's vocabulary, and knows how common each is."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from features.encoding.encoder import HashingEncoder
from features.encoding.encoder_weights import find_weights

if TYPE_CHECKING:
    from tokenizers import Tokenizer

# In BERT's vocabulary (Devlin et al. 2019) single characters come first. Words and the other pieces
# follow, ordered by their frequency in English text.
_FIRST_WORD = 1996
_LONGEST_READ = 20_000

RANK_OFFSET = 50.0
"""By Zipf's law, the frequency of the word of rank r is about proportional to 1 / (r + 50)."""

PieceIds = NDArray[np.int64]


class WordPieces:
    """The words and word parts of an encoder's vocabulary; single characters are left out.

    `background` holds the probability of each piece in general English, estimated from its rank in
    the vocabulary by Zipf's law. `words` holds the pieces as text; the part of a word begins with
    `##`. Without a tokenizer every text has no pieces.
    """

    def __init__(self, tokenizer: "Tokenizer | None" = None) -> None:
        self._tokenizer = tokenizer
        vocabulary = {} if tokenizer is None else tokenizer.get_vocab()
        self.words = tuple(sorted(vocabulary, key=vocabulary.__getitem__)[_FIRST_WORD:])
        weights = 1 / (np.arange(len(self.words)) + RANK_OFFSET)
        self.background = weights / weights.sum() if len(weights) else np.empty(0)

    @classmethod
    def open(cls, encoder: str) -> Self:
        """Return the pieces of an encoder, named by its reference; loads its vocabulary."""
        if encoder == HashingEncoder.reference:
            return cls()
        from tokenizers import Tokenizer

        file: Path = find_weights(encoder) / "tokenizer.json"
        if not file.is_file():
            return cls()
        tokenizer = Tokenizer.from_file(str(file))
        tokenizer.no_truncation()
        tokenizer.no_padding()
        return cls(tokenizer)

    def ids(self, texts: Sequence[str]) -> list[PieceIds]:
        """Return the different pieces of each text, as rising indices into `background`."""
        if self._tokenizer is None:
            return [np.empty(0, dtype=np.int64) for _ in texts]
        encodings = self._tokenizer.encode_batch([text[:_LONGEST_READ] for text in texts])
        ids = (np.unique(np.array(encoding.ids, dtype=np.int64)) for encoding in encodings)
        return [row[row >= _FIRST_WORD] - _FIRST_WORD for row in ids]


@cache
def open_word_pieces(encoder: str) -> WordPieces:
    """Return the word pieces of an encoder, opening each vocabulary once per process.

    >>> open_word_pieces("hashing").ids(["printer jam"])[0].tolist()
    []
    """
    return WordPieces.open(encoder)
