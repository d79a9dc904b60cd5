"""Reads the card of a registered version without loading its model."""

from pydantic import ValidationError

from features.errors import ArtifactRejected
from models.artifacts.manifest import ArtifactFolder, verify_files
from models.artifacts.registry import ModelVersion
from models.base.model_card import Card


def read_card(version: ModelVersion) -> Card:
    """Return a version's card after checking that its files are unchanged since registration.

    Raises `ArtifactRejected` if they have changed, or if the card cannot be read.
    """
    files = ArtifactFolder(version.folder)
    verify_files(files, version.sha256)
    try:
        return Card.from_json(files.card.read_text(encoding="utf-8"))
    # The file is unchanged since registration, so another version of Precedent wrote it.
    except ValidationError as error:
        raise ArtifactRejected(
            f"{files.card} cannot be read by this version of Precedent"
        ) from error
