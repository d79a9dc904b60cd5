"""The newest period teaches nothing until it is labelled as fully as those before it."""

from datetime import UTC, datetime, timedelta

import pytest

from features.domain.history import History
from features.domain.report import IncidentReport, Outcome, ResolvedIncident
from training.dataset.label_maturity import exclude_immature

CUTOFF = datetime(2026, 3, 2, tzinfo=UTC)
DAY = timedelta(days=1)
PER_WEEK = 40


def history(shares: dict[int, float], **also: str) -> History:
    """Return weeks, counted back from the cutoff, of which such shares are labelled."""
    incidents = [
        ResolvedIncident(
            IncidentReport(f"w{week}-{n}", CUTOFF - (7 * week + 3) * DAY),
            Outcome("VPN" if n < share * PER_WEEK else None, **also),
        )
        for week, share in shares.items()
        for n in range(PER_WEEK)
    ]
    return History(tuple(incidents), groups=tuple(incident.report.id for incident in incidents))


def labelled(past: History) -> int:
    return sum(incident.outcome.category is not None for incident in past.incidents)


@pytest.mark.parametrize(
    ("shares", "weeks_kept"),
    [
        ({0: 1.0, 1: 1.0, 2: 1.0}, 3),
        ({0: 0.9, 1: 1.0, 2: 1.0}, 2),
        ({0: 0.0, 1: 0.5, 2: 1.0, 3: 1.0}, 2),
        ({0: 0.95, 1: 1.0, 2: 1.0}, 3),
        ({0: 0.2, 1: 0.2, 2: 0.2}, 3),
        ({0: 0.1, 1: 0.2, 2: 0.2}, 2),
        ({0: 0.2}, 1),
        ({3: 0.5, 5: 1.0}, 1),
        # What was labelled wholly long ago is no measure of what is labelled now.
        (dict.fromkeys(range(12), 0.2) | {12: 1.0, 13: 1.0}, 14),
    ],
)
def test_weeks_are_left_out_until_they_are_as_labelled_as_usual(
    shares: dict[int, float], weeks_kept: int
) -> None:
    mature = exclude_immature(history(shares), CUTOFF)
    assert len(mature.history.incidents) == weeks_kept * PER_WEEK
    assert len(mature.history.groups) == weeks_kept * PER_WEEK
    assert bool(mature.left_out) == (weeks_kept < len(shares))


def test_each_target_is_judged_by_its_own_labels() -> None:
    past = history({0: 0.5, 1: 1.0, 2: 1.0}, severity="High")
    mature = exclude_immature(past, CUTOFF)
    assert len(mature.history.incidents) == len(past.incidents)
    assert labelled(mature.history) == 2 * PER_WEEK
    assert all(incident.outcome.severity == "High" for incident in mature.history.incidents)
    (period,) = mature.left_out
    assert period.describe() == (
        "category: incidents opened since 2026-02-23 are left out until more of them have a label "
        "(50% have one, 100% before)"
    )


def test_a_field_is_left_out_like_any_other_target() -> None:
    past = history({0: 1.0, 1: 1.0})
    fielded = [
        ResolvedIncident(incident.report, Outcome("VPN", fields={"site": "Graz"} if week else {}))
        for incident, week in zip(past.incidents, [0] * (PER_WEEK // 2) + [1] * 99, strict=False)
    ]
    mature = exclude_immature(History(tuple(fielded)), CUTOFF)
    assert [period.target for period in mature.left_out] == ["fields.site"]
    sites = [incident.outcome.fields.get("site") for incident in mature.history.incidents]
    assert sites.count("Graz") == PER_WEEK


@pytest.mark.parametrize("opened_at", [None, CUTOFF - 400 * DAY])
def test_a_history_without_a_newest_period_stays(opened_at: datetime | None) -> None:
    incident = ResolvedIncident(IncidentReport("INC1", opened_at), Outcome())
    past = History((incident,) * 3)
    assert exclude_immature(past, CUTOFF).history == past
    assert exclude_immature(History(()), CUTOFF).history == History(())
