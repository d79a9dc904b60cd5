"""Models that answer at once, a registry that a test moves by hand, and an app around both."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fakes import HandMovedRegistry, LevelModel
from fastapi import FastAPI
from starlette.testclient import TestClient

from features.store.store import Store, open_store
from serving.app import create_app
from serving.runtime.settings import ServingSettings


@pytest.fixture(autouse=True)
def hashing_encoder(monkeypatch: pytest.MonkeyPatch) -> None:
    """The past is indexed without a sentence encoder, whose weights take seconds to load."""
    monkeypatch.setenv("PRECEDENT_ENCODER", "hashing")


@pytest.fixture
def registry() -> HandMovedRegistry:
    """A registry without champions."""
    return HandMovedRegistry()


@pytest.fixture
def trained_registry(registry: HandMovedRegistry) -> HandMovedRegistry:
    """A registry with a champion of category, of one field and of severity."""
    registry.promote("category", "7")
    registry.promote("fields.subcategory", "2")
    registry.promote("severity", "3", LevelModel())
    return registry


@pytest.fixture(scope="session")
def store_file(tmp_path_factory: pytest.TempPathFactory, empty_store: Path) -> Path:
    """The file of the store, replaced by an empty one for each test."""
    return Path(shutil.copy(empty_store, tmp_path_factory.mktemp("served") / "store.db"))


@pytest.fixture(scope="session")
def compiled_store(store_file: Path) -> Store:
    """A store that keeps its compiled statements from test to test, and opens its file anew."""
    return open_store(f"sqlite:///{store_file}")


@pytest.fixture
def store(compiled_store: Store, store_file: Path, empty_store: Path) -> Iterator[Store]:
    """An empty store in a real database."""
    compiled_store.close()
    for file in store_file.parent.iterdir():
        file.unlink()
    shutil.copy(empty_store, store_file)
    with compiled_store:
        yield compiled_store


@pytest.fixture
def app_of(tmp_path: Path, store: Store) -> Callable[..., FastAPI]:
    """Makes an app around a registry, with settings by keyword; no answer is drawn for audit."""

    def make(registry: HandMovedRegistry, **settings: object) -> FastAPI:
        usual = {"home": tmp_path / "home", "poll_seconds": 0.2, "audit_share": 0.0}
        chosen = ServingSettings(**usual | settings)
        return create_app(chosen, registry=registry, store=store)

    return make


@pytest.fixture
def client(
    app_of: Callable[..., FastAPI], trained_registry: HandMovedRegistry
) -> Iterator[TestClient]:
    """Asks an app with three champions; what the app does not answer reaches the test."""
    with TestClient(app_of(trained_registry)) as opened:
        yield opened
