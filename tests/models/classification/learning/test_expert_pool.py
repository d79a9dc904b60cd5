"""The pool: experts by what the history holds, and honest held-out probabilities."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import joblib
import numpy as np
import pytest
from sklearn.neural_network import MLPClassifier

from features.domain.report import IncidentReport
from features.encoding.encoded_reports import EncodedReports, encode_reports
from features.errors import NotEnoughHistory
from models.classification.learning import fit_expert_pool as fitting
from models.classification.learning.compile_experts import (
    ScorerDiffers,
    check_scorer,
    compile_expert,
)
from models.classification.learning.cross_validation import Fold, copy_folds
from models.classification.learning.experts import choose_experts
from models.classification.learning.fit_expert_pool import fit_expert_pool
from models.classification.scorers.scorer import expert_scores, method_level

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
    (scores,) = expert_scores({"linear": compile_expert(expert)}, encoded, classes=3)
    assert (scores[:, 1] < scores[:, [0, 2]].min(axis=1)).all()


def test_pool_learns_beside_its_held_out_rows() -> None:
    encoded, labels = numbered(60)
    fitted = fit_expert_pool(encoded, labels, copy_folds(np.arange(60)), classes=3)
    assert (fitted.pool.predict_proba(encoded).argmax(axis=1) == labels).all()
    cross_fit = fitted.cross_fit
    assert sorted(cross_fit.rows.tolist()) == list(range(60))
    assert (cross_fit.probabilities.argmax(axis=1) == labels[cross_fit.rows]).mean() > 0.95


def test_an_interruption_ends_training(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    encoded, labels = numbered(600)
    monkeypatch.setattr(MLPClassifier, "_backprop", interrupt)
    with pytest.raises(KeyboardInterrupt):
        fit_expert_pool(encoded, labels, copy_folds(np.arange(600)), classes=3)


@pytest.mark.quality
def test_several_processes_learn_what_one_learns(monkeypatch: pytest.MonkeyPatch) -> None:
    encoded, labels = numbered(60)
    folds = copy_folds(np.arange(60))
    alone = fit_expert_pool(encoded, labels, folds, classes=3).pool
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "2")
    monkeypatch.setattr(fitting, "FEWEST_FOR_PROCESSES", 0)
    with joblib.parallel_config(backend="loky"):
        assert joblib.effective_n_jobs(-1) == 2
        together = fit_expert_pool(encoded, labels, folds, classes=3).pool
    np.testing.assert_allclose(
        together.predict_proba(encoded), alone.predict_proba(encoded), atol=1e-9
    )


def test_labels_of_chance_are_not_predicted_from_held_out_rows() -> None:
    encoded, _ = numbered(120)
    labels = np.random.default_rng(1).integers(0, 3, 120)
    cross_fit = fit_expert_pool(encoded, labels, copy_folds(np.arange(120)), classes=3).cross_fit
    assert (cross_fit.probabilities.argmax(axis=1) == labels[cross_fit.rows]).mean() < 0.5


def test_fold_with_one_label_is_left_out_and_none_is_refused() -> None:
    encoded, labels = numbered(60)
    rows = np.arange(60)
    lone = Fold(rows[:1], rows[1:5])
    whole = Fold(rows[:40], rows[40:])
    cross_fit = fit_expert_pool(encoded, labels, [lone, whole], classes=3).cross_fit
    assert cross_fit.rows.min() == 40
    with pytest.raises(NotEnoughHistory, match="two labels"):
        fit_expert_pool(encoded, labels, [lone], classes=3)


def test_class_that_folds_never_show_is_not_distrusted() -> None:
    """Alerts of one template each: whatever judges one had never seen its class."""
    encoded, labels = numbered(60)
    fitted = fit_expert_pool(encoded, labels, copy_folds(labels), classes=3)
    pool = fitted.pool
    assert (pool.pool.weights_.mean(axis=0) > 0).all()
    assert (pool.predict_proba(encoded).argmax(axis=1) == labels).all()
    cross_fit = fitted.cross_fit
    assert (cross_fit.probabilities.argmax(axis=1) != labels[cross_fit.rows]).all()


def test_history_of_facts_alone_is_learned() -> None:
    encoded = facts_only(60)
    labels = np.array([int(facts["impact"]) for facts in encoded.facts])
    pool = fit_expert_pool(encoded, labels, copy_folds(np.arange(60)), classes=3).pool
    assert (pool.predict_proba(encoded).argmax(axis=1) == labels).all()


@pytest.mark.parametrize("rows", [29, 60, 600], ids=["neighbours", "linear", "network"])
@pytest.mark.parametrize("classes", [2, 3])
def test_scorers_give_the_scores_of_their_pipelines(rows: int, classes: int) -> None:
    encoded, labels = numbered(rows)
    assert_scorers_equal(encoded, labels % classes, classes)


@pytest.mark.parametrize("classes", [2, 3])
def test_scorers_of_trees_give_the_scores_of_their_pipelines(classes: int) -> None:
    encoded = facts_only(1200)
    labels = np.array([int(facts["impact"]) for facts in encoded.facts])
    noisy = np.where(np.random.default_rng(2).random(1200) < 0.2, 0, labels)
    assert_scorers_equal(encoded, noisy % classes, classes)


def assert_scorers_equal(encoded: EncodedReports, labels: np.ndarray, classes: int) -> None:
    new = encode(
        [
            IncidentReport(id="a", title="printer jam vpn", attributes={"impact": "7"}),
            IncidentReport(id="b", title="zebra", attributes={"impact": "1", "urgency": "0"}),
            IncidentReport(id="c"),
        ]
    )
    for expert in choose_experts(encoded, classes=classes, seed=0).values():
        expert.fit(encoded, labels)
        scorer = compile_expert(expert)
        for reports in (encoded, new, new.take(np.array([0]))):
            check_scorer(scorer, expert, reports)


def test_a_scorer_that_differs_is_refused() -> None:
    encoded, labels = numbered(60)
    experts = choose_experts(encoded, classes=3, seed=0)
    expert = experts["linear"].fit(encoded, labels)
    scorer = compile_expert(expert)
    wrong = replace(scorer, intercepts=scorer.intercepts + 1e-4)
    with pytest.raises(ScorerDiffers, match="LinearScorer"):
        check_scorer(wrong, expert, encoded)


@pytest.mark.parametrize(
    "title",
    [
        lambda n: f"{WORDS[n % 3]} in room {n % 20}",
        lambda _: "printer",
        lambda n: f"{WORDS[n % 3].split()[0]}",
        lambda n: f"case{chr(97 + n % 26)}{chr(97 + n // 26 % 26)}{chr(97 + n // 676)}",
    ],
    ids=["few words", "one word", "a word for each label", "no word twice"],
)
def test_long_histories_of_few_words_are_learned(title: Callable[[int], str]) -> None:
    reports = [IncidentReport(id=str(n), title=title(n)) for n in range(600)]
    labels = np.arange(600) % 3
    encoded = encode(reports)
    fitted = fit_expert_pool(encoded, labels, copy_folds(np.arange(600)), classes=3)
    assert "topics" in fitted.pool.experts
    probabilities = fitted.pool.predict_proba(encoded)
    assert np.isfinite(probabilities).all()
    assert probabilities.sum(axis=1) == pytest.approx(1)
