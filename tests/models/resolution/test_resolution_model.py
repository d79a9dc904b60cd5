"""The model of the time to resolve: what it learns, and what censoring and calibration do."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from features.domain.report import IncidentReport, Outcome, ResolvedIncident, Status
from features.errors import NotEnoughHistory
from features.search.precedent_index import PrecedentIndex
from models.resolution.conformal_levels import ConformalLevels, observation_weights
from models.resolution.observations import observe
from models.resolution.past_contexts import past_contexts
from models.resolution.resolution_model import ResolutionModel
from models.resolution.survival_curves import SurvivalCurves

START = datetime(2026, 1, 1, tzinfo=UTC)
SCALES = {"fast": 2.0, "slow": 40.0}


def make_history(count, *, seed=0):
    """Return incidents an hour apart; those of `slow` take twenty times as long as `fast`."""
    rng = np.random.default_rng(seed)
    incidents = []
    for number in range(count):
        service = str(rng.choice(list(SCALES)))
        hours = SCALES[service] * rng.exponential()
        opened_at = START + timedelta(hours=number)
        outcome = Outcome(
            resolved_at=opened_at + timedelta(hours=hours),
            sla_met=bool(hours < 8),
            reassigned=bool(rng.random() < (0.7 if service == "slow" else 0.1)),
        )
        report = IncidentReport(f"I{number}", opened_at, service=service)
        incidents.append(ResolvedIncident(report, outcome))
    return incidents


def as_known_at(incidents, moment):
    """Return the incidents with the outcomes known at a moment; without them they are open."""
    return [
        incident
        if incident.outcome.resolved_at < moment
        else replace(incident, outcome=Outcome(status=Status.OPEN))
        for incident in incidents
    ]


@pytest.fixture(scope="module")
def history():
    return make_history(1_600)


@pytest.fixture(scope="module")
def forecasts(history):
    """Return the newest incidents, and what was forecast when they opened."""
    past, newest = history[:1_200], history[1_200:]
    model = ResolutionModel().fit(as_known_at(past, newest[0].report.opened_at))
    contexts = PrecedentIndex(history).contexts_of([incident.report for incident in newest])
    return newest, model.forecast(contexts)


def test_bounds_cover_what_they_state(forecasts):
    newest, predictions = forecasts
    hours = observe(newest).hours
    lower = np.array([prediction.lower_hours for prediction in predictions])
    upper = np.array([prediction.upper_hours or np.inf for prediction in predictions])
    assert 0.72 <= np.mean((hours >= lower) & (hours <= upper)) <= 0.88
    median = np.array([prediction.median_hours for prediction in predictions])
    assert 0.4 <= np.mean(hours <= median) <= 0.6


def test_services_are_told_apart(forecasts):
    newest, predictions = forecasts
    by_service = {
        service: [
            p for i, p in zip(newest, predictions, strict=True) if i.report.service == service
        ]
        for service in SCALES
    }
    medians = {s: np.median([p.median_hours for p in ps]) for s, ps in by_service.items()}
    assert medians["slow"] > 8 * medians["fast"]
    for risk, least in (("breach_probability", 0.5), ("reassignment_probability", 0.4)):
        means = {s: np.mean([getattr(p, risk) for p in ps]) for s, ps in by_service.items()}
        assert means["slow"] > means["fast"] + least


def test_open_incidents_count_as_censored(history):
    """Without them only quick fixes would be learned from the last hours."""
    past = history[:600]
    moment = past[-1].report.opened_at
    known = as_known_at(past, moment)
    report = IncidentReport("new", moment, service="slow")
    whole = ResolutionModel().fit(known).predict([report])[0]
    resolved_only = [incident for incident in known if not incident.outcome.is_open]
    dropped = ResolutionModel().fit(resolved_only).predict([report])[0]
    assert len(resolved_only) < len(known)
    assert whole.median_hours > dropped.median_hours


def test_stale_incidents_are_censored_too(history):
    stale = [replace(incident, outcome=Outcome(status=Status.STALE)) for incident in history[:50]]
    seen = observe([*stale, *history[50:100]])
    assert not seen.is_resolved[:50].any()
    assert seen.is_timed.all()


def test_an_outcome_after_the_cutoff_is_not_known(history):
    cutoff = history[100].report.opened_at
    seen = observe(history[:100], cutoff=cutoff)
    late = np.array([incident.outcome.resolved_at > cutoff for incident in history[:100]])
    assert late.any()
    np.testing.assert_array_equal(seen.is_resolved, ~late)
    assert (seen.hours <= seen.follow_up).all()
    assert np.isnan(seen.missed[late & np.array([i.outcome.sla_met for i in history[:100]])]).all()


def test_targets_by_severity_tell_of_breaches():
    opened_at = START
    quick = Outcome(severity="P1", resolved_at=opened_at + timedelta(hours=2))
    slow = Outcome(severity="P1", resolved_at=opened_at + timedelta(hours=9))
    still_open = Outcome(severity="P1", status=Status.OPEN)
    young = ResolvedIncident(
        IncidentReport("young", opened_at + timedelta(hours=8)),
        Outcome(severity="P1", status=Status.OPEN),
    )
    past = [
        ResolvedIncident(IncidentReport(str(n), opened_at), outcome)
        for n, outcome in enumerate((quick, slow, still_open, Outcome(severity="P3")))
    ]
    seen = observe([*past, young], target_hours={"P1": 4.0})
    np.testing.assert_array_equal(seen.missed, [0.0, 1.0, 1.0, np.nan, np.nan])


def test_the_stated_target_is_told(history):
    severities = [
        replace(incident, outcome=replace(incident.outcome, severity="P1")) for incident in history
    ]
    model = ResolutionModel().fit(severities[:300], target_hours={"P1": 4.0})
    (stated, unstated) = model.predict(
        [IncidentReport("a", attributes={"priority": "P1"}), IncidentReport("b")]
    )
    assert (stated.target_hours, unstated.target_hours) == (4.0, None)


def test_what_a_history_does_not_tell_is_none(history):
    times_only = [
        replace(incident, outcome=Outcome(resolved_at=incident.outcome.resolved_at))
        for incident in history[:200]
    ]
    model = ResolutionModel().fit(times_only)
    (answer,) = model.predict([history[0].report])
    assert answer.median_hours is not None
    assert answer.breach_probability is None
    assert answer.reassignment_probability is None
    assert set(model.unknown_) == {"breach", "reassignment"}


def test_a_history_without_times_tells_of_breaches(history):
    undated = [
        ResolvedIncident(
            replace(incident.report, opened_at=None), Outcome(sla_met=incident.outcome.sla_met)
        )
        for incident in history
    ]
    model = ResolutionModel().fit(undated)
    index = PrecedentIndex(undated)
    reports = [IncidentReport(service, service=service) for service in SCALES]
    fast, slow = model.forecast(index.contexts_of(reports))
    assert fast.median_hours is None
    assert slow.breach_probability > fast.breach_probability + 0.4


def test_nothing_to_learn_is_refused():
    bare = [ResolvedIncident(IncidentReport(str(n)), Outcome("Network")) for n in range(30)]
    with pytest.raises(NotEnoughHistory, match="resolution: fewer than 10"):
        ResolutionModel().fit(bare)


@pytest.mark.parametrize("hours", [0.0, 5.0])
def test_incidents_that_all_take_equally_long_tell_of_no_time(hours):
    past = [
        ResolvedIncident(
            IncidentReport(str(n), START + timedelta(hours=n)),
            Outcome(resolved_at=START + timedelta(hours=n + hours), sla_met=n % 2 == 0),
        )
        for n in range(60)
    ]
    (answer,) = ResolutionModel().fit(past).predict([past[0].report])
    assert answer.median_hours is None
    assert answer.breach_probability is not None


def test_parts_that_are_not_kept_do_not_answer(history):
    model = ResolutionModel().fit(history[:200])
    model.keep_parts(["breach"])
    (answer,) = model.predict([history[0].report])
    assert (answer.median_hours, answer.reassignment_probability) == (None, None)
    assert answer.breach_probability is not None
    assert set(model.unknown_) == {"times", "reassignment"}


def test_contexts_of_the_past_know_nothing_later(history):
    whole = past_contexts(history[:200])
    changed = [
        replace(incident, outcome=Outcome(resolved_at=incident.outcome.resolved_at, sla_met=False))
        if number >= 100
        else incident
        for number, incident in enumerate(history[:200])
    ]
    assert past_contexts(changed)[:101] == whole[:101]


def test_weighted_levels_undo_censoring():
    """With the weights, levels from censored scores are near those from all scores."""
    rng = np.random.default_rng(0)
    hours, follow_up = rng.exponential(10, 20_000), rng.uniform(5, 60, 20_000)
    is_resolved = hours <= follow_up
    seen = np.minimum(hours, follow_up)
    scores = 1 - np.exp(-seen / 10)
    weights = observation_weights(seen, is_resolved, follow_up)
    levels = ConformalLevels.of(scores[is_resolved], weights[is_resolved], len(hours))
    plain = ConformalLevels.of(scores[is_resolved], np.ones(is_resolved.sum()), is_resolved.sum())
    assert abs(levels.median - 0.5) < 0.02
    assert abs(levels.upper - 0.9) < 0.02
    assert plain.upper < 0.88


def test_an_upper_bound_beyond_what_was_seen_is_unknown():
    levels = ConformalLevels.of(np.linspace(0.1, 0.6, 60), np.ones(60), 100)
    assert levels.upper == 0.9
    curves = SurvivalCurves(np.array([1.0]), np.array([[0.7]]))
    assert curves.hours_at(levels.upper).tolist() == [np.inf]
