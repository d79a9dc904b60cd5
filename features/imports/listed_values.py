"""Values that hold a list, such as `[Commerce]` or `[{"name": "bug"}]`."""

import json
from collections.abc import Sequence

from features.imports.product_headers.header_table import header_key

# Readers of JSON join a list by commas, and so do exports of these columns.
_LIST_HEADERS = frozenset(
    map(
        header_key,
        (
            *("labels", "labels.name", "fields.labels", "fields.components", "teams", "team names"),
            *("fields.components.name", "teams.summary", "teams.name", "pagedTeams", "responders"),
            *("impactedServices", "paged policies"),
        ),
    )
)
_NAME_KEYS = (
    "name",
    "summary",
    "displayName",
    "display_value",
    "title",
    "key",
    "value",
    "login",
    "slug",
)


def items_of(value: str) -> list[str]:
    """Return the items of a value that is written as a list, else the value as the only item.

    >>> items_of("[Commerce, Ops]"), items_of('[{"name": "bug", "color": "red"}]'), items_of("Ops")
    (['Commerce', 'Ops'], ['bug'], ['Ops'])
    """
    text = value.strip()
    if not (text.startswith("[") and text.endswith("]")):
        return [value]
    try:
        items = [_name_of(item) for item in json.loads(text)]
    except (ValueError, RecursionError):
        items = [item.strip(" '\"") for item in text[1:-1].split(",")]
    return [item for item in items if item]


def first_items(values: Sequence[str], column: str) -> tuple[list[str], list[str]]:
    """Return the first item of each value, and a warning if some values have several.

    >>> first_items(["[a, b]", "c"], "Teams")
    (['a', 'c'], ['Teams: 1 values list several; the first is used'])
    """
    is_list = header_key(column) in _LIST_HEADERS
    items_by_value = {
        value: items_of(f"[{value}]" if is_list and not value.startswith("[") else value)
        for value in set(values)
    }
    several = sum(len(items_by_value[value]) > 1 for value in values)
    warnings = [f"{column}: {several} values list several; the first is used"] if several else []
    return [next(iter(items_by_value[value]), "") for value in values], warnings


def _name_of(item: object) -> str:
    if isinstance(item, dict):
        item = next((item[key] for key in _NAME_KEYS if item.get(key)), "")
    return item if isinstance(item, str) else json.dumps(item, ensure_ascii=False)
