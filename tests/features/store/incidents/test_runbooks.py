"""The stored runbooks equal the folder's, and their revision increases only with a change."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from types import MappingProxyType

import pytest

from features.domain.report import IncidentReport, Outcome, ResolvedIncident
from features.domain.runbook import Runbook, Section, SectionRole
from features.imports.runbooks.markdown import parse_runbook
from features.store.incidents.runbooks import RunbookChanges
from features.store.store import Store, open_store

FULL = Runbook(
    id="netz/vpn-tunnel",
    title="VPN-Tunnel fällt aus 🔌",
    sections=(
        Section("Meaning", "It's <script>alert(1)</script>", SectionRole.MEANING),
        Section("Mitigation", "", SectionRole.MITIGATION, ("ipsec restart", "ping -c1 'gw'")),
    ),
    steps=("Look first.", "ipsec restart"),
    url="https://wiki.example/vpn?a=1&b=2",
    facts=MappingProxyType({"owner": "netops", "ünïcode": "日本"}),
)
BARE = Runbook("disk-full", "Disk full")


def test_every_field_comes_back_equal(store: Store) -> None:
    store.runbooks.replace_all([FULL, BARE])
    assert store.runbooks.all() == (BARE, FULL)
    assert isinstance(store.runbooks.all()[1].sections[0].part, SectionRole)
    assert isinstance(store.runbooks.all()[1].sections[1].commands, tuple)


def test_a_new_store_has_none(store: Store) -> None:
    assert store.runbooks.all() == ()
    assert store.runbooks.revision() == 0


def test_a_replacement_tells_what_it_changed(store: Store) -> None:
    kept, gone = Runbook("kept", "Kept"), Runbook("gone", "Gone")
    assert store.runbooks.replace_all([gone, FULL, kept]) == RunbookChanges(
        added=("gone", "kept", FULL.id)
    )
    newer = replace(FULL, steps=("ipsec restart",))
    changes = store.runbooks.replace_all([newer, BARE, kept])
    assert changes == RunbookChanges(added=(BARE.id,), updated=(FULL.id,), removed=("gone",))
    assert store.runbooks.all() == (BARE, kept, newer)


def test_what_could_not_be_read_keeps_its_stored_version(store: Store) -> None:
    below, beside = Runbook("net/vpn", "VPN"), Runbook("network", "Network")
    store.runbooks.replace_all([FULL, BARE, below, beside])
    changes = store.runbooks.replace_all([], keep=[BARE.id, "net/", "never stored"])
    assert changes == RunbookChanges(removed=(beside.id, FULL.id))
    assert store.runbooks.all() == (BARE, below)
    newer = replace(BARE, title="Newer")
    assert store.runbooks.replace_all([newer], keep=[BARE.id]).updated == (BARE.id,)


@pytest.mark.parametrize(
    "difference",
    [
        {"title": "VPN"},
        {"sections": FULL.sections[:1]},
        {"steps": ()},
        {"url": None},
        {"facts": {"owner": "security"}},
    ],
)
def test_a_difference_in_any_field_is_an_update(
    store: Store, difference: dict[str, object]
) -> None:
    store.runbooks.replace_all([FULL])
    changed = replace(FULL, **difference)  # type: ignore[arg-type]
    assert store.runbooks.replace_all([changed]).updated == (FULL.id,)
    assert store.runbooks.all() == (changed,)


def test_the_revision_moves_only_with_a_change(store: Store) -> None:
    seen = []
    for runbooks in ([], [FULL], [FULL], [FULL, BARE], [BARE, FULL], [BARE], [], []):
        store.runbooks.replace_all(runbooks)
        seen.append(store.runbooks.revision())
    assert seen == [0, 1, 1, 2, 2, 3, 4, 4]


def test_equal_texts_keep_their_own_ids(store: Store) -> None:
    copy = replace(FULL, id="copy")
    store.runbooks.replace_all([FULL, copy])
    assert store.runbooks.all() == (copy, FULL)


def test_runbooks_and_incidents_have_revisions_of_their_own(store: Store) -> None:
    store.runbooks.replace_all([FULL])
    assert store.incidents.revision() == 0
    store.incidents.upsert([ResolvedIncident(IncidentReport(id="INC1"), Outcome())])
    assert (store.incidents.revision(), store.runbooks.revision()) == (1, 1)


def test_another_tenants_runbooks_are_neither_seen_nor_removed(database_url: str) -> None:
    with open_store(database_url) as ours, open_store(database_url, tenant="acme") as theirs:
        ours.runbooks.replace_all([FULL])
        theirs.runbooks.replace_all([BARE])
        theirs.runbooks.replace_all([])
        assert ours.runbooks.all() == (FULL,)
        assert (ours.runbooks.revision(), theirs.runbooks.revision()) == (1, 2)


def test_replacements_at_one_moment_leave_one_of_them_whole(database_url: str) -> None:
    shelves = [tuple(Runbook(f"{shelf}-{number}", "") for number in range(30)) for shelf in "abcd"]

    def replace_with(runbooks: tuple[Runbook, ...]) -> None:
        with open_store(database_url) as store:
            store.runbooks.replace_all(runbooks)

    with ThreadPoolExecutor(len(shelves)) as pool:
        list(pool.map(replace_with, shelves))
    with open_store(database_url) as store:
        assert {runbook.id for runbook in store.runbooks.all()} in [
            {runbook.id for runbook in shelf} for shelf in shelves
        ]
        assert store.runbooks.revision() == len(shelves)


def test_the_parts_of_a_page_are_stored_with_it(store: Store) -> None:
    page = parse_runbook("## E {#e}\n\n| Code | Fix |\n|-|-|\n| E12 | oil it |", "fan")
    store.runbooks.replace_all([page])
    assert store.runbooks.all() == (page,)
    assert store.runbooks.replace_all([page]).updated == ()
