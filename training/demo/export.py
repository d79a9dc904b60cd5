"""Writes the demo company's history to files, like a real organisation's export."""

import json
import shutil
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from features.domain.history import History
from features.imports.column_mapping import load_mapping
from features.imports.load_history import load_history
from training.demo.incidents import DemoCompany
from training.demo.kinds import DATA


def write_history(company: DemoCompany, path: Path) -> None:
    """Write the incidents as JSON lines with flat columns, each marked `synthetic`."""
    with path.open("w", encoding="utf-8") as file:
        for incident in company.incidents:
            report, outcome = asdict(incident.report), asdict(incident.outcome)
            # The status follows from the other columns, as in the export of a tool without these.
            for column in ("status", "sla_met", "reassigned"):
                del outcome[column]
            nested = report.pop("attributes") | {"subcategory": None} | outcome.pop("fields")
            row = {"synthetic": True} | report | outcome | nested
            file.write(json.dumps(row, ensure_ascii=False, default=datetime.isoformat) + "\n")


def write_mapping(path: Path) -> None:
    """Write the column mapping for the file that `write_history` writes."""
    shutil.copyfile(DATA / "mapping.yaml", path)


def write_runbooks(folder: Path) -> None:
    """Write the runbooks below `folder`; incidents name a runbook by its path there."""
    shutil.copytree(DATA / "runbooks", folder, dirs_exist_ok=True)


def load_demo(company: DemoCompany) -> History:
    """Return a company's history, exported to a temporary folder and imported again.

    >>> from training.demo.incidents import generate_company
    >>> len(load_demo(generate_company(incidents=20)).incidents)
    20
    """
    with TemporaryDirectory() as folder:
        history, mapping = Path(folder) / "history.jsonl", Path(folder) / "mapping.yaml"
        write_history(company, history)
        write_mapping(mapping)
        return load_history(history, load_mapping(mapping))
