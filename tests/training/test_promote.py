import shutil

import pytest

from features.errors import ArtifactRejected, RegistryUnavailable
from models.artifacts.folder import save_artifact
from models.artifacts.registry import ModelRegistry, ModelVersion
from models.artifacts.tracking import connect
from training.promote import HISTORY_TAG, promote, rollback
from training.register import register

NAME = "default.category"


@pytest.fixture
def versions(three_versions, home):
    """A home of this test's own with three versions, the newest a challenger."""
    shutil.copy(three_versions.root / "mlflow.db", home.root)
    return home


def _promote(home, version=None):
    return promote("category", version, home=home, tenant="default").version


def _rollback(home):
    return rollback("category", home=home, tenant="default").version


def _champion(home):
    return ModelRegistry(home.tracking_uri, "default").champions()["category"].version


def test_promotion_takes_the_newest_unless_told_otherwise(versions):
    assert _promote(versions) == "3"
    assert _promote(versions, "2") == "2"
    assert _champion(versions) == "2"


def test_a_promoted_challenger_is_no_challenger_any_more(versions):
    assert promote("category", "1", home=versions, tenant="default").aliases == ("champion",)
    newest = ModelRegistry(versions.tracking_uri, "default").version("category", "3")
    assert newest.aliases == ("challenger",)
    assert promote("category", "3", home=versions, tenant="default").aliases == ("champion",)


def test_rolling_back_twice_goes_further_back(versions):
    for number in ("1", "2", "3"):
        _promote(versions, number)
    assert [_rollback(versions), _rollback(versions)] == ["2", "1"]
    assert _champion(versions) == "1"
    with pytest.raises(RegistryUnavailable, match="no earlier champion"):
        _rollback(versions)
    assert _champion(versions) == "1"


def test_promotion_after_a_rollback_continues_from_there(versions):
    for number in ("1", "2"):
        _promote(versions, number)
    _rollback(versions)
    _promote(versions, "3")
    assert _rollback(versions) == "1"


def test_promoting_the_champion_again_changes_nothing(versions):
    for number in ("1", "2", "2"):
        _promote(versions, number)
    assert _rollback(versions) == "1"


def test_a_champion_may_return(versions):
    for number in ("1", "2", "1"):
        _promote(versions, number)
    assert [_rollback(versions), _rollback(versions)] == ["2", "1"]


@pytest.mark.parametrize(("tag", "earlier"), [("1,2,3", "1"), ("1", "1"), ("1,2", "1")])
def test_the_alias_is_believed_when_a_crash_left_the_history_behind(versions, tag, earlier):
    for number in ("1", "2"):
        _promote(versions, number)
    connect(versions.tracking_uri).set_registered_model_tag(NAME, HISTORY_TAG, tag)
    assert _champion(versions) == "2"
    assert _rollback(versions) == earlier


def test_unknown_targets_and_versions_are_named(versions):
    with pytest.raises(RegistryUnavailable, match=r"no model of 'priority'.*there are: category"):
        promote("priority", home=versions, tenant="default")
    with pytest.raises(RegistryUnavailable, match=r"'category' has no version 9; it has: 3, 2, 1"):
        _promote(versions, "9")
    with pytest.raises(RegistryUnavailable, match="no model of 'category'"):
        rollback("category", home=versions, tenant="another")


@pytest.fixture
def damaged(versions, toy_model, toy_card, tmp_path) -> ModelVersion:
    """A version of this test's own that can still be damaged; the others are shared."""
    save_artifact(toy_model, toy_card, tmp_path / "model")
    return register(tmp_path / "model", toy_card, home=versions, tenant="default")


def _damage(version: ModelVersion) -> None:
    (version.folder / "golden.jsonl").write_text("", encoding="utf-8")


def test_a_version_with_altered_files_is_not_promoted(versions, damaged):
    _promote(versions, "1")
    _damage(damaged)
    with pytest.raises(ArtifactRejected, match=r"golden\.jsonl"):
        _promote(versions, damaged.version)
    assert _champion(versions) == "1"


def test_a_version_with_altered_files_is_not_rolled_back_to(versions, damaged):
    _promote(versions, damaged.version)
    _promote(versions, "2")
    _damage(damaged)
    with pytest.raises(ArtifactRejected, match=r"golden\.jsonl"):
        _rollback(versions)
    assert _champion(versions) == "2"
