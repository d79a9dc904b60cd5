"""The commands of README and docs, run as written, on a home trained from a synthetic company."""

import csv
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from settings_page import settings_page
from typer.testing import CliRunner

from features.cli.console import GROUP, console
from models.kinds import KINDS
from training.demo.export import write_runbooks
from training.demo.incidents import generate_company

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
PAGES = {page.name: page.read_text() for page in sorted((ROOT / "docs").rglob("*.md"))}
TEXTS = "\n".join([README, (ROOT / "CONTRIBUTING.md").read_text(), *PAGES.values()])
PROGRAM = ".venv/bin/precedent"
INSTALLED = str(Path(sys.executable).with_name("precedent"))
COLUMNS = [
    *("number", "opened_at", "short_description", "description", "cmdb_ci", "contact_type"),
    *("location", "category", "assignment_group", "priority", "subcategory"),
    *("close_notes", "resolved_at", "parent_incident", "kb_article", "state"),
]
PRIORITIES = {"low": "4 - Low", "medium": "3 - Moderate", "high": "2 - High"}


def blocks(language: str, text: str = README) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def command_lines(start: str) -> list[str]:
    joined = "\n".join(blocks("sh")).replace("\\\n", " ")
    return [line for line in joined.splitlines() if line.startswith(start)]


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an export and the README's mapping, as a user would have them."""
    folder = tmp_path_factory.mktemp("readme")
    company = generate_company(incidents=220)
    write_runbooks(folder / "runbooks")
    (folder / "mapping.yaml").write_text(blocks("yaml", PAGES["your-history.md"])[0])
    with (folder / "export.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(COLUMNS)
        for incident in company.incidents:
            report, outcome = incident.report, incident.outcome
            rows.writerow(
                [
                    report.id,
                    f"{report.opened_at:%d/%m/%Y %H:%M}",
                    report.title,
                    report.description,
                    report.service,
                    report.source,
                    report.attributes.get("location"),
                    outcome.category,
                    outcome.assignment,
                    PRIORITIES.get(outcome.severity or "", "1 - Critical"),
                    outcome.fields.get("subcategory"),
                    outcome.resolution,
                    outcome.resolved_at and f"{outcome.resolved_at:%d/%m/%Y %H:%M}",
                    outcome.duplicate_of,
                    outcome.runbook_id,
                    "New" if outcome.is_open else "Closed",
                ]
            )
    return folder


@pytest.fixture(scope="module")
def environment(workplace: Path) -> dict[str, str]:
    return os.environ | {
        "PRECEDENT_HOME": str(workplace / "home"),
        "PRECEDENT_ENCODER": "hashing",
        "PRECEDENT_PORT": "0",
        "PYTHONPATH": str(ROOT),
    }


@pytest.fixture(scope="module")
def trained(workplace: Path, environment: dict[str, str]) -> str:
    """What the README's training command printed."""
    (command,) = command_lines(f"{PROGRAM} train")
    ran = subprocess.run(
        command.replace(PROGRAM, INSTALLED).split(),
        cwd=workplace,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


@pytest.fixture(scope="module")
def address(workplace: Path, environment: dict[str, str], trained: str) -> Iterator[str]:
    """Where the README's serving command answers."""
    (command,) = command_lines(f"{PROGRAM} serve")
    with subprocess.Popen(
        command.replace(PROGRAM, INSTALLED).split(),
        cwd=workplace,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stdout is not None
        match = re.search(r"http://[\d.]+:\d+", server.stdout.readline())
        assert match is not None
        yield match[0]
        server.send_signal(signal.SIGTERM)


@pytest.mark.quality
def test_training_tells_what_it_did(trained: str):
    assert "read 220 incidents, rejected 0" in trained
    assert "category (choice" in trained
    assert "similar (similar" in trained
    assert "read 23 runbooks, skipped 0" in trained
    assert "PROMOTED" in trained
    assert "95% interval" in trained
    assert "auto is withheld" in trained


@pytest.mark.quality
def test_the_curl_command_answers(address: str):
    (command,) = command_lines("curl")
    ran = subprocess.run(
        ["sh", "-c", command.replace("http://127.0.0.1:8000", address)],
        capture_output=True,
        text=True,
        check=True,
    )
    answer = json.loads(ran.stdout)
    assert answer["category"]["label"]
    assert answer["category"]["evidence"]["tokens"]
    assert set(answer["models"]) >= {"category", "assignment", "similar", "runbooks"}
    assert answer["similar"] is not None


def test_every_command_of_the_table_exists():
    named = re.findall(r"^\| `precedent (\w+)", TEXTS, re.MULTILINE)
    assert named
    for command in named:
        result = CliRunner().invoke(console(entry_points(group=GROUP)), [command, "--help"])
        assert result.exit_code == 0, command


def test_every_make_target_that_is_named_exists():
    makefile = (ROOT / "Makefile").read_text()
    named = re.findall(r"(?:^|`)make ([\w-]+)", TEXTS, re.MULTILINE)
    assert named
    for target in named:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_the_table_of_kinds_is_the_list_of_kinds():
    rows = [f"| `{kind.name}` | {kind.targets} |" for kind in KINDS]
    assert "\n".join(["| kind | targets |", "|---|---|", *rows]) in README


def test_every_page_that_is_linked_exists():
    for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]:
        for link in re.findall(r"\]\((?!https?:)([^)#]+)\)", page.read_text()):
            assert (page.parent / link).exists(), (page.name, link)


def test_the_readme_stays_short():
    assert len(README.split()) <= 900


def test_the_page_of_settings_is_what_their_docstrings_say():
    assert PAGES["settings.md"] == settings_page()


def test_every_setting_says_what_it_is_for():
    rows = [line for line in settings_page().splitlines() if line.startswith("| `PRECEDENT_")]
    assert rows
    for row in rows:
        assert row.split("|")[3].strip(), row
