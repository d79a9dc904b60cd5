from dataclasses import replace

import pytest

from models.base.predictions import (
    Certificate,
    ChoicePrediction,
    Decision,
    NoveltyPrediction,
    RunbookPrediction,
    SimilarIncident,
    SimilarPrediction,
    SuggestedRunbook,
)
from models.novelty.novelty_gate import restrict

SURE = ChoicePrediction("VPN", 0.97, Decision.AUTO, certificate=Certificate(0.92, 0.9, 100))
USUAL = NoveltyPrediction(0.4, is_novel=False)


@pytest.mark.parametrize(
    ("novelty", "decision"),
    [
        (USUAL, "auto"),
        (NoveltyPrediction(0.015, is_novel=False, allows_auto=False), "suggest"),
        (NoveltyPrediction(0.001, is_novel=True, allows_auto=False), "abstain"),
        (replace(USUAL, is_readable=False, allows_auto=False), "abstain"),
        (replace(USUAL, resembles={"category": "HR"}), "abstain"),
        (replace(USUAL, resembles={"assignment": "HR"}), "auto"),
    ],
)
def test_a_label_is_answered_as_far_as_novelty_allows(novelty: NoveltyPrediction, decision: str):
    answer = restrict("category", SURE, novelty)
    assert answer.decision == decision
    assert (answer.certificate is None) is (decision != "auto")
    assert (answer.label, answer.confidence) == ("VPN", 0.97)


def test_an_unsure_answer_is_not_raised():
    unsure = replace(SURE, decision=Decision.ABSTAIN, certificate=None)
    assert restrict("category", unsure, USUAL).decision == "abstain"


def test_a_novel_report_keeps_only_entries_that_are_nearly_certain():
    novel = NoveltyPrediction(0.001, is_novel=True, allows_auto=False)
    similar = SimilarPrediction((SimilarIncident("A", "a", 0.95), SimilarIncident("B", "b", 0.7)))
    runbooks = RunbookPrediction((SuggestedRunbook("a", "A", 0.8),))
    assert [entry.id for entry in restrict("similar", similar, novel).similar] == ["A"]
    assert restrict("runbooks", runbooks, novel).runbooks == ()
    assert restrict("similar", similar, USUAL) == similar
