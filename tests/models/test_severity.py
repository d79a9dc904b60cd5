"""What is the severity kind's own: thresholds, costs and rare levels."""

import numpy as np
import pytest

from features.errors import NotEnoughHistory
from features.incident.report import IncidentReport, Outcome, ResolvedIncident
from models.folds import Fold
from models.severity import SeverityModel

LEVELS = ("low", "mid", "high")


def fitted(labels: list[str], folds: tuple[Fold, ...] | None = None) -> SeverityModel:
    examples = [
        ResolvedIncident(
            IncidentReport(id=str(n), title=f"{label} thing {n} w{n * 7 % 13} z{n * 5 % 11}"),
            Outcome(severity=label),
        )
        for n, label in enumerate(labels)
    ]
    return SeverityModel(levels=LEVELS, encoder="hashing").fit(examples, folds)


def later_folds(rows: int) -> tuple[Fold, ...]:
    half, most, number = rows // 2, rows * 3 // 4, np.arange(rows)
    return (Fold(number[:half], number[half:most]), Fold(number[:most], number[most:]))


def test_rank_is_the_level_of_least_expected_cost() -> None:
    model = SeverityModel(levels=LEVELS, under_rating_cost=1.0)
    model.classes_ = list(LEVELS)
    rows = np.array([[0.4, 0.25, 0.35], [0.6, 0.2, 0.2], [0.1, 0.2, 0.7]])
    assert model.cheapest_ranks(rows).tolist() == [1, 0, 2]


def test_costlier_under_rating_rates_higher() -> None:
    close = np.array([[0.55, 0.45, 0.0]])
    ranks = []
    for cost in (1.0, 1.25):
        model = SeverityModel(levels=LEVELS, under_rating_cost=cost)
        model.classes_ = list(LEVELS)
        ranks.append(int(model.cheapest_ranks(close)[0]))
    assert ranks == [0, 1]


def test_label_outside_the_levels_is_refused() -> None:
    with pytest.raises(NotEnoughHistory, match="order"):
        fitted(["low", "mid", "urgent"] * 8)


def test_level_that_never_occurs_is_offered_but_never_likely() -> None:
    model = fitted(["low", "mid"] * 20)
    (answer,) = model.predict([IncidentReport(id="x", title="mid thing")])
    assert answer.label == "mid"
    assert {other.label: other.confidence for other in answer.alternatives}["high"] < 0.02


def test_one_example_beside_one_level_is_refused_in_words() -> None:
    model = fitted(["low"] * 20 + ["mid"])
    assert model.predict([IncidentReport(id="x", title="low thing")])[0].label == "low"
    whole = np.arange(20)
    with pytest.raises(NotEnoughHistory, match="too few examples"):
        fitted(["low"] * 20 + ["mid"], (Fold(whole[:10], whole[10:]),))


def test_level_that_appears_late_is_judged_by_its_share_before() -> None:
    labels = ["low", "mid"] * 17 + ["high"] * 3 + ["low", "mid", "high"] * 7 + ["low"] * 2
    model = fitted(labels, later_folds(60))
    assert sorted(model.cross_fit_.rows.tolist()) == list(range(30, 60))
    assert not np.isnan(model.cross_fit_.probabilities).any()
    assert model.predict([IncidentReport(id="x", title="high thing")])[0].label == "high"


def test_level_known_only_at_the_very_end_does_not_spoil_the_others() -> None:
    model = fitted(["low", "mid"] * 28 + ["high"] * 4, later_folds(60))
    assert list(model.pools_) == ["1"]
    assert model.predict([IncidentReport(id="x", title="low thing")])[0].label == "low"


def test_evidence_argues_for_the_threshold_that_was_reached() -> None:
    model = fitted(["low", "mid", "high"] * 12)
    for word in LEVELS:
        (answer,) = model.predict([IncidentReport(id="x", title=f"{word} thing")])
        assert answer.label == word
        weights = {token.token: token.weight for token in answer.evidence.tokens}
        assert weights[word] > 0
