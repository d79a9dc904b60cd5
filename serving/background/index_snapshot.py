"""The incident index in a file of the home, from which a restarted service continues."""

import json
import logging
from collections.abc import Mapping
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray

from features.encoding.encoder import Encoder
from features.errors import UnreadableFile
from features.home import Home
from features.search.incident_index import IncidentIndex
from features.search.index_file import Arrays, read_arrays, write_arrays
from features.search.saved_indexes import index_file
from features.store.store import Store
from features.text.cleaning import CLEANING_VERSION

_log = logging.getLogger(__name__)

_FORMAT = 1


class IndexSnapshot:
    """Writes and reads the file of one tenant and encoder, and decides whether it can be used.

    The file is used if the same release wrote it from the same store: its incidents, with the
    changes that the store made since, must be those that the store holds now.
    """

    def __init__(self, home: Home, tenant: str) -> None:
        self._home = home
        self._tenant = tenant
        self._locks: dict[str, FileLock] = {}

    def try_lock(self, reference: str) -> bool:
        """Take the lock of the file if no other process has it; tell whether it was taken."""
        file = self._file(reference).with_suffix(".lock")
        lock = self._locks.setdefault(reference, FileLock(file, thread_local=False))
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            lock.acquire(timeout=0)
        except Timeout:
            return False
        except OSError:
            # Without a folder to write to, every process builds an index of its own.
            return True
        return True

    def unlock(self, reference: str) -> None:
        """Give the lock back."""
        self._locks[reference].release()

    def read(self, encoder: Encoder, store: Store) -> tuple[IncidentIndex, int] | None:
        """Return the index in the file and its revision; None if the index must be built.

        Raises `StoreUnavailable`.
        """
        file = self._file(encoder.reference)
        if not file.exists():
            return None
        try:
            arrays = read_arrays(file)
            about = json.loads(arrays.pop("about").tobytes())
            if _described(about) != self._about(encoder, 0, store):
                self._log_refusal(file, "another release or store wrote it")
                return None
            revision = int(about["revision"])
            index = IncidentIndex.restore(encoder, arrays)
        except (UnreadableFile, KeyError, ValueError, TypeError, IndexError) as error:
            self._log_refusal(file, str(error))
            return None
        if revision > store.incidents.revision() or not _fits(index, revision, store):
            self._log_refusal(file, "the store holds other incidents")
            return None
        fields = {"incidents": len(index), "revision": revision}
        _log.info("the incident index was read from its file", extra={"fields": fields})
        return index, revision

    def write(self, encoder: Encoder, arrays: Arrays, revision: int, store: Store) -> None:
        """Write the file; an error of the disk is only logged, because the index is in memory."""
        about = json.dumps(self._about(encoder, revision, store)).encode()
        content: dict[str, NDArray[np.generic]] = {
            "about": np.frombuffer(about, dtype=np.uint8),
            **arrays,
        }
        try:
            write_arrays(self._file(encoder.reference), content)
        except OSError as error:
            fields = {"reason": str(error)}
            _log.warning("the incident index cannot be saved", extra={"fields": fields})

    def _log_refusal(self, file: Path, reason: str) -> None:
        fields = {"file": str(file), "reason": reason}
        _log.warning("the incident index is built again", extra={"fields": fields})

    def _file(self, reference: str) -> Path:
        return index_file(self._home, self._tenant, reference)

    def _about(self, encoder: Encoder, revision: int, store: Store) -> dict[str, object]:
        return {
            "format": _FORMAT,
            "release": version("precedent"),
            "cleaning": CLEANING_VERSION,
            "encoder": encoder.vector_key,
            "tenant": self._tenant,
            "store": sha256(store.name.encode()).hexdigest(),
            "revision": revision,
        }


def _described(about: Mapping[str, object]) -> dict[str, object]:
    """Return what must be equal: everything but the revision."""
    return {**about, "revision": 0}


def _fits(index: IncidentIndex, revision: int, store: Store) -> bool:
    """Tell whether the index, with the changes since its revision, has the store's incidents."""
    ids, changed = store.incidents.ids_since(revision)
    gone = store.incidents.deleted_since(revision)
    return (set(index.ids()) - gone) | changed == ids
