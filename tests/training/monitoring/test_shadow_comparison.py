"""A challenger in shadow beside the champion."""

import pytest
from monitored_store import BEGIN

from features.domain.predictions import ShadowPair
from training.monitoring.shadow_comparison import measure_shadow


def test_a_shadow_is_compared_with_the_champion():
    pairs = [
        ShadowPair(
            incident_id=str(number),
            answered_at=BEGIN,
            label="Mail",
            confidence=0.9,
            decision="auto",
            champion_version="1",
            champion_label="Mail" if number % 2 else "VPN",
            champion_confidence=0.9,
            champion_decision="auto",
            truth="Mail" if number < 5 else None,
        )
        for number in range(10)
    ]
    measures = {
        measure.name: measure for measure in measure_shadow("category", "2", pairs).measures
    }
    assert measures["shadow version 2: agrees with the champion"].value == 0.5
    assert measures["shadow version 2: accuracy"].value == 1
    assert measures["shadow version 2: accuracy less the champion's"].value == pytest.approx(0.6)
