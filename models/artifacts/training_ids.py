"""Which incidents a model was fitted or judged on: as hashes, so that the artifact names none."""

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
    return np.fromiter((int.from_bytes(one, "little") for one in digests), np.uint64, len(ids))


def write_learned_from(ids: Sequence[str], file: Path) -> None:
    """Write the hashes of these incidents' ids, sorted and each once."""
    np.save(file, np.unique(hash_ids(ids)), allow_pickle=False)


def was_learned_from(id: str, file: Path) -> bool:  # noqa: A002
    """Tell whether a file names an incident; one that is missing or unreadable names none."""
    return bool(were_learned_from([id], file)[0])


def were_learned_from(ids: Sequence[str], file: Path) -> NDArray[np.bool_]:
    """Tell of each incident whether a file names it, as `was_learned_from` does of one."""
    try:
        known = np.load(file, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError):
        return np.zeros(len(ids), dtype=np.bool_)
    wanted = hash_ids(ids)
    if not len(known):
        return np.zeros(len(ids), dtype=np.bool_)
    at = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
    return np.asarray(known[at] == wanted, dtype=np.bool_)
