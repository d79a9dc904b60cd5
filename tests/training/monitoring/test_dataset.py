"""Near-copies within a day count once."""

import numpy as np

from training.monitoring.dataset import first_of_bursts


def test_a_burst_that_goes_on_counts_once_and_its_return_again():
    days = np.array([0.0, 0.9, 1.8, 1.9, 3.5])
    assert first_of_bursts(np.array([5, 5, 5, 6, 5]), days).tolist() == [0, 3, 4]
