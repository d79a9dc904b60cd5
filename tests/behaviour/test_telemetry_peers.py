"""The detectors that ours is compared with see only the past, and see what is plain to see."""

import numpy as np
import pytest

pytest.importorskip("river", reason="the peers of the benchmarks need river")

from telemetry_peers import PEERS

STEP = 300
PER_DAY = 86_400 // STEP
JUMP = 18 * PER_DAY + PER_DAY // 2
SEEING = sorted(set(PEERS) - {"random"})


pytestmark = pytest.mark.quality


@pytest.fixture(scope="module")
def values():
    """Twenty days of a daily wave with noise, a hole, and one jump of an hour."""
    points = np.arange(20 * PER_DAY)
    noise = np.random.default_rng(0).standard_normal(len(points))
    wave = 10 + 3 * np.sin(2 * np.pi * points / PER_DAY) + 0.2 * noise
    wave[JUMP : JUMP + 12] += 20
    wave[1000:1050] = np.nan
    return wave


@pytest.mark.parametrize("name", SEEING)
def test_only_the_past_is_seen(name, values):
    score = PEERS[name].score
    early = score(values[: JUMP + 6], STEP)
    assert np.allclose(early, score(values, STEP)[: JUMP + 6], atol=1e-4, equal_nan=True)


@pytest.mark.parametrize("name", SEEING)
def test_a_plain_jump_is_among_the_highest_scores(name, values):
    scores = PEERS[name].score(values, STEP)
    usual = np.nanquantile(scores[5 * PER_DAY : JUMP], 0.99)
    assert np.nanmax(scores[JUMP : JUMP + 12]) > usual


@pytest.mark.parametrize("name", SEEING)
def test_every_point_has_a_score_or_none(name, values):
    scores = PEERS[name].score(values, STEP)
    assert scores.shape == values.shape
    assert not np.isinf(scores).any()
