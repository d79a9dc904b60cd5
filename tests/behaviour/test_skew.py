"""One incident as a row of an export and as a request becomes the same numbers."""

import csv
from pathlib import Path

import numpy as np
import pytest

from features.encoding.encoded import EncodedReports, encode_reports
from features.history.load import load_history
from features.history.mapping import HistoryMapping
from features.incident.masking import Masking
from features.incident.parsing import ReportFields
from features.incident.report import IncidentReport

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


@pytest.fixture(params=INCIDENTS, scope="module")
def both(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[IncidentReport, IncidentReport]:
    """Return the report from the export, and the report from the request."""
    file = tmp_path_factory.mktemp("export") / "export.csv"
    identifier, title, text, service, source, location, symptom = INCIDENTS[request.param]
    row = (identifier, "03/02/2026 14:05", title, text, service, source, location, symptom)
    # The lines before keep the columns from being constant, as real exports' are not.
    lines = [_filler(number) for number in range(30)]
    _write(file, [*lines, (*row, "Network")])
    history = load_history(file, MAPPING, masking=Masking())
    request_body = {
        "id": identifier,
        "opened_at": "2026-02-03T15:05:00+01:00",
        "title": title,
        "description": text,
        "service": service,
        "source": source or None,
        "attributes": {"location": location, "u_symptom": symptom},
    }
    return history.incidents[-1].report, ReportFields.model_validate(request_body).parse(Masking())


def _filler(number: int) -> tuple[str, ...]:
    texts = (f"ticket {number}", f"text {number}")
    facts = ("erp", "portal", ("Graz", "Leeds")[number % 2], ("slow", "fast")[number % 3 % 2])
    return (f"X{number}", f"{number + 1:02}/01/2026 10:00", *texts, *facts, "ABC"[number % 3])


def _write(file: Path, rows: list[tuple[str, ...]]) -> None:
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(HEADER)
        writer.writerows(rows)


def encode(report: IncidentReport) -> EncodedReports:
    return encode_reports([report], encoder="hashing", reads_characters=True)


def test_reports_are_equal(both: tuple[IncidentReport, IncidentReport]) -> None:
    row, request = both
    assert row == request
    assert row.opened_at is not None


@pytest.mark.parametrize("view", ["words", "titles", "characters"])
def test_counts_are_equal(both: tuple[IncidentReport, IncidentReport], view: str) -> None:
    row, request = (getattr(encode(report), view) for report in both)
    assert (row != request).nnz == 0


def test_vectors_and_facts_are_equal(both: tuple[IncidentReport, IncidentReport]) -> None:
    row, request = map(encode, both)
    np.testing.assert_array_equal(row.vectors, request.vectors)
    assert row.facts == request.facts


def test_personal_data_is_masked_in_both(both: tuple[IncidentReport, IncidentReport]) -> None:
    for report in both:
        said = f"{report.title} {report.description} {report.attributes}"
        assert "hunter2" not in said
        assert "mia.sommer@" not in said
