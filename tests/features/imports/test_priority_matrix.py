"""Impact, urgency, and the matrix that computes priority from them."""

import csv
import random
from pathlib import Path

import pytest

from features.domain.history import History, PriorityMatrix
from features.errors import BadMapping
from features.imports.column_mapping import HistoryMapping, load_mapping
from features.imports.load_history import load_history
from features.imports.mapping_inference import recognise_headers
from features.imports.priority_matrix import learn_matrix, matrix_order

Row = dict[str, str]
RANKED = ("3 - Low", "2 - Medium", "1 - High")
PRIORITIES = ("P4", "P4", "P3", "P2", "P1")


def tickets(count: int = 300, *, seed: int = 0) -> list[Row]:
    """Return rows whose priority follows from impact and urgency."""
    generator = random.Random(seed)
    rows = []
    for number in range(count):
        impact, urgency = generator.randrange(3), generator.randrange(3)
        rows.append(
            {
                "number": f"INC{number}",
                "short_description": f"t{number}",
                "impact": RANKED[impact],
                "urgency": RANKED[urgency],
                "priority": PRIORITIES[impact + urgency],
            }
        )
    return rows


def imported(folder: Path, rows: list[Row], mapping: HistoryMapping | None = None) -> History:
    file = folder / "export.csv"
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return load_history(file, mapping)


def mapped(**outcome: object) -> HistoryMapping:
    parts = {"impact": "impact", "urgency": "urgency"}
    return HistoryMapping.model_validate(
        {"report": {"title": "short_description"}, "outcome": {**parts, **outcome}}
    )


def full_matrix() -> dict[str, dict[str, str]]:
    return {
        impact: {urgency: PRIORITIES[i + u] for u, urgency in enumerate(RANKED)}
        for i, impact in enumerate(RANKED)
    }


def test_service_desk_headers_need_no_mapping(tmp_path: Path) -> None:
    history = imported(tmp_path, tickets())
    assert history.severity_levels == ("P4", "P3", "P2", "P1")
    assert history.field_levels == {"impact": RANKED, "urgency": RANKED}
    first, outcome = tickets()[0], history.incidents[0].outcome
    assert outcome.severity == first["priority"]
    assert outcome.fields == {"impact": first["impact"], "urgency": first["urgency"]}
    assert not history.incidents[0].report.attributes


def test_impact_alone_is_a_label_too() -> None:
    mapping = recognise_headers(["title", "Impact", "category"]).mapping
    assert mapping.outcome.impact is not None
    assert mapping.report.attributes == ()


def test_a_matrix_that_holds_is_learned_and_shown(tmp_path: Path) -> None:
    rows = tickets()
    rows[5]["priority"] = "P1" if rows[5]["priority"] == "P4" else "P4"
    rows[7]["priority"] = ""
    history = imported(tmp_path, rows)
    matrix = history.priority_matrix
    assert matrix is not None
    assert matrix.is_learned
    assert matrix.cells == {(i, u): row[u] for i, row in full_matrix().items() for u in row}
    assert "learned from the history: 1 - High and 1 - High: P1; " in matrix.describe()
    assert history.incidents[5].outcome.severity == rows[5]["priority"]
    assert history.incidents[7].outcome.severity == tickets()[7]["priority"]


def test_nothing_is_learned_where_priority_is_decided_otherwise(tmp_path: Path) -> None:
    rows = tickets()
    for row in rows[::20]:
        row["priority"] = "P1" if row["priority"] == "P4" else "P4"
    rows[7]["priority"] = ""
    history = imported(tmp_path, rows)
    assert history.priority_matrix is None
    assert history.incidents[7].outcome.severity is None


def test_one_usual_priority_teaches_no_matrix() -> None:
    parts = [RANKED[number % 3] for number in range(300)]
    assert learn_matrix(parts, parts[1:] + parts[:1], ["P4"] * 299 + ["P1"]) is None


def test_a_stated_matrix_makes_the_severity_that_no_column_holds(tmp_path: Path) -> None:
    rows = tickets()
    wanted = [row.pop("priority") for row in rows]
    shouted = {key.upper(): row for key, row in full_matrix().items()}
    history = imported(tmp_path, rows, mapped(priority_matrix=shouted))
    assert [incident.outcome.severity for incident in history.incidents] == wanted
    assert history.severity_levels == ("P4", "P3", "P2", "P1")
    assert ["no column of ids is known" in warning for warning in history.warnings] == [True]
    assert history.priority_matrix is not None
    assert "as stated" in history.priority_matrix.describe()


def test_a_stated_matrix_counts_more_than_the_column(tmp_path: Path) -> None:
    rows = tickets()
    stricter = full_matrix() | {"1 - High": dict.fromkeys(RANKED, "P1")}
    del stricter["3 - Low"]["3 - Low"]
    history = imported(tmp_path, rows, mapped(severity="priority", priority_matrix=stricter))
    raised = [row for row in rows if row["impact"] == "1 - High" and row["priority"] != "P1"]
    for row, incident in zip(rows, history.incidents, strict=True):
        assert incident.outcome.severity == ("P1" if row in raised else row["priority"])
    changed, unnamed, _ = history.warnings
    assert f"{len(raised)} incidents have another severity than priority_matrix gives" in changed
    assert "does not name, such as '3 - Low' and '3 - Low'" in unnamed


def test_priorities_without_an_order_of_their_own_take_the_matrix_order(tmp_path: Path) -> None:
    names = dict(zip(("P4", "P3", "P2", "P1"), ("wood", "bronze", "silver", "gold"), strict=True))
    matrix = {i: {u: names[p] for u, p in row.items()} for i, row in full_matrix().items()}
    history = imported(tmp_path, tickets(), mapped(priority_matrix=matrix))
    assert history.severity_levels == ("wood", "bronze", "silver", "gold")
    tied = PriorityMatrix({("lo", "hi"): "a", ("hi", "lo"): "b"})
    assert matrix_order(tied, ("lo", "hi"), ("lo", "hi")) == ()


def test_an_impact_without_order_says_how_to_mend_it(tmp_path: Path) -> None:
    rows = tickets()
    for row in rows:
        row["impact"] = {"1": "all of us", "2": "a team", "3": "me"}[row["impact"][0]]
    history = imported(tmp_path, rows, mapped())
    assert history.field_levels == {"impact": (), "urgency": RANKED}
    assert "impact: the order of its levels is unclear" in history.warnings[0]
    order = ["me", "a team", "all of us"]
    history = imported(tmp_path, rows, mapped(impact={"column": "impact", "order": order}))
    assert history.field_levels["impact"] == tuple(order)


def test_impact_and_urgency_are_never_facts_of_the_report_too(tmp_path: Path) -> None:
    mapping = mapped(severity="priority")
    report = mapping.report.model_copy(update={"attributes": ("impact", "urgency")})
    known = {"impact": "opening", "urgency": "opening"}
    mapping = mapping.model_copy(update={"report": report, "columns_known": known})
    history = imported(tmp_path, tickets(), mapping)
    assert not history.incidents[0].report.attributes
    assert sum("is mapped as outcome" in warning for warning in history.warnings) == 2


def test_priority_is_no_fact_beside_the_labels_it_is_made_of(tmp_path: Path) -> None:
    mapping = mapped()
    report = mapping.report.model_copy(update={"attributes": ("priority",)})
    mapping = mapping.model_copy(
        update={"report": report, "columns_known": {"priority": "opening"}}
    )
    history = imported(tmp_path, tickets(), mapping)
    assert not history.incidents[0].report.attributes
    assert "computed from impact and urgency" in history.warnings[0]


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        ("{priority_matrix: {1: {1: 1}}, impact: a}", "needs the columns of `impact` and `urg"),
        ("{impact: i, fields: [impact]}", "fields names 'impact'"),
        ("{impact: {column: i, ordre: []}}", "did you mean 'order'?"),
        ("{impact: i, urgency: u, priority_matrix: [1]}", "outcome.priority_matrix"),
    ],
)
def test_mistakes_are_told(tmp_path: Path, outcome: str, said: str) -> None:
    file = tmp_path / "m.yaml"
    file.write_text(f"report: {{title: x}}\noutcome: {outcome}", encoding="utf-8")
    with pytest.raises(BadMapping) as raised:
        load_mapping(file)
    assert said in str(raised.value)


def test_levels_of_the_matrix_may_be_numbers(tmp_path: Path) -> None:
    file = tmp_path / "m.yaml"
    text = "{impact: i, urgency: u, priority_matrix: {1: {1: 1, 2: 2}, 2: {1: 2}}}"
    file.write_text(f"report: {{title: x}}\noutcome: {text}", encoding="utf-8")
    matrix = load_mapping(file).outcome.priority_matrix
    assert matrix == {"1": {"1": "1", "2": "2"}, "2": {"1": "2"}}
