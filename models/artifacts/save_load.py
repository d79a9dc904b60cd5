"""Saves a model to a folder without pickle, and loads it only if its files are unchanged."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import skops.io

from features.errors import ArtifactRejected
from models.artifacts.array_storage import restore_arrays, store_arrays
from models.artifacts.golden_examples import record_golden, replay_golden
from models.artifacts.manifest import (
    ArtifactFolder,
    is_current_format,
    verify_files,
    write_manifest,
)
from models.artifacts.training_ids import write_learned_from
from models.artifacts.trusted_types import TRUSTED_TYPES
from models.base.model_card import Card
from models.base.report_model import ReportModel


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A verified model, ready to predict, with its card."""

    model: ReportModel
    card: Card


def save_artifact(
    model: ReportModel, card: Card, folder: Path, *, learned_from: Sequence[str] = ()
) -> str:
    """Write a fitted model, its card, arrays and golden examples; return the manifest's SHA-256.

    `folder` is created if it does not exist, and must be empty. `model` is not changed.
    `learned_from` are the ids of the incidents that the model was fitted or evaluated on; only
    their hashes are saved.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise FileExistsError(f"{folder} is not empty")
    files = ArtifactFolder(folder)
    files.golden.write_text(record_golden(model), encoding="utf-8")
    files.card.write_text(card.to_json(), encoding="utf-8")
    write_learned_from(learned_from, files.learned_from)
    skops.io.dump(store_arrays(model, files.arrays), files.model)
    return write_manifest(files)


def load_artifact(
    folder: Path, *, expected_sha256: str | None, trusted: Sequence[str] = TRUSTED_TYPES
) -> LoadedModel:
    """Load a saved model after checking its hashes, its types and its golden examples.

    `expected_sha256` is the hash that `save_artifact` returned; None accepts any manifest. Big
    arrays are mapped from disk, read-only. Raises `ArtifactRejected` if a check fails.
    """
    files = ArtifactFolder(folder)
    verify_files(files, expected_sha256)
    if not is_current_format(files):
        raise ArtifactRejected(f"{folder}: saved by an earlier version of Precedent; train again")
    model = _load_model(files, trusted)
    replay_golden(model, files.golden.read_text(encoding="utf-8"))
    return LoadedModel(model, Card.from_json(files.card.read_text(encoding="utf-8")))


def _load_model(files: ArtifactFolder, trusted: Sequence[str]) -> ReportModel:
    # The files are unchanged. So if loading fails, the model has an untrusted type, or another
    # version of Precedent saved the files.
    try:
        model = restore_arrays(skops.io.load(files.model, trusted=list(trusted)), files.arrays)
    except Exception as error:
        reason = str(error).strip().splitlines()[0] if str(error) else type(error).__name__
        raise ArtifactRejected(
            f"{files.model} cannot be loaded by this version of Precedent: {reason}"
        ) from error
    if not isinstance(model, ReportModel):
        raise ArtifactRejected(f"{files.model} holds a {type(model).__name__}, not a report model")
    return model
