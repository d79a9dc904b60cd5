import time
from pathlib import Path

import matplotlib.figure
import mlflow
import pandas as pd
import pytest

from features.errors import ArtifactRejected, RegistryUnavailable
from models.artifacts import loader
from models.artifacts.loader import parse_reports
from models.artifacts.mlflow_client import connect
from models.artifacts.registry import ModelRegistry
from models.artifacts.save_artifact import save_artifact
from training.pipeline import register as registering
from training.pipeline.register import register, training_run


@pytest.fixture
def artifact(toy_model, toy_card, tmp_path):
    save_artifact(toy_model, toy_card, tmp_path / "any name")
    return tmp_path / "any name"


@pytest.fixture
def mlflow_uri(home):
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(home.tracking_uri)
    yield home.tracking_uri
    mlflow.set_tracking_uri(before)


def test_a_registered_model_is_the_challenger_of_its_own_run(artifact, full_card, home, tmp_path):
    matplotlib.figure.Figure().savefig(tmp_path / "confusion.png")
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    (tmp_path / "confusion.png").rename(pictures / "confusion.png")
    with training_run(home, "default", "train") as parent:
        version = register(
            artifact,
            full_card,
            home=home,
            tenant="default",
            parent_run_id=parent,
            evaluation=pictures,
        )
    client = connect(home.tracking_uri)
    run = client.get_run(version.run_id)
    assert version.aliases == ("challenger",)
    assert run.data.tags["mlflow.parentRunId"] == parent
    assert run.data.params == {"sharpness": "1.0", "words": "True", "encoder": "None"}
    assert run.data.metrics["accuracy"] == 0.9
    assert run.data.metrics["accuracy.low"] == 0.8
    assert run.data.metrics["accuracy.baseline"] == 0.5
    assert run.outputs.model_outputs[0].model_id in str(version.folder)
    assert {file.path for file in client.list_artifacts(run.info.run_id)} == {
        "card.json",
        "evaluation",
        "reliability.png",
    }
    picture = client.download_artifacts(run.info.run_id, "reliability.png")
    assert Path(picture).read_bytes().startswith(b"\x89PNG")
    assert {run.info.status, client.get_run(parent).info.status} == {"FINISHED"}


def test_a_card_without_reliability_has_no_picture(artifact, toy_card, home):
    version = register(artifact, toy_card, home=home, tenant="default")
    files = connect(home.tracking_uri).list_artifacts(version.run_id)
    assert [file.path for file in files] == ["card.json"]


@pytest.mark.quality
def test_registering_takes_under_two_seconds(artifact, full_card, home):
    register(artifact, full_card, home=home, tenant="default")
    started = time.process_time()
    register(artifact, full_card, home=home, tenant="default")
    assert time.process_time() - started < 2


def test_nothing_is_written_outside_the_home(artifact, toy_card, home, tmp_path, monkeypatch):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    register(artifact, toy_card, home=home, tenant="default")
    assert list(elsewhere.iterdir()) == []
    assert not [path for path in artifact.parent.iterdir() if path.name.startswith("tmp")]
    assert {path.name for path in home.root.iterdir()} == {
        "artifacts",
        "cache",
        "indexes",
        "mlflow.db",
    }


def test_no_pickle_is_logged(artifact, toy_card, home):
    version = register(artifact, toy_card, home=home, tenant="default")
    names = {path.name for path in home.artifacts.rglob("*") if path.is_file()}
    assert not [name for name in names if name.endswith((".pkl", ".pickle", ".joblib"))]
    assert {path.name for path in version.folder.iterdir()} == {
        "model.skops",
        "card.json",
        "golden.jsonl",
        "learned_from.npy",
        "manifest.json",
        "arrays",
        "scorer",
    }


def test_mlflow_itself_loads_the_champion_and_predicts_from_a_frame(
    artifact, toy_card, toy_model, home, trusted_toy, mlflow_uri, monkeypatch, promote
):
    monkeypatch.setattr(loader, "SERVED_TYPES", trusted_toy)
    register(artifact, toy_card, home=home, tenant="default", attributes=["site"])
    promote("category", home=home, tenant="default")
    frame = pd.DataFrame(
        {
            "title": ["vpn down", None, "printer jam"],
            "opened_at": pd.to_datetime(["2026-01-01", None, "2026-01-03"], utc=True),
            "site": ["Graz", "Wien", None],
        },
        index=[7, 5, 3],
    )
    model = mlflow.pyfunc.load_model("models:/default.category@champion")
    answers = model.predict(frame)
    expected = toy_model.predict(parse_reports(frame))
    assert list(answers.index) == [7, 5, 3]
    assert list(answers["label"]) == [answer.label for answer in expected]
    assert list(answers["confidence"]) == [answer.confidence for answer in expected]
    assert set(answers["decision"]) == {"suggest"}
    assert model.metadata.get_input_schema().input_names()[-1] == "site"


def test_rows_of_a_frame_become_reports():
    frame = pd.DataFrame(
        {
            "id": ["INC1", None],
            "title": ["vpn", None],
            "opened_at": ["2026-03-02T08:30:00", "nonsense"],
            "site": ["Graz", float("nan")],
        }
    )
    first, second = parse_reports(frame)
    assert first.opened_at.isoformat() == "2026-03-02T08:30:00+00:00"
    assert first.attributes == {"site": "Graz"}
    assert (second.id, second.title, second.opened_at) == ("row-2", "", None)
    assert second.attributes == {}


@pytest.mark.parametrize("step", ["log_values", "log_pyfunc", "_create_version"])
def test_a_failure_on_the_way_leaves_the_old_champion_and_a_failed_run(
    artifact, toy_card, home, monkeypatch, step, promote
):
    register(artifact, toy_card, home=home, tenant="default")
    old = promote("category", home=home, tenant="default")

    def fail(*args):
        raise OSError("No space left on device")

    monkeypatch.setattr(registering, step, fail)
    with pytest.raises(RegistryUnavailable, match="No space left"):
        register(artifact, toy_card, home=home, tenant="default")
    registry = ModelRegistry(home.tracking_uri, "default")
    assert registry.champions() == {"category": old}
    assert registry.versions("category") == [old]
    client = connect(home.tracking_uri)
    experiment = client.get_experiment_by_name("default")
    statuses = [run.info.status for run in client.search_runs([experiment.experiment_id])]
    assert sorted(statuses) == ["FAILED", "FINISHED"]


def test_errors_of_training_pass_through_the_parent_run(home):
    with pytest.raises(ArtifactRejected, match="mine"), training_run(home, "default", "train"):
        raise ArtifactRejected("mine")
    with pytest.raises(KeyError), training_run(home, "default", "train"):
        raise KeyError("a bug")
