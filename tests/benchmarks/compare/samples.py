"""Fixed samples of the demo and the real data sets: what is trained on, and what is asked then."""

import csv
import gzip
import json
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from data_sets import DATA_SETS, DataSet, data_folder
from exports import read_rows, write_rows

from features.domain.report import IncidentReport
from features.imports.column_mapping import load_mapping
from features.imports.load_history import load_history
from training.demo.export import write_history, write_mapping, write_runbooks
from training.demo.incidents import generate_company

_TRAINED_ROWS = {"servicenow-log": 3_000}
_DEFAULT_TRAINED_ROWS = 500
_ASKED_REPORTS = 40
_RUNBOOKS = 150
_POINTS = 4_000
_MADE_POINTS = 2_000
_DUPLICATES = 900


@dataclass(frozen=True, slots=True)
class Sample:
    """One comparison: arguments of `python -m training`, and requests to send afterwards."""

    name: str
    training: tuple[str, ...]
    requests: tuple[tuple[str, dict[str, Any]], ...]

    def write(self, folder: Path) -> None:
        """Keep the sample as JSON for the process that trains and asks."""
        content = {"name": self.name, "training": self.training, "requests": self.requests}
        (folder / f"{self.name}.json").write_text(json.dumps(content, indent=1))


def write_samples(folder: Path, *, with_data: bool) -> tuple[str, ...]:
    """Write every sample to a folder and return their names; without data only the demo."""
    samples = [demo_sample(folder)]
    if with_data:
        exports = [data_set for data_set in DATA_SETS.values() if data_set.name != "openoffice"]
        samples += [_export_sample(data_set, folder) for data_set in exports]
        samples += [_duplicate_sample(folder), _runbook_sample(folder), _series_sample()]
    for sample in samples:
        sample.write(folder)
    return tuple(sample.name for sample in samples)


def demo_sample(folder: Path) -> Sample:
    """Return the demo, with some of its incidents and a made series to ask about.

    Its files are written to `folder`, so that every checkout trains on the same incidents, and on
    the same dates whenever it does.
    """
    company = generate_company()
    history, mapping, runbooks = (folder / f"demo{end}" for end in (".jsonl", ".yaml", "-runbooks"))
    write_history(company, history)
    write_mapping(mapping)
    write_runbooks(runbooks)
    reports = [incident.report for incident in company.incidents]
    chosen = reports[:: max(1, len(reports) // _ASKED_REPORTS)]
    series = ("/v1/anomalies", {"series": [_made_series()]})
    files = {"--history": history, "--mapping": mapping, "--runbooks": runbooks}
    arguments = [str(word) for pair in files.items() for word in pair]
    training = ("train", "--json", *arguments)
    return Sample("demo", training, (*_incident_requests(chosen), series))


def _export_sample(data_set: DataSet, folder: Path) -> Sample:
    header, rows = read_rows(data_set.path)
    trained = _TRAINED_ROWS.get(data_set.name, _DEFAULT_TRAINED_ROWS)
    if data_set.is_ordered:
        rows = rows[: trained + trained // 4]
    else:
        rows = rows[:: max(1, len(rows) // (trained + trained // 4))]
    suffix = ".csv" if header else ".jsonl"
    export = write_rows(header, rows[:trained], folder / f"{data_set.name}{suffix}")
    later = write_rows(header, rows[trained:], folder / f"{data_set.name}-asked{suffix}")
    history = load_history(later, load_mapping(data_set.mapping))
    reports = [incident.report for incident in history.incidents][:_ASKED_REPORTS]
    mapping = shutil.copy(data_set.mapping, folder)
    training = ("train", "--json", "--history", str(export), "--mapping", str(mapping))
    return Sample(data_set.name, training, _incident_requests(reports))


def _duplicate_sample(folder: Path) -> Sample:
    data_set = DATA_SETS["openoffice"]
    _, lines = read_rows(data_set.path)
    rows = [json.loads(line) for line in lines]
    first_of: dict[str, str] = {}
    for row in rows:
        first = first_of.setdefault(row["group"], row["id"])
        row["duplicate_of"] = None if first == row["id"] else first
    trained, queried = rows[:_DUPLICATES], rows[_DUPLICATES:][:_ASKED_REPORTS]
    export, mapping = folder / "openoffice.jsonl", folder / "openoffice.yaml"
    export.write_text("".join(f"{json.dumps(row)}\n" for row in trained))
    text = data_set.mapping.read_text()
    mapping.write_text(text.replace("outcome:\n", "outcome:\n  duplicate_of: duplicate_of\n"))
    reports = [
        IncidentReport(id=row["id"], title=row["title"], description=row["description"])
        for row in queried
    ]
    training = ("train", "--json", "--history", str(export), "--mapping", str(mapping))
    return Sample("openoffice", training, _incident_requests(reports))


def _runbook_sample(folder: Path) -> Sample:
    source = data_folder() / "runbooks"
    with gzip.open(source / "runbooks.jsonl.gz", "rt", encoding="utf-8") as file:
        pages = [json.loads(line) for line in file][:_RUNBOOKS]
    for page in pages:
        path = folder / "runbooks" / f"{page['runbook_id']}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page["text"], encoding="utf-8")
    pairs = [json.loads(line) for line in (source / "pairs.jsonl").read_text().splitlines()]
    reports = [
        IncidentReport(id=f"A{row}", title=pair["alert"], description=pair["description"] or "")
        for row, pair in enumerate(pairs[:: len(pairs) // _ASKED_REPORTS])
    ]
    training = ("train", "--json", "--runbooks", str(folder / "runbooks"))
    return Sample("runbooks", training, _incident_requests(reports))


def _incident_requests(
    reports: list[IncidentReport],
) -> tuple[tuple[str, dict[str, Any]], ...]:
    incidents = [_body(report) for report in reports]
    searches = [
        (route, {"incident": incident, "limit": 10, "cutoff": 0})
        for incident in incidents[:5]
        for route in ("/v1/similar", "/v1/runbooks")
    ]
    return (("/v1/triage/batch", {"incidents": incidents}), *searches)


def _body(report: IncidentReport) -> dict[str, Any]:
    return {
        "id": report.id,
        "title": report.title,
        "description": report.description,
        "service": report.service,
        "source": report.source,
        "opened_at": report.opened_at and report.opened_at.isoformat(),
        "attributes": dict(report.attributes),
    }


def _series_sample() -> Sample:
    folder = data_folder() / "telemetry"
    chosen = sorted((folder / "nab" / "realKnownCause").glob("*.csv.gz"))[:1]
    chosen += sorted((folder / "wsd").glob("*.csv.gz"))[:2]
    chosen += sorted((folder / "kpi").glob("*.csv.gz"))[:2]
    requests = [("/v1/anomalies", {"series": [_read_series(path)]}) for path in chosen]
    return Sample("telemetry", (), tuple(requests))


def _read_series(path: Path) -> dict[str, Any]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))[:_POINTS]
    values = [float(row["value"]) if row["value"] else None for row in rows]
    return {
        "name": path.stem,
        "timestamps": [_timestamp(row["timestamp"]) for row in rows],
        "values": values,
    }


def _made_series() -> dict[str, Any]:
    noise = np.random.default_rng(0).normal(0, 1, _MADE_POINTS)
    minutes = np.arange(_MADE_POINTS)
    values = 100 + 20 * np.sin(2 * np.pi * minutes / 1_440) + noise
    values[1_500:1_520] += 40
    return {
        "name": "made",
        "timestamps": (minutes * 60 + 1_767_225_600).tolist(),
        "values": values.round(3).tolist(),
    }


def _timestamp(text: str) -> float | str:
    if text.replace(".", "", 1).isdigit():
        return float(text)
    return datetime.fromisoformat(text).replace(tzinfo=UTC).isoformat()
