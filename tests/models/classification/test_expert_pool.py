"""The pool: experts by what the history holds, and honest held-out probabilities."""

from collections.abc import Sequence

import joblib
import numpy as np
import pytest

from features.domain.report import IncidentReport
from features.encoding.encoded_reports import EncodedReports, encode_reports
from features.errors import NotEnoughHistory
from models.classification.cross_validation import Fold, copy_folds
from models.classification.expert_pool import ExpertPool
from models.classification.experts import choose_experts, expert_scores, method_level

WORDS = ("printer jam", "vpn tunnel", "mailbox full")


def encode(reports: Sequence[IncidentReport]) -> EncodedReports:
    return encode_reports(reports, encoder="hashing", reads_characters=True)


def numbered(count: int) -> tuple[EncodedReports, np.ndarray]:
    labels = np.arange(count) % 3
    rng = np.random.default_rng(0)
    titles = [
        f"{WORDS[label]} since {rng.integers(99)} in room {rng.integers(99)}" for label in labels
    ]
    return encode(
        [IncidentReport(id=str(n), title=title) for n, title in enumerate(titles)]
    ), labels


def facts_only(count: int) -> EncodedReports:
    facts = [{"impact": str(n % 3), "urgency": str(n % 2)} for n in range(count)]
    return encode(
        [IncidentReport(id=str(n), attributes=attributes) for n, attributes in enumerate(facts)]
    )


def test_experts_follow_what_the_history_holds() -> None:
    fewest, _ = numbered(29)
    small, _ = numbered(30)
    large, _ = numbered(600)
    assert list(choose_experts(fewest, classes=3, seed=0)) == ["neighbours"]
    assert list(choose_experts(small, classes=3, seed=0)) == ["linear", "neighbours"]
    assert list(choose_experts(large, classes=3, seed=0)) == ["linear", "neighbours", "topics"]
    assert list(choose_experts(facts_only(1200), classes=3, seed=0)) == ["linear", "trees"]
    assert list(choose_experts(facts_only(1200), classes=50, seed=0)) == ["linear"]


def test_rungs_rise_with_what_the_experts_read() -> None:
    assert method_level({"neighbours": None}) == "neighbours"
    assert method_level({"linear": None}) == "linear"
    assert method_level({"linear": None, "trees": None}) == "full"
    assert method_level({"linear": None, "neighbours": None, "topics": None}) == "full"


def test_class_that_an_expert_never_saw_scores_below_all_others() -> None:
    encoded, labels = numbered(30)
    seen = np.flatnonzero(labels != 1)
    expert = choose_experts(encoded, classes=3, seed=0)["linear"]
    expert.fit(encoded.take(seen), labels[seen])
    (scores,) = expert_scores({"linear": expert}, encoded, classes=3)
    assert (scores[:, 1] < scores[:, [0, 2]].min(axis=1)).all()


def test_pool_learns_and_hands_over_its_held_out_rows_once() -> None:
    encoded, labels = numbered(60)
    pool = ExpertPool(classes=3).fit(encoded, labels, copy_folds(np.arange(60)))
    assert (pool.predict_proba(encoded).argmax(axis=1) == labels).all()
    cross_fit = pool.take_cross_fit()
    assert sorted(cross_fit.rows.tolist()) == list(range(60))
    assert (cross_fit.probabilities.argmax(axis=1) == labels[cross_fit.rows]).mean() > 0.95
    assert not hasattr(pool, "cross_fit_")


@pytest.mark.quality
def test_several_processes_learn_what_one_learns(monkeypatch: pytest.MonkeyPatch) -> None:
    encoded, labels = numbered(60)
    folds = copy_folds(np.arange(60))
    alone = ExpertPool(classes=3).fit(encoded, labels, folds)
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "2")
    with joblib.parallel_config(backend="loky"):
        assert joblib.effective_n_jobs(-1) == 2
        together = ExpertPool(classes=3).fit(encoded, labels, folds)
    np.testing.assert_allclose(
        together.predict_proba(encoded), alone.predict_proba(encoded), atol=1e-9
    )


def test_labels_of_chance_are_not_predicted_from_held_out_rows() -> None:
    encoded, _ = numbered(120)
    labels = np.random.default_rng(1).integers(0, 3, 120)
    cross_fit = (
        ExpertPool(classes=3).fit(encoded, labels, copy_folds(np.arange(120))).take_cross_fit()
    )
    assert (cross_fit.probabilities.argmax(axis=1) == labels[cross_fit.rows]).mean() < 0.5


def test_fold_with_one_label_is_left_out_and_none_is_refused() -> None:
    encoded, labels = numbered(60)
    rows = np.arange(60)
    lone = Fold(rows[:1], rows[1:5])
    whole = Fold(rows[:40], rows[40:])
    cross_fit = ExpertPool(classes=3).fit(encoded, labels, [lone, whole]).take_cross_fit()
    assert cross_fit.rows.min() == 40
    with pytest.raises(NotEnoughHistory, match="two labels"):
        ExpertPool(classes=3).fit(encoded, labels, [lone])


def test_class_that_folds_never_show_is_not_distrusted() -> None:
    """Alerts of one template each: whatever judges one had never seen its class."""
    encoded, labels = numbered(60)
    pool = ExpertPool(classes=3).fit(encoded, labels, copy_folds(labels))
    assert (pool.pool_.weights_.mean(axis=0) > 0).all()
    assert (pool.predict_proba(encoded).argmax(axis=1) == labels).all()
    cross_fit = pool.take_cross_fit()
    assert (cross_fit.probabilities.argmax(axis=1) != labels[cross_fit.rows]).all()


def test_history_of_facts_alone_is_learned() -> None:
    encoded = facts_only(60)
    labels = np.array([int(facts["impact"]) for facts in encoded.facts])
    pool = ExpertPool(classes=3).fit(encoded, labels, copy_folds(np.arange(60)))
    assert (pool.predict_proba(encoded).argmax(axis=1) == labels).all()
