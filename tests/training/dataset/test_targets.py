"""What can be learned from a history, and why the rest is skipped."""

from dataclasses import replace

import pytest

from features.domain.history import History
from features.domain.report import IncidentReport, Outcome, ResolvedIncident
from training.dataset.targets import find_targets


def history(outcomes: list[Outcome], levels: tuple[str, ...] = ()) -> History:
    incidents = [
        ResolvedIncident(IncidentReport(id=str(n)), outcome) for n, outcome in enumerate(outcomes)
    ]
    return History(tuple(incidents), severity_levels=levels)


def test_every_learnable_label_becomes_a_target() -> None:
    outcomes = [
        Outcome(category="ab"[n % 2], severity="ab"[n % 2], fields={"module": "xyz"[n % 3]})
        for n in range(30)
    ]
    targets, skipped = find_targets(history(outcomes, levels=("a", "b")))
    assert [target.name for target in targets] == ["category", "severity", "fields.module"]
    assert [target.is_ordered for target in targets] == [False, True, False]
    assert targets[2].labels[:4] == ("x", "y", "z", "x")
    assert skipped == {"assignment": "not trained: the history has no such column"}


def test_unknown_labels_are_kept_in_place() -> None:
    outcomes = [Outcome(category=None if n % 5 == 0 else "ab"[n % 2]) for n in range(30)]
    (target,), _ = find_targets(history(outcomes))
    assert len(target.labels) == 30
    assert target.labels[:3] == (None, "b", "a")


@pytest.mark.parametrize(
    ("labels", "reason"),
    [
        (["only"] * 30, "only one label, 'only'"),
        (["a", "b"] * 9 + ["a"], "19 labelled incidents, at least 20"),
        (["a"] * 30 + ["b"], "fewer than two labels occur at least 2 times"),
    ],
)
def test_skipped_target_says_why(labels: list[str], reason: str) -> None:
    targets, skipped = find_targets(history([Outcome(category=label) for label in labels]))
    assert targets == ()
    assert reason in skipped["category"]


def test_twenty_rows_are_enough() -> None:
    targets, _ = find_targets(history([Outcome(category=label) for label in ["a", "b"] * 10]))
    assert [target.name for target in targets] == ["category"]


def test_severity_without_known_order_is_skipped() -> None:
    targets, skipped = find_targets(history([Outcome(severity="ab"[n % 2]) for n in range(30)]))
    assert targets == ()
    assert "state `order`" in skipped["severity"]


def test_a_rated_field_is_ordered_and_skipped_without_an_order() -> None:
    parts = [Outcome(fields={"impact": "ab"[n % 2], "urgency": "ab"[n % 2]}) for n in range(30)]
    known = replace(history(parts), field_levels={"impact": ("b", "a"), "urgency": ()})
    (impact,), skipped = find_targets(known)
    assert (impact.name, impact.levels, impact.is_ordered) == ("fields.impact", ("b", "a"), True)
    assert "state `order`" in skipped["fields.urgency"]
