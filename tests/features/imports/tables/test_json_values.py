"""Nested JSON values as columns of text."""

import pytest

from features.imports.tables.json_values import columns_of


def columns(*records: dict[str, object]) -> dict[str, list[str]]:
    return columns_of(records)[0]


def test_nested_objects_become_dotted_columns() -> None:
    jira = {"key": "A-1", "fields": {"status": {"name": "Open"}, "labels": [], "summary": "down"}}
    assert columns(jira, {"key": "A-2", "fields": {"status": None}}) == {
        "key": ["A-1", "A-2"],
        "fields.status.name": ["Open", ""],
        "fields.labels": ["", ""],
        "fields.summary": ["down", ""],
    }


def test_an_object_that_is_null_in_some_records_is_no_column_of_its_own() -> None:
    assert columns({"priority": None}, {"priority": {"name": "High"}}, {"priority": None}) == {
        "priority.name": ["", "High", ""]
    }
    assert columns({"priority": "Low"}, {"priority": {"name": "High"}}) == {
        "priority": ["Low", ""],
        "priority.name": ["", "High"],
    }


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"display_value": "Network", "value": "aa0", "link": "https://x"}, "Network"),
        ({"display_value": "Network", "link": "https://x"}, "Network"),
        (
            {"display_value": "03.11.2025 09:15", "value": "2025-11-03 08:15:00"},
            "2025-11-03 08:15:00",
        ),
        ({"display_value": "Nov 3, 2025 12:17 PM", "value": "1762172220000"}, "1762172220000"),
        ({"display_value": "10 Minutes", "value": "1970-01-01 00:10:00"}, "10 Minutes"),
        ({"display_value": "", "value": "aa0"}, "aa0"),
        ({"display_value": None, "value": None}, ""),
        ({"display_value": "2 - High", "value": 2}, "2 - High"),
    ],
)
def test_the_displayed_value_counts_but_the_stored_time(value: object, text: str) -> None:
    found, warnings = columns_of([{"field": value}])
    assert found == {"field": [text]}
    assert warnings == []


def test_references_are_ids_with_a_warning() -> None:
    found, warnings = columns_of([{"group": {"link": "https://x/aa0", "value": "aa0"}}] * 2)
    assert found == {"group": ["aa0", "aa0"]}
    assert warnings == [
        "group holds references (ids and links) in 2 rows; export display values to learn names "
        "instead of ids"
    ]


def test_custom_fields_have_a_column_each() -> None:
    fields = [
        {"id": 31, "value": "identity"},
        {"id": 32, "value": ["a", "b"]},
        {"id": 33, "value": None},
    ]
    assert columns({"custom_fields": fields}) == {
        "custom_fields.31": ["identity"],
        "custom_fields.32": ["a, b"],
        "custom_fields.33": [""],
    }


def test_lists_are_joined_by_the_names_of_their_items() -> None:
    record = {
        "tags": ["vpn", 7],
        "components": [{"id": "1", "name": "Shop"}, {"id": "2", "name": "Cart"}],
        "assignees": [{"login": "ana"}, {"login": "ben"}],
        "mixed": [{"a": 1}, "b"],
    }
    assert columns(record) == {
        "tags": ["vpn, 7"],
        "components": ["Shop, Cart"],
        "assignees": ["ana, ben"],
        "mixed": ['[{"a": 1}, "b"]'],
    }


def test_a_document_of_jira_is_its_text() -> None:
    paragraph = {
        "type": "paragraph",
        "content": [
            {"type": "text", "text": "since noon "},
            {"type": "mention", "attrs": {"text": "@ana"}},
        ],
    }
    item = {
        "type": "listItem",
        "content": [{**paragraph, "content": [{"type": "text", "text": "all"}]}],
    }
    document = {
        "type": "doc",
        "version": 1,
        "content": [paragraph, {"type": "bulletList", "content": [item]}],
    }
    assert columns({"fields": {"description": document}}) == {
        "fields.description": ["since noon @ana\nall"]
    }


def test_deep_nesting_ends_as_json_text() -> None:
    value: object = "end"
    for _ in range(30):
        value = {"a": value}
    [(name, [text])] = columns({"x": value}).items()
    assert name == "x" + ".a" * 7
    assert text.startswith('{"a": {"a":')
    assert "end" in text
