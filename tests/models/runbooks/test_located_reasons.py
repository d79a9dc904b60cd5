"""A runbook's reasons are words of the report, as written, with their places."""

import re

import pytest
from factories import runbook
from hypothesis import given
from hypothesis import strategies as st

from features.domain.report import IncidentReport
from features.encoding.encoder import HashingEncoder
from features.text.tokens import terms_of
from models.base.predictions import Reason
from models.runbooks.passages import body_terms, last_segment
from models.runbooks.runbook_index import RunbookIndex, RunbookUse
from models.runbooks.runbook_model import RunbookModel

PAGES = (
    runbook("vpn/tunnel-drops", "Tunnel drops", "Remote users lose the VPN tunnel to the branch."),
    runbook("disk/DiskFillingUp", "DiskFillingUp", "A volume will soon have no space left."),
    runbook("pay/gateway", "Payments fail", "Card payments time out.", "https://wiki.test/pay"),
)
INDEX = RunbookIndex(PAGES, HashingEncoder())
MODEL = RunbookModel(encoder="hashing").fit([])
TEXT = """the Tunnel tunnels drops at VPN volume Disk DiskFillingUp space 850ms pay card,
(Payments) times é {{ $labels.pod }} and left. was https://wiki.test/pay"""
WORDS = st.sampled_from(TEXT.split())
TEXTS = st.lists(WORDS, max_size=8).map(" ".join)


def reasons_of(
    report: IncidentReport, index: RunbookIndex = INDEX
) -> dict[str, tuple[Reason, ...]]:
    (answer,) = MODEL.suggest([report], index, cutoff=0)
    return {suggestion.id: suggestion.reasons for suggestion in answer.runbooks}


def place(report: IncidentReport, reason: Reason) -> str:
    assert reason.field is not None
    name = reason.field.removeprefix("attributes.")
    text = report.attributes[name] if name != reason.field else getattr(report, reason.field)
    return text[reason.start : reason.end]


def test_a_link_is_the_first_reason() -> None:
    report = IncidentReport(id="1", title="Fails", description="See https://wiki.test/pay now")
    first = reasons_of(report)["pay/gateway"][0]
    assert first.text == "the report links to it"
    assert place(report, first) == "https://wiki.test/pay"
    named = IncidentReport(id="1", attributes={"runbook": "  vpn/tunnel-drops "})
    assert place(named, reasons_of(named)["vpn/tunnel-drops"][0]) == "vpn/tunnel-drops"


@pytest.mark.parametrize(
    ("report", "field"),
    [
        (IncidentReport(id="1", title="[FIRING:2] DiskFillingUp (web)"), "title"),
        (IncidentReport(id="1", title="DiskFillingUp"), "title"),
        (
            IncidentReport(id="1", attributes={"alertname": "DiskFillingUp"}),
            "attributes.alertname",
        ),
    ],
)
def test_the_alerts_name_is_a_reason(report, field) -> None:
    (reason,) = reasons_of(report)["disk/DiskFillingUp"]
    assert (reason.text, reason.field) == ("its title is the alert's name", field)
    assert place(report, reason) == "DiskFillingUp"


def test_words_of_the_title_and_of_the_text_are_reasons() -> None:
    report = IncidentReport(id="1", title="Users are offline", description="The tunnel drops (VPN)")
    reasons = reasons_of(report)["vpn/tunnel-drops"]
    assert [reason.text for reason in reasons[:2]] == [
        "in common with its title: drops",
        "in common with its title: tunnel",
    ]
    assert len(reasons) == 3
    assert reasons[2].text.startswith("in common with its text: ")


def test_a_past_use_is_a_reason_without_a_place() -> None:
    past = IncidentReport(id="INC7", title="Coffee machine leaks")
    used = INDEX.with_uses([RunbookUse(past, "pay/gateway")])
    reasons = reasons_of(IncidentReport(id="2", title="Coffee machine leaks"), used)
    assert reasons["pay/gateway"] == (Reason("used for INC7: Coffee machine leaks"),)


@given(title=TEXTS, description=TEXTS, service=TEXTS, site=TEXTS)
def test_reasons_name_whole_words_of_the_report(title, description, service, site) -> None:
    report = IncidentReport(
        id="1", title=title, description=description, service=service, attributes={"site": site}
    )
    pages = {page.id: {*body_terms(page), *terms_of(last_segment(page.id))} for page in PAGES}
    for page, reasons in reasons_of(report).items():
        assert len(reasons) <= 3
        assert len({(reason.field, reason.start) for reason in reasons}) == len(reasons)
        for reason in reasons:
            written = place(report, reason)
            if reason.text.startswith("in common"):
                assert reason.text.endswith(f": {written}")
                assert pages[page].intersection(terms_of(written))
                around = f" {title} | {description} | {service} | {site} "
                assert re.search(rf"(?<!\w){re.escape(written)}(?!\w)", around)
