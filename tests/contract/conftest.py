"""Every kind of model with a small synthetic history that it can learn."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pytest

from features.domain.report import IncidentReport, Outcome, ResolvedIncident
from features.domain.runbook import Runbook, Section, SectionRole
from features.encoding.encoder import HashingEncoder
from features.search.incident_index import IncidentIndex
from features.search.precedent_index import PrecedentIndex
from models.artifacts.load_artifact import load_artifact
from models.artifacts.save_artifact import save_artifact
from models.base.model_card import Card
from models.base.predictions import (
    LabelPrediction,
    NoveltyPrediction,
    Prediction,
    ResolutionPrediction,
    RunbookPrediction,
    SimilarPrediction,
)
from models.base.report_model import ReportModel
from models.base.target_labels import label_of
from models.classification.calibrated_model import CalibratedModel
from models.kinds import (
    CHOICE,
    KINDS,
    NOVELTY,
    RESOLUTION,
    RUNBOOK,
    SEVERITY,
    SIMILAR,
    Kind,
    build_model,
    kind_of,
)
from models.novelty.novelty_model import NoveltyModel
from models.resolution.resolution_model import ResolutionModel
from models.resolution.resolution_predictor import ResolutionPredictor
from models.runbooks.runbook_index import RunbookIndex
from models.runbooks.runbook_model import RunbookModel
from models.runbooks.usage import past_uses
from models.similarity.result_entries import ListedRecords
from models.similarity.similar_model import SimilarModel

LABELLING, RETRIEVING = (CHOICE, SEVERITY), (SIMILAR, RUNBOOK)
LEVELS = ("low", "medium", "high")
START = datetime(2026, 1, 1, tzinfo=UTC)

_THINGS = {"Network": "vpn tunnel", "Printing": "label printer", "Mail": "shared mailbox"}
_SCOPES = {"low": "only me", "medium": "my team", "high": "everyone, all sites"}
_FIXES = ("Restarted the spooler.", "done", None)
_FILLER = [
    "since",
    "this",
    "morning",
    "again",
    "after",
    "update",
    "please",
    "check",
    "soon",
    "user",
    "reports",
    "thanks",
    "screen",
]
FAULTS = [f"{first}{last}" for first, last in product(("bolu", "keza", "mivo"), "bdfgklmnpr")]
"""Words that only the reports of one failure share."""

RUNBOOKS = tuple(
    Runbook(
        id=f"it/{name.lower()}",
        title=f"{name} trouble",
        sections=(Section("Meaning", f"The {thing} does not work.", SectionRole.MEANING),),
        steps=("Restart it.",),
    )
    for name, thing in _THINGS.items()
)


def make_examples(count: int, *, seed: int) -> list[ResolvedIncident]:
    """Return incidents an hour apart that every kind can learn from.

    The category shows in the thing named, severity in the scope, and the first thirty failures
    recur: who reports one again names the first report.
    """
    rng = np.random.default_rng(seed)
    examples = []
    for number in range(count):
        category, severity = list(_THINGS)[number % 3], LEVELS[int(rng.integers(3))]
        words = " ".join(rng.choice(_FILLER, 5, replace=False))
        report = IncidentReport(
            id=f"INC{seed}-{number}",
            opened_at=START + timedelta(days=seed, hours=number),
            title=f"{_THINGS[category]} fails {words}",
            description=f"module {FAULTS[number % 30]} affects {_SCOPES[severity]} "
            f"code {rng.integers(10**6)}",
            service=str(rng.choice(["erp", "shop"])),
            source="portal",
            attributes={"site": str(rng.choice(["Linz", "Leeds"]))},
        )
        outcome = Outcome(
            category=category,
            severity=severity,
            resolution=_FIXES[number % len(_FIXES)],
            runbook_id=f"it/{category.lower()}",
            resolved_at=report.opened_at + timedelta(hours=1 + number % 5),
            duplicate_of=None if number < 30 else f"INC{seed}-{number - 30}",
            sla_met=number % 4 != 0,
            reassigned=number % 3 == 0,
        )
        examples.append(ResolvedIncident(report, outcome))
    return examples


@dataclass(kw_only=True)
class Subject(ABC):
    """One kind under test: `fitted` learned `examples`, and must not be changed.

    `reloaded` is what came back from the artifact in `folder`.
    """

    kind: Kind
    target: str
    folder: Path

    def __post_init__(self) -> None:
        self.make_examples = make_examples
        self.examples = make_examples(60, seed=0)
        self.reports = [example.report for example in self.examples[-12:]]
        self.fitted = self.fit(self.examples)
        self.reloaded = saved_and_loaded(self.fitted, self.kind, self.target, self.folder)

    @abstractmethod
    def build(self) -> ReportModel:
        """Return a model that was not fitted."""

    @abstractmethod
    def fit(
        self, examples: Sequence[ResolvedIncident], model: ReportModel | None = None
    ) -> ReportModel:
        """Return a model, by default a new one, that learned from examples."""

    @abstractmethod
    def ask(self, model: Any, reports: Sequence[IncidentReport]) -> Sequence[Prediction]:
        """Return a model's answers."""

    @abstractmethod
    def entries(self, answer: Any) -> list[tuple[str, float]]:
        """Return what an answer names, the likeliest first, with how sure it is of each."""

    @property
    @abstractmethod
    def answerable(self) -> set[str]:
        """The labels that an answer may have."""

    def agree(self, found: Sequence[Prediction], wanted: Sequence[Prediction]) -> None:
        """The order of sums may differ between batches, so confidences agree to six places."""
        assert len(found) == len(wanted)
        for answer, other in zip(found, wanted, strict=True):
            assert (answer.label, answer.decision) == (other.label, other.decision)
            assert answer.confidence == pytest.approx(other.confidence, abs=1e-6)
            mine, theirs = dict(self.entries(answer)), dict(self.entries(other))
            assert mine == pytest.approx(theirs, abs=1e-6)


class LabelSubject(Subject):
    """A kind that answers one of several labels."""

    levels: tuple[str, ...] = ()

    @property
    def labels(self) -> list[str | None]:
        return [label_of(example.outcome, self.target) for example in self.examples]

    def relabel(self, example: ResolvedIncident, label: str | None) -> ResolvedIncident:
        return replace(example, outcome=replace(example.outcome, **{self.target: label}))

    def build(self) -> CalibratedModel:
        assert kind_of(self.levels) is self.kind
        return build_model(self.target, levels=self.levels, encoder="hashing", seed=3)

    def fit(
        self, examples: Sequence[ResolvedIncident], model: CalibratedModel | None = None
    ) -> CalibratedModel:
        return (model or self.build()).fit(examples)

    def ask(
        self, model: CalibratedModel, reports: Sequence[IncidentReport]
    ) -> Sequence[LabelPrediction]:
        return model.predict(reports)

    def entries(self, answer: LabelPrediction) -> list[tuple[str, float]]:
        others = [(other.label, other.confidence) for other in answer.alternatives]
        return [(answer.label, answer.confidence), *others]

    @property
    def answerable(self) -> set[str]:
        return set(self.fitted.classes_)


class SeveritySubject(LabelSubject):
    """A kind whose labels have an order."""

    levels = LEVELS


class SimilarSubject(Subject):
    """Searches in an index of the examples."""

    def build(self) -> SimilarModel:
        return SimilarModel(encoder="hashing", seed=3)

    def fit(
        self, examples: Sequence[ResolvedIncident], model: SimilarModel | None = None
    ) -> SimilarModel:
        return (model or self.build()).fit(examples)

    def ask(
        self,
        model: SimilarModel,
        reports: Sequence[IncidentReport],
        past: Sequence[ResolvedIncident] | None = None,
        **options: Any,
    ) -> list[SimilarPrediction]:
        """Search among `past`, by default the examples."""
        past = self.examples if past is None else past
        index = IncidentIndex(HashingEncoder())
        index.upsert(past)
        return model.search(reports, index, ListedRecords(past), **options)

    def entries(self, answer: SimilarPrediction) -> list[tuple[str, float]]:
        return [(entry.id, entry.relatedness) for entry in answer.similar]

    @property
    def answerable(self) -> set[str]:
        return {"", *(example.report.id for example in self.examples)}

    def candidates_of(self, report: IncidentReport) -> int:
        """Return how many examples there are to choose from."""
        return sum(example.report.opened_at < report.opened_at for example in self.examples)


class RunbookSubject(Subject):
    """Searches an index of three runbooks, which the examples used."""

    def build(self) -> RunbookModel:
        return RunbookModel(encoder="hashing")

    def fit(
        self, examples: Sequence[ResolvedIncident], model: RunbookModel | None = None
    ) -> RunbookModel:
        return (model or self.build()).fit(examples, index_of(examples))

    def ask(
        self,
        model: RunbookModel,
        reports: Sequence[IncidentReport],
        past: Sequence[ResolvedIncident] | None = None,
        **options: Any,
    ) -> list[RunbookPrediction]:
        """Search the index as `past`, by default the examples, used it."""
        return model.suggest(reports, index_of(self.examples if past is None else past), **options)

    def entries(self, answer: RunbookPrediction) -> list[tuple[str, float]]:
        return [(entry.id, entry.relevance) for entry in answer.runbooks]

    @property
    def answerable(self) -> set[str]:
        return {"", *(runbook.id for runbook in RUNBOOKS)}

    def candidates_of(self, report: IncidentReport) -> int:
        """Return how many runbooks there are to choose from."""
        return len(RUNBOOKS)


class NoveltySubject(Subject):
    """Judges whether reports are like the examples."""

    def build(self) -> NoveltyModel:
        return NoveltyModel(encoder="hashing", seed=3)

    def fit(
        self, examples: Sequence[ResolvedIncident], model: NoveltyModel | None = None
    ) -> NoveltyModel:
        return (model or self.build()).fit(examples)

    def ask(
        self, model: NoveltyModel, reports: Sequence[IncidentReport]
    ) -> Sequence[NoveltyPrediction]:
        return model.predict(reports)

    def entries(self, answer: NoveltyPrediction) -> list[tuple[str, float]]:
        return [(answer.label, answer.confidence)]

    @property
    def answerable(self) -> set[str]:
        return {"novel", "familiar"}


class ResolutionSubject(Subject):
    """Foresees how long reports will take, from how the examples went before each."""

    def build(self) -> ResolutionModel:
        return ResolutionModel(seed=3)

    def fit(
        self, examples: Sequence[ResolvedIncident], model: ResolutionModel | None = None
    ) -> ResolutionModel:
        return (model or self.build()).fit(examples)

    def ask(
        self, model: ResolutionPredictor, reports: Sequence[IncidentReport]
    ) -> Sequence[ResolutionPrediction]:
        return model.forecast(PrecedentIndex(self.examples).contexts_of(reports))

    def entries(self, answer: ResolutionPrediction) -> list[tuple[str, float]]:
        return [(name, value) for name, value in asdict(answer).items() if value is not None]

    @property
    def answerable(self) -> set[str]:
        return {""}


def index_of(past: Sequence[ResolvedIncident]) -> RunbookIndex:
    """Return the runbooks with their uses in the past."""
    return RunbookIndex(RUNBOOKS, HashingEncoder(), past_uses(past))


Fitted = TypeVar("Fitted", bound=ReportModel)


def saved_and_loaded(model: Fitted, kind: Kind, target: str, folder: Path) -> Fitted:
    """Return the model that comes back from an artifact."""
    card = Card(target, kind.name, datetime(2026, 1, 1, tzinfo=UTC))
    sha256 = save_artifact(model, card, folder)
    reloaded = load_artifact(folder, expected_sha256=sha256).model
    assert isinstance(model, type(reloaded))
    return reloaded


SUBJECTS = {
    CHOICE: (LabelSubject, "category"),
    SEVERITY: (SeveritySubject, "severity"),
    SIMILAR: (SimilarSubject, "similar"),
    RUNBOOK: (RunbookSubject, "runbooks"),
    NOVELTY: (NoveltySubject, "novelty"),
    RESOLUTION: (ResolutionSubject, "resolution"),
}


@pytest.fixture(scope="session")
def subject_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Kind], Subject]:
    """Returns the one subject of a kind."""

    @cache
    def make(kind: Kind) -> Subject:
        build, target = SUBJECTS[kind]
        folder = tmp_path_factory.mktemp("artifact") / kind.name
        return build(kind=kind, target=target, folder=folder)

    return make


def _of(kinds: Sequence[Kind]):
    @pytest.fixture(scope="session", params=kinds, ids=lambda kind: kind.name)
    def subject(request: pytest.FixtureRequest, subject_of) -> Subject:
        return subject_of(request.param)

    return subject


any_subject = _of(KINDS)
label_subject = _of(LABELLING)
retrieving_subject = _of(RETRIEVING)
