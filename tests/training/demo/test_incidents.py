"""The synthetic demo company: seeded, plausible, readable by the ordinary import."""

import inspect
import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from features.domain.history import Provenance
from features.domain.report import Outcome, ResolvedIncident
from features.imports.column_mapping import load_mapping
from features.imports.load_history import load_history
from training.demo import incidents
from training.demo.incidents import DemoCompany, generate_company

HALF_WAY = incidents.UNTIL - timedelta(days=182)
MARGIN = timedelta(days=7)


@pytest.fixture(scope="module")
def company() -> DemoCompany:
    return generate_company()


@pytest.fixture(scope="module")
def written(company: DemoCompany, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo")
    incidents.write_history(company, folder / "demo.jsonl")
    incidents.write_mapping(folder / "demo.yaml")
    incidents.write_runbooks(company, folder / "runbooks")
    return folder


def resolved(company: DemoCompany) -> list[ResolvedIncident]:
    return [incident for incident in company.incidents if incident.outcome != Outcome()]


def text_of(incident: ResolvedIncident) -> str:
    return f"{incident.report.title}\n{incident.report.description}"


def before_and_after(
    company: DemoCompany, mode: str
) -> tuple[list[ResolvedIncident], list[ResolvedIncident]]:
    of_mode = [i for i in resolved(company) if i.outcome.fields["subcategory"] == mode]
    before = [i for i in of_mode if i.report.opened_at < HALF_WAY - MARGIN]
    after = [i for i in of_mode if i.report.opened_at > HALF_WAY + MARGIN]
    return before, after


def test_file_keeps_its_bound() -> None:
    assert len(inspect.getsource(incidents).splitlines()) <= 300


def test_same_seed_same_company_other_seed_other_texts(company: DemoCompany) -> None:
    assert generate_company() == company
    other = generate_company(seed=1)
    assert [text_of(i) for i in other.incidents] != [text_of(i) for i in company.incidents]


@pytest.mark.parametrize("count", [0, 1, 40])
def test_as_many_incidents_as_asked_for(count: int) -> None:
    assert len(generate_company(incidents=count).incidents) == count


def test_a_year_in_order_of_opening_before_until(company: DemoCompany) -> None:
    times = [incident.report.opened_at for incident in company.incidents]
    assert times == sorted(times)
    assert timedelta(days=350) < times[-1] - times[0] < timedelta(days=375)
    assert len({incident.report.id for incident in company.incidents}) == 1500
    until = datetime(2024, 3, 5, 10, tzinfo=UTC)
    assert max(i.report.opened_at for i in generate_company(until=until).incidents) < until


def test_two_dozen_modes_in_some_categories_and_teams(company: DemoCompany) -> None:
    outcomes = [incident.outcome for incident in resolved(company)]
    assert 22 <= len({outcome.fields["subcategory"] for outcome in outcomes}) <= 26
    assert 7 <= len({outcome.category for outcome in outcomes}) <= 10
    assert 6 <= len({outcome.assignment for outcome in outcomes}) <= 8
    assert min(Counter(outcome.severity for outcome in outcomes).values()) > 50
    assert {outcome.severity for outcome in outcomes} == set(company.severity_levels)


def test_alerts_notes_and_tickets_with_varied_texts(company: DemoCompany) -> None:
    sources = Counter(incident.report.source for incident in company.incidents)
    assert set(sources) == {"portal", "mail", "phone", "engineer", "monitoring"}
    assert min(sources.values()) > 100
    texts = Counter(map(text_of, company.incidents))
    assert len(texts) > 0.8 * len(company.incidents)
    assert texts.most_common(1)[0][1] > 1, "there are exact copies"
    assert not any("{" in text or "}" in text for text in texts)


def test_some_tickets_are_german(company: DemoCompany) -> None:
    german = [i for i in company.incidents if set(text_of(i)) & set("äöüß")]
    assert 20 < len(german) < 300


def test_one_symptom_belongs_to_several_categories(company: DemoCompany) -> None:
    modes = {
        incident.outcome.fields["subcategory"]
        for incident in resolved(company)
        if "cannot log in" in incident.report.title
    }
    assert {"account locked", "sign-on down", "tunnel drops"} <= modes


def test_people_write_in_working_hours_and_alerts_at_any(company: DemoCompany) -> None:
    def share_at_work(incidents: list[ResolvedIncident]) -> float:
        times = [incident.report.opened_at for incident in incidents]
        return sum(t.weekday() < 5 and 7 <= t.hour < 18 for t in times) / len(times)

    alerts = [i for i in company.incidents if i.report.source == "monitoring"]
    tickets = [i for i in company.incidents if i.report.source == "portal"]
    assert share_at_work(alerts) < 0.6 < 0.75 < share_at_work(tickets)


def test_duplicates_name_the_first_report_of_their_failure(company: DemoCompany) -> None:
    by_id = {incident.report.id: incident for incident in company.incidents}
    copies = [i for i in resolved(company) if i.outcome.duplicate_of]
    for copy in copies:
        first = by_id[copy.outcome.duplicate_of]
        assert first.report.opened_at < copy.report.opened_at
        assert first.outcome.duplicate_of is None
    assert any(text_of(by_id[c.outcome.duplicate_of]) == text_of(c) for c in copies)
    storms = Counter(copy.outcome.duplicate_of for copy in copies)
    assert storms.most_common(1)[0][1] >= 5


def test_only_late_incidents_are_unresolved(company: DemoCompany) -> None:
    still_open = [i for i in company.incidents if i.outcome == Outcome()]
    assert 1 <= len(still_open) < 30
    late = [i for i in still_open if incidents.UNTIL - i.report.opened_at < timedelta(days=60)]
    assert len(late) >= len(still_open) * 0.5
    for incident in resolved(company):
        assert incident.report.opened_at < incident.outcome.resolved_at < incidents.UNTIL


def test_habits_change_half_way(company: DemoCompany) -> None:
    before, after = before_and_after(company, "printer jam")
    assert not any(i.outcome.category == "Printing" for i in before)
    assert sum(i.outcome.category == "Printing" for i in after) > 0.8 * len(after)
    before, after = before_and_after(company, "account locked")
    assert sum(i.outcome.assignment == "Service Desk" for i in before) > 0.8 * len(before)
    assert sum(i.outcome.assignment == "Identity" for i in after) > 0.8 * len(after)
    alerts = [i.report for i in company.incidents if i.report.source == "monitoring"]
    for alert in alerts:
        if abs(alert.opened_at - HALF_WAY) > MARGIN:
            assert alert.title.startswith("[FIRING") == (alert.opened_at > HALF_WAY)


def test_a_few_outcomes_are_mislabelled(company: DemoCompany) -> None:
    categories: dict[str, Counter[str]] = {}
    for incident in resolved(company):
        mode, category = incident.outcome.fields["subcategory"], incident.outcome.category
        if mode != "printer jam":
            categories.setdefault(mode, Counter())[category] += 1
    odd = sum(c.total() - c.most_common(1)[0][1] for c in categories.values())
    assert 0.01 < odd / sum(c.total() for c in categories.values()) < 0.06


def test_severity_follows_the_stated_scope(company: DemoCompany) -> None:
    def mean_rank(level: str) -> float:
        ranks = [
            company.severity_levels.index(i.outcome.severity)
            for i in resolved(company)
            if i.report.title.startswith(level) or f"severity={level}" in i.report.description
        ]
        return sum(ranks) / len(ranks)

    assert mean_rank("INFO") < mean_rank("WARNING") < mean_rank("CRITICAL")


def test_services_depend_on_services_without_a_circle(company: DemoCompany) -> None:
    assert len(company.dependencies) == 10
    assert {s for needed in company.dependencies.values() for s in needed} <= set(
        company.dependencies
    )

    def depth(service: str) -> int:
        return 1 + max(map(depth, company.dependencies[service]), default=0)

    assert max(map(depth, company.dependencies)) == 4
    services = {i.report.service for i in company.incidents} - {None}
    assert services == set(company.dependencies)


def test_every_runbook_used_exists_and_some_modes_have_none(company: DemoCompany) -> None:
    used = {i.outcome.runbook_id for i in company.incidents} - {None}
    assert used == set(company.runbooks)
    without = [i for i in resolved(company) if i.outcome.fields["subcategory"] == "laptop broken"]
    assert without
    assert all(i.outcome.runbook_id is None for i in without)


def test_runbooks_are_marked_markdown_with_sections_and_command(written: Path) -> None:
    files = sorted((written / "runbooks").rglob("*.md"))
    assert len(files) >= 20
    for file in files:
        _, front, body = file.read_text(encoding="utf-8").split("---\n", 2)
        facts = yaml.safe_load(front)
        assert facts["synthetic"] == incidents.NOTICE
        assert facts["service"] == file.parent.name
        for heading in ("## Meaning", "## Impact", "## Diagnosis\n```sh\n", "## Mitigation\n1. "):
            assert heading in body
        assert "{" not in body


def test_written_history_has_the_expected_columns(company: DemoCompany, written: Path) -> None:
    lines = (written / "demo.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(lines) == len(company.incidents)
    report = ["id", "opened_at", "title", "description", "service", "source"]
    outcome = ["category", "assignment", "severity", "resolution", "runbook_id", "resolved_at"]
    extra = ["duplicate_of", "location", "reporter", "subcategory", "synthetic"]
    for line in lines:
        row = json.loads(line)
        assert sorted(row) == sorted(report + outcome + extra)
        assert row["synthetic"] is True
        assert row["reporter"].endswith("@example.com")
    assert (written / "demo.yaml").read_text(encoding="utf-8").startswith(f"# {incidents.NOTICE}")


def test_the_ordinary_import_reads_it_back(company: DemoCompany, written: Path) -> None:
    history = load_history(written / "demo.jsonl", load_mapping(written / "demo.yaml"))
    assert not history.rejected
    assert history.severity_levels == company.severity_levels
    assert {history.provenance[name] for name in ("title", "service", "location")} == {
        Provenance.OPENING
    }
    assert [i.report.id for i in history.incidents] == [i.report.id for i in company.incidents]
    for read, drawn in zip(history.incidents, company.incidents, strict=True):
        assert read.report.opened_at == drawn.report.opened_at
        assert read.outcome == drawn.outcome
