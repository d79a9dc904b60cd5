"""Parsing outside values into reports: sanitised, masked, and equal from exports and requests."""

import json
import time
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from real_world_cases import CASES, needs_cases

from features.imports.load_history import load_history
from features.text.cleaning import incident_text
from features.text.masking import Masking
from features.text.parsing import (
    MAX_ID_LENGTH,
    MAX_TEXT_LENGTH,
    ReportFields,
    has_unprintable,
    parse_fact,
    parse_label,
    parse_latest_moment,
    parse_masked_name,
    parse_name,
    parse_report,
    parse_text,
    sanitise_text,
)

ALL = Masking()


@pytest.mark.parametrize(
    ("given_text", "sanitised"),
    [
        ("a\r\nb\rc\u2028d", "a\nb\nc\nd"),
        ("nul\x00 bell\x07 tab\t", "nul bell tab\t"),
        ("lone \ud800 surrogate \udc00", "lone  surrogate "),
        ("pair \ud83d\ude00", "pair 😀"),
        ("Stra\u00c3\u009fe gesperrt", "Straße gesperrt"),
        ("it\u00e2\u20ac\u2122s down", "it\u2019s down"),
        ("u\u0308ber", "über"),
        ("\ufeffPrinter", "Printer"),
        ("サーバー 🔥 готово", "サーバー 🔥 готово"),
    ],
)
def test_broken_text_is_repaired(given_text: str, sanitised: str) -> None:
    assert sanitise_text(given_text) == sanitised


@settings(max_examples=200, deadline=None)
@given(st.text(st.characters(exclude_categories=()), max_size=60))
def test_any_text_can_be_stored_and_is_one_whatever_way_it_came_in(text: str) -> None:
    report = parse_report(id="1", masking=ALL, title=text, description=text)
    report.description.encode("utf-8")
    assert "\r" not in report.description
    assert not has_unprintable(report.description)
    fields = ReportFields.model_validate({"id": "1", "title": text, "description": text})
    assert fields.parse(ALL) == report


@pytest.mark.parametrize(
    ("given_text", "decoded"),
    [
        ("st&auml;ndig &ndash; B&uuml;ro", "ständig \u2013 Büro"),
        ("it&#39;s &quot;down&quot; &amp; out", 'it\'s "down" & out'),
        ("&#x27;&#8211;", "'\u2013"),
        ("a&nbsp;b", "a b"),
        ("&amp;auml; &amp;amp;lt;", "ä <"),
        ("&lt;script&gt;", "<script>"),
        (
            "AT&T, a&b;c, R&D; &notit; &copyright; x&lt y",
            "AT&T, a&b;c, R&D; &notit; &copyright; x&lt y",
        ),
        ("https://x.test/?a=1&copy=2&lt=3", "https://x.test/?a=1&copy=2&lt=3"),
        ("&#0;&#xD800;", "\ufffd\ufffd"),
    ],
)
def test_entities_are_decoded_and_only_they(given_text: str, decoded: str) -> None:
    assert sanitise_text(given_text) == decoded
    assert parse_label(given_text, ALL) == decoded


def test_entities_are_decoded_before_masking() -> None:
    assert parse_text("mail ana&#64;example.com", ALL) == parse_text("mail ana@example.com", ALL)
    assert "ana" not in parse_text("mail ana&commat;example.com", ALL)


def test_entities_that_are_nested_deep_take_no_long_time() -> None:
    started = time.process_time()
    sanitise_text("&" + "amp;" * (MAX_TEXT_LENGTH // 4))
    sanitise_text("&#3" * (MAX_TEXT_LENGTH // 3))
    assert time.process_time() - started < 2


PAIR = CASES / "23-html-entities"


@needs_cases
def test_a_text_with_entities_is_cleaned_as_the_same_text_without() -> None:
    texts = json.loads((PAIR / "pair.json").read_text(encoding="utf-8"))
    plain, encoded = (
        incident_text(parse_report(id="1", masking=ALL, **fields)) for fields in texts
    )
    assert plain == encoded
    report = load_history(PAIR / "export.csv").incidents[0].report
    assert report.title == "VPN fällt ständig aus \u2013 Büro"
    assert incident_text(report).endswith('It\'s down & out "again"')


def test_unprintable_characters_are_seen() -> None:
    assert has_unprintable("a\x00b")
    assert has_unprintable("a\ud800")
    assert not has_unprintable("a\nb\tü 🔥")


@pytest.mark.parametrize("value", ["", " ", "?", "NULL", "null", "None", "nan", "NaN", "N/A", "--"])
def test_a_missing_fact_is_none_while_a_text_keeps_its_words(value: str) -> None:
    assert parse_fact(value, ALL) is None
    assert parse_label(value, ALL) is None
    assert parse_text(value, ALL) == value.strip()


def test_labels_and_facts_are_masked_and_different_labels_stay_different() -> None:
    labels = {parse_label(f" {name}@example.com ", ALL) for name in ("ops", "ops", "net")}
    assert len(labels) == 2
    assert all(label is not None and label.startswith("<email>-") for label in labels)
    assert parse_label(" Network Team ", ALL) == "Network Team"
    assert parse_label("ops@example.com", Masking(frozenset())) == "ops@example.com"
    assert parse_fact(" ops@example.com ", ALL) == "<email>"
    assert parse_fact("caller 4514", ALL) == "caller 4514"


def test_a_report_is_masked_everywhere_and_keeps_only_known_attributes() -> None:
    report = parse_report(
        id=" INC1\x00 ",
        masking=ALL,
        opened_at=datetime(2024, 1, 1, 2, tzinfo=timezone(timedelta(hours=2))),
        title="password: hunter2",
        description=None,
        service="10.0.0.1",
        source="?",
        attributes={"site": "Graz", "owner": "bob@example.com", "rack": "N/A", "room": None},
    )
    assert report.id == "INC1"
    assert report.opened_at == datetime(2024, 1, 1, tzinfo=UTC)
    assert report.opened_at.tzinfo is UTC
    assert (report.title, report.description) == ("password: <password>", "")
    assert (report.service, report.source) == ("<ip>", None)
    assert report.attributes == {"site": "Graz", "owner": "<email>"}


@pytest.mark.parametrize("given_id", ["INC\n1", "INC \r\n\t1\r", "\u2028INC\u20281", "INC\u00a0 1"])
def test_an_id_and_a_name_are_one_line_whatever_way_they_came_in(given_id: str) -> None:
    attributes = {given_id: "Graz"}
    fields = ReportFields.model_validate({"id": given_id, "attributes": attributes})
    assert (fields.id, fields.attributes) == ("INC 1", {"INC 1": "Graz"})
    assert parse_report(id=given_id, masking=ALL).id == "INC 1"
    assert parse_name(given_id) == "INC 1"


def test_outside_fields_parse_to_the_same_report() -> None:
    values = {"title": "VPN \ud800down", "service": "vpn", "attributes": {"site": "Graz"}}
    opened_at = datetime(2024, 1, 1)  # noqa: DTZ001  # naive on purpose
    fields = ReportFields.model_validate({"id": "1", "opened_at": opened_at, **values})
    report = parse_report(id="1", masking=ALL, opened_at=opened_at, **values)
    assert fields.parse(ALL) == report
    assert report.opened_at == datetime(2024, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "fields",
    [
        {"id": "x" * (MAX_ID_LENGTH + 1)},
        {"id": "\x00"},
        {"id": "1", "title": "x" * (MAX_TEXT_LENGTH + 1)},
        {"id": "1", "titel": "x"},
        {"id": "1", "title": 5},
        {"id": "1", "attributes": {"site": ["Graz"]}},
    ],
)
def test_fields_beyond_the_limits_are_refused(fields: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        ReportFields.model_validate(fields)


@pytest.mark.parametrize("no_moment", ["", "yesterday", "2026-02-30", "0001-01-01T00:00+14:00"])
def test_what_is_no_moment_is_refused(no_moment: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_latest_moment(no_moment)


@pytest.mark.parametrize(
    "name",
    ["bob@example.com", "+43 316 1234567", "pwd=hunter2", "from 10.1.2.3", "x" * 500 + "@a.at"],
)
def test_a_masked_name_is_found_again_and_differs_from_others(name: str) -> None:
    masked = parse_masked_name(name, ALL)
    assert name not in masked
    assert len(masked) <= MAX_ID_LENGTH
    assert parse_masked_name(f" {name} ", ALL) == masked
    assert parse_masked_name(masked, ALL) == masked
    assert parse_masked_name(f"1{name}", ALL) != masked


@pytest.mark.parametrize("name", ["INC0012345", "4012888888881881", "SHOP-4711", "a/b c.md"])
def test_the_number_of_a_record_is_not_masked(name: str) -> None:
    assert parse_masked_name(name, ALL) == name


def test_attributes_whose_names_are_masked_stay_apart() -> None:
    report = parse_report(
        id="bob@example.com", masking=ALL, attributes={"a@example.com": "1", "b@example.com": "2"}
    )
    assert "example" not in str(report)
    assert sorted(report.attributes.values()) == ["1", "2"]
