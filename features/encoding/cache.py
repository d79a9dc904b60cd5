"""Encodings kept by content, so that a retrain encodes only what is new."""

from collections.abc import Callable, Sequence
from pathlib import Path
from uuid import uuid4

import numpy as np

from features.encoding.encoder import (
    MAX_TOKENS,
    Encoder,
    SentenceEncoder,
    Vectors,
    encoding_key,
)
from features.incident.cleaning import CLEANING_VERSION

_SEGMENT_TEXTS = 4096

Progress = Callable[[int], None]


class EncodingCache:
    """Vectors on disk, in immutable segments below a folder named after encoder and cleaning.

    A segment is one `.npy` structured array of (key, vector) rows, written aside and then renamed,
    so that processes may share the folder and one killed half-way loses one segment at most.
    """

    def __init__(self, root: Path, encoder: Encoder) -> None:
        self._folder = root / f"{encoder.reference[:16]}-{MAX_TOKENS}-{CLEANING_VERSION}"
        self._row = np.dtype([("key", "V16"), ("vector", np.float32, (encoder.dimension,))])

    def find(self, texts: Sequence[str]) -> dict[str, Vectors]:
        """Return the vectors of those texts that are kept."""
        wanted = {encoding_key(text): text for text in texts}
        found: dict[str, Vectors] = {}
        for segment in sorted(self._folder.glob("*.npy")):
            rows = np.load(segment, mmap_mode="r")
            for position, key in enumerate(rows["key"].tolist()):
                text = wanted.get(key)
                if text is not None:
                    found[text] = np.array(rows["vector"][position])
        return found

    def keep(self, texts: Sequence[str], vectors: Vectors) -> None:
        """Write one segment."""
        self._folder.mkdir(parents=True, exist_ok=True)
        rows = np.empty(len(texts), dtype=self._row)
        rows["key"] = np.array([encoding_key(text) for text in texts], dtype="V16")
        rows["vector"] = vectors
        aside = self._folder / f"{uuid4().hex}.part"
        with aside.open("wb") as file:
            np.save(file, rows)
        aside.rename(aside.with_suffix(".npy"))


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
