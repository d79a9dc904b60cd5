"""A registry of versions that exist only as a time of training and a list of what they learned."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from models.artifacts.manifest import ArtifactFolder
from models.artifacts.registry import ModelVersion
from models.artifacts.training_ids import write_learned_from


class TrainedVersions:
    """Holds the versions of `category`; each training promotes its version unless it is refused."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._versions: list[ModelVersion] = []
        self._champion: ModelVersion | None = None

    def train(self, at: datetime, ids: Sequence[str] = (), *, is_refused: bool = False) -> None:
        """Add a version that learned from these incidents."""
        number = str(len(self._versions) + 1)
        folder = self._folder / number
        folder.mkdir()
        write_learned_from(ids, ArtifactFolder(folder).learned_from)
        version = ModelVersion("category", number, "choice", "", folder, at, "")
        self._versions.append(version)
        if not is_refused:
            self._champion = version

    def champions(self) -> dict[str, ModelVersion]:
        """Return the champion of `category`."""
        return {} if self._champion is None else {"category": self._champion}

    def unpromoted(self) -> dict[str, str]:
        """Return nothing: what was refused has no part in the tests that use this."""
        return {}

    def versions(self, target: str) -> list[ModelVersion]:
        """Return every version, the newest first."""
        assert target == "category"
        return self._versions[::-1]
