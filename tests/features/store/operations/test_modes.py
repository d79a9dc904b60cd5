"""Modes are read as they were set, on both databases."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from features.domain.modes import Mode, Modes, ModeSetting
from features.store.store import Store, open_store

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def allow(mode: Mode, target: str = "category", label: str | None = None) -> ModeSetting:
    return ModeSetting(target, label, mode, NOON)


def modes_of(*settings: ModeSetting) -> Modes:
    return Modes({(setting.target, setting.label): setting for setting in settings})


def test_settings_come_back_equal(store: Store) -> None:
    settings = [
        allow(Mode.RECOMMEND),
        allow(Mode.AUTO, label="Zubehör 🔌"),
        allow(Mode.OFF, target="fields.'; DROP TABLE modes; --", label="?"),
    ]
    for setting in settings:
        store.modes.set(setting)
    assert store.modes.current() == modes_of(*settings)
    assert store.modes.current().of_labels("category") == {"Zubehör 🔌": Mode.AUTO}


def test_the_last_setting_counts(store: Store) -> None:
    for mode in (Mode.AUTO, Mode.OFF, Mode.RECOMMEND):
        store.modes.set(allow(mode))
        store.modes.set(allow(mode, label="VPN"))
    assert store.modes.current() == modes_of(
        allow(Mode.RECOMMEND), allow(Mode.RECOMMEND, label="VPN")
    )


@pytest.mark.parametrize("whole", list(Mode))
def test_a_targets_mode_takes_from_its_labels_what_allows_more(store: Store, whole: Mode) -> None:
    for own in Mode:
        store.modes.set(allow(own, label=f"label {own}"))
    store.modes.set(allow(Mode.AUTO, target="severity", label="High"))
    store.modes.set(allow(whole))
    assert store.modes.current().of("severity", "High") is Mode.AUTO
    modes = store.modes.current().of_labels("category")
    assert set(modes.values()).isdisjoint(whole.above)
    assert len(modes) == len(Mode) - len(whole.above)


def test_a_reset_returns_everything_to_monitor(store: Store) -> None:
    store.modes.set(allow(Mode.AUTO))
    store.modes.set(allow(Mode.OFF, label="VPN"))
    store.modes.set(allow(Mode.OFF, target="severity"))
    assert store.modes.reset() == 3
    assert store.modes.current() == Modes()
    assert store.modes.reset() == 0


def test_modes_leave_the_revision_alone(store: Store) -> None:
    store.modes.set(allow(Mode.AUTO))
    store.modes.reset()
    assert store.incidents.revision() == 0


def test_another_tenants_modes_are_neither_seen_nor_reset(database_url: str) -> None:
    with open_store(database_url) as ours, open_store(database_url, tenant="acme") as theirs:
        ours.modes.set(allow(Mode.AUTO))
        ours.modes.set(allow(Mode.AUTO, label="VPN"))
        theirs.modes.set(allow(Mode.OFF))
        theirs.modes.reset()
        assert ours.modes.current() == modes_of(allow(Mode.AUTO), allow(Mode.AUTO, label="VPN"))
        assert theirs.modes.current() == Modes()


def test_owners_who_set_the_same_mode_at_once_all_succeed(store: Store) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(store.modes.set, [allow(mode) for mode in Mode] * 5))
    assert len(store.modes.current().settings) == 1
