"""Promotes and rolls back champions, and logs who did it and why."""

from features.home import Home
from features.store.store import Store
from models.artifacts.registry import ModelVersion
from models.lifecycle.promotion import note_found_champions, promote, rollback


class PromotionService:
    """Promotes and rolls back; every server that shares the home follows at its next poll.

    `promote` and `roll_back` raise `UnknownVersion`, `ArtifactRejected`, `RegistryUnavailable` and
    `StoreUnavailable`; after an error the loaded champion still answers.
    """

    def __init__(self, store: Store, home: Home, tenant: str) -> None:
        self._store = store
        self._home = home
        self._tenant = tenant

    def promote(self, target: str, version: str | None, *, actor: str, reason: str) -> ModelVersion:
        """Make a version (None: the newest) the champion of a target."""
        return promote(
            target,
            version,
            home=self._home,
            tenant=self._tenant,
            store=self._store,
            actor=actor,
            reason=reason,
        )

    def roll_back(self, target: str, *, actor: str, reason: str) -> ModelVersion:
        """Make the previous champion the champion again; also raises `NoEarlierChampion`."""
        return rollback(
            target,
            home=self._home,
            tenant=self._tenant,
            store=self._store,
            actor=actor,
            reason=reason,
        )

    def note_found(self) -> None:
        """Log changes of champions that the log lacks; call this before reading the log.

        Raises `RegistryUnavailable` and `StoreUnavailable`.
        """
        note_found_champions(home=self._home, tenant=self._tenant, store=self._store)
