"""Logs a trained model to MLflow and registers it as challenger, without changing the champion."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from features.errors import RegistryUnavailable
from features.home import Home
from models.artifacts.dataset_log import describe_data
from models.artifacts.evaluation_files import EVALUATION_FOLDER, EvaluationFolder
from models.artifacts.manifest import ArtifactFolder, hash_manifest
from models.artifacts.mlflow_client import connect, create_database, log_values, registry_errors
from models.artifacts.mlflow_pyfunc import log_pyfunc
from models.artifacts.registry import (
    KIND_TAG,
    SHA256_TAG,
    ModelRegistry,
    ModelVersion,
    registered_name,
)
from models.base.model_card import Card
from training.evaluation.held_out_predictions import read_held_out_predictions
from training.evaluation.plots import draw_confusion, draw_coverage
from training.evaluation.reliability import draw_reliability

if TYPE_CHECKING:  # models.artifacts configures MLflow, so it must be imported first
    from matplotlib.figure import Figure
    from mlflow import MlflowClient
    from mlflow.entities import LoggedModel, Run

LONGEST_PARAMETER = 6000
RELIABILITY_PICTURE = "reliability.png"
CONFUSION_PICTURE = "confusion.png"
COVERAGE_PICTURE = "coverage.png"


@contextmanager
def training_run(home: Home, tenant: str, name: str) -> Iterator[str]:
    """Open the parent run of all targets' runs, yield its id, and close it also after an error."""
    client = _open(home)
    with _run(client, _experiment(client, home, tenant), name, {}) as run:
        yield run.info.run_id


def register(
    artifact: Path,
    card: Card,
    *,
    home: Home,
    tenant: str,
    parent_run_id: str | None = None,
    attributes: Sequence[str] = (),
    evaluation: Path | None = None,
) -> ModelVersion:
    """Log an artifact's folder as the model of a new run, and register it as challenger.

    `attributes` are the names of the reports' attributes, `evaluation` is a folder with files of
    the evaluation. The challenger's alias is set last, so an earlier failure leaves all aliases
    unchanged. Raises `RegistryUnavailable`.
    """
    client = _open(home)
    name = registered_name(tenant, card.target)
    tags = {"mlflow.parentRunId": parent_run_id} if parent_run_id else {}
    with (
        registry_errors(),
        _run(client, _experiment(client, home, tenant), card.target, tags) as run,
    ):
        _log_card(client, run, card, evaluation)
        if card.data_sha256:
            data = describe_data(card, tenant, attributes)
            client.log_inputs(run.info.run_id, [data])
        for file, picture in _draw(card, evaluation, home.fonts):
            client.log_figure(run.info.run_id, picture, file)
        logged = log_pyfunc(client, run, artifact, card, attributes)
        number = _create_version(client, name, artifact, card, logged)
    registry = ModelRegistry(home.tracking_uri, tenant)
    registry.set_challenger(card.target, number)
    return registry.version(card.target, number)


def _open(home: Home) -> "MlflowClient":
    create_database(home.tracking_uri)
    return connect(home.tracking_uri)


def _experiment(client: "MlflowClient", home: Home, tenant: str) -> str:
    with registry_errors():
        experiment = client.get_experiment_by_name(tenant)
        if experiment is not None:
            return str(experiment.experiment_id)
        # Without this location MLflow would write to ./mlruns.
        return client.create_experiment(tenant, artifact_location=home.artifacts.as_uri())


@contextmanager
def _run(
    client: "MlflowClient", experiment_id: str, name: str, tags: Mapping[str, str]
) -> Iterator["Run"]:
    with registry_errors():
        run = client.create_run(experiment_id, run_name=name, tags=dict(tags))
    try:
        yield run
    except BaseException:
        # If the registry caused the failure, this call fails too.
        with suppress(RegistryUnavailable), registry_errors():
            client.set_terminated(run.info.run_id, "FAILED")
        raise
    with registry_errors():
        client.set_terminated(run.info.run_id, "FINISHED")


def _log_card(client: "MlflowClient", run: "Run", card: Card, evaluation: Path | None) -> None:
    params = {name: str(value)[:LONGEST_PARAMETER] for name, value in card.parameters.items()}
    log_values(client, run.info.run_id, params, _metric_values(card))
    client.log_text(run.info.run_id, card.to_json(), ArtifactFolder(Path()).card.name)
    if evaluation is not None:
        client.log_artifacts(run.info.run_id, str(evaluation), EVALUATION_FOLDER)


def _draw(card: Card, evaluation: Path | None, fonts: Path) -> Iterator[tuple[str, "Figure"]]:
    if card.reliability:
        yield RELIABILITY_PICTURE, draw_reliability(card, fonts)
    if evaluation is None:
        return
    predictions = read_held_out_predictions(EvaluationFolder(evaluation))
    if not predictions.empty:
        yield CONFUSION_PICTURE, draw_confusion(predictions, card, fonts)
        yield COVERAGE_PICTURE, draw_coverage(predictions, card, fonts)


def _metric_values(card: Card) -> dict[str, float]:
    values: dict[str, float | None] = {}
    for metric in card.metrics:
        values[metric.name] = metric.value
        values[f"{metric.name}.low"] = metric.low
        values[f"{metric.name}.high"] = metric.high
        values[f"{metric.name}.baseline"] = metric.baseline
    return {name: value for name, value in values.items() if value is not None}


def _create_version(
    client: "MlflowClient", name: str, artifact: Path, card: Card, logged: "LoggedModel"
) -> str:
    if not client.search_registered_models(f"name = '{name}'"):
        client.create_registered_model(name)
    tags = {SHA256_TAG: hash_manifest(ArtifactFolder(artifact)), KIND_TAG: card.kind}
    version = client.create_model_version(
        name,
        source=logged.artifact_location,
        run_id=logged.source_run_id,
        tags=tags,
        model_id=logged.model_id,
    )
    return str(version.version)
