"""Stores a fitted model with its scikit-learn pipelines, without pickle, for data scientists.

Nothing serves from it: see `models.artifacts.load_artifact`.
"""

import sys
from collections.abc import Sequence
from importlib import import_module
from types import ModuleType
from typing import Any

from features.errors import ArtifactRejected
from models.artifacts.array_storage import restore_arrays, store_arrays
from models.artifacts.manifest import ArtifactFolder, verify_files
from models.artifacts.trusted_types import TRUSTED_TYPES
from models.base.report_model import ReportModel

# A part of scikit-learn that nothing here uses, and which imports torch.
_IMPORTS_TORCH = "sklearn.externals.array_api_compat.torch"


def _skops_io() -> Any:  # noqa: ANN401
    """Import skops without torch, which takes two seconds and a quarter of a gigabyte.

    skops imports every module of scikit-learn to list its estimators. One is left out.
    """
    stand_in = ModuleType(_IMPORTS_TORCH)
    sys.modules.setdefault(_IMPORTS_TORCH, stand_in)
    try:
        return import_module("skops.io")
    finally:
        if sys.modules[_IMPORTS_TORCH] is stand_in:
            del sys.modules[_IMPORTS_TORCH]


def dump_fitted_model(model: ReportModel, files: ArtifactFolder) -> None:
    """Write a fitted model and its arrays; `model` is not changed."""
    _skops_io().dump(store_arrays(model, files.arrays), files.model)


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
        model = restore_arrays(_skops_io().load(files.model, trusted=list(trusted)), files.arrays)
    except Exception as error:
        reason = str(error).strip().splitlines()[0] if str(error) else type(error).__name__
        raise ArtifactRejected(
            f"{files.model} cannot be loaded by this version of Precedent: {reason}"
        ) from error
    if not isinstance(model, ReportModel):
        raise ArtifactRejected(f"{files.model} holds a {type(model).__name__}, not a report model")
    return model
