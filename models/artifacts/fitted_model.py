"""Stores a fitted model with its scikit-learn pipelines, without pickle, for data scientists.

Nothing serves from it: see `models.artifacts.load_artifact`.
"""

from collections.abc import Sequence

import skops.io

from features.errors import ArtifactRejected
from models.artifacts.array_storage import restore_arrays, store_arrays
from models.artifacts.manifest import ArtifactFolder, verify_files
from models.artifacts.trusted_types import TRUSTED_TYPES
from models.base.report_model import ReportModel


def dump_fitted_model(model: ReportModel, files: ArtifactFolder) -> None:
    """Write a fitted model and its arrays; `model` is not changed."""
    skops.io.dump(store_arrays(model, files.arrays), files.model)


def load_fitted_model(
    files: ArtifactFolder, *, expected_sha256: str | None, trusted: Sequence[str] = TRUSTED_TYPES
) -> ReportModel:
    """Load a fitted model after checking its hashes and its types.

    `expected_sha256` is the hash that `save_artifact` returned; None accepts any manifest. Big
    arrays are mapped from disk, read-only. Raises `ArtifactRejected` if a check fails.
    """
    verify_files(files, expected_sha256)
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
