"""What a search for words finds, and in which order."""

import pytest
from factories import incident

from features.domain.report import ResolvedIncident
from features.search.text_search import TextSearch

TEXTS = [
    incident("INC1", title="VPN down", description="since noon", service="gateway"),
    incident("INC2", title="Printer 100% busy", resolution="Restarted the vpn_client"),
    incident("INC3", title="Drucker BRENNT", description="Große Übung im Büro\nTür zu"),
    incident("INC4", title=r"C:\temp is full", description="payment gateway of the vpn"),
    incident("INC10", title="Café closed", description="gateway for payment, 20 of 30 rows"),
    incident("OPS-7 a/b", title="データベース障害", description="Überlast auf db01.prod"),
]


@pytest.fixture(scope="module")
def search() -> TextSearch:
    made = TextSearch()
    made.update(TEXTS)
    return made


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("vpn", {"INC1", "INC2", "INC4"}),
        ("  Noon \n vPn ", {"INC1"}),
        ("gateway noon inc1", {"INC1"}),
        ("gateway printer", set()),
        ("vpn_client", {"INC2"}),
        (r"c:\temp", {"INC4"}),
        # Prefixes, also of the last word of a compound.
        ("gate", {"INC1", "INC4", "INC10"}),
        ("db01.pr", {"OPS-7 a/b"}),
        ("ateway", {"INC1", "INC4", "INC10"}),
        ("tway", set()),
        # Accents and case.
        ("ubung", {"INC3"}),
        ("BÜRO", {"INC3"}),
        ("grosse", {"INC3"}),
        ("cafe", {"INC10"}),
        # One typo: a letter too few, too many, other, or two swapped; never in numbers.
        ("paymnt", {"INC4", "INC10"}),
        ("paymment", {"INC4", "INC10"}),
        ("paxment", {"INC4", "INC10"}),
        ("payemnt", {"INC4", "INC10"}),
        ("paxmnt", set()),
        ("30", {"INC10"}),
        ("3000", set()),
        # Phrases.
        ('"payment gateway"', {"INC4"}),
        ('"gateway payment"', set()),
        ("„payment gateway“ vpn", {"INC4"}),
        ('"paymnt"', set()),
        ('"gate"', set()),
        ('"gateway', {"INC1", "INC4", "INC10"}),
        # Ids.
        ("inc2", {"INC2"}),
        ("INC", {"INC1", "INC2", "INC3", "INC4", "INC10"}),
        ("OPS-7", {"OPS-7 a/b"}),
        ("ops-7 A/B", {"OPS-7 a/b"}),
        # Words that are written without spaces.
        ("障害", {"OPS-7 a/b"}),
        ("ベース", {"OPS-7 a/b"}),
        ("%", set()),
        ("'; DROP TABLE incidents; --", set()),
        ("/", set()),
        ("", set()),
        ("\x00 \ud800", set()),
    ],
)
def test_every_part_of_a_query_must_match(search: TextSearch, text: str, found: set[str]) -> None:
    assert set(search.find(text)) == found


@pytest.mark.parametrize(
    ("text", "order"),
    [
        ("alpha", ["title", "text", "prefix", "typo"]),
        ("case-1", ["case-1", "case-12", "mentions"]),
    ],
)
def test_the_best_come_first(text: str, order: list[str]) -> None:
    search = TextSearch()
    search.update(
        [
            incident("typo", title="alpho"),
            incident("prefix", title="alphabet"),
            incident("text", description="alpha"),
            incident("mentions", title="like case-1"),
            incident("title", title="alpha"),
            incident("case-12"),
            incident("case-1"),
        ]
    )
    assert list(search.find(text)) == order


def test_a_word_that_many_incidents_have_is_not_taken_for_a_typo() -> None:
    search = TextSearch()
    search.update([incident(f"INC{number}", title="mail") for number in range(5)])
    search.update([incident("other", title="main")])
    assert "other" not in search.find("mail")
    assert search.find("mails")[:5] == search.find("mail")


def test_what_is_changed_or_removed_is_no_longer_found() -> None:
    search = TextSearch()
    search.update([incident("a", title="disk"), incident("b", title="disk")])
    search.update([incident("a", title="vpn")], removed=["b", "unknown"])
    assert search.find("disk") == ()
    assert search.find("vpn") == ("a",)
    search.update([incident("b", title="disk")])
    assert search.find("disk") == ("b",)


def test_a_search_may_run_while_incidents_are_added(search: TextSearch) -> None:
    one: ResolvedIncident = incident("INC99", title="zebra")
    search.update([one])
    assert search.find("zebra") == ("INC99",)
