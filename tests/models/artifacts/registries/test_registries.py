import shutil
import sqlite3
import subprocess
import sys
import time
from contextlib import closing

import pytest

from features.errors import RegistryUnavailable, UnknownVersion
from models.artifacts.registries.access import RegisteredModel, RegisteredVersion
from models.artifacts.registries.open_registry import database_is_missing, open_registry

NAME, OTHER = "default.category", "default.fields.Größe%2F50%25"


@pytest.fixture
def filled(client):
    """Two models of one tenant and one of another, with versions, tags, aliases and a deletion."""
    for name, versions in ((NAME, 3), (OTHER, 1), ("Default.category", 1)):
        client.create_registered_model(name)
        for number in range(1, versions + 1):
            tags = {"precedent.kind": "choice", "precedent.sha256": f"{number:064}"}
            source = f"s3://models/a%20home/{name}/{number}"  # a server refuses paths
            client.create_model_version(name, source=source, run_id="ab" * 16, tags=tags)
    client.set_registered_model_tag(NAME, "precedent.champions", "1,2")
    client.set_registered_model_alias(NAME, "champion", "2")
    client.set_registered_model_alias(NAME, "challenger", "3")
    client.delete_model_version(NAME, "3")
    return client


def mlflows_models(client, prefix):
    """The same records, read by MLflow's own client."""
    versions = [
        (version.name, record(version))
        for version in client.search_model_versions(max_results=1000)
        if version.name.startswith(prefix)
    ]
    models = [
        RegisteredModel(
            model.name,
            {alias: str(number) for alias, number in model.aliases.items()},
            dict(model.tags),
            sorted(
                (one for owner, one in versions if owner == model.name), key=lambda one: -one.number
            ),
        )
        for model in client.search_registered_models(max_results=1000)
        if model.name.startswith(prefix)
    ]
    return sorted(models, key=lambda model: model.name)


def record(version):
    return RegisteredVersion(
        int(version.version),
        version.creation_timestamp,
        version.source,
        version.run_id,
        dict(version.tags),
    )


def test_models_are_those_of_mlflows_client(address, filled):
    registry = open_registry(address)
    for prefix in ("default.", "Default.", "default_", "", "none."):
        assert list(registry.models(prefix)) == mlflows_models(filled, prefix)
    category, _ = registry.models("default.")
    assert [version.number for version in category.versions] == [2, 1]
    assert category.aliases == {"champion": "2"}


def test_changes_are_those_of_mlflows_client(address, filled):
    registry = open_registry(address)
    before = filled.get_registered_model(NAME)
    registry.models("default.")
    registry.set_tag(NAME, "precedent.champions", "1,2,1")
    registry.set_tag(OTHER, "new", "")
    registry.set_alias(NAME, "champion", "1")
    registry.set_alias(NAME, "challenger", "2")
    registry.delete_alias(NAME, "challenger")
    registry.delete_alias(NAME, "challenger")
    after = filled.get_registered_model(NAME)
    assert after.tags == {"precedent.champions": "1,2,1"}
    assert {alias: str(number) for alias, number in after.aliases.items()} == {"champion": "1"}
    assert filled.get_model_version_by_alias(NAME, "champion").version in {1, "1"}
    # MLflow leaves these times alone too when it sets a tag or an alias.
    assert after.last_updated_timestamp == before.last_updated_timestamp
    assert list(registry.models("default.")) == mlflows_models(filled, "default.")


def test_what_does_not_exist_is_refused(address, filled):
    registry = open_registry(address)
    with pytest.raises(UnknownVersion, match=r"default\.none"):
        registry.set_tag("default.none", "key", "value")
    with pytest.raises(UnknownVersion, match="9"):
        registry.set_alias(NAME, "champion", "9")
    with pytest.raises(UnknownVersion, match="3"):
        registry.set_alias(NAME, "champion", "3")  # it is deleted
    with pytest.raises(UnknownVersion):
        registry.run_folder("0" * 32)
    assert list(registry.models("default.")) == mlflows_models(filled, "default.")


def test_folders_of_runs_include_those_of_deleted_runs(address, client, tmp_path):
    registry = open_registry(address)
    assert list(registry.run_folders("tenant")) == []
    experiment = client.create_experiment("tenant", artifact_location=tmp_path.as_uri())
    runs = [client.create_run(experiment).info for _ in range(3)]
    client.delete_run(runs[1].run_id)
    client.create_run(client.create_experiment("other"))
    assert sorted(registry.run_folders("tenant")) == sorted(run.artifact_uri for run in runs)
    assert registry.run_folder(runs[0].run_id) == runs[0].artifact_uri


@pytest.mark.quality
def test_pages_of_a_server_are_all_read(http_address, monkeypatch):
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=http_address, registry_uri=http_address)
    for number in range(3):
        client.create_registered_model(f"default.{number}")
        client.create_model_version(f"default.{number}", source="s3://models/one")
    experiment = client.create_experiment("tenant")
    for _ in range(3):
        client.create_run(experiment)
    monkeypatch.setattr("models.artifacts.registries.rest_registry._PER_PAGE", 2)
    registry = open_registry(http_address)
    assert [len(model.versions) for model in registry.models("default.")] == [1, 1, 1]
    assert len(registry.run_folders("tenant")) == 3


def test_a_change_by_another_process_is_seen_at_once(sqlite_address):
    registry = open_registry(sqlite_address)
    assert list(registry.models("")) == []
    file = sqlite_address.removeprefix("sqlite:///")
    with closing(sqlite3.connect(file)) as other, other:
        other.execute("INSERT INTO registered_models (name) VALUES ('default.category')")
    assert [model.name for model in registry.models("")] == ["default.category"]


def test_a_replaced_database_is_read_again(sqlite_address, tmp_path, empty_registry):
    registry = open_registry(sqlite_address)
    file = tmp_path / "mlflow.db"
    with closing(sqlite3.connect(file)) as other, other:
        other.execute("INSERT INTO registered_models (name) VALUES ('default.category')")
    assert len(registry.models("")) == 1
    shutil.copy(empty_registry, tmp_path / "restored.db")
    (tmp_path / "restored.db").replace(file)
    assert list(registry.models("")) == []


def test_an_unchanged_database_is_polled_for_almost_nothing(sqlite_address):
    registry = open_registry(sqlite_address)
    registry.models("")
    started = time.process_time()
    for _ in range(1000):
        registry.models("")
    assert (time.process_time() - started) / 1000 < 0.001


def test_a_database_of_another_mlflow_says_what_to_do(sqlite_address, tmp_path):
    with closing(sqlite3.connect(tmp_path / "mlflow.db")) as other, other:
        other.execute("ALTER TABLE model_versions RENAME COLUMN source TO place")
    with pytest.raises(RegistryUnavailable, match=r"no such column.*mlflow db upgrade"):
        open_registry(sqlite_address).models("")
    with closing(sqlite3.connect(tmp_path / "mlflow.db")) as other, other:
        other.execute("DROP TABLE registered_model_aliases")
    with pytest.raises(RegistryUnavailable, match=r"no such table.*check PRECEDENT_HOME"):
        open_registry(sqlite_address).models("")


def test_a_failed_change_is_undone(sqlite_address, tmp_path):
    registry = open_registry(sqlite_address)
    with closing(sqlite3.connect(tmp_path / "mlflow.db")) as other, other:
        other.execute("INSERT INTO registered_models (name) VALUES ('default.category')")
        other.execute("DROP TABLE registered_model_tags")
    with pytest.raises(RegistryUnavailable):
        registry.set_tag("default.category", "key", "value")
    with pytest.raises(RegistryUnavailable):
        registry.models("")
    with closing(sqlite3.connect(tmp_path / "mlflow.db", timeout=0)) as other, other:
        other.execute("DELETE FROM registered_models")  # no lock is left


def test_servers_that_do_not_answer_and_odd_addresses():
    with pytest.raises(RegistryUnavailable, match="does not answer"):
        open_registry("http://127.0.0.1:1").models("")
    with pytest.raises(RegistryUnavailable, match="sqlite:///"):
        open_registry("mysql://host/name")


def test_a_database_gone_beside_trained_models_is_an_error(tmp_path):
    address = f"sqlite:///{tmp_path}/mlflow.db"
    assert database_is_missing(address)
    (tmp_path / "artifacts" / "models" / "m-1").mkdir(parents=True)
    with pytest.raises(RegistryUnavailable, match="precedent restore"):
        database_is_missing(address)


def test_reading_imports_no_mlflow(sqlite_address):
    program = (
        "import sys; from models.artifacts.registry import ModelRegistry; "
        f"ModelRegistry({sqlite_address!r}, 'default').champions(); "
        "sys.exit('mlflow' in sys.modules or 'sqlalchemy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0
