"""One incident as a row of an export and as a request becomes the same numbers."""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient

from features.domain.report import IncidentReport
from features.encoding.encoded_reports import EncodedReports, encode_reports
from features.imports.column_mapping import HistoryMapping
from features.imports.load_history import load_history
from features.text.masking import Masking
from models.artifacts.load_artifact import LoadedModel
from models.artifacts.registry import ModelVersion
from models.base.model_card import Card
from models.classification.choice import ChoiceModel
from serving.app import create_app
from serving.runtime.settings import ServingSettings
from serving.schemas.requests import IncidentInput

MAPPING = HistoryMapping.model_validate(
    {
        "report": {
            "id": "number",
            "opened_at": {"column": "opened", "format": "%d/%m/%Y %H:%M"},
            "title": "short_description",
            "description": "description",
            "service": "cmdb_ci",
            "source": "contact_type",
            "attributes": ["location", "u_symptom"],
        },
        "outcome": {"category": "category"},
    }
)
NAMES = ("number", "opened", "short_description", "description", "cmdb_ci", "contact_type")
HEADER = (*NAMES, "location", "u_symptom", "category")

INCIDENTS = {
    "plain": ("INC1", "VPN down", "Cannot connect since noon.", "vpn", "portal", "Graz", "slow"),
    "untidy": (
        "INC2",
        "  Disk\tfull ",
        "line one\r\nline two\n\n> quoted",
        " erp ",
        "?",
        "N/A",
        "",
    ),
    "personal": (
        "INC3",
        "Call Mia +43 316 1234567",
        "password=hunter2 from 10.1.2.3, mail mia.sommer@example.com",
        "identity",
        "phone",
        "mia.sommer@example.com",
        "null",
    ),
    "foreign": ("INC4", "StraÃŸe gesperrt 🔥", "无法登录\x00\x07", "", "e-mail", "Zürich", "-"),
    "silent": ("INC5", "", "", "", "", "Leeds", "offline"),
    "logs": (
        "INC6",
        "KubePodCrashLooping {{ $labels.pod }}",
        "Error: boom\n  at a.b.C(D.java:1)\nsee https://wiki.example.com/x?y=1\n\nRegards,\nTom",
        "checkout",
        "monitoring",
        "Lyon",
        "404",
    ),
}


TRAINED_AT = datetime(2026, 3, 1, tzinfo=UTC)


@dataclass(frozen=True)
class BothWays:
    """One incident as the row of an export, read, and as the body of a request."""

    row: IncidentReport
    body: dict[str, Any]

    @property
    def request(self) -> IncidentReport:
        limits = {"max_batch_incidents": 10, "max_text_characters": 1_000}
        return IncidentInput.model_validate(self.body, context=limits).parse(Masking())


@dataclass(frozen=True)
class OneChampion:
    """A registry whose only champion needs no loading."""

    model: ChoiceModel

    def champions(self) -> Mapping[str, ModelVersion]:
        return {"category": ModelVersion("category", "1", "choice", "sha", Path(), TRAINED_AT, "")}

    def unpromoted(self) -> Mapping[str, str]:
        return {}

    def load(self, version: ModelVersion) -> LoadedModel:
        return LoadedModel(self.model, Card(version.target, "choice", TRAINED_AT))


@pytest.fixture(params=INCIDENTS, scope="module")
def both(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> BothWays:
    file = tmp_path_factory.mktemp("export") / "export.csv"
    identifier, title, text, service, source, location, symptom = INCIDENTS[request.param]
    row = (identifier, "03/02/2026 14:05", title, text, service, source, location, symptom)
    # The lines before keep the columns from being constant, as real exports' are not.
    _write(file, [*FILLERS, (*row, "Network")])
    body = {
        "id": identifier,
        "opened_at": "2026-02-03T15:05:00+01:00",
        "title": title,
        "description": text,
        "service": service,
        "source": source or None,
        "attributes": {"location": location, "u_symptom": symptom},
    }
    history = load_history(file, MAPPING, masking=Masking())
    return BothWays(history.incidents[-1].report, body)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> ChoiceModel:
    """A model that reads words and facts of the incidents above."""
    file = tmp_path_factory.mktemp("export") / "past.csv"
    past = [
        (f"{identifier}-{n}", FILLERS[n][1], *facts, "ABC"[(place + n) % 3])
        for n in range(4)
        for place, (identifier, *facts) in enumerate(INCIDENTS.values())
    ]
    _write(file, [*FILLERS, *past])
    history = load_history(file, MAPPING, masking=Masking())
    return ChoiceModel(encoder="hashing").fit(history.incidents)


@pytest.fixture(scope="module")
def client(model: ChoiceModel, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    settings = ServingSettings(home=tmp_path_factory.mktemp("home"))
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("PRECEDENT_ENCODER", "hashing")
        with TestClient(create_app(settings, registry=OneChampion(model))) as opened:
            yield opened


def _filler(number: int) -> tuple[str, ...]:
    texts = (f"ticket {number}", f"text {number}")
    facts = ("erp", "portal", ("Graz", "Leeds")[number % 2], ("slow", "fast")[number % 3 % 2])
    return (f"X{number}", f"{number + 1:02}/01/2026 10:00", *texts, *facts, "ABC"[number % 3])


FILLERS = [_filler(number) for number in range(30)]


def _write(file: Path, rows: list[tuple[str, ...]]) -> None:
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(HEADER)
        writer.writerows(rows)


def encode(report: IncidentReport) -> EncodedReports:
    return encode_reports([report], encoder="hashing", reads_characters=True)


def test_reports_are_equal(both: BothWays) -> None:
    assert both.row == both.request
    assert both.row.opened_at is not None


@pytest.mark.parametrize("view", ["words", "titles", "characters"])
def test_counts_are_equal(both: BothWays, view: str) -> None:
    row, request = (getattr(encode(report), view) for report in (both.row, both.request))
    assert (row != request).nnz == 0


def test_vectors_and_facts_are_equal(both: BothWays) -> None:
    row, request = encode(both.row), encode(both.request)
    np.testing.assert_array_equal(row.vectors, request.vectors)
    assert row.facts == request.facts


def test_answers_are_equal(both: BothWays, model: ChoiceModel, client: TestClient) -> None:
    (expected,) = model.predict([both.row])
    answered = client.post("/v1/triage", json={"incident": both.body})
    assert answered.status_code == 200
    answer = answered.json()["category"]
    assert answer["label"] == expected.label
    assert answer["confidence"] == pytest.approx(expected.confidence, abs=1e-12)
    tokens = [(token.token, token.weight) for token in expected.evidence.tokens]
    assert [(token["token"], token["weight"]) for token in answer["evidence"]["tokens"]] == tokens
    fields = [(field.field, field.value) for field in expected.evidence.fields]
    assert [(field["field"], field["value"]) for field in answer["evidence"]["fields"]] == fields


def test_personal_data_is_masked_in_both(both: BothWays) -> None:
    for report in (both.row, both.request):
        text = f"{report.title} {report.description} {report.attributes}"
        assert "hunter2" not in text
        assert "mia.sommer@" not in text
