"""What is the severity kind's own: thresholds, costs and rare levels."""

import numpy as np
import pytest

from features.domain.report import IncidentReport, Outcome, ResolvedIncident
from features.errors import NotEnoughHistory
from models.base.predictions import Certificate, Decision
from models.classification.calibrated_predictor import Certification
from models.classification.learning.cross_validation import Fold
from models.classification.severity import SeverityModel

LEVELS = ("low", "mid", "high")


def fitted(
    labels: list[str], folds: tuple[Fold, ...] | None = None, *, under_rating_cost: float = 1.25
) -> SeverityModel:
    examples = [
        ResolvedIncident(
            IncidentReport(id=str(n), title=f"{label} thing {n} w{n * 7 % 13} z{n * 5 % 11}"),
            Outcome(severity=label),
        )
        for n, label in enumerate(labels)
    ]
    model = SeverityModel(levels=LEVELS, under_rating_cost=under_rating_cost, encoder="hashing")
    return model.fit(examples, folds)


def later_folds(rows: int) -> tuple[Fold, ...]:
    half, most, number = rows // 2, rows * 3 // 4, np.arange(rows)
    return (Fold(number[:half], number[half:most]), Fold(number[:most], number[most:]))


def test_confidence_is_that_of_the_label_also_where_another_is_likelier() -> None:
    model = fitted(["low", "mid"] * 20)
    model.cuts_ = np.array([1e-9, 0.5])
    (answer,) = model.predict([IncidentReport(id="x", title="low thing")])
    likelier = max(other.confidence for other in answer.alternatives)
    assert (answer.label, answer.rank) == ("mid", 1)
    assert answer.confidence < 0.5 < likelier


def test_answer_says_why_its_label_is_not_the_likeliest() -> None:
    model = fitted(["low", "mid"] * 20)
    model.cuts_ = np.array([1e-9, 0.5])
    (answer,) = model.predict([IncidentReport(id="x", title="low thing")])
    assert answer.likeliest == "low"
    (why,) = answer.why
    assert why.startswith(
        "rated up: missing a mid costs more than a false alarm; low is likelier ("
    )
    model.cuts_ = np.array([1 - 1e-9, 1 - 1e-9])
    (answer,) = model.predict([IncidentReport(id="x", title="mid thing")])
    assert (answer.label, answer.likeliest) == ("low", "mid")
    assert answer.why[0].startswith("rated down: mid or more severe has only ")


def test_likeliest_label_needs_no_reason() -> None:
    model = fitted(["low", "mid"] * 20)
    (answer,) = model.predict([IncidentReport(id="x", title="low thing")])
    assert (answer.label, answer.likeliest, answer.why, answer.stated) == ("low", None, (), None)


def certified() -> SeverityModel:
    model = fitted(["low", "mid"] * 20)
    certificate = Certificate(0.92, 0.5, 100)
    model.certify(Certification({"low": certificate, "mid": certificate}))
    return model


def stating(word: str) -> IncidentReport:
    return IncidentReport(id="x", title="low thing", attributes={"severity": word})


@pytest.mark.parametrize("word", ["mid", "High", "P1"])
def test_rating_below_the_stated_level_is_never_auto(word: str) -> None:
    model = certified()
    report = stating(word)
    (answer,) = model.predict([report])
    assert (answer.label, answer.decision) == ("low", Decision.SUGGEST)
    assert answer.stated is not None
    assert answer.why[0].startswith(f"the sender stated {answer.stated}, which is more severe")
    assert model.may_be_auto([report], np.array([0])).tolist() == [False]


@pytest.mark.parametrize("word", ["low", "info", "purple"])
def test_rating_at_or_above_the_stated_level_may_be_auto(word: str) -> None:
    model = certified()
    (answer,) = model.predict([stating(word)])
    assert (answer.stated, answer.decision, answer.why) == (word, Decision.AUTO, ())
    assert model.may_be_auto([stating(word)], np.array([0])).tolist() == [True]


def two_organisations(level: str, other: str) -> tuple[list[str], tuple[Fold, ...]]:
    """Return labels of two organisations whose rare levels differ, and folds that part them."""
    labels = [level if n % 10 == 0 else "mid" for n in range(60)]
    labels += [other if n % 10 == 0 else "mid" for n in range(60)]
    first, second = np.arange(60), np.arange(60, 120)
    return labels, (Fold(second, first), Fold(first, second))


def test_each_row_is_judged_by_cuts_that_other_folds_taught() -> None:
    model = fitted(["low", "mid", "high"] * 12)
    cross_fit = model.cross_fit_
    assert cross_fit.predicted is not None
    assert cross_fit.predicted.shape == cross_fit.rows.shape
    assert set(cross_fit.predicted.tolist()) == {0, 1, 2}


def test_cuts_that_do_not_carry_from_fold_to_fold_are_not_used() -> None:
    labels, folds = two_organisations("low", "high")
    model = fitted(labels, folds, under_rating_cost=3.0)
    assert model.cuts_.tolist() == [0.25, 0.25]
    assert model.cross_fit_.predicted is not None
    by_plain_cuts = model.pick(model.cross_fit_.probabilities)
    assert model.cross_fit_.predicted.tolist() == by_plain_cuts.tolist()


def test_costlier_under_rating_rates_higher() -> None:
    labels = ["low"] * 30 + ["mid"] * 12 + ["high"] * 3
    reports = [IncidentReport(id=str(n), title=f"thing w{n % 13} z{n % 11}") for n in range(60)]
    ranks = []
    for cost in (1.0, 20.0):
        model = fitted(labels, under_rating_cost=cost)
        ranks.append([answer.rank for answer in model.predict(reports)])
    assert all(dear >= cheap for cheap, dear in zip(*ranks, strict=True))
    assert sum(ranks[1]) > sum(ranks[0])


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
