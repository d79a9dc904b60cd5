"""Wraps an artifact's folder so that `mlflow.pyfunc.load_model` and `mlflow models serve` work."""

import re
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import mlflow.pyfunc
import pandas as pd
from mlflow import MlflowClient
from mlflow.entities import LoggedModel, LoggedModelOutput, Run
from mlflow.models import Model, ModelSignature
from mlflow.types.schema import AnyType, ColSpec, DataType, Schema, TensorSpec

from models.artifacts import loader
from models.artifacts.manifest import DATA_FOLDER
from models.base.model_card import Card

_NOT_ON_PYPI = frozenset({"python", "precedent"})
_FORBIDDEN_IN_NAMES = re.compile(r"[^\w-]+")


def log_pyfunc(
    client: MlflowClient, run: Run, artifact: Path, card: Card, attributes: Sequence[str]
) -> LoggedModel:
    """Upload a copy of `artifact` as the model that `run` produced; return the logged model.

    `attributes` are the columns that reports may have beyond those of `REPORT_COLUMNS`.
    """
    logged_model = client.create_logged_model(
        run.info.experiment_id,
        name=_FORBIDDEN_IN_NAMES.sub("-", card.target),
        source_run_id=run.info.run_id,
        model_type=card.kind,
    )
    identity = Model(
        model_uuid=logged_model.model_id, model_id=logged_model.model_id, run_id=run.info.run_id
    )
    with TemporaryDirectory(dir=artifact.parent) as draft:
        _write_pyfunc(artifact, Path(draft), identity, card, attributes)
        client.log_model_artifacts(logged_model.model_id, str(Path(draft) / "model"))
    client.log_outputs(run.info.run_id, [LoggedModelOutput(logged_model.model_id, step=0)])
    return client.finalize_logged_model(logged_model.model_id, "READY")


def _write_pyfunc(
    artifact: Path, draft: Path, identity: Model, card: Card, attributes: Sequence[str]
) -> None:
    link = draft / DATA_FOLDER.name
    link.symlink_to(artifact.absolute(), target_is_directory=True)  # MLflow's copy gets this name
    mlflow.pyfunc.save_model(
        path=draft / "model",
        loader_module=loader.__name__,
        data_path=str(link),
        mlflow_model=identity,
        signature=_signature(attributes),
        input_example=_example(attributes),
        pip_requirements=[
            f"{name}=={version}"
            for name, version in card.versions.items()
            if name not in _NOT_ON_PYPI
        ],
    )


def _signature(attributes: Sequence[str]) -> ModelSignature:
    # MLflow drops columns that are not in the signature. All columns accept any type, because
    # MLflow would refuse times whose precision differs from the precision of a typed column.
    columns = [*loader.REPORT_COLUMNS, *attributes]
    inputs: list[ColSpec | TensorSpec] = [
        ColSpec(AnyType(), name, required=False)  # type: ignore[no-untyped-call]
        for name in columns
    ]
    outputs: list[ColSpec | TensorSpec] = [
        ColSpec(DataType.string, "label"),
        ColSpec(DataType.double, "confidence"),
        ColSpec(DataType.string, "decision"),
    ]
    return ModelSignature(inputs=Schema(inputs), outputs=Schema(outputs))


def _example(attributes: Sequence[str]) -> pd.DataFrame:
    report = {
        "id": "INC0001",
        "title": "VPN down",
        "description": "No connection since this morning",
        "service": "vpn",
        "source": "email",
        "opened_at": "2026-03-02T08:30:00Z",
    }
    return pd.DataFrame([report | dict.fromkeys(attributes, "")])
