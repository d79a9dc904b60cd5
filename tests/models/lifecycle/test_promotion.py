"""Which version serves: how the champion moves, what the log tells of it, and what stops it."""

import shutil
from collections.abc import Callable, Iterator
from threading import Thread

import pytest
from filelock import FileLock

from features.errors import (
    ArtifactRejected,
    NoEarlierChampion,
    RegistryUnavailable,
    StoreUnavailable,
    UnknownVersion,
)
from features.home import Home
from features.store.operations.audit_log import AuditLogRepository
from features.store.store import Store, open_store
from models.artifacts import manifest
from models.artifacts.mlflow_client import connect
from models.artifacts.registries.sql_registry import SqlRegistry
from models.artifacts.registry import HISTORY_TAG, ModelRegistry, ModelVersion
from models.artifacts.save_artifact import save_artifact
from models.lifecycle import promotion
from models.lifecycle.promotion import note_found_champions, promote, rollback
from training.pipeline.register import register

NAME = "default.category"


@pytest.fixture
def versions(three_versions: Home, empty_store, home: Home) -> Home:
    """A home of this test's own with three versions, the newest a challenger."""
    shutil.copy(three_versions.root / "mlflow.db", home.root)
    shutil.copy(empty_store, home.root / "precedent.db")
    return home


@pytest.fixture
def store(versions) -> Iterator[Store]:
    with open_store(versions.database_url) as opened:
        yield opened


@pytest.fixture
def told(versions, store) -> dict:
    """Where to move a champion, who does and why."""
    place = {"home": versions, "tenant": "default", "store": store}
    return place | {"actor": "Ana", "reason": "it knows the new groups"}


@pytest.fixture
def move(told) -> Callable[[str], str]:
    """Promotes a version, or rolls back, and returns the number of the champion."""

    def moved(to: str | None) -> str:
        if to == "back":
            return rollback("category", **told).version
        return promote("category", to, **told).version

    return moved


@pytest.fixture
def log(store) -> Callable[[], list[tuple]]:
    return lambda: [(event.action, event.version) for event in store.audit_log.select()]


def _champion(home):
    return ModelRegistry(home.tracking_uri, "default").champions()["category"].version


def _versions(home):
    return ModelRegistry(home.tracking_uri, "default").versions("category")


def test_promotion_takes_the_newest_unless_told_otherwise(versions, move):
    assert move(None) == "3"
    assert move("2") == "2"
    assert _champion(versions) == "2"


def test_a_promoted_challenger_is_no_challenger_any_more(versions, told):
    registry = ModelRegistry(versions.tracking_uri, "default")
    assert promote("category", "1", **told).aliases == ("champion",)
    assert registry.version("category", "3").aliases == ("challenger",)
    assert registry.challengers()["category"].version == "3"
    assert promote("category", "3", **told).aliases == ("champion",)
    assert registry.challengers() == {}


def test_a_challenger_that_is_champion_too_is_none(versions, move):
    move("1")
    connect(versions.tracking_uri).set_registered_model_alias(NAME, "challenger", "1")
    assert ModelRegistry(versions.tracking_uri, "default").challengers() == {}


def test_rolling_back_twice_goes_further_back(versions, move):
    for number in ("1", "2", "3"):
        move(number)
    assert [move("back"), move("back")] == ["2", "1"]
    assert _champion(versions) == "1"
    with pytest.raises(NoEarlierChampion, match="no earlier champion"):
        move("back")
    assert _champion(versions) == "1"


def test_promotion_after_a_rollback_continues_from_there(move):
    for to in ("1", "2", "back", "3"):
        move(to)
    assert move("back") == "1"


def test_promoting_the_champion_again_changes_nothing(move, log):
    for number in ("1", "2", "2"):
        move(number)
    assert log() == [("promote", "1"), ("promote", "2")]
    assert move("back") == "1"


def test_a_champion_may_return(move):
    for number in ("1", "2", "1"):
        move(number)
    assert [move("back"), move("back")] == ["2", "1"]


@pytest.mark.parametrize(("tag", "earlier"), [("1,2,3", "1"), ("1", "1"), ("1,2", "1")])
def test_the_alias_is_believed_when_a_crash_left_the_history_behind(versions, move, tag, earlier):
    for number in ("1", "2"):
        move(number)
    connect(versions.tracking_uri).set_registered_model_tag(NAME, HISTORY_TAG, tag)
    assert _champion(versions) == "2"
    assert move("back") == earlier


def test_unknown_targets_and_versions_are_named(told):
    with pytest.raises(UnknownVersion, match=r"no model of 'priority'.*there are: category"):
        promote("priority", **told)
    with pytest.raises(UnknownVersion, match=r"'category' has no version 9; it has: 3, 2, 1"):
        promote("category", "9", **told)
    with pytest.raises(UnknownVersion, match="'category' has no version ; it has"):
        promote("category", "", **told)
    with pytest.raises(UnknownVersion, match="no model of 'category'"):
        rollback("category", **told | {"tenant": "another"})


def test_the_log_tells_who_moved_what_and_why(told, store, versions):
    promote("category", "1", **told, details={"accuracy": 0.9})
    promote("category", "2", **told)
    rollback("category", **told | {"actor": "Ben", "reason": ""})
    first, second, third = store.audit_log.select(target="category")
    assert (first.actor, first.reason) == ("Ana", "it knows the new groups")
    (sha256,) = {version.sha256 for version in _versions(versions)}
    assert first.details == {"before": None, "sha256": sha256, "accuracy": 0.9}
    assert (second.action, second.version, second.details["before"]) == ("promote", "2", "1")
    assert (third.action, third.version, third.actor) == ("rollback", "1", "Ben")
    assert first.at < second.at < third.at


def test_a_champion_that_was_moved_in_mlflow_is_found(told, move, log, versions):
    move("1")
    connect(versions.tracking_uri).set_registered_model_alias(NAME, "champion", "3")
    place = {name: told[name] for name in ("home", "tenant", "store")}
    for _ in range(2):
        note_found_champions(**place)
    assert log() == [("promote", "1"), ("found", "3")]
    assert told["store"].audit_log.select()[-1].details["before"] == "1"
    assert move("back") == "1"


def test_what_a_crash_kept_from_the_log_is_told_before_the_next_move(move, log, monkeypatch):
    move("1")

    def crash(*_args):
        raise StoreUnavailable("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(AuditLogRepository, "append", crash)
        with pytest.raises(StoreUnavailable):
            move("2")
    assert log() == [("promote", "1")]
    assert move("3") == "3"
    assert log() == [("promote", "1"), ("found", "2"), ("promote", "3")]


def test_a_registry_that_fails_half_way_keeps_the_champion_and_the_log(
    versions, move, log, monkeypatch
):
    move("1")

    def fail(*_args):
        raise RegistryUnavailable("No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(SqlRegistry, "set_alias", fail)
        with pytest.raises(RegistryUnavailable, match="No space left"):
            move("2")
    assert _champion(versions) == "1"
    assert log() == [("promote", "1")]
    assert [move("2"), move("back")] == ["2", "1"]


def test_without_a_registry_nothing_is_promoted(versions, told, log):
    (versions.root / "mlflow.db").write_bytes(b"half of a database" * 400)
    with pytest.raises(RegistryUnavailable):
        promote("category", **told)
    (versions.root / "mlflow.db").unlink()
    with pytest.raises(RegistryUnavailable):
        rollback("category", **told)
    assert log() == []


@pytest.mark.quality
def test_two_promotions_at_once_follow_each_other(versions, move, log):
    threads = [Thread(target=move, args=(number,)) for number in ("1", "2", "3")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    promoted = [version for action, version in log() if action == "promote"]
    assert sorted(promoted) == ["1", "2", "3"]
    assert promoted[-1] == _champion(versions)
    assert [move("back"), move("back")] == promoted[1::-1]


def test_a_promotion_waits_only_so_long_for_another(versions, move, monkeypatch):
    monkeypatch.setattr(promotion, "_LOCK_TIMEOUT_SECONDS", 0.05)
    versions.moving_champions.parent.mkdir(exist_ok=True)
    with FileLock(versions.moving_champions), pytest.raises(RegistryUnavailable, match="another"):
        move("1")


@pytest.fixture
def damaged(versions, toy_model, toy_card, tmp_path) -> ModelVersion:
    """A version of this test's own that can still be damaged; the others are shared."""
    save_artifact(toy_model, toy_card, tmp_path / "model")
    return register(tmp_path / "model", toy_card, home=versions, tenant="default")


def _damage(version: ModelVersion) -> None:
    (version.folder / "golden.jsonl").write_text("", encoding="utf-8")


def test_a_version_with_altered_files_is_not_promoted(versions, move, damaged, log):
    move("1")
    _damage(damaged)
    with pytest.raises(ArtifactRejected, match=r"golden\.jsonl"):
        move(damaged.version)
    assert _champion(versions) == "1"
    assert log() == [("promote", "1")]


def test_a_version_that_cannot_be_loaded_is_not_promoted(versions, move, damaged, monkeypatch):
    move("1")
    monkeypatch.setattr(manifest, "FORMAT", manifest.FORMAT + 1)
    with pytest.raises(ArtifactRejected, match="train again"):
        move(damaged.version)
    assert _champion(versions) == "1"


def test_a_version_with_altered_files_is_not_rolled_back_to(versions, move, damaged):
    move(damaged.version)
    move("2")
    _damage(damaged)
    with pytest.raises(ArtifactRejected, match=r"golden\.jsonl"):
        move("back")
    assert _champion(versions) == "2"
