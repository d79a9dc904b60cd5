"""The regression for few rows."""

import numpy as np
import pytest

from models.statistics.smoothed_regression import SmoothedRegression


@pytest.mark.filterwarnings("error")
def test_many_labels_among_few_rows_cause_no_warning() -> None:
    model = SmoothedRegression().fit(np.eye(40), np.arange(40) % 30)
    assert model.predict_proba(np.eye(40)).sum(axis=1) == pytest.approx(np.ones(40))


def test_a_single_label_is_certain() -> None:
    model = SmoothedRegression().fit(np.eye(3), np.array([4, 4, 4]))
    assert model.predict_proba(np.eye(3)).tolist() == [[1.0]] * 3
