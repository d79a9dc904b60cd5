import dataclasses
import shutil
import time

import pytest

from features.domain.report import IncidentReport
from features.errors import ArtifactRejected, RegistryUnavailable
from models.artifacts.mlflow_client import connect, create_database
from models.artifacts.registries.open_registry import database_file
from models.artifacts.registry import ModelRegistry, registered_name
from models.artifacts.save_artifact import save_artifact
from training.pipeline.register import register

REPORTS = [IncidentReport(id="1", title="vpn down"), IncidentReport(id="2", title="printer")]


@pytest.fixture
def champion(toy_model, toy_card, tmp_path, home, promote):
    save_artifact(toy_model, toy_card, tmp_path / "model")
    register(tmp_path / "model", toy_card, home=home, tenant="default")
    return promote("category", home=home, tenant="default")


@pytest.fixture
def registry(home, trusted_toy):
    return ModelRegistry(home.tracking_uri, "default", trusted=trusted_toy)


def test_a_champion_is_found_loaded_and_answers(champion, registry, toy_model, toy_card):
    champions = registry.champions()
    assert champions == {"category": champion}
    loaded = registry.load(champions["category"])
    assert loaded.model.predict(REPORTS) == toy_model.predict(REPORTS)
    assert loaded.card == toy_card


def test_a_version_tells_where_it_comes_from(champion, home):
    assert (champion.version, champion.kind, champion.aliases) == ("1", "choice", ("champion",))
    assert champion.folder.is_relative_to(home.artifacts)
    assert champion.trained_at.tzinfo is not None


def test_what_is_registered_and_not_promoted_is_listed_with_its_newest_version(
    toy_model, toy_card, tmp_path, home, registry, promote
):
    save_artifact(toy_model, toy_card, tmp_path / "model")
    for _ in range(2):
        register(tmp_path / "model", toy_card, home=home, tenant="default")
    assert registry.unpromoted() == {"category": "2"}
    promote("category", home=home, tenant="default")
    assert registry.unpromoted() == {}
    assert ModelRegistry(home.tracking_uri, "other").unpromoted() == {}


def test_without_a_database_there_is_no_champion_and_none_is_made(tmp_path):
    registry = ModelRegistry(f"sqlite:///{tmp_path}/mlflow.db", "default")
    assert registry.champions() == {}
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(RegistryUnavailable, match="train first"):
        registry.versions("category")


def test_a_database_that_is_gone_is_no_registry_without_champions(champion, registry, home):
    assert registry.champions() == {"category": champion}
    (home.root / "mlflow.db").rename(home.root / "moved.db")
    with pytest.raises(RegistryUnavailable, match="gone"):
        registry.champions()
    (home.root / "moved.db").rename(home.root / "mlflow.db")
    assert registry.champions() == {"category": champion}


def test_a_database_that_appears_later_is_noticed(tmp_path, empty_registry):
    registry = ModelRegistry(f"sqlite:///{tmp_path}/mlflow.db", "default")
    registry.champions()
    shutil.copy(empty_registry, tmp_path / "mlflow.db")
    assert registry.champions() == {}
    with pytest.raises(RegistryUnavailable, match=r"no model of 'category'.*none"):
        registry.versions("category")


@pytest.mark.parametrize("content", [b"", b"not a database" * 100])
def test_a_broken_database_is_reported_at_once_and_left_alone(tmp_path, content):
    file = tmp_path / "mlflow.db"
    file.write_bytes(content)
    started = time.perf_counter()
    with pytest.raises(RegistryUnavailable, match=r"mlflow\.db"):
        ModelRegistry(f"sqlite:///{file}", "default").champions()
    assert time.perf_counter() - started < 1
    assert file.read_bytes() == content


def test_an_altered_or_swapped_folder_is_refused(
    champion, registry, toy_model, toy_card, toy_examples
):
    card = champion.folder / "card.json"
    card.write_text(card.read_text(encoding="utf-8").replace("toy", "fox"), encoding="utf-8")
    with pytest.raises(ArtifactRejected, match=r"card\.json"):
        registry.load(champion)
    shutil.rmtree(champion.folder)
    with pytest.raises(ArtifactRejected):
        registry.load(champion)
    save_artifact(toy_model.set_params(sharpness=9.0).fit(toy_examples), toy_card, champion.folder)
    with pytest.raises(ArtifactRejected, match="another hash"):
        registry.load(champion)


def test_a_version_registered_without_our_tags_is_listed_but_never_loads(registry, home):
    client = connect(home.tracking_uri)
    client.create_registered_model("default.category")
    client.create_model_version("default.category", source=str(home.artifacts))
    client.set_registered_model_alias("default.category", "champion", "1")
    with pytest.raises(ArtifactRejected):
        registry.load(registry.champions()["category"])


def test_tenants_and_odd_targets_do_not_mix(toy_model, toy_card, tmp_path, home, promote):
    pairs = [("a", "category"), ("a.b", "category"), ("a", "fields.Größe/'x': 50%"), ("A", "q")]
    for number, (tenant, target) in enumerate(pairs):
        card = dataclasses.replace(toy_card, target=target)
        save_artifact(toy_model, card, tmp_path / str(number))
        register(tmp_path / str(number), card, home=home, tenant=tenant)
        promote(target, home=home, tenant=tenant)
    for tenant in ("a", "a.b", "A", "_"):
        registry = ModelRegistry(home.tracking_uri, tenant)
        champions = registry.champions()
        assert set(champions) == {target for owner, target in pairs if owner == tenant}
        numbers = {target: champion.version for target, champion in champions.items()}
        assert registry.champion_numbers() == numbers


def test_names_of_usual_targets_stay_readable():
    assert registered_name("default", "fields.subcategory") == "default.fields.subcategory"


def test_polling_six_targets_is_cheap(registry, home):
    client = connect(home.tracking_uri)
    for number in range(6):
        name = f"default.target{number}"
        client.create_registered_model(name)
        client.create_model_version(name, source=str(home.artifacts))
        client.set_registered_model_alias(name, "champion", "1")
    assert len(registry.champions()) == 6
    seconds = []
    for _ in range(20):
        started = time.process_time()
        registry.champions()
        seconds.append(time.process_time() - started)
    assert min(seconds) < 0.03


def test_an_existing_database_is_not_created_again(tmp_path, empty_registry, monkeypatch):
    shutil.copy(empty_registry, tmp_path / "mlflow.db")
    monkeypatch.setattr("mlflow.MlflowClient", lambda **_: pytest.fail("opened"))
    create_database(f"sqlite:///{tmp_path}/mlflow.db")


def test_a_database_appears_only_when_complete(tmp_path, empty_registry, monkeypatch):
    assert [path.name for path in empty_registry.parent.iterdir()] == ["mlflow.db"]

    def crash(tracking_uri, registry_uri):
        database_file(tracking_uri).write_bytes(b"half")
        raise OSError("No space left on device")

    monkeypatch.setattr("mlflow.MlflowClient", crash)
    with pytest.raises(RegistryUnavailable, match="No space left"):
        create_database(f"sqlite:///{tmp_path}/mlflow.db")
    assert list(tmp_path.iterdir()) == []


def test_of_two_trainers_at_once_the_faster_creates_the_database(tmp_path, monkeypatch):
    def slow(tracking_uri, registry_uri):
        database_file(tracking_uri).write_bytes(b"slower")
        (tmp_path / "mlflow.db").write_bytes(b"faster")

    monkeypatch.setattr("mlflow.MlflowClient", slow)
    create_database(f"sqlite:///{tmp_path}/mlflow.db")
    assert (tmp_path / "mlflow.db").read_bytes() == b"faster"
    assert [path.name for path in tmp_path.iterdir()] == ["mlflow.db"]


def test_a_copied_home_warns_and_is_refused_when_the_original_is_gone(
    champion, home, trusted_toy, tmp_path, caplog
):
    shutil.copytree(home.root, tmp_path / "copy")
    copied = ModelRegistry(f"sqlite:///{tmp_path}/copy/mlflow.db", "default", trusted=trusted_toy)
    copied.load(copied.champions()["category"])
    assert "another home" in caplog.text
    home.root.rename(tmp_path / "moved")
    with pytest.raises(ArtifactRejected, match="precedent restore"):
        copied.load(copied.champions()["category"])


def test_a_home_is_known_by_any_of_its_paths(champion, home, trusted_toy, tmp_path, caplog):
    (tmp_path / "link").symlink_to(home.root)
    linked = ModelRegistry(f"sqlite:///{tmp_path}/link/mlflow.db", "default", trusted=trusted_toy)
    linked.load(linked.champions()["category"])
    assert caplog.text == ""


def test_a_database_gone_beside_models_is_not_a_home_before_training(champion, home):
    (home.root / "mlflow.db").unlink()
    registry = ModelRegistry(home.tracking_uri, "default")
    for read in (registry.champions, registry.champion_numbers, registry.challengers):
        with pytest.raises(RegistryUnavailable, match="precedent restore"):
            read()
    with pytest.raises(RegistryUnavailable, match="precedent restore"):
        create_database(home.tracking_uri)
    assert not (home.root / "mlflow.db").exists()
