"""Reads the card of a registered version without loading its model."""

from pydantic import ValidationError

from features.errors import ArtifactRejected
from models.artifacts.manifest import ArtifactFolder, verify_files
from models.artifacts.registry import ModelVersion
from models.base.model_card import Card


def read_card(version: ModelVersion) -> Card:
    """Return a version's card, once its files prove to be those that were registered.

    Raises `ArtifactRejected` where they are not.
    """
    files = ArtifactFolder(version.folder)
    verify_files(files, version.sha256)
    try:
        return Card.from_json(files.card.read_text(encoding="utf-8"))
    # Registered as it is, so it was written by another version of this program.
    except ValidationError as error:
        raise ArtifactRejected(
            f"{files.card} cannot be read by this version of Precedent"
        ) from error
