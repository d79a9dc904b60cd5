"""A real report model that learns in milliseconds, and databases that are made once and copied."""

import gc
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import hypothesis
import joblib
import pytest
from factories import incident
from fakes import TRUSTED_WITH_TOY, ToyModel
from threadpoolctl import threadpool_limits

from features.domain.report import ResolvedIncident
from features.home import Home, HomeSettings, open_home
from features.store.store import Store, open_store
from models.artifacts.mlflow_client import create_database
from models.artifacts.registry import ModelVersion
from models.artifacts.save_artifact import save_artifact
from models.base.gate_verdict import Verdict
from models.base.model_card import (
    Card,
    ClassReliability,
    ConfidenceBin,
    Metric,
    RowCounts,
    SliceMetric,
    package_versions,
)
from models.base.predictions import Certificate
from models.lifecycle import promotion
from models.timeseries.anomaly_model import enable_kernel_cache
from training.pipeline.register import register

# A deadline for each example would fail on a busy machine.
hypothesis.settings.register_profile("no deadline", deadline=None)
hypothesis.settings.load_profile("no deadline")


def pytest_configure(config: pytest.Config) -> None:
    """Let all test processes, and servers that they start, share what numba has compiled."""
    sources = sorted((config.rootpath / "features" / "timeseries").glob("*.py"))
    state = sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()[:16]
    folder = config.rootpath / ".pytest_cache" / f"compiled-{state}"
    folder.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("NUMBA_CACHE_DIR", str(folder))
    # Starlette's test client asks for this host.
    os.environ.setdefault("PRECEDENT_ALLOWED_HOSTS", "testserver")
    enable_kernel_cache(Home(folder))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the modules whose stated limits are longest: no worker ends with one, alone."""
    limits: Counter[Path] = Counter()
    for item in items:
        limits[item.path] += sum(mark.args[0] for mark in item.iter_markers("timeout"))
    items.sort(key=lambda item: -limits[item.path])


def pytest_collection_finish() -> None:
    """Exempt what was imported from garbage collection, a fifth of the suite's CPU time."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def one_process() -> Iterator[None]:
    """Starting workers, and threads for tiny arrays, takes longer than the fits of tests."""
    with joblib.parallel_config(backend="sequential"), threadpool_limits(1):
        yield


@pytest.fixture(scope="session")
def toy_examples() -> list[ResolvedIncident]:
    """Six labelled incidents of two categories."""
    titles = {"Network": ["vpn down", "no wifi", "vpn slow"], "Printing": ["printer jam"] * 3}
    pairs = [(title, category) for category, written in titles.items() for title in written]
    return [
        incident(f"INC{number}", title, category=category)
        for number, (title, category) in enumerate(pairs)
    ]


@pytest.fixture
def toy_model(toy_examples: list[ResolvedIncident]) -> ToyModel:
    """A fitted model of the class that `trusted_toy` lets load."""
    return ToyModel().fit(toy_examples)


@pytest.fixture(scope="session")
def trusted_toy() -> tuple[str, ...]:
    """The types that the toy model's artifact holds."""
    return TRUSTED_WITH_TOY


@pytest.fixture(scope="session")
def toy_card() -> Card:
    """A card with every part filled but the bins, of which registering would draw a picture."""
    return Card(
        target="category",
        kind="choice",
        created_at=datetime(2026, 3, 1, tzinfo=UTC),
        data_sha256="ab" * 32,
        rows=RowCounts(read=7, used=6, rejected=1, labelled=6),
        cutoff=datetime(2026, 2, 1, tzinfo=UTC),
        split="by time",
        provenance={"title": "opening"},
        metrics=(Metric("accuracy", 0.9, 0.8, 1.0, 0.5, "most frequent"),),
        class_reliability=(ClassReliability("Network", 3, 0, None, 0.0, None),),
        slices=(SliceMetric("service", "vpn", 6, 5, "accuracy", 0.9, 0.8, 1.0),),
        certificates={"Network": Certificate(0.9, 0.8, 40)},
        verdict=Verdict(True, ("better than the baseline",)),
        parameters={"sharpness": 1.0, "words": True, "encoder": None},
        versions=package_versions(),
        notes=("a toy",),
    )


@pytest.fixture(scope="session")
def full_card(toy_card: Card) -> Card:
    """A card with every part filled."""
    return replace(toy_card, reliability=(ConfidenceBin(0.9, 1.0, 6, 0.95, 0.9),))


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a fresh store; a copy opens in a fifth of the time that its tables take."""
    file = tmp_path_factory.mktemp("store") / "precedent.db"
    open_store(f"sqlite:///{file}").close()
    return file


@pytest.fixture(scope="session")
def empty_registry(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a fresh MLflow database; making one takes seconds, so tests copy it."""
    file = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    create_database(f"sqlite:///{file}")
    return file


@pytest.fixture
def home(tmp_path: Path, empty_registry: Path) -> Home:
    """A PRECEDENT_HOME whose registry is empty; its path needs escaping in addresses."""
    return _home_with(empty_registry, tmp_path)


@pytest.fixture(scope="session")
def three_versions(
    tmp_path_factory: pytest.TempPathFactory,
    empty_registry: Path,
    toy_examples: list[ResolvedIncident],
    toy_card: Card,
) -> Home:
    """A home with three registered versions of `category`; tests copy its database."""
    folder = tmp_path_factory.mktemp("versions")
    home = _home_with(empty_registry, folder)
    save_artifact(ToyModel().fit(toy_examples), toy_card, folder / "model")
    for _ in range(3):
        register(folder / "model", toy_card, home=home, tenant="default")
    return home


@pytest.fixture
def store(tmp_path: Path, empty_store: Path) -> Iterator[Store]:
    """An empty store of the test's own, on SQLite."""
    file = shutil.copy(empty_store, tmp_path / "precedent.db")
    with open_store(f"sqlite:///{file}") as opened:
        yield opened


@pytest.fixture(scope="session")
def promote(empty_store: Path) -> Callable[..., ModelVersion]:
    """Promotes in a home, and tells the log in its own store."""

    def move(target: str, version: str | None = None, *, home: Home, tenant: str) -> ModelVersion:
        with _store_of(home, tenant, empty_store) as store:
            options = {"home": home, "tenant": tenant, "store": store}
            return promotion.promote(target, version, **options, actor="Ana", reason="better")

    return move


@pytest.fixture(scope="session")
def roll_back(empty_store: Path) -> Callable[..., ModelVersion]:
    """Rolls back in a home, and tells the log in its own store."""

    def move(target: str, *, home: Home, tenant: str) -> ModelVersion:
        with _store_of(home, tenant, empty_store) as store:
            options = {"home": home, "tenant": tenant, "store": store}
            return promotion.rollback(target, **options, actor="Ben", reason="worse")

    return move


def _store_of(home: Home, tenant: str, empty_store: Path) -> Store:
    file = home.root / "precedent.db"
    if not file.exists():
        shutil.copy(empty_store, file)
    return open_store(home.database_url, tenant)


def _home_with(registry: Path, folder: Path) -> Home:
    home = open_home(HomeSettings(home=folder / "a home #1"))
    shutil.copy(registry, home.root / "mlflow.db")
    return home
