"""What is the choice kind's own."""

import numpy as np
import pytest

from features.domain.report import IncidentReport, Outcome, ResolvedIncident
from models.base.predictions import Decision
from models.classification.choice import ChoiceModel
from models.classification.learning.cross_validation import Fold

GROUPS = [f"team {letter}" for letter in "abcdefgh"]


@pytest.fixture(scope="module")
def model() -> ChoiceModel:
    rng = np.random.default_rng(0)
    examples = [
        ResolvedIncident(
            IncidentReport(id=str(n), title=f"{GROUPS[n % 8][-1] * 5} ticket {rng.integers(999)}"),
            Outcome(assignment=GROUPS[n % 8], fields={"subcategory": ["even", "odd"][n % 2]}),
        )
        for n in range(96)
    ]
    return ChoiceModel(target="assignment", encoder="hashing").fit(examples)


def test_four_alternatives_at_most_and_none_is_the_label(model: ChoiceModel) -> None:
    (answer,) = model.predict([IncidentReport(id="x", title="ccccc ticket 5")])
    assert answer.label == "team c"
    assert len(answer.alternatives) == 4
    assert "team c" not in {other.label for other in answer.alternatives}


def test_sure_is_suggested_and_clueless_abstains(model: ChoiceModel) -> None:
    sure, clueless = model.predict(
        [IncidentReport(id="x", title="ccccc ticket 5"), IncidentReport(id="y")]
    )
    assert sure.decision is Decision.SUGGEST
    assert clueless.decision is Decision.ABSTAIN


def test_label_set_is_the_calibrated_one_with_the_likeliest_first(model: ChoiceModel) -> None:
    rng = np.random.default_rng(1)
    reports = [IncidentReport(id=str(n), title=f"ticket {rng.integers(99)}") for n in range(5)]
    rows = model.predict_proba(reports)
    sets = model.label_sets_.transform(rows, rows.argmax(axis=1))
    for answer, row, held in zip(model.predict(reports), rows, sets, strict=True):
        assert set(answer.label_set) == {model.classes_[number] for number in np.flatnonzero(held)}
        confidences = [row[model.classes_.index(label)] for label in answer.label_set]
        assert confidences == sorted(confidences, reverse=True)
        assert answer.label_set[0] == answer.label


def test_known_copies_count_once_in_the_sets() -> None:
    """Twelve rows of one group leave too few groups to rule any label out."""
    examples = [
        ResolvedIncident(IncidentReport(id=str(n), title=f"{word} {n}"), Outcome(category=word))
        for n, word in enumerate(["disk", "tape"] * 12)
    ]
    folds = (Fold(np.arange(12), np.arange(12, 24)), Fold(np.arange(12, 24), np.arange(12)))
    fresh = IncidentReport(id="new", title="tape 99")
    sizes = []
    for copies in (np.arange(24), np.repeat(np.arange(8), 3)):
        model = ChoiceModel(encoder="hashing").fit(examples, folds, copies)
        sizes.append(len(model.predict([fresh])[0].label_set))
    assert sizes == [1, 2]


def test_further_fields_are_targets_too() -> None:
    examples = [
        ResolvedIncident(
            IncidentReport(id=str(n), title=f"{word} {n}"), Outcome(fields={"subcategory": word})
        )
        for n, word in enumerate(["disk", "tape"] * 12)
    ]
    model = ChoiceModel(target="fields.subcategory", encoder="hashing").fit(examples)
    assert model.predict([IncidentReport(id="x", title="tape 99")])[0].label == "tape"
