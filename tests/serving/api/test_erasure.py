"""A deleted incident leaves everything but the models that learned from it, which are listed."""

import shutil
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from factories import incident
from starlette.testclient import TestClient

from features.domain.history import History
from features.domain.report import IncidentReport, ResolvedIncident
from features.encoding.encoder import HashingEncoder
from features.encoding.vector_cache import EncodingCache
from features.home import Home, HomeSettings, open_home
from features.text.cleaning import incident_text
from models.artifacts.evaluation_files import EvaluationFolder, evaluation_folder
from models.artifacts.registry import ModelRegistry
from models.artifacts.training_ids import hash_ids
from serving.app import create_app
from serving.runtime.settings import ServingSettings
from training.evaluation.held_out_predictions import read_held_out_predictions
from training.pipeline.train import train
from training.plan import TrainingPlan

_COPIES = 12
_TEXTS = {"Network": "vpn tunnel drops every hour", "Printing": "label printer jams again"}

# Two models are trained for these.
pytestmark = pytest.mark.quality


def marker_of(number: int) -> str:
    """Return a word that nothing but one incident says."""
    return f"zebrafink{number}"


def marked_incident(number: int) -> ResolvedIncident:
    """The first ones say a word of their own and contradict their copies in the label."""
    right, wrong = ("Network", "Printing") if number % 2 else ("Printing", "Network")
    odd = number < _COPIES
    own = marker_of(number) if odd else f"room {number}"
    return incident(
        f"INC{number}",
        f"{_TEXTS[right]} {own}",
        f"{_TEXTS[right]} {_TEXTS[right]}. Seen by {own} since the last change",
        opened_at=None,
        service="vpn" if number % 2 else "print",
        category=wrong if odd else right,
        severity=None if number == 0 else ("low", "high")[number % 3 == 0],
        resolution=f"Restarted by {own}.",
    )


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, empty_registry: Path) -> Home:
    """A home with two versions of category, the second champion, a severity and a similar."""
    home = open_home(HomeSettings(home=tmp_path_factory.mktemp("delete") / "a home #1"))
    shutil.copy(empty_registry, home.root / "mlflow.db")
    history = History(
        tuple(marked_incident(number) for number in range(72)), severity_levels=("low", "high")
    )
    plan = TrainingPlan(home, "default", home.database_url, "hashing", force_promote=True)
    train(history, replace(plan, targets=("category",)), lambda *_: None)
    train(history, plan, lambda *_: None)
    return home


@pytest.fixture
def client(trained: Home, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    monkeypatch.setenv("PRECEDENT_HOME", str(trained.root))
    monkeypatch.setenv("PRECEDENT_ENCODER", "hashing")
    settings = ServingSettings(home=trained.root, poll_seconds=0.05)
    with TestClient(create_app(settings)) as opened:
        yield opened


def evaluations(home: Home) -> list[EvaluationFolder]:
    registry = ModelRegistry(home.tracking_uri, "default")
    versions = [version for target in registry.champions() for version in registry.versions(target)]
    folders = [evaluation_folder(version, home) for version in versions]
    return [files for files in folders if files.judged.exists()]


def is_in_snapshots(home: Home, number: int) -> bool:
    judged = pd.concat([read_held_out_predictions(files) for files in evaluations(home)])
    doubted = pd.concat([pd.read_csv(files.label_noise) for files in evaluations(home)])
    is_judged = bool((judged["incident"] == hash_ids([f"INC{number}"])[0]).any())
    return is_judged or bool((doubted["id"] == f"INC{number}").any())


def texts_of(file: Path) -> Iterator[bytes]:
    """Yield a file's content, of compressed ones what it says too."""
    yield file.read_bytes()
    if file.suffix == ".parquet":
        yield pd.read_parquet(file).to_csv().encode()
    if zipfile.is_zipfile(file):
        with zipfile.ZipFile(file) as archive:
            yield from (archive.read(name) for name in archive.namelist())


def files_with(home: Home, word: str) -> list[str]:
    return [
        str(file.relative_to(home.root))
        for file in home.root.rglob("*")
        if file.is_file() and any(word.encode() in text.lower() for text in texts_of(file))
    ]


def delete(client: TestClient, number: int) -> dict[str, object]:
    response = client.delete(f"/v1/incidents/INC{number}")
    assert response.status_code == 200, response.text
    return response.json()


def test_the_models_that_learned_from_it_are_listed(client: TestClient) -> None:
    answer = delete(client, 1)
    assert answer["models"] == [
        {"target": "category", "version": "2", "is_champion": True},
        {"target": "category", "version": "1", "is_champion": False},
        {"target": "novelty", "version": "2", "is_champion": True},
        {"target": "novelty", "version": "1", "is_champion": False},
        {"target": "severity", "version": "1", "is_champion": True},
        {"target": "similar", "version": "1", "is_champion": True},
    ]
    assert answer.keys() == {"incident_id", "request_id", "models"}
    assert client.delete("/v1/incidents/INC1").status_code == 404


def test_a_model_without_its_label_is_not_listed(client: TestClient) -> None:
    models = delete(client, 0)["models"]
    assert [(model["target"], model["version"]) for model in models] == [
        ("category", "2"),
        ("category", "1"),
        ("novelty", "2"),
        ("novelty", "1"),
        ("similar", "1"),
    ]


def test_what_came_after_the_training_taught_nobody(client: TestClient) -> None:
    client.post("/v1/incidents", json={"incident": {"id": "INC900", "title": "disk full"}})
    assert delete(client, 900)["models"] == []


def test_no_byte_of_its_text_stays_in_the_home(client: TestClient, trained: Home) -> None:
    number, marker = 2, marker_of(2)
    again = {"id": f"INC{number}", "title": f"{marker} jams", "description": f"{marker} said so"}
    encoder = HashingEncoder()
    texts = [incident_text(IncidentReport(**again)), again["title"], "another text"]
    EncodingCache(trained.encodings, encoder).keep(texts, encoder.encode(texts))
    body = {"incident": again, "outcome": {"category": "Printing", "resolution": f"Asked {marker}"}}
    assert client.post("/v1/incidents", json=body).status_code == 200
    assert client.post("/v1/triage", json={"incident": again}).status_code == 200
    relative = {"id": "INC901", "title": f"{_TEXTS['Printing']} again"}
    assert client.post("/v1/triage", json={"incident": relative}).status_code == 200
    assert files_with(trained, marker)
    assert is_in_snapshots(trained, number)
    delete(client, number)
    assert files_with(trained, marker) == []
    assert not is_in_snapshots(trained, number)
    assert EncodingCache(trained.encodings, encoder).find(texts).keys() == {"another text"}


def test_without_the_registry_it_goes_all_the_same_and_the_rest_can_follow(
    client: TestClient, trained: Home
) -> None:
    database, aside = trained.root / "mlflow.db", trained.root / "mlflow.aside"
    database.rename(aside)
    try:
        answer = delete(client, 3)
    finally:
        aside.rename(database)
    assert answer["models"] is None
    assert "registry" in answer["problem"]
    assert client.get("/v1/incidents/INC3").status_code == 404
    assert is_in_snapshots(trained, 3)
    assert len(delete(client, 3)["models"]) == 6
    assert not is_in_snapshots(trained, 3)
    assert client.delete("/v1/incidents/INC3").status_code == 404


def test_a_damaged_snapshot_does_not_keep_an_incident(client: TestClient, trained: Home) -> None:
    file = evaluations(trained)[0].judged
    content = file.read_bytes()
    file.write_bytes(b"damaged")
    try:
        assert delete(client, 4)["models"] is None
    finally:
        file.write_bytes(content)
    assert client.get("/v1/incidents/INC4").status_code == 404


def test_an_unknown_incident_is_not_found(client: TestClient) -> None:
    assert client.delete("/v1/incidents/INC404").status_code == 404


def test_of_several_deletions_at_once_each_is_whole(client: TestClient, trained: Home) -> None:
    numbers = range(5, 11)
    encoder = HashingEncoder()
    texts = [incident_text(marked_incident(number).report) for number in numbers]
    EncodingCache(trained.encodings, encoder).keep([*texts, "other"], np.ones((7, 64)))
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda number: delete(client, number), numbers))
    assert all(len(answer["models"]) == 6 for answer in answers)
    assert not [number for number in numbers if is_in_snapshots(trained, number)]
    assert EncodingCache(trained.encodings, encoder).find([*texts, "other"]).keys() == {"other"}
    assert not [number for number in numbers if files_with(trained, marker_of(number))]
