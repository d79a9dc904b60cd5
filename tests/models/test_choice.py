"""What is the choice kind's own."""

import numpy as np
import pytest

from features.incident.report import IncidentReport, Outcome, ResolvedIncident
from models.choice import ChoiceModel
from models.prediction import Decision

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
    assert len(sure.label_set) < len(clueless.label_set)


def test_label_set_is_the_smallest_that_covers(model: ChoiceModel) -> None:
    rng = np.random.default_rng(1)
    reports = [IncidentReport(id=str(n), title=f"ticket {rng.integers(99)}") for n in range(5)]
    rows = model.predict_proba(reports)
    for answer, row in zip(model.predict(reports), rows, strict=True):
        falling = np.sort(row)[::-1]
        assert falling[: len(answer.label_set)].sum() >= 0.9
        assert falling[: len(answer.label_set) - 1].sum() < 0.9


def test_further_fields_are_targets_too() -> None:
    examples = [
        ResolvedIncident(
            IncidentReport(id=str(n), title=f"{word} {n}"), Outcome(fields={"subcategory": word})
        )
        for n, word in enumerate(["disk", "tape"] * 12)
    ]
    model = ChoiceModel(target="fields.subcategory", encoder="hashing").fit(examples)
    assert model.predict([IncidentReport(id="x", title="tape 99")])[0].label == "tape"
