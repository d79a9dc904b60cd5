"""An encoder for very many texts, which caches its vectors on disk."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

import numpy as np

from features.encoding.encoder import Encoder, SentenceEncoder, Vectors
from features.encoding.encoder_weights import open_encoder
from features.encoding.vector_cache import EncodingCache
from features.home import Home, HomeSettings

_SEGMENT_TEXTS = 512
_TEXTS_IN_A_TURN = 32


class CachedEncoder:
    """Reads vectors from the cache, and encodes only the texts that are not in it.

    New vectors stay in memory until there are enough to write, or until `flush` writes them. An
    encoder without weights is fast, so its vectors are not cached. `before_batch` is called before
    each batch; it may raise an error to end early, and what was encoded before stays pending.

    >>> from pathlib import Path
    >>> from features.encoding.encoder import HashingEncoder
    >>> encoder = HashingEncoder()
    >>> CachedEncoder(encoder, EncodingCache(Path("unused"), encoder)).encode(["disk full"]).shape
    (1, 64)
    """

    def __init__(
        self,
        encoder: Encoder,
        cache: EncodingCache,
        *,
        before_batch: Callable[[], None] = lambda: None,
    ) -> None:
        self.reference = encoder.reference
        self.vector_key = encoder.vector_key
        self.dimension = encoder.dimension
        self._encoder = encoder
        self._cache = cache
        self._before_batch = before_batch
        self._pending: dict[str, Vectors] = {}

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return unit vectors of shape (texts, dimension); the vector of an empty text is zero."""
        if not isinstance(self._encoder, SentenceEncoder):
            return self._encoder.encode(texts)
        unique = [text for text in dict.fromkeys(texts) if text]
        vectors = self._cache.find(unique)
        vectors |= {text: self._pending[text] for text in unique if text in self._pending}
        new_texts = [text for text in unique if text not in vectors]
        vectors |= self._compute(self._encoder, new_texts)
        if len(self._pending) >= _SEGMENT_TEXTS:
            self.flush()
        vectors[""] = np.zeros(self.dimension, dtype=np.float32)
        return np.array([vectors[text] for text in texts], dtype=np.float32)

    def discard_pending(self) -> None:
        """Drop the vectors that are not written yet; their texts will be encoded again."""
        self._pending = {}

    def flush(self) -> None:
        """Write the pending vectors."""
        if self._pending:
            self._cache.keep(list(self._pending), np.array(list(self._pending.values())))
            self._pending = {}

    def _compute(self, encoder: SentenceEncoder, texts: Sequence[str]) -> dict[str, Vectors]:
        """Encode small batches of texts of similar length; requests get their turn in between."""
        ordered = sorted(texts, key=len, reverse=True)
        vectors: dict[str, Vectors] = {}
        for start in range(0, len(ordered), _TEXTS_IN_A_TURN):
            self._before_batch()
            batch = ordered[start : start + _TEXTS_IN_A_TURN]
            encoded = dict(zip(batch, encoder.compute(batch), strict=True))
            self._pending |= encoded
            vectors |= encoded
        return vectors


@contextmanager
def encoding_once(reference: str) -> Iterator[CachedEncoder]:
    """Yield an encoder of texts that every process reads; only the first has to encode them.

    New vectors are written to the home's cache at the end of the block, unless it is read-only.
    """
    encoder = open_encoder(reference)
    cache = EncodingCache(Home(HomeSettings().home.absolute()).encodings, encoder)
    cached_encoder = CachedEncoder(encoder, cache)
    yield cached_encoder
    with suppress(OSError):
        cached_encoder.flush()
