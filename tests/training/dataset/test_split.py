"""Honest splits: by time, by a stated group, by near-copies."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from factories import incident

from features.domain.history import History
from features.domain.report import ResolvedIncident
from training.dataset.split import Split, split_history
from training.demo.incidents import generate_company

START = datetime(2026, 1, 1, tzinfo=UTC)


def numbered(
    number: int, *, title: str = "", opened: int | None = None, days: int | None = None
) -> ResolvedIncident:
    opened_at = None if opened is None else START + timedelta(days=opened)
    resolved_at = None if days is None or opened_at is None else opened_at + timedelta(days=days)
    title = title or f"incident {number} w{number * 7}"
    return incident(str(number), title, opened_at=opened_at, category="a", resolved_at=resolved_at)


def check_no_overlap(split: Split) -> None:
    judged = np.concatenate([fold.judge for fold in split.folds])
    assert len(judged) == len(set(judged.tolist()))
    for fold in split.folds:
        assert not set(fold.fit.tolist()) & set(fold.judge.tolist())


def test_time_is_preferred_and_judges_the_later_half() -> None:
    order = np.random.default_rng(0).permutation(80)
    split = split_history(History(tuple(numbered(int(n), opened=int(n)) for n in order)))
    check_no_overlap(split)
    days = np.array(order)
    for fold in split.folds:
        assert days[fold.fit].max() < days[fold.judge].min()
    assert sorted(days[np.concatenate([f.judge for f in split.folds])].tolist()) == [*range(40, 80)]
    assert "2026-02-10" in split.description
    assert not split.is_across_groups


def test_time_split_learns_only_outcomes_known_when_the_period_began() -> None:
    incidents = tuple(numbered(n, opened=n, days=n % 20) for n in range(80))
    split = split_history(History(incidents))
    check_no_overlap(split)
    for fold in split.folds:
        origin = min(incidents[row].report.opened_at for row in fold.judge)
        assert all(incidents[row].outcome.resolved_at <= origin for row in fold.fit)
    first = split.folds[0]
    known = [n for n in range(40) if n + n % 20 <= 40]
    assert first.fit.tolist() == known


def test_days_are_the_blocks_of_a_time_split() -> None:
    split = split_history(History(tuple(numbered(n, opened=n // 4) for n in range(40))))
    assert split.blocks.tolist() == [n // 4 for n in range(40)]


def test_few_undated_incidents_are_left_out_and_many_forbid_a_time_split() -> None:
    few = [numbered(n, opened=None if n == 3 else n) for n in range(40)]
    split = split_history(History(tuple(few)))
    assert "later periods" in split.description
    assert 3 not in np.concatenate([np.r_[fold.fit, fold.judge] for fold in split.folds])
    many = [numbered(n, opened=None if n % 5 == 0 else n) for n in range(40)]
    assert "near-copies" in split_history(History(tuple(many))).description


def test_stated_groups_never_straddle_even_when_there_is_time() -> None:
    groups = tuple(f"unit {n % 7}" for n in range(70))
    split = split_history(History(tuple(numbered(n, opened=n) for n in range(70)), groups=groups))
    check_no_overlap(split)
    assert split.is_across_groups
    for fold in split.folds:
        assert not {groups[row] for row in fold.fit} & {groups[row] for row in fold.judge}
    assert len(set(split.blocks.tolist())) == 7
    assert sum(len(fold.judge) for fold in split.folds) == 70


@pytest.mark.parametrize("dated", [False, True])
@pytest.mark.parametrize("count", [1, 2])
def test_too_few_groups_are_not_split_by_and_that_is_said(count: int, dated: bool) -> None:
    groups = tuple(f"unit {n % count}" for n in range(40))
    incidents = tuple(numbered(n, opened=n if dated else None) for n in range(40))
    split = split_history(History(incidents, groups=groups))
    assert not split.is_across_groups
    (warning,) = split.warnings
    assert warning.startswith("split_by: not used")
    assert f"{count} " in warning
    assert "this organisation's incidents only" in split.scope


def test_certificates_reach_as_far_as_the_split() -> None:
    incidents = tuple(numbered(n, opened=n) for n in range(70))
    alone = split_history(History(incidents))
    assert alone.warnings == ()
    assert "this organisation's incidents only" in alone.scope
    across = split_history(History(incidents, groups=tuple(f"unit {n % 7}" for n in range(70))))
    assert across.warnings == ()
    assert "across 7 groups" in across.scope


@pytest.mark.parametrize("seed", [0, 1])
def test_near_copies_never_straddle(seed: int) -> None:
    text = "shared drive number {} is not reachable for the colleagues of room {} since today"
    incidents = tuple(
        numbered(n, title=text.format(f"q{n % 15} r{n % 15} s{n % 15} t{n % 15}", n))
        for n in range(60)
    )
    split = split_history(History(incidents), seed=seed)
    check_no_overlap(split)
    assert 10 <= len(set(split.copies.tolist())) <= 15
    for fold in split.folds:
        assert not set(split.copies[fold.fit]) & set(split.copies[fold.judge])
    assert (split.blocks == split.copies).all()
    assert sum(len(fold.judge) for fold in split.folds) == 60


def test_demo_history_splits_by_time() -> None:
    company = generate_company(incidents=200)
    split = split_history(History(company.incidents))
    check_no_overlap(split)
    for fold in split.folds:
        origin = min(company.incidents[row].report.opened_at for row in fold.judge)
        resolved = (company.incidents[row].outcome.resolved_at for row in fold.fit)
        assert all(moment is None or moment <= origin for moment in resolved)
