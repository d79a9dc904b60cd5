"""Models that answer at once, a registry that a test moves by hand, and an app around both."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from features.domain.report import IncidentReport, ResolvedIncident
from features.errors import ArtifactRejected
from features.store.store import Store, open_store
from models.artifacts.registry import ModelVersion
from models.artifacts.save_load import LoadedModel
from models.base.model_card import Card, Metric
from models.base.predictions import (
    Alternative,
    Certificate,
    ChoicePrediction,
    Decision,
    Evidence,
    Exemplar,
    FieldWeight,
    SeverityPrediction,
    TokenWeight,
)
from models.base.report_model import ReportModel
from serving.app import create_app
from serving.runtime.settings import ServingSettings

CERTIFICATE = Certificate(0.92, 0.81, 412)
EVIDENCE = Evidence(
    (TokenWeight("vpn", 1.2),), (FieldWeight("site", "Graz", -0.1),), (Exemplar("INC7", "X", 0.8),)
)


class WordModel(ReportModel):
    """Knows two labels: whether the title speaks of a VPN; its label says which version it is."""

    def __init__(self, *, name: str = "1") -> None:
        self.name = name

    def fit(self, examples: Sequence[ResolvedIncident]) -> Self:
        return self

    def predict(self, reports: Sequence[IncidentReport]) -> list[ChoicePrediction]:
        self.asked_ = [*getattr(self, "asked_", []), len(reports)]
        return [self._answer(report) for report in reports]

    def _answer(self, report: IncidentReport) -> ChoicePrediction:
        is_network = "vpn" in report.title.lower()
        return ChoicePrediction(
            label=f"{'Network' if is_network else 'Other'} v{self.name}",
            confidence=0.93 if is_network else 0.5,
            decision=Decision.AUTO if is_network else Decision.ABSTAIN,
            alternatives=(Alternative("Printing", 0.04),),
            label_set=("Network",),
            certificate=CERTIFICATE if is_network else None,
            evidence=EVIDENCE,
        )


class LevelModel(WordModel):
    """Always answers the middle one of three levels."""

    def _answer(self, report: IncidentReport) -> ChoicePrediction:
        others = (Alternative("Low", 0.2), Alternative("High", 0.1))
        return SeverityPrediction(
            "Middle", 0.7, Decision.SUGGEST, others, ("Low", "Middle"), rank=1, expected_rank=0.9
        )


class HandMovedRegistry:
    """A registry in memory; `broken` versions are refused, and `error` stands for an outage."""

    def __init__(self) -> None:
        self.registered: dict[str, ModelVersion] = {}
        self.challenging: dict[str, ModelVersion] = {}
        self.models: dict[tuple[str, str], ReportModel] = {}
        self.broken: set[tuple[str, str]] = set()
        self.error: Exception | None = None
        self.loads: list[tuple[str, str]] = []

    def promote(self, target: str, version: str, model: ReportModel | None = None) -> ReportModel:
        model = model or WordModel(name=version)
        self.models[target, version] = model
        self.registered[target] = _version(target, version)
        return model

    def challenge(self, target: str, version: str, model: ReportModel) -> None:
        self.models[target, version] = model
        self.challenging[target] = _version(target, version)

    def champions(self) -> dict[str, ModelVersion]:
        if self.error:
            raise self.error
        return dict(self.registered)

    def challengers(self) -> dict[str, ModelVersion]:
        if self.error:
            raise self.error
        return dict(self.challenging)

    def versions(self, target: str) -> list[ModelVersion]:
        known = (*self.registered.values(), *self.challenging.values())
        return [version for version in known if version.target == target]

    def learned_from(self, id: str) -> tuple[ModelVersion, ...]:  # noqa: A002
        if self.error:
            raise self.error
        return ()

    def load(self, version: ModelVersion) -> LoadedModel:
        key = (version.target, version.version)
        self.loads.append(key)
        if key in self.broken:
            raise ArtifactRejected("model.skops was altered")
        card = Card(
            version.target,
            "choice",
            datetime(2026, 3, 1, tzinfo=UTC),
            metrics=(Metric("accuracy", 0.9, 0.88, 0.92, 0.5, "most frequent"),),
            certificates={"Network": CERTIFICATE},
        )
        return LoadedModel(self.models[key], card)


def _version(target: str, version: str) -> ModelVersion:
    trained_at = datetime(2026, 3, 1, tzinfo=UTC)
    return ModelVersion(target, version, "choice", f"sha-{version}", Path(), trained_at, "")


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


@pytest.fixture
def store(tmp_path: Path, empty_store: Path) -> Iterator[Store]:
    """An empty store in a real database."""
    file = shutil.copy(empty_store, tmp_path / "store.db")
    with open_store(f"sqlite:///{file}") as opened:
        yield opened


@pytest.fixture
def app_of(tmp_path: Path, store: Store) -> Callable[..., FastAPI]:
    """Makes an app around a registry, with settings by keyword; no answer is drawn for audit."""

    def make(registry: HandMovedRegistry, **settings: object) -> FastAPI:
        given = {"home": tmp_path / "home", "poll_seconds": 0.05, "audit_share": 0.0}
        chosen = ServingSettings(**given | settings)
        return create_app(chosen, registry=registry, store=store)

    return make


@pytest.fixture
def client(
    app_of: Callable[..., FastAPI], trained_registry: HandMovedRegistry
) -> Iterator[TestClient]:
    """Asks an app with three champions; what the app does not answer reaches the test."""
    with TestClient(app_of(trained_registry)) as opened:
        yield opened
