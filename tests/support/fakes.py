"""Models, an encoder's network and a registry that answer at once and that a test can see into."""

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic, sleep
from typing import Self

import numpy as np
from scipy.special import softmax

from features.domain.report import IncidentReport, ResolvedIncident
from features.encoding.encoder import HashingEncoder
from features.encoding.encoder_export import EncoderDescription, EncoderExport
from features.encoding.onnx_network import Vectors
from features.errors import ArtifactRejected, NotTrained
from features.store.store import Store
from models.artifacts.load_artifact import LoadedModel
from models.artifacts.registry import ModelVersion
from models.artifacts.trusted_types import TRUSTED_TYPES
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

CERTIFICATE = Certificate(0.92, 0.81, 412)
EVIDENCE = Evidence(
    (TokenWeight("vpn", 1.2, "title", 0, 3),),
    (FieldWeight("site", "Graz", -0.1),),
    (Exemplar("INC7", "X", 0.8),),
)


class ToyModel(ReportModel):
    """Words to category; `reference_` is big enough to be stored as an array of its own."""

    def __init__(self, *, sharpness: float = 1.0) -> None:
        self.sharpness = sharpness

    def fit(self, examples: Sequence[ResolvedIncident]) -> Self:
        # Servers of tests answer with this class, and import no scikit-learn for it.
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.linear_model import LogisticRegression

        texts = [example.report.title for example in examples]
        labels = [example.outcome.category for example in examples]
        words = TfidfVectorizer().fit(texts)
        regression = LogisticRegression(C=self.sharpness).fit(words.transform(texts), labels)
        slopes = np.vstack([-regression.coef_, regression.coef_])[-len(regression.classes_) :]
        intercepts = np.append(-regression.intercept_, regression.intercept_)
        self.idf_ = dict(zip(words.get_feature_names_out().tolist(), words.idf_, strict=True))
        self.slopes_, self.intercepts_ = slopes.T, intercepts[-len(regression.classes_) :]
        self.classes_ = regression.classes_.tolist()
        self.certificates_ = {"Network": Certificate(0.9, 0.8, 40)}
        self.reference_ = np.random.default_rng(0).random((200, 384), dtype=np.float32)
        return self

    def predict(self, reports: Sequence[IncidentReport]) -> list[ChoicePrediction]:
        if not hasattr(self, "classes_"):
            raise NotTrained("call fit first")
        return [self._answer(report) for report in reports]

    def _answer(self, report: IncidentReport) -> ChoicePrediction:
        words = re.findall(r"\w\w+", report.title.lower())
        weights = np.array([words.count(word) * idf for word, idf in self.idf_.items()])
        weights /= np.linalg.norm(weights) or 1
        margins = weights @ self.slopes_ + self.intercepts_
        shares = softmax(margins if len(self.classes_) > 2 else margins / 2)
        best = int(shares.argmax())
        return ChoicePrediction(self.classes_[best], float(shares[best]), Decision.SUGGEST)


TRUSTED_WITH_TOY = (*TRUSTED_TYPES, f"{ToyModel.__module__}.{ToyModel.__qualname__}")


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
    """A registry in memory; `broken` versions are refused, and `error` stands for an outage.

    `refused` are the newest versions of targets whose versions were never promoted.
    """

    def __init__(self) -> None:
        self.registered: dict[str, ModelVersion] = {}
        self.challenging: dict[str, ModelVersion] = {}
        self.refused: dict[str, str] = {}
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

    def unpromoted(self) -> dict[str, str]:
        return dict(self.refused)

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


def stub_export(
    reference: str, *, export_hash: str = "e" * 64, folder: Path = Path("nowhere")
) -> EncoderExport:
    """The export of an encoder with 8 dimensions, whose files are not there."""
    description = EncoderDescription(
        reference, export_hash, "float32", 8, 128, "", {}, ("mean",), cosine=1.0
    )
    return EncoderExport(Path("nowhere"), description)


class StubNetwork:
    """Stands for the weights: a vector by the letters of a text, and a list of what was read."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []

    @property
    def texts(self) -> list[str]:
        return [text for batch in self.batches for text in batch]

    def encode(self, texts: Sequence[str]) -> Vectors:
        self.batches.append(list(texts))
        letters = [[text.count(letter) + 0.5 for letter in "abcdefgh"] for text in texts]
        vectors = np.array(letters, dtype=np.float32)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def wait_until_triaged(store: Store, seconds: float = 60.0) -> None:
    """Wait until no incident waits to be triaged."""
    deadline = monotonic() + seconds
    while store.triage_queue.count():
        assert monotonic() < deadline, "an incident still waits to be triaged"
        sleep(0.02)


class CountedEncoder(HashingEncoder):
    """Counts the texts that it encodes, and calls `before` first."""

    def __init__(self, reference: str) -> None:
        super().__init__()
        self.reference = reference  # type: ignore[misc]
        self.texts = 0
        self.before: Callable[[], None] = lambda: None

    def encode(self, texts: Sequence[str]) -> Vectors:
        self.before()
        self.texts += len(texts)
        return super().encode(texts)
