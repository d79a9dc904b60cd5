"""Reasons name words of the report as they stand there, and nothing that most incidents share."""

from dataclasses import replace

import pytest
from factories import incident, report
from hypothesis import given
from hypothesis import strategies as st

from features.domain.report import IncidentReport
from features.encoding.encoder import HashingEncoder
from features.search.incident_index import IncidentIndex
from models.base.predictions import Reason
from models.similarity.match_reasons import match_reasons, parse_query, sentences
from models.similarity.pair_statistics import PairStatistics, measure_statistics

SENDER = {"receiver": "ops", "externalURL": "http://alerts:9093", "site": "graz"}
ERROR = "java.sql.SQLException: ORA-00600: internal error code"
WORDS = [
    "disk",
    "Latencies",
    "of",
    "the",
    "KubePodCrashLooping",
    "850ms",
    "srv-db-012",
    "every",
    "€",
]
SITES = ("graz", "wien", "linz")


@pytest.fixture(scope="module")
def statistics() -> PairStatistics:
    index = IncidentIndex(HashingEncoder())
    index.upsert(
        [
            incident(
                f"I{n}",
                f"{word} fails",
                f"{word} {n}",
                source="alerts",
                service=("shop", "mail", "vpn", "web")[n % 4] if n < 12 else "shop",
                attributes=SENDER | {"site": SITES[n % 3] if n < 24 else "rom"},
            )
            for n, word in enumerate(
                f"{a}{b}" for a in "bdfgkl" for b in ("ola", "eki", "uro", "ami", "ono")
            )
        ]
    )
    return measure_statistics(index)


def reasons_of(first: IncidentReport, second: IncidentReport, statistics: PairStatistics):
    return match_reasons(parse_query(first, statistics), second)


def alert(title: str, text: str = "", **facts) -> IncidentReport:
    return replace(report("X", title, text), source="alerts", **facts)


def test_the_strongest_three_with_their_places(statistics) -> None:
    asked = alert("Pool is exhausted", f"Gateway waits, {ERROR}", attributes={"site": "Graz"})
    reasons = reasons_of(asked, alert("pool is exhausted", ERROR, attributes=SENDER), statistics)
    assert [reason.text for reason in reasons] == [
        "same title",
        "same error: ORA-00600",
        "same error: SQLException",
    ]
    assert [asked.description[reason.start : reason.end] for reason in reasons[1:]] == [
        "ORA-00600",
        "SQLException",
    ]


def test_words_are_whole_and_as_written(statistics) -> None:
    asked = alert("Latencies of 850ms on srv-db-012", "api/v2 is slow every night")
    reasons = reasons_of(asked, alert("latency of 90ms on srv-db-931", "daily"), statistics)
    assert [reason.text for reason in reasons] == ["both say: Latencies"]


def test_a_name_with_a_number_counts_if_both_have_that_number(statistics) -> None:
    asked, same = alert("srv-db-012 waits"), alert("lag on SRV-DB-012")
    assert "both say: srv-db-012" in sentences(reasons_of(asked, same, statistics))
    assert reasons_of(asked, alert("lag on srv-db-931"), statistics) == (Reason("similar wording"),)


def test_an_error_in_another_spelling_is_named_as_the_report_spells_it(statistics) -> None:
    asked = alert("Login ends in HTTP status 503")
    reason = reasons_of(asked, alert("http 503 from the shop"), statistics)[0]
    assert reason == Reason("same error: HTTP status 503", "title", 14, 29)


def test_constants_of_the_sender_and_urls_are_no_reasons(statistics) -> None:
    facts = {"service": "shop", "attributes": SENDER}
    texts = [
        reason.text for reason in reasons_of(alert("a", **facts), alert("b", **facts), statistics)
    ]
    assert texts == ["same site: graz"]


def test_a_rare_service_is_named_once(statistics) -> None:
    facts = {"service": "Mail", "attributes": {"service": "mail", "job": "mail"}}
    (reason,) = reasons_of(alert("a", **facts), alert("b", **facts), statistics)
    assert reason == Reason("same service: Mail", "service", 0, 4)


def test_shared_words_make_one_sentence() -> None:
    reasons = (Reason("both say: pool"), Reason("same title"), Reason("both say: gateway"))
    assert sentences(reasons) == ("both say: pool, gateway", "same title")


texts = st.lists(st.sampled_from(WORDS), max_size=8).map(" ".join)
facts = st.dictionaries(
    st.sampled_from(["site", "receiver", "job"]), st.sampled_from(["graz", "ops", "x"])
)


@given(texts, texts, texts, texts, facts, facts)
def test_a_reason_names_only_what_the_report_says_there(
    statistics, title, text, past_title, past_text, own, other
) -> None:
    asked = alert(title, text, attributes=own)
    past = alert(past_title, past_text, attributes=other)
    for reason in reasons_of(asked, past, statistics):
        assert reason.text != "same receiver: ops"
        if reason.field is None:
            assert reason.text == "similar wording"
            continue
        name = reason.field.removeprefix("attributes.")
        raw = own[name] if name in own else getattr(asked, name)
        named = raw[reason.start : reason.end]
        assert named
        assert reason.text in {"same title", f"both say: {named}", f"same {name}: {named}"}
