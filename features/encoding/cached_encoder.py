"""An encoder for a great many texts, which keeps on disk what it encoded."""

from collections.abc import Sequence

import numpy as np

from features.encoding.encoder import Encoder, SentenceEncoder, Vectors
from features.encoding.vector_cache import EncodingCache

_SEGMENT_TEXTS = 512
_TEXTS_IN_A_TURN = 32


class CachedEncoder:
    """Finds vectors in the cache, and encodes only what it has not.

    Memory holds no more than the texts that wait to be written; `flush` writes them. An encoder
    that needs no weights is asked every time.

    >>> from pathlib import Path
    >>> from features.encoding.encoder import HashingEncoder
    >>> encoder = HashingEncoder()
    >>> CachedEncoder(encoder, EncodingCache(Path("unused"), encoder)).encode(["disk full"]).shape
    (1, 64)
    """

    def __init__(self, encoder: Encoder, cache: EncodingCache) -> None:
        self.reference = encoder.reference
        self.dimension = encoder.dimension
        self._encoder = encoder
        self._cache = cache
        self._waiting: dict[str, Vectors] = {}

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return unit vectors of shape (texts, dimension); an empty text's is zero."""
        if not isinstance(self._encoder, SentenceEncoder):
            return self._encoder.encode(texts)
        unique = [text for text in dict.fromkeys(texts) if text]
        found = self._cache.find(unique)
        found |= {text: self._waiting[text] for text in unique if text in self._waiting}
        fresh = _compute(self._encoder, [text for text in unique if text not in found])
        self._waiting |= fresh
        if len(self._waiting) >= _SEGMENT_TEXTS:
            self.flush()
        vectors = found | fresh | {"": np.zeros(self.dimension, dtype=np.float32)}
        return np.array([vectors[text] for text in texts], dtype=np.float32)

    def discard_pending(self) -> None:
        """Drop what waits, unwritten; it is encoded again when it is asked for again."""
        self._waiting = {}

    def flush(self) -> None:
        """Write what waits."""
        if self._waiting:
            self._cache.keep(list(self._waiting), np.array(list(self._waiting.values())))
            self._waiting = {}


def _compute(encoder: SentenceEncoder, texts: Sequence[str]) -> dict[str, Vectors]:
    """Encode texts of like length together, a few at a time: requests wait for their turn."""
    ordered = sorted(texts, key=len, reverse=True)
    vectors: dict[str, Vectors] = {}
    for start in range(0, len(ordered), _TEXTS_IN_A_TURN):
        some = ordered[start : start + _TEXTS_IN_A_TURN]
        vectors |= dict(zip(some, encoder.compute(some), strict=True))
    return vectors
