"""Near-copies share a key, other reports do not."""

import pytest
from factories import report

from features.text.near_copy_key import near_copy_key


@pytest.mark.parametrize(
    ("title", "description"),
    [
        ("Disk full on db-01: 91%", "see INC0012345"),
        ("disk full on DB-07: 98%", "See INC0099999"),
        ("full disk on db-01: 91%", "see INC0012345"),
    ],
)
def test_numbers_ids_case_and_order_do_not_matter(title: str, description: str) -> None:
    first = near_copy_key(report("1", "Disk full on db-01: 91%", "see INC0012345"))
    assert near_copy_key(report("2", title, description, service="db")) == first


def test_other_words_matter() -> None:
    assert near_copy_key(report("1", "disk full")) != near_copy_key(report("1", "disk slow"))


def test_facts_decide_where_there_is_no_text() -> None:
    one, same, other = (
        near_copy_key(report(id_, attributes={"site": site}))
        for id_, site in (("1", "Graz"), ("2", "Graz"), ("3", "Linz"))
    )
    assert one == same != other
