"""Which versions learned from an incident: told from hashes, and from no name."""

import shutil
from dataclasses import replace

import numpy as np
import pytest

from features.errors import RegistryUnavailable
from models.artifacts.manifest import ArtifactFolder
from models.artifacts.registry import ModelRegistry
from models.artifacts.save_artifact import save_artifact
from models.artifacts.training_ids import hash_ids, was_learned_from, write_learned_from
from training.pipeline.register import register

IDS = ["INC2", "INC1", "INC2", "Störung 7"]


@pytest.fixture
def publish(toy_model, toy_card, tmp_path, home):
    """Registers a version of a target that learned from these ids."""

    def publish_version(target, ids, tenant="default"):
        card, folder = replace(toy_card, target=target, reliability=()), tmp_path / "artifact"
        save_artifact(toy_model, card, folder, learned_from=ids)
        version = register(folder, card, home=home, tenant=tenant)
        shutil.rmtree(folder)
        return version

    return publish_version


@pytest.fixture
def registry(home):
    return ModelRegistry(home.tracking_uri, "default")


def test_hashes_are_sorted_and_each_is_there_once(tmp_path):
    write_learned_from(IDS, tmp_path / "ids.npy")
    ids = np.load(tmp_path / "ids.npy")
    assert ids.dtype == np.uint64
    assert ids.tolist() == sorted(set(hash_ids(IDS).tolist()))
    assert len(ids) == 3


def test_every_id_is_found_and_no_other(tmp_path):
    ids = [f"INC{number}" for number in range(2_000)]
    write_learned_from(ids[::2], tmp_path / "ids.npy")
    answers = [was_learned_from(id, tmp_path / "ids.npy") for id in ids]  # noqa: A001
    assert answers == [True, False] * 1_000


def test_no_incidents_and_no_file(tmp_path):
    write_learned_from([], tmp_path / "none.npy")
    (tmp_path / "broken.npy").write_bytes(b"\x93NUMPY")
    for name in ("none.npy", "missing.npy", "broken.npy"):
        assert not was_learned_from("INC1", tmp_path / name)


def test_an_artifact_names_its_incidents_only_by_hash(toy_model, toy_card, tmp_path):
    save_artifact(toy_model, toy_card, tmp_path / "model", learned_from=["INC-marker"])
    files = ArtifactFolder(tmp_path / "model")
    assert was_learned_from("INC-marker", files.learned_from)
    content = [path.read_bytes() for path in files.root.rglob("*") if path.is_file()]
    assert not [data for data in content if b"INC-marker" in data]


def test_versions_come_by_target_and_the_newest_first(publish, registry, home, promote):
    severity = publish("severity", ["INC1"])
    first, second = publish("category", ["INC1", "INC2"]), publish("category", ["INC2"])
    third = publish("category", ["INC1"])
    champion = promote("category", first.version, home=home, tenant="default")
    versions = registry.learned_from("INC1")
    assert [(version.target, version.version) for version in versions] == [
        ("category", third.version),
        ("category", first.version),
        ("severity", severity.version),
    ]
    assert versions[1] == champion
    assert [version.version for version in registry.learned_from("INC2")] == [second.version, "1"]
    assert registry.learned_from("INC3") == ()


def test_other_tenants_are_not_told(publish, registry):
    publish("category", ["INC1"], tenant="other")
    assert registry.learned_from("INC1") == ()


def test_a_version_from_before_the_list_is_left_out(publish, registry):
    version = publish("category", ["INC1"])
    ArtifactFolder(version.folder).learned_from.unlink()
    assert registry.learned_from("INC1") == ()


def test_before_the_first_training_nothing_was_learned(tmp_path):
    assert ModelRegistry(f"sqlite:///{tmp_path}/mlflow.db", "default").learned_from("1") == ()
    assert list(tmp_path.iterdir()) == []


def test_a_registry_that_cannot_be_read_does_not_say_that_nothing_learned(home, registry):
    (home.root / "mlflow.db").write_bytes(b"not a database")
    with pytest.raises(RegistryUnavailable):
        registry.learned_from("INC1")
