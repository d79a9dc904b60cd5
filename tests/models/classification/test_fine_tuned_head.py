"""A choice model that also reads an adapted encoder, by its folds' scores and its own head."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from features.domain.report import IncidentReport, Outcome, ResolvedIncident
from features.encoding.encoder_weights import open_encoder
from models.artifacts.load_artifact import load_artifact
from models.artifacts.save_artifact import save_artifact
from models.base.model_card import Card
from models.classification.choice import ChoiceModel
from models.classification.fine_tuned_head import FineTunedHead
from models.classification.learning.cross_validation import Fold, copy_folds

ROWS = 60
LABELS = ("Network", "Printing")


def examples() -> list[ResolvedIncident]:
    """Titles that say nothing of the label, which only the head knows."""
    return [
        ResolvedIncident(
            IncidentReport(id=str(n), title=f"ticket word{n % 7} {n}"), Outcome(LABELS[n % 2])
        )
        for n in range(ROWS)
    ]


def folds_with_scores(certain: float) -> list[Fold]:
    scores = np.where(np.eye(2)[np.arange(ROWS) % 2] > 0, np.log(certain), np.log(1 - certain))
    return [
        Fold(fold.fit, fold.judge, scores) for fold in copy_folds(np.arange(ROWS), folds=3, seed=0)
    ]


def head() -> FineTunedHead:
    """Tells the two texts of `test_the_head_decides` apart, by the hashing encoder's vectors."""
    ours, theirs = open_encoder("hashing").encode(["alpha", "omega"]).astype(np.float64)
    return FineTunedHead("hashing", 20 * np.stack([ours, theirs]), np.zeros(2))


@pytest.fixture(scope="module")
def model() -> ChoiceModel:
    return ChoiceModel(encoder="hashing", adapted=head()).fit(examples(), folds_with_scores(0.95))


def test_the_pool_trusts_the_expert_that_was_right_on_held_out_rows(model: ChoiceModel) -> None:
    weights = model.pool_.pool.weights_.mean(axis=0)
    trust = dict(zip(model.pool_.experts, weights, strict=True))
    assert trust["adapted"] > max(weight for name, weight in trust.items() if name != "adapted")
    predicted = model.cross_fit_.probabilities.argmax(axis=1)
    assert (predicted == model.cross_fit_.rows % 2).mean() > 0.9


def test_the_head_decides(model: ChoiceModel) -> None:
    reports = [IncidentReport(id="a", title="alpha"), IncidentReport(id="b", title="omega")]
    assert [answer.label for answer in model.predict(reports)] == list(LABELS)


def test_without_adapted_scores_nothing_can_be_learned_from_such_titles() -> None:
    frozen = ChoiceModel(encoder="hashing").fit(examples(), folds_with_scores(0.5))
    predicted = frozen.cross_fit_.probabilities.argmax(axis=1)
    assert (predicted == frozen.cross_fit_.rows % 2).mean() < 0.75


def test_a_saved_model_answers_alike(model: ChoiceModel, tmp_path: Path) -> None:
    card = Card("category", "choice", datetime(2026, 1, 1, tzinfo=UTC))
    sha256 = save_artifact(model, card, tmp_path / "saved")
    loaded = load_artifact(tmp_path / "saved", expected_sha256=sha256).model
    reports = [IncidentReport(id="a", title="alpha"), IncidentReport(id="b", title="")]
    assert loaded.predict(reports) == model.predict(reports)


def test_parameters_name_the_encoder_and_hold_no_array(model: ChoiceModel) -> None:
    assert (
        str(model.get_params(deep=False)["adapted"]) == "classifier of the adapted encoder hashing"
    )
