"""Folders that are filled under another name, and deleted if the run that fills them is killed."""

import fcntl
import logging
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex

_log = logging.getLogger(__name__)


@contextmanager
def draft_folder(parent: Path, prefix: str, suffix: str = "") -> Iterator[Path]:
    """Yield a new folder in `parent`, which is deleted after the block unless it was renamed.

    Its name is unique, with this beginning and end. Folders of such a name that killed runs left
    are deleted first. A draft is locked while it is filled, so that no other run deletes it.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder, draft_folder(Path(folder), ".new-") as draft:
    ...     _ = draft.rename(Path(folder, "new"))
    ...     [path.name for path in Path(folder).iterdir()]
    ['new']
    """
    parent.mkdir(parents=True, exist_ok=True)
    _delete_abandoned(parent, prefix, suffix)
    draft = parent / f"{prefix}{token_hex(4)}{suffix}"
    draft.mkdir()
    descriptor = os.open(draft, os.O_RDONLY)
    try:
        # Some network file systems have no locks. Drafts of killed runs then stay there.
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield draft
    finally:
        os.close(descriptor)
        shutil.rmtree(draft, ignore_errors=True)


def _delete_abandoned(parent: Path, prefix: str, suffix: str) -> None:
    # Earlier versions wrote the number of the process.
    pattern = re.compile(f"{re.escape(prefix)}[0-9a-f]+{re.escape(suffix)}")
    for path in parent.iterdir():
        if pattern.fullmatch(path.name) and _is_abandoned(path):
            _log.warning("deletes %s, which a run that was killed left", path)
            shutil.rmtree(path, ignore_errors=True)


def _is_abandoned(draft: Path) -> bool:
    try:
        descriptor = os.open(draft, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    else:
        return True
    finally:
        os.close(descriptor)
