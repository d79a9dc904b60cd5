"""Splits texts into the word pieces of an encoder's vocabulary, and knows how common each is."""

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from features.encoding.encoder import HashingEncoder
from features.encoding.encoder_export import TOKENIZER_FILE
from features.encoding.encoder_weights import find_export

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_PART = "##"  # marks a part of a word in a vocabulary of WordPiece
_STARTS = ("▁", "Ġ")  # mark the start of a word in vocabularies of SentencePiece and byte-level BPE
_LONGEST_READ = 20_000

RANK_OFFSET = 50.0
"""By Zipf's law, the frequency of the word of rank r is about proportional to 1 / (r + 50)."""

PieceIds = NDArray[np.int64]


class WordPieces:
    """The words and word parts of an encoder's vocabulary, from its first word on.

    Vocabularies begin with special tokens and, in BERT's (Devlin et al. 2019), single characters.
    Words and the other pieces follow, ordered by their frequency in the language of the training.
    `background` holds the probability of each piece in that language, estimated from its rank by
    Zipf's law. `words` holds the words without their parts, the most frequent first. Without a
    tokenizer every text has no pieces.
    """

    def __init__(self, tokenizer: "Tokenizer | None" = None) -> None:
        self._tokenizer = tokenizer
        vocabulary = {} if tokenizer is None else tokenizer.get_vocab()
        pieces = sorted(vocabulary, key=vocabulary.__getitem__)
        self._first = next((row for row, piece in enumerate(pieces) if _is_word(piece)), 0)
        self.words = _whole_words(pieces[self._first :])
        weights = 1 / (np.arange(len(pieces) - self._first) + RANK_OFFSET)
        self.background = weights / weights.sum() if len(weights) else np.empty(0)

    @classmethod
    def open(cls, encoder: str) -> Self:
        """Return the pieces of an encoder, named by its reference; loads its vocabulary."""
        if encoder == HashingEncoder.reference:
            return cls()
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_file(str(find_export(encoder).folder / TOKENIZER_FILE))
        tokenizer.no_truncation()
        tokenizer.no_padding()
        return cls(tokenizer)

    def ids(self, texts: Sequence[str]) -> list[PieceIds]:
        """Return the different pieces of each text, as rising indices into `background`."""
        if self._tokenizer is None:
            return [np.empty(0, dtype=np.int64) for _ in texts]
        encodings = self._tokenizer.encode_batch([text[:_LONGEST_READ] for text in texts])
        ids = (np.unique(np.array(encoding.ids, dtype=np.int64)) for encoding in encodings)
        return [row[row >= self._first] - self._first for row in ids]


def _is_word(piece: str) -> bool:
    """Return whether a piece has several letters and nothing else; special tokens have brackets."""
    letters = piece.removeprefix(_PART).lstrip("".join(_STARTS))
    return len(letters) > 1 and letters.isalpha()


def _whole_words(pieces: Sequence[str]) -> tuple[str, ...]:
    """Return the pieces that are not parts of words, without the mark of a word's start."""
    whole = tuple(piece for piece in pieces if not piece.startswith(_PART))
    for start in _STARTS:
        words = tuple(piece.removeprefix(start) for piece in pieces if piece.startswith(start))
        if len(words) > len(pieces) - len(whole):
            return words
    return whole


@cache
def open_word_pieces(encoder: str) -> WordPieces:
    """Return the word pieces of an encoder, opening each vocabulary once per process.

    >>> open_word_pieces("hashing").ids(["printer jam"])[0].tolist()
    []
    """
    return WordPieces.open(encoder)
