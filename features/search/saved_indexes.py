"""Where indexes of the stored incidents are saved."""

from hashlib import blake2b
from pathlib import Path

from features.home import Home

_SUFFIX = ".npz"


def index_file(home: Home, tenant: str, reference: str) -> Path:
    """Return the file of a tenant's index with an encoder.

    >>> index_file(Home(Path("home")), "default", "hashing").parent.parent.name
    'indexes'
    """
    return _folder(home, tenant) / f"{reference[:16]}{_SUFFIX}"


def forget_indexes(home: Home, tenant: str) -> None:
    """Delete a tenant's files, because they hold an incident that is to be erased.

    Services write them again, without the incidents that were deleted from the store.
    """
    for file in _folder(home, tenant).glob(f"*{_SUFFIX}"):
        file.unlink(missing_ok=True)


def _folder(home: Home, tenant: str) -> Path:
    # A tenant's name may contain characters that no file name may contain.
    return home.indexes / blake2b(tenant.encode(), digest_size=8).hexdigest()
