"""Caches vectors on disk by content, so that a retraining or restart encodes only new texts."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from features.encoding.encoder import Encoder, SentenceEncoder, encoding_key
from features.encoding.onnx_network import Vectors
from features.text.cleaning import CLEANING_VERSION

_SEGMENT_TEXTS = 4096
_SEGMENTS = "*.npy"

Progress = Callable[[int], None]
Keys = NDArray[np.bytes_]
Rows = NDArray[np.int64]


class EncodingCache:
    """Vectors on disk, in immutable segments in a folder for one encoder and cleaning version.

    An encoder's folder is named by its weights, export, precision and token limit, so that vectors
    of different exports are not mixed.

    A segment is a `.npy` file with a structured array of (key, vector) rows. It is written under
    another name and then renamed, so that processes can share the folder, and a killed process
    loses at most one segment.
    """

    def __init__(self, root: Path, encoder: Encoder) -> None:
        name = encoder.vector_key
        self._folder = root / f"{name}-{CLEANING_VERSION}"
        self._row = np.dtype([("key", "V16"), ("vector", np.float32, (encoder.dimension,))])
        self._sorted: dict[Path, tuple[Keys, Rows]] = {}

    def find(self, texts: Sequence[str]) -> dict[str, Vectors]:
        """Return the cached vectors by text; a text without a cached vector is left out."""
        vectors: dict[str, Vectors] = {}
        for rows, places, indexes in self._matches(texts):
            for place, index in zip(places, indexes, strict=True):
                vectors[texts[int(index)]] = np.array(rows["vector"][place])
        return vectors

    def holds(self, texts: Sequence[str]) -> set[str]:
        """Return the texts that have a cached vector, without reading the vectors."""
        return {texts[int(index)] for _, _, indexes in self._matches(texts) for index in indexes}

    def keep(self, texts: Sequence[str], vectors: Vectors) -> None:
        """Write texts' vectors as one segment."""
        rows = np.empty(len(texts), dtype=self._row)
        rows["key"] = np.array([encoding_key(text) for text in texts], dtype="V16")
        rows["vector"] = vectors
        _write(self._folder, rows)

    def _matches(self, texts: Sequence[str]) -> Iterator[tuple[NDArray[np.void], Rows, Rows]]:
        """Yield the rows of each segment, which of them are wanted, and the texts' positions."""
        if not texts:
            return
        text_keys = _keys(texts)
        for segment in sorted(self._folder.glob(_SEGMENTS)):
            try:
                rows = np.load(segment, mmap_mode="r")
            except FileNotFoundError:
                continue  # another process has just replaced this segment to remove a text
            keys, order = self._sorted_keys(segment, rows)
            places = np.minimum(np.searchsorted(keys, text_keys), len(keys) - 1)
            indexes = np.flatnonzero(keys[places] == text_keys)
            yield rows, order[places[indexes]], indexes

    def _sorted_keys(self, segment: Path, rows: NDArray[np.void]) -> tuple[Keys, Rows]:
        if segment not in self._sorted:
            keys = np.ascontiguousarray(rows["key"]).view("S16")
            order = np.argsort(keys, kind="stable")
            self._sorted[segment] = (keys[order], order)
        return self._sorted[segment]


def forget_encodings(root: Path, texts: Iterable[str]) -> int:
    """Remove texts from all caches below `root`; returns the number of vectors removed."""
    text_keys = _keys(list(texts))
    removed = 0
    for segment in sorted(root.glob(f"*/{_SEGMENTS}")):
        rows = np.load(segment)
        is_removed = np.isin(np.ascontiguousarray(rows["key"]).view("S16"), text_keys)
        if is_removed.any():
            # The remaining rows are written first, so that other processes always find them.
            if not is_removed.all():
                _write(segment.parent, rows[~is_removed])
            segment.unlink(missing_ok=True)
            removed += int(is_removed.sum())
    return removed


def encode_ahead(
    encoder: Encoder,
    texts: Sequence[str],
    cache: EncodingCache,
    progress: Progress,
    *,
    remember: bool = True,
) -> int:
    """Load every text's vector into the encoder, and return how many texts had to be encoded.

    New texts are encoded longest first, so that a batch holds texts of similar length. `progress`
    is called with the number of texts found in the cache, then with the number of texts in each
    new segment. An encoder without weights has no cache, so nothing is done. Without `remember`,
    vectors are only written to the cache, and no more than those of a segment are held.
    """
    if not isinstance(encoder, SentenceEncoder):
        return 0
    unique = list(dict.fromkeys(texts))
    known = _remember_cached(encoder, unique, cache) if remember else cache.holds(unique)
    progress(len(known))
    new_texts = [text for text in unique if text not in known]
    new_texts.sort(key=len, reverse=True)
    for start in range(0, len(new_texts), _SEGMENT_TEXTS):
        segment = new_texts[start : start + _SEGMENT_TEXTS]
        vectors = encoder.compute(segment)
        cache.keep(segment, vectors)
        if remember:
            encoder.remember(segment, vectors)
        progress(len(segment))
    return len(new_texts)


def _remember_cached(
    encoder: SentenceEncoder, texts: Sequence[str], cache: EncodingCache
) -> set[str]:
    vectors = cache.find(texts)
    encoder.remember(list(vectors), list(vectors.values()))
    return set(vectors)


def _keys(texts: Sequence[str]) -> Keys:
    return np.array([encoding_key(text) for text in texts], dtype="V16").view("S16")


def _write(folder: Path, rows: NDArray[np.void]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    part_file = folder / f"{uuid4().hex}.part"
    with part_file.open("wb") as file:
        np.save(file, rows)
    part_file.rename(part_file.with_suffix(".npy"))
