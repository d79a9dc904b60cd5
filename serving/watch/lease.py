"""Of several watches on one store, one works while it says that it lives; the others wait."""

import os
import socket
from uuid import uuid4

from features.store.operations.leases import LeaseRepository

LEASE = "watch"


class Lease:
    """This process's claim to be the one that watches. Methods raise `StoreUnavailable`."""

    def __init__(self, leases: LeaseRepository, seconds: float) -> None:
        self.seconds = seconds
        self.holder = f"{socket.gethostname()}:{os.getpid()}:{uuid4().hex[:8]}"
        self._leases = leases

    def take(self) -> bool:
        """Take or prolong the lease; False when another process holds it."""
        return self._leases.take(LEASE, self.holder, self.seconds)

    def release(self) -> None:
        """Give the lease back, so that another process need not wait until it expires."""
        self._leases.release(LEASE, self.holder)
