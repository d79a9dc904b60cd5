"""MLflow as its users expect it: its page, its own serving and loading, and what a run keeps."""

import json
import shutil
import socket
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest
from factories import incident
from server_processes import running_mlflow

from features.domain.report import ResolvedIncident
from features.home import Home, HomeSettings, open_home
from models.artifacts.evaluation_files import EvaluationFolder
from models.artifacts.mlflow_client import connect
from models.artifacts.registry import ModelVersion
from models.artifacts.save_artifact import save_artifact
from models.base.model_card import Card
from models.base.predictions import Certificate
from models.classification.choice import ChoiceModel
from training.evaluation.evaluate import Evaluation
from training.evaluation.held_out_predictions import write_held_out_predictions
from training.evaluation.metrics import HeldOutPredictions
from training.pipeline.register import register, training_run

pytestmark = pytest.mark.quality

ROOT = Path(__file__).parents[2]
CHAMPION = "models:/default.category@champion"
WORDS = {"Network": "vpn connection drops", "Printing": "printer jam on floor"}
START_SECONDS = 90
PICTURES = ("confusion.png", "coverage.png")


@dataclass
class Trained:
    """A home with a champion, and the runs that made it."""

    home: Home
    parent: str
    version: ModelVersion


def numbered(number: int) -> ResolvedIncident:
    label = sorted(WORDS)[number % 2]
    return incident(f"INC{number}", f"{WORDS[label]} {number}", category=label)


def evaluation(rows: int) -> Evaluation:
    """Answers of which every tenth is wrong."""
    places = np.arange(rows)
    predicted = np.where(places % 10 == 0, 1 - places % 2, places % 2)
    sure = np.linspace(0.6, 0.99, rows)
    judged = HeldOutPredictions(places % 2, predicted, sure, np.ones(rows), places, 2)
    names = tuple(f"print {row}" for row in range(rows))
    return Evaluation(places, places, names, tuple(sorted(WORDS)), judged, judged, ())


@pytest.fixture(scope="module")
def trained(
    tmp_path_factory: pytest.TempPathFactory,
    empty_registry: Path,
    promote: Callable[..., ModelVersion],
) -> Trained:
    """One champion, fitted on forty tickets and registered inside a training's run."""
    folder = tmp_path_factory.mktemp("mlflow")
    home = open_home(HomeSettings(home=folder / "home"))
    shutil.copy(empty_registry, home.root / "mlflow.db")
    past = [numbered(number) for number in range(40)]
    ids = [example.report.id for example in past]
    card = Card(
        "category",
        "choice",
        datetime(2026, 3, 1, tzinfo=UTC),
        data_sha256="ab" * 32,
        certificates={"Network": Certificate(0.9, 0.8, 40)},
    )
    save_artifact(ChoiceModel(encoder="hashing").fit(past), card, folder / "model")
    evaluation_folder = EvaluationFolder(folder / "evaluation")
    write_held_out_predictions(evaluation(40), ids, evaluation_folder)
    with training_run(home, "default", "train") as parent:
        where = {"home": home, "tenant": "default", "parent_run_id": parent}
        register(
            folder / "model", card, **where, attributes=["site"], evaluation=evaluation_folder.root
        )
    return Trained(home, parent, promote("category", home=home, tenant="default"))


def running(*arguments: str, home: Home, log: Path) -> AbstractContextManager[None]:
    """A command of MLflow on a home's registry, until the end of the block."""
    environment = {"MLFLOW_TRACKING_URI": home.tracking_uri, "PYTHONPATH": str(ROOT)}
    return running_mlflow(*arguments, log=log, environment=environment)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def ask(port: int, method: str, path: str, body: object = None) -> tuple[int, str]:
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    content = None if body is None else json.dumps(body)
    connection.request(method, path, content, {"Content-Type": "application/json"})
    response = connection.getresponse()
    answer = response.read().decode()
    connection.close()
    return response.status, answer


def wait_for(port: int, path: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        with suppress(OSError):
            if ask(port, "GET", path)[0] == 200:
                return
        time.sleep(0.2)
    raise AssertionError(log.read_text())


def test_its_page_opens_and_its_serving_answers_frames(trained: Trained, tmp_path: Path) -> None:
    """Both are started at once, for each takes seconds to come up."""
    page, served = free_port(), free_port()
    logs = tmp_path / "page.log", tmp_path / "served.log"
    store = ["--backend-store-uri", trained.home.tracking_uri]
    serve = ["models", "serve", "-m", CHAMPION, "--env-manager", "local", "-p", str(served)]
    with (
        running(
            "ui", *store, "--workers", "1", "--port", str(page), home=trained.home, log=logs[0]
        ),
        running(*serve, home=trained.home, log=logs[1]),
    ):
        wait_for(served, "/ping", logs[1])
        frame = pd.DataFrame(
            {"title": ["vpn connection drops", "printer jam"], "site": ["Graz", None]}
        )
        status, answer = ask(
            served, "POST", "/invocations", {"dataframe_split": frame.to_dict("split")}
        )
        assert status == 200, answer
        answers = json.loads(answer)["predictions"]
        assert [prediction["label"] for prediction in answers] == ["Network", "Printing"]
        assert {prediction["decision"] for prediction in answers} <= {"auto", "suggest", "abstain"}

        wait_for(page, "/health", logs[0])
        status, shown = ask(page, "GET", "/")
        assert status == 200
        assert "<title>MLflow" in shown
        wanted = {"experiment_ids": [trained_run(trained).info.experiment_id]}
        status, body = ask(page, "POST", "/ajax-api/2.0/mlflow/runs/search", wanted)
        names = {run["info"]["run_name"] for run in json.loads(body)["runs"]}
        assert (status, names) == (200, {"train", "category"})


def trained_run(trained: Trained) -> mlflow.entities.Run:
    return connect(trained.home.tracking_uri).get_run(trained.version.run_id)


def test_a_run_is_nested_and_keeps_its_data_and_pictures(trained: Trained) -> None:
    run = trained_run(trained)
    assert run.data.tags["mlflow.parentRunId"] == trained.parent
    (data,) = run.inputs.dataset_inputs
    assert data.dataset.name == "history of default"
    assert ("ab" * 32).startswith(data.dataset.digest)
    assert json.loads(data.dataset.profile)["sha256"] == "ab" * 32
    columns = [column["name"] for column in json.loads(data.dataset.schema)["mlflow_colspec"]]
    assert columns[:2] == ["id", "title"]
    assert columns[-1] == "site"
    assert "vpn connection" not in data.dataset.schema + data.dataset.profile
    client = connect(trained.home.tracking_uri)
    for name in PICTURES:
        picture = Path(client.download_artifacts(run.info.run_id, name)).read_bytes()
        assert picture.startswith(b"\x89PNG")
        assert len(picture) > 5000


def test_the_registered_model_answers_its_own_example(trained: Trained) -> None:
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(trained.home.tracking_uri)
    try:
        model = mlflow.pyfunc.load_model(CHAMPION)
    finally:
        mlflow.set_tracking_uri(before)
    assert model.metadata.signature is not None
    assert model.metadata.get_input_schema().input_names()[-1] == "site"
    answers = model.predict(model.input_example)
    assert list(answers.columns) == model.metadata.get_output_schema().input_names()
    assert answers["label"].tolist() == ["Network"]
