"""Of a page about many alerts, a report gets the part about its own, with a link to it."""

from dataclasses import replace

import pytest

from features.domain.report import IncidentReport
from features.domain.runbook import Runbook
from features.encoding.encoder import HashingEncoder
from features.imports.runbooks.markdown import parse_runbook
from models.base.predictions import SuggestedRunbook
from models.runbooks.runbook_index import RunbookIndex
from models.runbooks.runbook_model import RunbookModel

STORAGE = parse_runbook(
    """# Storage alerts

What to do for each alert.

## LedgerWriterStalled

1. Restart the writer.

## LedgerCompactionBehind {#behind}

1. Raise the number of compactors.

## Alert: `LedgerQuorumLost` (critical)

### Meaning

Fewer than two of three voters answer.

### Fix

1. Start the missing voter.

## LedgerIsFine

### Meaning

Nothing to do.
""",
    "alerts/storage",
)
ERRORS = parse_runbook(
    """# Gateway

## Errors of the edge

| Alert | Meaning | Action |
|---|---|---|
| EdgeCertExpiring | it ends | renew it |
| EdgeConfigRejected | it is refused | roll back |
| E12 | the fan is gone | replace the fan |
""",
    "gateway",
)
NODE = parse_runbook(
    "---\nurl: https://docs.example.com/rb/node-lost\n---\n# Node lost\n\n"
    "## Meaning\n\nIt is gone.\n\n"
    "## Diagnosis\n\n1. Ping it.\n\n## Mitigation\n\n1. Cordon the node.\n",
    "node-lost",
)
OPERATOR = parse_runbook(
    "---\ntitle: Operator not ready\naliases:\n- /ops-recipes/operator-unready\n- ../old/op/\n---\n"
    "## Mitigation\n\n1. Delete the pod.\n",
    "operator-not-ready",
)
INDEX = RunbookIndex((STORAGE, ERRORS, NODE, OPERATOR), HashingEncoder())
REPORT = IncidentReport(id="1", title="x")


def first(report: IncidentReport, index: RunbookIndex = INDEX) -> SuggestedRunbook:
    (answer,) = RunbookModel(encoder="hashing").fit([]).suggest([report], index)
    return answer.runbooks[0]


def linking(address: str) -> IncidentReport:
    return replace(REPORT, attributes={"runbook_url": address})


@pytest.mark.parametrize(
    ("anchor", "step"),
    [
        ("ledgerwriterstalled", "Restart the writer."),
        ("LedgerWriterStalled", "Restart the writer."),
        ("user-content-behind", "Raise the number of compactors."),
        ("ledgercompactionbehind", "Raise the number of compactors."),
        ("alert-ledgerquorumlost-critical", "Start the missing voter."),
        ("alert_ledgerquorumlost_critical", "Start the missing voter."),
        ("fix", "Start the missing voter."),
    ],
)
def test_an_anchor_chooses_the_section(anchor: str, step: str) -> None:
    address = f"https://runbooks.example.com/alerts/storage#{anchor}"
    found = first(linking(address))
    assert (found.id, found.steps, found.url) == ("alerts/storage", (step,), address)
    assert found.why[0] == "the report links to it"
    assert any(reason.startswith("section ") for reason in found.why)


@pytest.mark.parametrize(
    "report",
    [
        replace(REPORT, attributes={"alertname": "LedgerQuorumLost"}),
        replace(REPORT, title="[FIRING:1] LedgerQuorumLost (prod)"),
    ],
)
def test_a_heading_with_the_alerts_name_chooses_the_section(report: IncidentReport) -> None:
    found = first(report)
    assert (found.id, found.steps, found.url) == (STORAGE.id, ("Start the missing voter.",), None)
    assert found.relevance == 0.99
    name = "section Alert: LedgerQuorumLost (critical): its heading is the alert's name"
    assert name in found.why
    assert found.reasons[0].text == "its heading or row is the alert's name"


def test_words_choose_a_section_only_if_they_are_clear() -> None:
    page = "https://runbooks.example.com/alerts/storage"
    voters = replace(linking(page), description="fewer voters answer than there should be")
    assert first(voters).steps == ("Start the missing voter.",)
    assert first(linking(page)).steps == STORAGE.steps


def test_an_alert_without_steps_gets_none_of_another_alert() -> None:
    assert first(replace(REPORT, attributes={"alertname": "LedgerIsFine"})).steps == ()


def test_a_row_with_the_alerts_name_is_the_only_step() -> None:
    found = first(replace(REPORT, attributes={"alertname": "EdgeConfigRejected"}))
    assert (found.id, found.steps) == ("gateway", ("EdgeConfigRejected: roll back",))
    assert "row EdgeConfigRejected of the table: it has the alert's name" in found.why


@pytest.mark.parametrize(
    ("address", "title"),
    [
        ("https://x.example/gateway.md#errors-of-the-edge", "E12 on chassis 4"),
        ("https://x.example/gateway", "Chassis 4 reports E12"),
    ],
)
def test_a_row_with_the_error_code_is_the_only_step(address: str, title: str) -> None:
    found = first(replace(linking(address), title=title))
    assert found.steps == ("E12: replace the fan",)
    assert found.url is not None
    assert found.url.endswith("#errors-of-the-edge")


def test_an_anchor_can_name_a_row() -> None:
    found = first(linking("https://x.example/gateway.md#alert-name-edgecertexpiring"))
    assert found.steps == ("EdgeCertExpiring: renew it",)


@pytest.mark.parametrize("ending", ["", "/", ".md", ".html", "?a=b&c=d", "/?a=b", "#meaning", "#x"])
def test_endings_do_not_keep_an_address_from_its_page(ending: str) -> None:
    for page in ("https://docs.example.com/rb/node-lost", "https://other.example/r/node-lost"):
        found = first(linking(f"{page}{ending}"))
        assert (found.id, found.why[0]) == ("node-lost", "the report links to it")
        assert found.steps == ("Ping it.", "Cordon the node.")


def test_the_own_address_of_a_page_is_linked_with_the_anchor() -> None:
    found = first(linking("https://github.com/acme/ops/blob/main/node-lost.md#mitigation"))
    assert found.url == "https://docs.example.com/rb/node-lost#mitigation"
    assert found.steps == ("Cordon the node.",)


@pytest.mark.parametrize(
    "address",
    [
        "https://intranet.example.com/docs/ops-recipes/operator-unready/",
        "https://intranet.example.com/docs/ops-recipes/operator-unready.html?x=1#top",
        "https://intranet.example.com/old/op/",
    ],
)
def test_an_alias_is_an_address_of_the_page(address: str) -> None:
    found = first(linking(address))
    assert (found.id, found.why[0]) == ("operator-not-ready", "the report links to it")


def page_at(path: str, url: str) -> Runbook:
    return replace(parse_runbook("## Fix\n\n- Run.", path), url=url)


def test_a_query_that_names_the_page_counts() -> None:
    pages = [page_at(f"p{n}", f"https://wiki.example.com/view?pageId={n}") for n in (1, 2)]
    index = RunbookIndex(pages, HashingEncoder())
    assert first(linking("https://wiki.example.com/view?src=mail&pageId=2"), index).id == "p2"
    unknown = (
        RunbookModel(encoder="hashing")
        .fit([])
        .suggest([linking("https://wiki.example.com/view?pageId=3")], index)
    )
    assert unknown[0].runbooks == ()


def test_the_index_page_of_a_folder_is_the_folders_page() -> None:
    page = replace(STORAGE, id="docs/mimir/_index.en")
    index = RunbookIndex([page, NODE], HashingEncoder())
    found = first(linking("https://docs.example.com/docs/mimir/#ledgerwriterstalled"), index)
    assert (found.id, found.steps) == (page.id, ("Restart the writer.",))


def test_a_page_about_one_alert_stays_whole() -> None:
    found = first(replace(REPORT, title="Node lost"))
    assert found.steps == ("Ping it.", "Cordon the node.")
    assert found.url == NODE.url
    assert not any(reason.startswith("section") for reason in found.why)
