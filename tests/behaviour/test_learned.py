"""That the models learned the right thing: what may change an answer, and what may not."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from features.domain.report import IncidentReport, Outcome, ResolvedIncident
from models.classification.calibrated_model import CalibratedModel
from models.classification.choice import ChoiceModel
from models.classification.severity import SeverityModel

CLEAR = {
    "Printing": "label printer does not print, the print job comes out blank",
    "Network": "vpn disconnects, wifi drops every few minutes, cannot connect",
    "Email": "mailbox is full, outlook cannot send mail",
    "Database": "disk usage high, database replica lags behind, backup failed",
}
SIGNATURE = "\n\nKind regards,\nJohanna Berger\nExample Outfitters, 3 Harbour Road, Leeds"
ADDRESS = "\nsee https://intranet.example.com/kb/view.do?id=4711&lang=en for the form"

Change = Callable[[str], str]


def ask(model: CalibratedModel, title: str, text: str, **facts: str) -> str:
    return model.predict([IncidentReport(id="new", title=title, description=text, **facts)])[
        0
    ].label


@pytest.mark.parametrize("category", CLEAR)
def test_clear_text_gets_its_category(category_model: CalibratedModel, category: str) -> None:
    assert ask(category_model, CLEAR[category], "It worked yesterday.") == category


@pytest.mark.parametrize("category", CLEAR)
@pytest.mark.parametrize(
    ("before", "after"),
    [("host-0417", "zeus-9932"), ("INC0012345", "INC0098765"), ("LT-1111", "LT-8642")],
    ids=["host", "ticket", "device"],
)
def test_another_name_leaves_the_category_alone(
    category_model: CalibratedModel, category: str, before: str, after: str
) -> None:
    text = f"Seen on {{}} since morning, {CLEAR[category]}"
    labels = {ask(category_model, CLEAR[category], text.format(name)) for name in (before, after)}
    assert labels == {category}


@pytest.mark.parametrize("category", CLEAR)
@pytest.mark.parametrize("addition", [SIGNATURE, ADDRESS], ids=["signature", "address"])
def test_signature_and_address_do_not_change_the_label(
    category_model: CalibratedModel,
    severity_model: CalibratedModel,
    category: str,
    addition: str,
) -> None:
    for model in (category_model, severity_model):
        plain = ask(model, CLEAR[category], "It worked yesterday.")
        assert ask(model, CLEAR[category], f"It worked yesterday.{addition}") == plain


def test_signature_is_not_even_read(category_model: CalibratedModel) -> None:
    plain = IncidentReport(id="new", title="vpn", description="cannot connect")
    signed = replace(plain, description=f"cannot connect{SIGNATURE}")
    assert category_model.predict([plain]) == category_model.predict([signed])


def test_upper_case_does_not_change_the_words_that_count(category_model: CalibratedModel) -> None:
    assert ask(category_model, CLEAR["Email"].upper(), "") == "Email"


@pytest.mark.parametrize("wide", ["Everyone is affected.", "URGENT, all sites.", "We lose orders."])
@pytest.mark.parametrize("category", CLEAR)
def test_wider_effect_never_lowers_the_severity(
    severity_model: CalibratedModel, category: str, wide: str
) -> None:
    narrow, whole = severity_model.predict(
        [
            IncidentReport(id=scope, title=CLEAR[category], description=scope)
            for scope in ("Only me as far as I know.", wide)
        ]
    )
    assert whole.rank >= narrow.rank
    assert whole.expected_rank > narrow.expected_rank


def test_wider_effect_raises_the_severity_on_average(severity_model, company) -> None:
    reports = [
        incident.report
        for incident in company.incidents[:100]
        if incident.report.source == "portal"
    ]
    ranks = []
    for scope in ("It can wait. No hurry.", "Everyone is affected. Customers complain!"):
        rewritten = [replace(report, description=f"{report.title}. {scope}") for report in reports]
        answers = severity_model.predict(rewritten)
        ranks.append(sum(answer.expected_rank for answer in answers) / len(answers))
    assert ranks[1] > ranks[0] + 0.3


def test_storage_alert_is_told_from_a_mailbox(category_model: CalibratedModel) -> None:
    alert = "[FIRING:1] DiskUsageHigh 97%"
    assert ask(category_model, alert, "instance=database-02", service="database") == "Database"
    assert ask(category_model, "Mailbox is full", "cannot send", service="mail") == "Email"


def clear_examples() -> list[ResolvedIncident]:
    return [
        ResolvedIncident(
            IncidentReport(id=str(n), title=f"{CLEAR[category]} case {n}"),
            Outcome(category=category, severity="low"),
        )
        for n, category in enumerate(list(CLEAR) * 10)
    ]


def test_forty_clear_examples_are_learned_by_heart() -> None:
    examples = clear_examples()
    model = ChoiceModel(encoder="hashing").fit(examples)
    answers = model.predict([example.report for example in examples])
    assert [answer.label for answer in answers] == [
        example.outcome.category for example in examples
    ]


def test_forty_clear_severities_are_learned_by_heart() -> None:
    levels = ("minor", "serious")
    examples = [
        replace(
            example,
            outcome=Outcome(severity=levels[example.outcome.category in ("Email", "Network")]),
        )
        for example in clear_examples()
    ]
    model = SeverityModel(levels=levels, encoder="hashing").fit(examples)
    answers = model.predict([example.report for example in examples])
    assert [answer.label for answer in answers] == [
        example.outcome.severity for example in examples
    ]
