"""The rule that gives the mode of a target or label."""

from datetime import UTC, datetime

import pytest

from features.domain.modes import Mode, Modes, ModeSetting

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def allow(mode: Mode, target: str = "category", label: str | None = None) -> ModeSetting:
    return ModeSetting(target, label, mode, NOON)


def modes_of(*settings: ModeSetting) -> Modes:
    return Modes({(setting.target, setting.label): setting for setting in settings})


def test_what_nobody_spoke_of_is_monitored() -> None:
    assert Modes().of("category") is Modes().of("category", "VPN") is Mode.MONITOR


@pytest.mark.parametrize("whole", [Mode.MONITOR, Mode.RECOMMEND, Mode.AUTO])
@pytest.mark.parametrize("own", list(Mode))
def test_a_labels_own_mode_counts_before_its_targets(whole: Mode, own: Mode) -> None:
    modes = modes_of(allow(whole), allow(own, label="VPN"))
    assert modes.of("category", "VPN") is own
    assert modes.of("category", "Mail") is modes.of("category") is whole
    assert modes.of("severity", "VPN") is Mode.MONITOR


@pytest.mark.parametrize("own", list(Mode))
def test_a_target_that_is_off_takes_its_labels_along(own: Mode) -> None:
    modes = modes_of(allow(Mode.OFF), allow(own, label="VPN"))
    assert modes.of("category", "VPN") is Mode.OFF
    assert modes.of_labels("category") == {"VPN": Mode.OFF}
