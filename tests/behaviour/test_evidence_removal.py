"""That evidence is true: what it names is taken out of the text, and the model asked again."""

import os
import re
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import logit

from features.domain.report import IncidentReport
from features.encoding.encoder_weights import MINILM
from features.imports.column_mapping import HistoryMapping
from features.imports.load_history import load_history
from features.text.cleaning import clean_text
from models.classification.calibrated_model import CalibratedModel
from models.classification.choice import ChoiceModel
from training.demo.incidents import generate_company

DATA = Path(os.environ.get("PRECEDENT_DATA", "../shared/data"))


@dataclass(frozen=True)
class Removals:
    """What the top token of each report claimed, and what the label's log-odds lost without it."""

    claimed: NDArray[np.float64]
    lost: NDArray[np.float64]

    @property
    def share_of_right_signs(self) -> float:
        return float(np.mean(np.sign(self.claimed) == np.sign(self.lost)))

    @property
    def median_ratio(self) -> float:
        return float(np.median(self.lost / self.claimed))

    @property
    def correlation(self) -> float:
        return float(np.corrcoef(self.claimed, self.lost)[0, 1])


def remove_top_tokens(model: CalibratedModel, reports: list[IncidentReport]) -> Removals:
    """Remove each report's top token, where it claims anything, from the text as models read it."""
    answers = model.predict(reports)
    cases = [
        (report, answer.evidence.tokens[0], model.classes_.index(answer.label))
        for report, answer in zip(reports, answers, strict=True)
        if answer.evidence.tokens and abs(answer.evidence.tokens[0].weight) > 0.1
    ]
    assert len(cases) > len(reports) / 2
    without = [without_word(report, top.token) for report, top, _ in cases]
    chosen = np.arange(len(cases)), np.array([number for *_, number in cases])
    before = logit(model.predict_proba([report for report, *_ in cases])[chosen])
    after = logit(model.predict_proba(without)[chosen])
    return Removals(np.array([top.weight for _, top, _ in cases]), before - after)


def without_word(report: IncidentReport, word: str) -> IncidentReport:
    pattern = re.compile(rf"\b{re.escape(word)}\b", re.IGNORECASE)
    return replace(
        report,
        title=pattern.sub(" ", clean_text(report.title)),
        description=pattern.sub(" ", clean_text(report.description)),
    )


@pytest.fixture(scope="module")
def strangers() -> list[IncidentReport]:
    """Reports that no model has seen."""
    return [incident.report for incident in generate_company(seed=7, incidents=200).incidents]


@pytest.mark.parametrize("name", ["category_model", "severity_model"])
def test_removing_the_top_token_moves_the_score_as_claimed(
    name: str, strangers: list[IncidentReport], request: pytest.FixtureRequest
) -> None:
    removal = remove_top_tokens(request.getfixturevalue(name), strangers)
    assert removal.share_of_right_signs >= 0.95
    assert 0.8 <= removal.median_ratio <= 1.25
    assert removal.correlation >= 0.9


@pytest.mark.quality
@pytest.mark.timeout(900)
def test_removal_is_as_claimed_where_a_sentence_encoder_reads_the_text_too() -> None:
    file = DATA / "assignment" / "tickets.csv.gz"
    if not file.exists():
        pytest.skip(f"no data: {file} does not exist; set PRECEDENT_DATA to its folder")
    columns = {"title": "Short description", "description": "Description"}
    outcome = {"assignment": "Assignment group"}
    mapping = HistoryMapping.model_validate({"report": columns, "outcome": outcome})
    incidents = load_history(file, mapping).incidents[::4]
    model = ChoiceModel(target="assignment", encoder=MINILM).fit(incidents[:-150])
    removal = remove_top_tokens(model, [incident.report for incident in incidents[-150:]])
    assert removal.share_of_right_signs >= 0.9
    # The sentence vector is not in the claim, so the whole effect is greater.
    assert 0.9 <= removal.median_ratio <= 1.75
    assert removal.correlation >= 0.7
