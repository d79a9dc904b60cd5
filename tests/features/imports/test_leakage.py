"""Report columns that leak the outcome are dropped with a warning, or refused."""

import csv
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from features.domain.history import History
from features.errors import BadMapping
from features.imports.column_mapping import HistoryMapping
from features.imports.leakage import determines
from features.imports.load_history import load_history

Row = dict[str, str]
REGIONS = ("north", "south", "east", "west")


def imported(folder: Path, rows: list[Row], mapping: dict[str, object], **options: bool) -> History:
    file = folder / "export.csv"
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return load_history(file, HistoryMapping.model_validate(mapping), **options)


def rows_of(make: Callable[[random.Random, int], Row], count: int = 400) -> list[Row]:
    generator = random.Random(0)
    return [make(generator, number) for number in range(count)]


def test_a_lookup_is_judged_on_other_rows() -> None:
    ids = [str(number) for number in range(200)]
    labels = ["a", "b"] * 100
    assert not determines(ids, labels)
    assert determines([label.upper() for label in labels], labels)
    assert not determines(["x"] * 200, ["a"] * 199 + ["b"])
    assert not determines(["x", "y"] * 5, ["a", "b"] * 5)


def test_a_copy_of_a_label_is_dropped_while_a_hint_stays(tmp_path: Path) -> None:
    def make(generator: random.Random, number: int) -> Row:
        group = generator.choice(REGIONS)
        site = group if generator.random() < 0.8 else generator.choice(REGIONS)
        return {"title": f"t{number}", "group": group, "copy": group.upper(), "site": site}

    mapping = {
        "report": {"title": "title", "attributes": ["copy", "site"]},
        "outcome": {"assignment": "group"},
    }
    rows = rows_of(make)
    history = imported(tmp_path, rows, mapping)
    assert set(history.incidents[0].report.attributes) == {"site"}
    assert "copy" not in history.provenance
    dropped, made_ids = history.warnings
    assert "copy: dropped" in dropped
    assert "no column of ids is known" in made_ids
    with pytest.raises(BadMapping, match="'copy' nearly determines assignment"):
        imported(tmp_path, rows, mapping, strict=True)
    trusted = {**mapping, "columns_known": {"copy": "opening"}}
    assert "copy" in imported(tmp_path, rows, trusted).incidents[0].report.attributes


def test_the_caller_may_determine_the_group(tmp_path: Path) -> None:
    def make(generator: random.Random, number: int) -> Row:
        caller = generator.randrange(8)
        return {"title": f"t{number}", "Caller": f"c{caller}", "group": REGIONS[caller % 4]}

    mapping = {
        "report": {"title": "title", "attributes": ["Caller"]},
        "outcome": {"assignment": "group"},
    }
    history = imported(tmp_path, rows_of(make), mapping)
    assert history.incidents[0].report.attributes
    assert ["no column of ids is known" in warning for warning in history.warnings] == [True]


@pytest.mark.parametrize(
    "column",
    ["closed_code", "Closed by", "resolved_by", "u_resolution_code", "made_sla", "SLAFail"],
)
def test_columns_written_at_closing_are_dropped_by_name(tmp_path: Path, column: str) -> None:
    rows = [{"title": str(n), "category": "ab"[n % 2], column: str(n % 3)} for n in range(40)]
    mapping = {
        "report": {"title": "title", "attributes": [column]},
        "outcome": {"category": "category"},
    }
    history = imported(tmp_path, rows, mapping)
    assert not history.incidents[0].report.attributes
    assert "written at closing" in history.warnings[0]


@pytest.mark.parametrize("column", ["slack_channel", "closest_site", "knowledge", "status_page"])
def test_similar_names_stay(tmp_path: Path, column: str) -> None:
    rows = [{"title": str(n), "category": "ab"[n % 2], column: str(n % 3)} for n in range(40)]
    mapping = {
        "report": {"title": "title", "attributes": [column]},
        "outcome": {"category": "category"},
    }
    assert imported(tmp_path, rows, mapping).incidents[0].report.attributes


def test_a_column_filled_only_when_resolved_is_dropped(tmp_path: Path) -> None:
    def make(generator: random.Random, number: int) -> Row:
        done = number % 3 > 0
        cause = generator.choice(["dns", "disk"]) if done else ""
        return {
            "title": f"t{number}",
            "category": generator.choice(REGIONS),
            "cause": cause,
            "done": f"2024-01-0{number % 9 + 1}" if done else "",
        }

    mapping = {
        "report": {"title": "title", "attributes": ["cause"]},
        "outcome": {"category": "category", "resolved_at": "done"},
    }
    history = imported(tmp_path, rows_of(make), mapping)
    assert "filled only where the incident is resolved" in history.warnings[0]


def test_impact_and_urgency_are_dropped_where_they_make_the_priority(tmp_path: Path) -> None:
    def make(generator: random.Random, number: int) -> Row:
        impact, urgency = generator.randint(1, 3), generator.randint(1, 3)
        priority = (impact + urgency) // 2
        return {
            "title": f"t{number}",
            "impact": str(impact),
            "urgency": str(urgency),
            "priority": str(priority),
        }

    attributes = {"report": {"title": "title", "attributes": ["impact", "urgency"]}}
    rows = rows_of(make)
    history = imported(tmp_path, rows, {**attributes, "outcome": {"severity": "priority"}})
    assert not history.incidents[0].report.attributes
    assert sum("computed from one another" in warning for warning in history.warnings) == 2
    claimed = {**attributes, "columns_known": {"impact": "opening", "urgency": "opening"}}
    history = imported(tmp_path, rows, {**claimed, "outcome": {"severity": "priority"}})
    assert not history.incidents[0].report.attributes


def test_a_column_cannot_be_fact_and_outcome_or_group(tmp_path: Path) -> None:
    rows = [{"title": f"t{n}", "team": "ab"[n % 2], "site": str(n % 3)} for n in range(40)]
    history = imported(
        tmp_path,
        rows,
        {
            "report": {"title": "title", "service": "team", "attributes": ["team", "site"]},
            "outcome": {"assignment": "team"},
            "split_by": "site",
        },
    )
    report = history.incidents[0].report
    assert (report.service, dict(report.attributes)) == (None, {})
    assert history.groups[:4] == ("0", "1", "2", "0")
    assert any("team: dropped" in w and "outcome assignment" in w for w in history.warnings)
    assert any("site: dropped" in w and "split_by" in w for w in history.warnings)
