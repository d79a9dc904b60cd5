"""The ids of incidents that are sent without one."""

from collections.abc import Iterator
from itertools import count
from uuid import NAMESPACE_OID, uuid4, uuid5

NEW_IDS = "new_ids"
"""The key of the ids in the validation context of a request."""


def repeatable_ids(key: str, body: bytes) -> Iterator[str]:
    """Yield the ids for a request with an Idempotency-Key, which follow from its key and body.

    A request that is carried out again, because the process crashed or failed before the answer was
    kept, so writes the same incidents and no copies of them.

    >>> next(repeatable_ids("k-1", b"{}")) == next(repeatable_ids("k-1", b"{}"))
    True
    """
    request = uuid5(NAMESPACE_OID, f"{key}\n{body.decode('utf-8', 'replace')}")
    for number in count():
        yield str(uuid5(request, str(number)))


def random_ids() -> Iterator[str]:
    """Yield ids for a request without a key."""
    while True:
        yield str(uuid4())
