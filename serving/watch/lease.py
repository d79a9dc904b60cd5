"""The lease of the watch: of the processes that share a store, only its holder watches."""

from features.store.operations.leases import LeaseRepository, new_holder

LEASE = "watch"


class Lease:
    """Takes, renews and releases the lease for this process. Methods raise `StoreUnavailable`."""

    def __init__(self, leases: LeaseRepository, seconds: float) -> None:
        self.seconds = seconds
        self.holder = new_holder()
        self._leases = leases

    def take(self) -> bool:
        """Take or renew the lease; False if another process holds it."""
        return self._leases.take(LEASE, self.holder, self.seconds)

    def release(self) -> None:
        """Release the lease, so that another process need not wait until it expires."""
        self._leases.release(LEASE, self.holder)
