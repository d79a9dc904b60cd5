"""Texts to vectors: what an encoder is, and the sentence encoder with its memory."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from features.text.cleaning import CLEANING_VERSION

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

Vectors = NDArray[np.float32]

MAX_TOKENS = 128
_TEXTS_AT_ONCE = 32
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
    Threads take turns after a few texts, so that one text does not wait for a thousand others.
    """

    def __init__(self, reference: str, weights: Path, dimension: int = 384) -> None:
        self.reference = reference
        self.dimension = dimension
        self._weights = weights
        self._model: SentenceTransformer | None = None
        self._known: dict[str, Vectors] = {}
        self._recent: dict[str, Vectors] = {}
        self._next, self._now = Lock(), Lock()

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return unit vectors of shape (texts, dimension), encoding each new text once."""
        if not texts:
            return np.empty((0, self.dimension), dtype=np.float32)
        found = self._recall_all(texts)
        new = list(dict.fromkeys(text for text in texts if text not in found))
        # So that texts of like length are encoded together.
        new.sort(key=len, reverse=True)
        for start in range(0, len(new), _TEXTS_AT_ONCE):
            found |= self._encode_in_turn(new[start : start + _TEXTS_AT_ONCE])
        return np.array([found[text] for text in texts], dtype=np.float32)

    def compute(self, texts: Sequence[str]) -> Vectors:
        """Encode without remembering; for bulk work that keeps its own vectors."""
        with self._turn():
            return self._compute(texts)

    def remember(self, texts: Sequence[str], vectors: Vectors) -> None:
        """Take over vectors that were encoded before, for as long as the process lives."""
        with self._turn():
            self._known.update(zip(texts, vectors, strict=True))

    def forget(self) -> None:
        """Drop every remembered vector; texts that are asked for again are encoded again."""
        with self._turn():
            self._known.clear()
            self._recent.clear()

    @contextmanager
    def _turn(self) -> Iterator[None]:
        # A lock alone would go to the thread that has just released it, again and again.
        with self._next:
            self._now.acquire()
        try:
            yield
        finally:
            self._now.release()

    def _encode_in_turn(self, texts: Sequence[str]) -> dict[str, Vectors]:
        with self._turn():
            found = self._recall_all(texts)
            new = [text for text in texts if text not in found]
            fresh = dict(zip(new, self._compute(new), strict=True)) if new else {}
            self._recent.update(fresh)
            for text in list(self._recent)[: max(0, len(self._recent) - _RECENT_TEXTS)]:
                del self._recent[text]
        return found | fresh

    def _recall_all(self, texts: Iterable[str]) -> dict[str, Vectors]:
        known = ((text, self._recall(text)) for text in texts)
        return {text: vector for text, vector in known if vector is not None}

    def _recall(self, text: str) -> Vectors | None:
        if not text:
            return np.zeros(self.dimension, dtype=np.float32)
        known = self._known.get(text)
        return self._recent.get(text) if known is None else known

    def _compute(self, texts: Sequence[str]) -> Vectors:
        model = self._loaded()
        vectors = model.encode(
            list(texts),
            batch_size=_TEXTS_AT_ONCE,
            normalize_embeddings=True,
            show_progress_bar=False,
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
