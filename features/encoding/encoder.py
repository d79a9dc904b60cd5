"""Encoders turn texts into vectors: the protocol, the sentence encoder, the hashing encoder."""

import hashlib
from collections.abc import Iterable, Sequence
from threading import Lock
from typing import Protocol

import numpy as np

from features.encoding.batch_queue import BatchQueue
from features.encoding.encoder_export import EncoderExport
from features.encoding.onnx_network import OnnxNetwork
from features.encoding.onnx_network import Vectors as Vectors
from features.text.cleaning import CLEANING_VERSION

_TEXTS_AT_ONCE = 32
_RECENT_TEXTS = 20_000


class Encoder(Protocol):
    """Turns texts into unit vectors; the vector of an empty text is zero.

    Equal texts get equal vectors.
    """

    @property
    def reference(self) -> str:
        """The SHA-256 of the weights, or the name of an encoder without weights."""

    @property
    def vector_key(self) -> str:
        """What vectors depend on besides their texts: equal keys mean equal vectors."""

    @property
    def dimension(self) -> int:
        """The length of a vector."""

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return an array of shape (texts, dimension)."""


class SentenceEncoder:
    """An exported sentence-transformers model, loaded at first use, with a cache in memory.

    The models of several targets read the same text; the cache lets them share one encoding.
    Concurrent calls of `encode` are computed together, in batches of 32 texts, so that a request
    with one text does not wait for a request with a thousand.
    """

    def __init__(self, export: EncoderExport) -> None:
        self.reference = export.description.reference
        self.dimension = export.description.dimension
        self.vector_key = export.description.vector_key
        self._export = export
        self._network: OnnxNetwork | None = None
        self._loading, self._caching = Lock(), Lock()
        self._pinned: dict[str, Vectors] = {}
        self._recent: dict[str, Vectors] = {}
        self._times_forgotten = 0
        self._queue = BatchQueue(self._encode_new, texts_at_once=_TEXTS_AT_ONCE)

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return unit vectors of shape (texts, dimension), encoding each new text once."""
        if not texts:
            return np.empty((0, self.dimension), dtype=np.float32)
        vectors = self._cached_vectors(texts)
        new_texts = list(dict.fromkeys(text for text in texts if text not in vectors))
        # Batches of texts of similar length need the least padding.
        new_texts.sort(key=len, reverse=True)
        for start in range(0, len(new_texts), _TEXTS_AT_ONCE):
            vectors |= self._queue.compute(new_texts[start : start + _TEXTS_AT_ONCE])
        return np.array([vectors[text] for text in texts], dtype=np.float32)

    def compute(self, texts: Sequence[str]) -> Vectors:
        """Encode texts without the cache and the queue, for callers that store the vectors."""
        return self._load().encode(texts)

    def remember(self, texts: Sequence[str], vectors: Iterable[Vectors]) -> None:
        """Put known vectors into the cache, where they stay until the cache is cleared."""
        with self._caching:
            self._pinned.update(zip(texts, vectors, strict=True))

    def forget(self) -> None:
        """Clear the cache; texts will be encoded again when their vectors are needed.

        The vectors of a batch that is being computed are returned, but not cached.
        """
        with self._caching:
            self._times_forgotten += 1
            self._pinned.clear()
            self._recent.clear()

    def _encode_new(self, texts: Sequence[str]) -> dict[str, Vectors]:
        times_forgotten = self._times_forgotten
        vectors = self._cached_vectors(texts)
        new_texts = [text for text in texts if text not in vectors]
        if not new_texts:
            return vectors
        new_vectors = dict(zip(new_texts, self._load().encode(new_texts), strict=True))
        with self._caching:
            if times_forgotten == self._times_forgotten:
                self._recent.update(new_vectors)
                for text in list(self._recent)[: max(0, len(self._recent) - _RECENT_TEXTS)]:
                    del self._recent[text]
        return vectors | new_vectors

    def _cached_vectors(self, texts: Iterable[str]) -> dict[str, Vectors]:
        vectors = ((text, self._cached_vector(text)) for text in texts)
        return {text: vector for text, vector in vectors if vector is not None}

    def _cached_vector(self, text: str) -> Vectors | None:
        if not text:
            return np.zeros(self.dimension, dtype=np.float32)
        vector = self._pinned.get(text)
        return self._recent.get(text) if vector is None else vector

    def _load(self) -> OnnxNetwork:
        with self._loading:
            if self._network is None:
                self._export.verify()
                self._network = OnnxNetwork(self._export)
            return self._network


class HashingEncoder:
    """Signed feature hashing of words (Weinberger et al. 2009), without weights or word meanings.

    >>> HashingEncoder().encode(["disk full", "disk full"]).shape
    (2, 64)
    """

    reference = "hashing"
    vector_key = "hashing"
    dimension = 64

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return unit vectors of shape (texts, dimension)."""
        vectors = np.zeros((len(texts), self.dimension), dtype=np.float32)
        for row, text in enumerate(texts):
            for word in text.lower().split():
                digest = hashlib.blake2b(word.encode(), digest_size=4).digest()
                vectors[row, digest[0] % self.dimension] += 1.0 if digest[1] % 2 else -1.0
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        return np.asarray(vectors / np.where(norms > 0, norms, 1), dtype=np.float32)


def encoding_key(text: str) -> bytes:
    """Return the 16-byte key of a text's cached vector; it depends on the cleaning version.

    >>> len(encoding_key("disk full"))
    16
    """
    return hashlib.blake2b(
        text.encode(), digest_size=16, salt=CLEANING_VERSION.to_bytes(2)
    ).digest()
