"""Encodings kept by content, so that a retrain or a restart encodes only what is new."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from features.encoding.encoder import (
    MAX_TOKENS,
    Encoder,
    SentenceEncoder,
    Vectors,
    encoding_key,
)
from features.text.cleaning import CLEANING_VERSION

_SEGMENT_TEXTS = 4096
_SEGMENTS = "*.npy"

Progress = Callable[[int], None]
Keys = NDArray[np.bytes_]


class EncodingCache:
    """Vectors on disk, in immutable segments below a folder named after encoder and cleaning.

    A segment is one `.npy` structured array of (key, vector) rows, written aside and then renamed,
    so that processes may share the folder and one killed half-way loses one segment at most.
    """

    def __init__(self, root: Path, encoder: Encoder) -> None:
        self._folder = root / f"{encoder.reference[:16]}-{MAX_TOKENS}-{CLEANING_VERSION}"
        self._row = np.dtype([("key", "V16"), ("vector", np.float32, (encoder.dimension,))])
        self._sorted: dict[Path, tuple[Keys, NDArray[np.int64]]] = {}

    def find(self, texts: Sequence[str]) -> dict[str, Vectors]:
        """Return the vectors of those texts that are kept."""
        if not texts:
            return {}
        wanted = _keys(texts)
        found: dict[str, Vectors] = {}
        for segment in sorted(self._folder.glob(_SEGMENTS)):
            try:
                rows = np.load(segment, mmap_mode="r")
            except FileNotFoundError:
                continue  # another process has just forgotten a text in it
            keys, order = self._catalogue(segment, rows)
            places = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
            for at in np.flatnonzero(keys[places] == wanted):
                found[texts[int(at)]] = np.array(rows["vector"][order[places[at]]])
        return found

    def keep(self, texts: Sequence[str], vectors: Vectors) -> None:
        """Write one segment."""
        rows = np.empty(len(texts), dtype=self._row)
        rows["key"] = np.array([encoding_key(text) for text in texts], dtype="V16")
        rows["vector"] = vectors
        _write(self._folder, rows)

    def _catalogue(self, segment: Path, rows: NDArray[np.void]) -> tuple[Keys, NDArray[np.int64]]:
        if segment not in self._sorted:
            keys = np.ascontiguousarray(rows["key"]).view("S16")
            order = np.argsort(keys, kind="stable")
            self._sorted[segment] = (keys[order], order)
        return self._sorted[segment]


def forget_encodings(root: Path, texts: Iterable[str]) -> int:
    """Remove texts from the caches of every encoder below a folder; tell how many were found."""
    unwanted = _keys(list(texts))
    forgotten = 0
    for segment in sorted(root.glob(f"*/{_SEGMENTS}")):
        rows = np.load(segment)
        is_unwanted = np.isin(np.ascontiguousarray(rows["key"]).view("S16"), unwanted)
        if is_unwanted.any():
            # What remains is there before the old segment goes, so that nobody misses any of it.
            if not is_unwanted.all():
                _write(segment.parent, rows[~is_unwanted])
            segment.unlink(missing_ok=True)
            forgotten += int(is_unwanted.sum())
    return forgotten


def encode_ahead(
    encoder: Encoder, texts: Sequence[str], cache: EncodingCache, progress: Progress
) -> int:
    """Make the encoder remember every text, and return how many had to be encoded anew.

    New texts are encoded the longest first, so that batches hold texts of like length; `progress`
    is told of each step's number of texts.
    """
    if not isinstance(encoder, SentenceEncoder):
        return 0
    unique = list(dict.fromkeys(texts))
    found = cache.find(unique)
    encoder.remember(list(found), np.array(list(found.values()), dtype=np.float32))
    progress(len(found))
    new = sorted((text for text in unique if text not in found), key=len, reverse=True)
    for start in range(0, len(new), _SEGMENT_TEXTS):
        segment = new[start : start + _SEGMENT_TEXTS]
        vectors = encoder.compute(segment)
        cache.keep(segment, vectors)
        encoder.remember(segment, vectors)
        progress(len(segment))
    return len(new)


def _keys(texts: Sequence[str]) -> Keys:
    return np.array([encoding_key(text) for text in texts], dtype="V16").view("S16")


def _write(folder: Path, rows: NDArray[np.void]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    aside = folder / f"{uuid4().hex}.part"
    with aside.open("wb") as file:
        np.save(file, rows)
    aside.rename(aside.with_suffix(".npy"))
