"""Every kind of model with a small synthetic history that it can learn."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import joblib
import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from features.incident.report import IncidentReport, Outcome, ResolvedIncident
from models.artifacts.folder import load_artifact, save_artifact
from models.calibrated import CalibratedModel
from models.card import Card
from models.kinds import KINDS, Kind, build_model, kind_of
from models.labels import label_of

LEVELS = ("low", "medium", "high")
TARGETS = {"choice": "category", "severity": "severity"}
LEVELS_OF = {"choice": (), "severity": LEVELS}

_THINGS = {"Network": "vpn tunnel", "Printing": "label printer", "Mail": "shared mailbox"}
_SCOPES = {"low": "only me", "medium": "my team", "high": "everyone, all sites"}
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


def make_examples(count: int, *, seed: int) -> list[ResolvedIncident]:
    """Return incidents whose category shows in the thing named, and severity in the scope."""
    rng = np.random.default_rng(seed)
    examples = []
    for number in range(count):
        category, severity = list(_THINGS)[number % 3], LEVELS[int(rng.integers(3))]
        words = " ".join(rng.choice(_FILLER, 5, replace=False))
        report = IncidentReport(
            id=f"INC{seed}-{number}",
            title=f"{_THINGS[category]} fails {words}",
            description=f"affects {_SCOPES[severity]} code {rng.integers(10**6)}",
            service=str(rng.choice(["erp", "shop"])),
            source="portal",
            attributes={"site": str(rng.choice(["Graz", "Leeds"]))},
        )
        examples.append(ResolvedIncident(report, Outcome(category=category, severity=severity)))
    return examples


@dataclass(frozen=True, slots=True)
class Subject:
    """One kind under test: `fitted` learned `examples`, and must not be changed."""

    kind: Kind
    target: str
    examples: Sequence[ResolvedIncident]
    fitted: CalibratedModel
    reloaded: CalibratedModel
    make_examples: Callable[..., list[ResolvedIncident]]

    @property
    def reports(self) -> list[IncidentReport]:
        return [example.report for example in self.examples[:12]]

    @property
    def labels(self) -> list[str | None]:
        return [label_of(example.outcome, self.target) for example in self.examples]

    def relabel(self, example: ResolvedIncident, label: str | None) -> ResolvedIncident:
        return replace(example, outcome=replace(example.outcome, **{self.target: label}))

    def build(self) -> CalibratedModel:
        levels = LEVELS_OF[self.kind.name]
        return build_model(self.target, levels=levels, encoder="hashing", seed=3)


@pytest.fixture(autouse=True)
def one_process() -> Iterator[None]:
    """Starting workers, and threads for tiny arrays, takes longer than these fits."""
    with joblib.parallel_config(backend="sequential"), threadpool_limits(1):
        yield


@pytest.fixture(scope="session", params=KINDS, ids=lambda kind: kind.name)
def subject(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Subject:
    kind: Kind = request.param
    target, levels = TARGETS[kind.name], LEVELS_OF[kind.name]
    assert kind_of(levels) is kind
    examples = make_examples(60, seed=0)
    model = build_model(target, levels=levels, encoder="hashing", seed=3)
    with joblib.parallel_config(backend="sequential"), threadpool_limits(1):
        model.fit(examples)
    folder: Path = tmp_path_factory.mktemp("artifact") / kind.name
    card = Card(target, kind.name, datetime(2026, 1, 1, tzinfo=UTC))
    sha256 = save_artifact(model, card, folder)
    reloaded = load_artifact(folder, expected_sha256=sha256).model
    assert isinstance(reloaded, CalibratedModel)
    return Subject(kind, target, examples, model, reloaded, make_examples)
