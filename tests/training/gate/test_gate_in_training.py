"""The gate inside a training: its verdict is kept on the card, with the answers and in the log."""

import json
import random
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from features.home import Home
from features.store.store import open_store
from models.artifacts.evaluation_files import evaluation_folder
from models.artifacts.registry import ModelRegistry
from training.cli.app import app

WORDS = {
    "Network": "vpn connection wifi router drops switch",
    "Printing": "printer jam toner paper floor tray",
}


def run(*arguments: str | Path) -> Result:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.output
    return result


def write_tickets(file: Path, rows: int, mistaken: float = 0.0) -> Path:
    """Tickets of which a share has the other label."""
    draw = random.Random(0)
    lines = ["id,title,category"]
    for number in range(rows):
        name, other = ("Network", "Printing")[:: 1 - 2 * (number % 2)]
        title = " ".join(draw.choices(WORDS[name].split(), k=3))
        lines.append(
            f"T{number},{title} {draw.random()},{other if draw.random() < mistaken else name}"
        )
    file.write_text("\n".join(lines))
    return file


@pytest.fixture
def home(home: Home, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setenv("PRECEDENT_HOME", str(home.root))
    monkeypatch.setenv("PRECEDENT_ENCODER", "hashing")
    return home


def train(file: Path, *options: str) -> dict:
    arguments = ["--history", file, "--target", "category", "--json", *options]
    trained, *_ = json.loads(run("train", *arguments).stdout)["trained"]
    return trained["verdict"]


@pytest.mark.quality
def test_a_verdict_is_kept_and_logged(home: Home, tmp_path: Path) -> None:
    clean = write_tickets(tmp_path / "clean.csv", 120)
    assert train(clean)["promoted"]
    again = train(clean)
    assert not again["promoted"]
    assert "nothing is new" in again["reasons"][-1]

    registry = ModelRegistry(home.tracking_uri, "default")
    refused = registry.version("category", "2")
    card = registry.load(refused).card
    assert not card.verdict.promoted
    assert {slice_metric.slice for slice_metric in card.slices} == {"class"}
    stored = json.loads(evaluation_folder(refused, home).verdict.read_text())
    assert stored["reasons"] == again["reasons"]
    assert stored["comparisons"][1]["name"] == "the champion (version 1)"

    with open_store(home.database_url, "default") as store:
        log = store.audit_log.select(target="category")
    gate = [event for event in log if event.action in ("promote", "refuse")]
    assert [(event.action, event.version) for event in gate] == [
        ("promote", "1"),
        ("refuse", "2"),
    ]
    assert gate[1].details["data_sha256"] == card.data_sha256
    difference = gate[1].details["differences"]["the champion (version 1)"]
    assert difference["low"] <= difference["value"] <= difference["high"]
    assert "nothing is new" in gate[1].reason
    assert gate[0].details["differences"]["the most frequent label"]["low"] > 0


@pytest.mark.quality
def test_a_challenger_taught_by_mistakes_is_refused(home: Home, tmp_path: Path) -> None:
    assert train(write_tickets(tmp_path / "clean.csv", 240))["promoted"]
    spoiled = train(write_tickets(tmp_path / "spoiled.csv", 300, mistaken=0.3))
    assert not spoiled["promoted"]
    assert "worse than the champion" in spoiled["reasons"][1]
