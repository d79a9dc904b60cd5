"""Which incidents belong together by what trackers say."""

import pytest

from features.domain.report import IncidentReport, Outcome, ResolvedIncident
from models.similarity.duplicate_groups import UNLINKED, link_groups


def groups(**links: str | None) -> dict[str, int]:
    """Groups of incidents by id, each with what it names."""
    incidents = [
        ResolvedIncident(IncidentReport(id=name), Outcome(duplicate_of=link))
        for name, link in links.items()
    ]
    return dict(zip(links, link_groups(incidents).tolist(), strict=True))


def test_nothing_named_is_nothing_linked() -> None:
    assert groups(a=None, b=None) == {"a": UNLINKED, "b": UNLINKED}
    assert groups() == {}


def test_a_duplicate_belongs_to_what_it_names() -> None:
    assert groups(a=None, b="a", c=None) == {"a": 0, "b": 0, "c": UNLINKED}


def test_links_carry_on() -> None:
    group_of = groups(a=None, b="a", c="b", d=None, e="d")
    assert group_of["a"] == group_of["b"] == group_of["c"] != group_of["d"] == group_of["e"]


def test_children_of_one_unknown_parent_belong_together() -> None:
    assert groups(a="PRB1", b="PRB1", c="PRB2") == {"a": 0, "b": 0, "c": UNLINKED}


@pytest.mark.parametrize("separator", [",", ", ", ";", " ", "\n"])
def test_several_may_be_named(separator: str) -> None:
    group_of = groups(a=None, b=None, c=f"a{separator}b", d=None)
    assert group_of == {"a": 0, "b": 0, "c": 0, "d": UNLINKED}


def test_an_id_with_a_space_is_one_id() -> None:
    links = {"INC 1": None, "INC": None, "b": "INC 1"}
    assert groups(**links) == {"INC 1": 0, "INC": UNLINKED, "b": 0}


def test_who_names_itself_is_alone() -> None:
    assert groups(a="a", b="b,a") == {"a": 0, "b": 0}
    assert groups(a="a", b=None) == {"a": UNLINKED, "b": UNLINKED}


def test_circles_end() -> None:
    assert groups(a="b", b="a") == {"a": 0, "b": 0}


def test_every_number_is_used_from_zero() -> None:
    group_of = groups(a="x", b="x", c=None, d="y", e="y")
    assert set(group_of.values()) == {UNLINKED, 0, 1}
    assert set(groups(a=None, b="a").values()) == {0}
