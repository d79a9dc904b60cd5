"""Folds that keep copies together."""

import numpy as np
import pytest

from features.domain.report import IncidentReport
from models.classification.learning.cross_validation import copy_folds, report_copy_groups


def test_copies_share_a_group_and_others_do_not() -> None:
    text = "the label printer on floor two prints blank pages since the update this morning"
    reports = [
        IncidentReport(id="1", title="Printer", description=text),
        IncidentReport(id="2", title="Printer", description=text.replace("two", "three")),
        IncidentReport(id="3", title="VPN", description="cannot connect from home"),
    ]
    first, second, third = report_copy_groups(reports)
    assert first == second != third


def test_silent_reports_are_copies_when_their_facts_agree() -> None:
    reports = [
        IncidentReport(id="1", service="erp", attributes={"site": "Graz"}),
        IncidentReport(id="2", service="erp", attributes={"site": "Leeds"}),
        IncidentReport(id="3", service="erp", attributes={"site": "Graz"}),
        IncidentReport(id="4", title="erp Graz"),
    ]
    groups = report_copy_groups(reports)
    assert groups[0] == groups[2]
    assert len(set(groups.tolist())) == 3


@pytest.mark.parametrize("seed", [0, 1])
def test_each_row_is_judged_once_and_no_group_straddles(seed: int) -> None:
    groups = np.random.default_rng(0).integers(0, 12, 60)
    folds = copy_folds(groups, folds=5, seed=seed)
    assert len(folds) == 5
    judged = np.concatenate([fold.judge for fold in folds])
    assert sorted(judged.tolist()) == list(range(60))
    for fold in folds:
        assert not set(groups[fold.fit]) & set(groups[fold.judge])
        assert len(fold.fit) + len(fold.judge) == 60


def test_few_groups_make_few_folds() -> None:
    assert len(copy_folds(np.array([0, 0, 1, 1, 2]), folds=5)) == 3
