"""The lease of the watch: of the processes that share a store, only its holder watches."""

import os
import socket
from uuid import uuid4

from features.store.operations.leases import LeaseRepository

LEASE = "watch"


class Lease:
    """Takes, renews and releases the lease for this process. Methods raise `StoreUnavailable`."""

    def __init__(self, leases: LeaseRepository, seconds: float) -> None:
        self.seconds = seconds
        self.holder = f"{socket.gethostname()}:{os.getpid()}:{uuid4().hex[:8]}"
        self._leases = leases

    def take(self) -> bool:
        """Take or renew the lease; False if another process holds it."""
        return self._leases.take(LEASE, self.holder, self.seconds)

    def release(self) -> None:
        """Release the lease, so that another process need not wait until it expires."""
        self._leases.release(LEASE, self.holder)
