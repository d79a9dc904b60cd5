"""The synthetic demo company: seeded, plausible, readable by the ordinary import."""

import json
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from features.domain.history import Provenance
from features.domain.report import ResolvedIncident
from features.imports.column_mapping import load_mapping
from features.imports.load_history import load_history
from features.imports.runbooks.folder import read_runbooks
from features.text.resolutions import named_fix
from training.demo.export import write_history, write_mapping, write_runbooks
from training.demo.incidents import EXAMPLE_END, DemoCompany, generate_company
from training.demo.kinds import IncidentKind, read_kinds

NOTICE = "Synthetic: Example Outfitters does not exist."
KINDS = read_kinds()


@pytest.fixture(scope="module")
def company() -> DemoCompany:
    return generate_company()


@pytest.fixture(scope="module")
def written(company: DemoCompany, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo")
    write_history(company, folder / "demo.jsonl")
    write_mapping(folder / "demo.yaml")
    write_runbooks(folder / "runbooks")
    return folder


def resolved(company: DemoCompany) -> list[ResolvedIncident]:
    return [incident for incident in company.incidents if not incident.outcome.is_open]


def text_of(incident: ResolvedIncident) -> str:
    return f"{incident.report.title}\n{incident.report.description}"


def count_kinds(company: DemoCompany) -> Counter[str]:
    return Counter(incident.outcome.fields["subcategory"] for incident in resolved(company))


def test_same_seed_same_company_other_seed_other_texts(company: DemoCompany) -> None:
    assert generate_company() == company
    other = generate_company(seed=1)
    assert [text_of(i) for i in other.incidents] != [text_of(i) for i in company.incidents]


@pytest.mark.parametrize("count", [0, 1, 40])
def test_as_many_incidents_as_asked_for(count: int) -> None:
    assert len(generate_company(incidents=count).incidents) == count


def test_a_year_in_order_of_opening_that_ends_today(company: DemoCompany) -> None:
    times = [incident.report.opened_at for incident in company.incidents]
    assert times == sorted(times)
    assert timedelta(days=350) < times[-1] - times[0] < timedelta(days=372)
    assert times[-1].date() == EXAMPLE_END.date()
    assert len({incident.report.id for incident in company.incidents}) == 1_300


@pytest.mark.parametrize("days", [7, 150, 151, 152, 153])
def test_another_end_shifts_the_same_incidents(company: DemoCompany, days: int) -> None:
    end = EXAMPLE_END + timedelta(days=days)
    later = generate_company(end=end)
    assert max(incident.report.opened_at for incident in later.incidents) < end
    texts, shifted = (
        Counter(map(text_of, company.incidents)),
        Counter(map(text_of, later.incidents)),
    )
    # A time of day in a text moves with its incident, where that moves to a working day.
    assert (texts & shifted).total() > 0.7 * len(company.incidents)
    kinds = [
        Counter(i.outcome.fields["subcategory"] for i in resolved(c)) for c in (company, later)
    ]
    assert (kinds[0] & kinds[1]).total() > 0.98 * len(company.incidents)
    if days == 7:
        moved = [i.report.opened_at + timedelta(days=7) for i in company.incidents]
        assert [i.report.opened_at for i in later.incidents] == moved


def test_two_dozen_kinds_in_some_categories_and_teams(company: DemoCompany) -> None:
    outcomes = [incident.outcome for incident in resolved(company)]
    assert {outcome.fields["subcategory"] for outcome in outcomes} == {kind.name for kind in KINDS}
    assert 22 <= len(KINDS) <= 26
    assert 7 <= len({outcome.category for outcome in outcomes}) <= 10
    assert 6 <= len({outcome.assignment for outcome in outcomes}) <= 8
    assert min(Counter(outcome.severity for outcome in outcomes).values()) > 50
    assert {outcome.severity for outcome in outcomes} == set(company.severity_levels)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_kind_has_reports_of_every_voice_and_fixes_that_name_what_was_done(
    kind: IncidentKind,
) -> None:
    for source in ("portal", "engineer", "monitoring", "german"):
        assert kind.reports_of(source), source
    assert len(kind.reports_of("portal")) >= 3
    assert len(kind.fixes) >= 3
    for fix in [*kind.fixes, *(template.fix for template in kind.templates if template.fix)]:
        assert named_fix(f"Checked the logs first. {fix} User confirmed.") == fix


def test_no_two_kinds_share_a_text() -> None:
    kinds_of: dict[str, set[str]] = {}
    for kind in KINDS:
        for template in kind.templates:
            for text in (template.title.lower(), template.text.lower()):
                kinds_of.setdefault(text, set()).add(kind.name)
    assert [text for text, kinds in kinds_of.items() if len(kinds) > 1] == []


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
    assert 20 < len(german) < 150


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
    still_open = [i for i in company.incidents if i.outcome.is_open]
    assert 1 <= len(still_open) < 30
    late = [i for i in still_open if EXAMPLE_END - i.report.opened_at < timedelta(days=60)]
    assert len(late) >= len(still_open) * 0.5
    for incident in resolved(company):
        assert incident.report.opened_at < incident.outcome.resolved_at <= EXAMPLE_END


def test_a_few_outcomes_are_mislabelled(company: DemoCompany) -> None:
    category_of = {kind.name: kind.category for kind in KINDS}
    outcomes = [incident.outcome for incident in resolved(company)]
    odd = [
        outcome
        for outcome in outcomes
        if outcome.category != category_of[outcome.fields["subcategory"]]
    ]
    assert 0.01 < len(odd) / len(outcomes) < 0.06


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


def test_every_runbook_used_exists_and_some_kinds_have_none(
    company: DemoCompany, written: Path
) -> None:
    folder = written / "runbooks"
    files = {path.relative_to(folder).with_suffix("").as_posix() for path in folder.rglob("*.md")}
    assert files == {kind.runbook for kind in KINDS} - {None}
    assert files == {incident.outcome.runbook_id for incident in company.incidents} - {None}
    without = [kind.name for kind in KINDS if kind.runbook is None]
    assert "laptop broken" in without


def test_runbooks_are_marked_and_have_steps(written: Path) -> None:
    runbooks = read_runbooks(written / "runbooks")
    assert not runbooks.skipped
    for runbook in runbooks.runbooks:
        assert runbook.facts["synthetic"].startswith(NOTICE)
        assert runbook.facts["service"] == runbook.id.split("/")[0]
        assert {"Meaning", "Impact", "Diagnosis", "Mitigation"} <= {
            section.heading for section in runbook.sections
        }
        assert len(runbook.steps) >= 4


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
    assert (written / "demo.yaml").read_text(encoding="utf-8").startswith(f"# {NOTICE}")


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
