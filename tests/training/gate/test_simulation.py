"""The gate on simulated answers: it stops what is worse, and lets pass what is better."""

import pytest
from gate_simulation import TRIALS, simulate


def test_a_worse_challenger_is_stopped_and_a_better_one_passes() -> None:
    assert simulate(gain=-0.02, discordance=0.08, trials=10) == 0
    assert simulate(gain=0.03, discordance=0.08, trials=10) >= 9


@pytest.mark.quality
def test_of_500_worse_ones_none_passes_and_of_500_better_ones_450() -> None:
    assert simulate(gain=-0.02, discordance=0.12, trials=TRIALS, seed=1) == 0
    assert simulate(gain=0.03, discordance=0.12, trials=TRIALS, seed=1) >= 450
