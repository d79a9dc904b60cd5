"""Loads the part of a saved model that serves, only if its files are unchanged."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from features.errors import ArtifactRejected
from models.artifacts.golden_examples import replay_golden
from models.artifacts.manifest import ArtifactFolder, VerifiedFiles
from models.artifacts.plan_files import read_plan
from models.artifacts.trusted_types import SERVED_TYPES
from models.base.model_card import Card
from models.base.report_model import ReportPredictor


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A verified model, ready to predict, with its card."""

    model: ReportPredictor
    card: Card


def load_artifact(
    folder: Path, *, expected_sha256: str | None, trusted: Sequence[str] = SERVED_TYPES
) -> LoadedModel:
    """Load what serves after checking its hashes, its types and its golden examples.

    `expected_sha256` is the hash that `save_artifact` returned; None accepts any manifest.
    `trusted` are the import paths of the classes that may be loaded. What was checked is what is
    used: everything is in memory, and a later change of the files changes nothing. Raises
    `ArtifactRejected` if a check fails.
    """
    files = ArtifactFolder(folder)
    verified = VerifiedFiles.check(files, expected_sha256)
    model = _read_model(files, verified, trusted)
    replay_golden(model, verified.read(files.golden).decode())
    return LoadedModel(model, Card.from_json(verified.read(files.card).decode()))


def _read_model(
    files: ArtifactFolder, verified: VerifiedFiles, trusted: Sequence[str]
) -> ReportPredictor:
    # The files are unchanged. So if reading fails, the model has an untrusted type, or another
    # version of Precedent saved the files.
    try:
        model = read_plan(
            lambda name: verified.read(files.scorer / name),
            verified.hashes_in(files.scorer),
            trusted,
        )
    except Exception as error:
        reason = str(error).strip().splitlines()[0] if str(error) else type(error).__name__
        raise ArtifactRejected(
            f"{files.scorer} cannot be loaded by this version of Precedent: {reason}"
        ) from error
    if not isinstance(model, ReportPredictor):
        raise ArtifactRejected(f"{files.scorer} holds a {type(model).__name__}, no predictor")
    return model
