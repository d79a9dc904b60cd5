"""Texts to vectors: what an encoder is, and the sentence encoder with its memory."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from features.incident.cleaning import CLEANING_VERSION

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

Vectors = NDArray[np.float32]

MAX_TOKENS = 128
_RECENT_TEXTS = 20_000


class Encoder(Protocol):
    """Turns texts into unit vectors; equal texts get equal vectors."""

    @property
    def reference(self) -> str:
        """The hash that names the weights, or the name of an encoder without weights."""

    @property
    def dimension(self) -> int:
        """The length of a vector."""

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return an array of shape (texts, dimension)."""


class SentenceEncoder:
    """A sentence-transformers model, loaded at first use, which remembers what it encoded.

    Several targets of one request read the same text; remembering makes them share one encoding.
    """

    def __init__(self, reference: str, weights: Path, dimension: int = 384) -> None:
        self.reference = reference
        self.dimension = dimension
        self._weights = weights
        self._model: SentenceTransformer | None = None
        self._known: dict[str, Vectors] = {}
        self._recent: dict[str, Vectors] = {}
        self._lock = Lock()

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return unit vectors of shape (texts, dimension), encoding each new text once."""
        if not texts:
            return np.empty((0, self.dimension), dtype=np.float32)
        with self._lock:
            new = [text for text in dict.fromkeys(texts) if self._recall(text) is None]
            fresh = dict(zip(new, self._compute(new), strict=True)) if new else {}
            vectors = [fresh[text] if text in fresh else self._recall(text) for text in texts]
            self._recent.update(fresh)
            for text in list(self._recent)[: max(0, len(self._recent) - _RECENT_TEXTS)]:
                del self._recent[text]
        return np.array(vectors, dtype=np.float32)

    def compute(self, texts: Sequence[str]) -> Vectors:
        """Encode without remembering; for bulk work that keeps its own vectors."""
        with self._lock:
            return self._compute(texts)

    def remember(self, texts: Sequence[str], vectors: Vectors) -> None:
        """Take over vectors that were encoded before, for as long as the process lives."""
        with self._lock:
            self._known.update(zip(texts, vectors, strict=True))

    def _recall(self, text: str) -> Vectors | None:
        if not text:
            return np.zeros(self.dimension, dtype=np.float32)
        known = self._known.get(text)
        return self._recent.get(text) if known is None else known

    def _compute(self, texts: Sequence[str]) -> Vectors:
        model = self._loaded()
        vectors = model.encode(
            list(texts), batch_size=32, normalize_embeddings=True, show_progress_bar=False
        )
        return np.asarray(vectors, dtype=np.float32)

    def _loaded(self) -> "SentenceTransformer":
        if self._model is None:
            from sentence_transformers import SentenceTransformer
            from transformers.utils.logging import disable_progress_bar

            disable_progress_bar()
            self._model = SentenceTransformer(str(self._weights), device="cpu")
            self._model.max_seq_length = MAX_TOKENS
        return self._model


class HashingEncoder:
    """Signed feature hashing of words (Weinberger et al. 2009): needs no weights, knows no meaning.

    >>> HashingEncoder().encode(["disk full", "disk full"]).shape
    (2, 64)
    """

    reference = "hashing"
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
    """Return the 16 bytes under which a text's vector is kept, together with the cleaning version.

    >>> len(encoding_key("disk full"))
    16
    """
    return hashlib.blake2b(
        text.encode(), digest_size=16, salt=CLEANING_VERSION.to_bytes(2)
    ).digest()
