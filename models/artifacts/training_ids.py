"""Records which incidents a model was fitted or evaluated on, as hashes of their ids."""

from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_BYTES = 8


def hash_ids(ids: Sequence[str]) -> NDArray[np.uint64]:
    """Return the hash of each incident's id, in order.

    >>> first, again, other = hash_ids(["INC1", "INC1", "INC2"])
    >>> bool(first == again), bool(first == other)
    (True, False)
    """
    digests = (blake2b(id.encode(), digest_size=_BYTES).digest() for id in ids)  # noqa: A001
    numbers = (int.from_bytes(digest, "little") for digest in digests)
    return np.fromiter(numbers, np.uint64, len(ids))


def write_learned_from(ids: Sequence[str], file: Path) -> None:
    """Write the hashes of these incidents' ids, sorted and without repeats."""
    np.save(file, np.unique(hash_ids(ids)), allow_pickle=False)


def was_learned_from(id: str, file: Path) -> bool:  # noqa: A002
    """Tell whether a file lists an incident; a missing or unreadable file lists none."""
    return bool(were_learned_from([id], file)[0])


def were_learned_from(ids: Sequence[str], file: Path) -> NDArray[np.bool_]:
    """Return for each incident whether a file lists it; see `was_learned_from`."""
    try:
        listed = np.load(file, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError):
        return np.zeros(len(ids), dtype=np.bool_)
    hashes = hash_ids(ids)
    if not len(listed):
        return np.zeros(len(ids), dtype=np.bool_)
    places = np.minimum(np.searchsorted(listed, hashes), len(listed) - 1)
    return np.asarray(listed[places] == hashes, dtype=np.bool_)
