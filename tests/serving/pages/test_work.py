"""What people do with an incident on its page: acknowledge, edit, resolve and reopen it."""

import html
import re
from datetime import UTC, datetime, timedelta

import pytest
from factories import incident, prediction

from features.domain.alerts.alert import Alert
from features.domain.modes import Mode, ModeSetting
from features.domain.report import IncidentReport, Outcome, ResolvedIncident, Status
from features.domain.runbook import Runbook
from features.domain.telemetry.change import Change
from features.domain.tracking import Author, TrackedIncident, Tracking
from features.store.incidents.incident_update import IncidentUpdate, given_in
from features.store.incidents.tracked_incidents import Revision
from features.text.resolutions import FIX_NOT_RECORDED

OWN = {"Origin": "http://testserver"}
NOW = datetime.now(UTC).replace(microsecond=0)
TEXT = "connection pool of the payment gateway is exhausted after the deploy"
SIMILAR = {
    "similar": [
        {"id": "INC7", "title": "Pool full", "resolution": FIX_NOT_RECORDED, "has_fix": False},
        {"id": "INC8", "title": "Pool small", "resolution": "Raised the pool.", "has_fix": True},
    ]
}


def words(response):
    text = re.sub(r"<[^>]+>", " ", response.text)
    return " ".join(html.unescape(text).split())


def send(client, path, headers=OWN, **fields):
    fields = {"incident_id": "INC1", "given_by": "Ana"} | fields
    return client.post(path, data=fields, headers=headers, follow_redirects=False)


@pytest.fixture
def opened(client, store):
    """A store with an open incident that a source sent."""
    new = incident("INC1", TEXT, opened_at=NOW - timedelta(hours=1), service="pay")
    update = IncidentUpdate(new.report, new.outcome, given_in(new))
    client.app.state.container.incidents.upsert(update, "r-1")
    return store


def test_a_fix_that_is_written_on_the_page_is_the_next_incidents_past_fix_at_once(client, opened):
    similar = {"incident": {"id": "INC2", "title": TEXT + " again"}, "cutoff": 0.0}
    before = client.post("/v1/similar", json=similar).json()["similar"]
    assert [past["has_fix"] for past in before if past["id"] == "INC1"] == [False]
    fix = "Raised the maximum size of the connection pool to 200."
    response = send(client, "/resolve", resolution=fix)
    assert (response.status_code, response.headers["location"]) == (303, "/incidents/INC1#main")
    (found,) = (
        past
        for past in client.post("/v1/similar", json=similar).json()["similar"]
        if past["id"] == "INC1"
    )
    assert (found["has_fix"], found["resolution"]) == (True, fix)


def test_resolving_stores_fix_runbook_change_time_and_author(client, opened):
    opened.runbooks.replace_all([Runbook("pay/pool", "Pool", ())])
    change = Change("d-1", "pay", NOW - timedelta(hours=2), "deploy", "pay 4.2")
    opened.changes.record([change])
    page = words(client.get("/incidents/INC1"))
    assert "Pool (pay/pool)" in page
    assert "pay 4.2, " in page
    send(client, "/resolve", resolution="Rolled\r\nback.", runbook_id="pay/pool", change_id="d-1")
    tracked = opened.tracked.get("INC1")
    outcome = tracked.incident.outcome
    assert (outcome.resolution, outcome.runbook_id) == ("Rolled\nback.", "pay/pool")
    assert outcome.status is Status.RESOLVED
    assert NOW <= outcome.resolved_at <= datetime.now(UTC)
    assert tracked.tracking.change_id == "d-1"
    for field in ("resolution", "runbook_id", "resolved_at", "status"):
        assert tracked.tracking.authors[field] is Author.PERSON
    page = words(client.get("/incidents/INC1"))
    assert "Change pay 4.2" in page
    assert re.search(r"by Ana \(a person\)", page)


def test_words_that_name_no_action_are_stored_as_a_fix(client, opened):
    send(client, "/resolve", resolution="the network cable was loose")
    assert opened.incidents.get("INC1").outcome.resolution == "Fix: the network cable was loose"


def test_a_proposal_is_marked_and_is_stored_only_if_confirmed_or_changed(client, opened):
    opened.predictions.record(
        [prediction("INC1", "x", target="similar", answer=SIMILAR, answered_at=NOW)]
    )
    page = client.get("/incidents/INC1")
    assert "Proposal, not yet recorded. The text below is what fixed Pool small" in words(page)
    assert re.search(r'class="is-proposal">\s*Raised the pool.</textarea>', page.text)
    offered = {"resolution": "Raised the pool.", "proposal": "Raised the pool."}
    refused = send(client, "/resolve", **offered)
    assert refused.status_code == 422
    assert "change it, or confirm" in words(refused)
    assert opened.incidents.get("INC1").outcome.is_open
    send(client, "/resolve", **offered, confirmed="yes")
    assert opened.incidents.get("INC1").outcome.resolution == "Raised the pool."


def test_an_incident_that_its_alerts_resolved_asks_for_the_fix(client, store):
    resolved_at = NOW - timedelta(minutes=5)
    over = incident("INC1", TEXT, resolution="resolved by alertmanager", resolved_at=resolved_at)
    store.incidents.upsert([over])
    page = client.get("/incidents/INC1")
    assert "Similar incidents will say “fix not recorded”" in words(page)
    assert re.search(r'id="resolve" open>\s*<summary>Record what fixed it', page.text)
    send(client, "/resolve", resolution="Restarted the gateway")
    outcome = store.incidents.get("INC1").outcome
    assert (outcome.resolution, outcome.resolved_at) == ("Restarted the gateway", resolved_at)
    assert "Correct the fix" in words(client.get("/incidents/INC1"))


def test_acknowledging_names_who_works_on_it(client, opened):
    assert "Nobody has acknowledged it" in words(client.get("/incidents/INC1"))
    send(client, "/acknowledge")
    tracking = opened.tracked.get("INC1").tracking
    assert tracking.acknowledged_by == "Ana"
    assert NOW <= tracking.acknowledged_at <= datetime.now(UTC)
    page = words(client.get("/incidents/INC1"))
    assert "Acknowledged by Ana , just now" in page
    client.cookies.clear()
    assert "Take over" in words(client.get("/incidents/INC1"))


def test_an_incident_that_was_only_triaged_is_stored_with_its_report(client, store):
    client.post("/v1/triage", json={"incident": {"id": "INC1", "title": TEXT}})
    send(client, "/resolve", resolution="Restarted the gateway")
    tracked = store.tracked.get("INC1")
    assert (tracked.incident.report.title, tracked.incident.outcome.is_open) == (TEXT, False)
    assert "title" not in tracked.tracking.authors


def test_only_changed_fields_become_a_persons(client, opened):
    shown = {"was_title": TEXT, "was_service": "pay", "was_severity": "", "was_assignment": ""}
    changed = {"title": TEXT, "service": "pay", "severity": "critical", "assignment": "Team A"}
    send(client, "/edit", **shown, **changed)
    tracked = opened.tracked.get("INC1")
    outcome = tracked.incident.outcome
    assert (outcome.severity, outcome.is_open) == ("critical", True)
    assert tracked.tracking.authors == {
        "severity": Author.PERSON,
        "assignment": Author.PERSON,
        "status": Author.PRECEDENT,
    }
    source = incident("INC1", "another title", severity="low")
    update = IncidentUpdate(source.report, source.outcome, frozenset({"title", "severity"}))
    client.app.state.container.incidents.upsert(update, "r-2")
    merged = opened.incidents.get("INC1")
    assert (merged.report.title, merged.outcome.severity) == ("another title", "critical")
    page = words(client.get("/incidents/INC1"))
    assert "critical" in page
    assert "assigned to Team A" in page


@pytest.mark.parametrize(
    "fields", [{}, {"title": " ", "was_title": TEXT}, {"title": "x" * 300_000}]
)
def test_an_edit_without_change_title_or_measure_is_refused(client, opened, fields):
    assert send(client, "/edit", **fields).status_code == 422
    assert opened.incidents.get("INC1").report.title == TEXT


def test_reopening_keeps_the_fix_in_the_history_only(client, opened):
    send(client, "/resolve", resolution="Restarted the gateway")
    send(client, "/reopen")
    outcome = opened.incidents.get("INC1").outcome
    assert (outcome.status, outcome.resolution, outcome.resolved_at) == (Status.OPEN, None, None)
    assert "Resolution : Restarted the gateway became removed" in words(
        client.get("/incidents/INC1")
    )


@pytest.mark.parametrize("path", ["/acknowledge", "/edit", "/resolve", "/reopen"])
def test_work_on_an_unknown_incident_is_a_page(client, path):
    response = send(client, path, incident_id="none", resolution="x")
    assert response.status_code == 404
    assert response.headers["content-type"].startswith("text/html")


def test_green_means_that_something_acts_on_the_answer(client, opened):
    record = prediction("INC1", "Network", decision="auto", answered_at=NOW)
    opened.predictions.record([record])
    assert "decision auto acts" not in client.get("/incidents/INC1").text
    opened.modes.set(ModeSetting("category", None, Mode.AUTO, NOW))
    client.app.state.container.modes.poll()
    assert "decision auto acts" in client.get("/incidents/INC1").text
    send(client, "/acknowledge")
    page = client.get("/incidents/INC1")
    assert "decision auto" not in page.text
    assert "A person works on this incident, so these answers are suggestions" in words(page)


def alert(name, severity="critical", **facts):
    labels = {"alertname": name, "severity": severity, "service": "pay"}
    usual = {"began_at": NOW - timedelta(hours=1), "last_seen_at": NOW}
    return Alert(name, **({"labels": labels} | usual | facts))


def test_alerts_are_shown_with_their_words_and_links(client, store):
    fields = {
        "summary": "Latency, see https://wiki.example/lat.",
        "runbook_url": "https://wiki.example/pay",
        "ticket_url": "javascript:alert(1)",
    }
    alerts = (
        alert("DiskFull", "warning", is_firing=False, ended_at=NOW),
        alert("PayLatencyHigh", annotations=fields, generator_url="https://prom.example/g"),
    )
    report = IncidentReport(
        "INC1",
        NOW - timedelta(hours=1),
        "Latency",
        attributes={"other_services": "checkout", "deploy_url": "https://ci.example/9"},
    )
    tracking = Tracking(
        previous_id="INC0", consequence_of="INC9", peak_severity="critical", reopenings=4
    )
    stale = ResolvedIncident(report, Outcome(status=Status.STALE))
    new = TrackedIncident(stale, tracking, alerts)
    store.tracked.revise("INC1", lambda _: Revision((new,), Author.SOURCE, NOW))
    page = client.get("/incidents/INC1")
    shown = words(page)
    for part in (
        "Alerts: 1 of 2 firing",
        "Stale: nothing was heard of its alerts",
        "It stays open until its alerts end or a person resolves it",
        "Most severe so far: critical",
        "Fired again 4 times",
        "Also named services: checkout",
    ):
        assert part in shown, part
    assert shown.index("PayLatencyHigh") < shown.index("DiskFull")
    for address in ("wiki.example/lat", "wiki.example/pay", "prom.example/g", "ci.example/9"):
        assert f'href="https://{address}" rel="noopener noreferrer"' in page.text
    assert 'href="/incidents/INC0"' in page.text
    assert 'href="/incidents/INC9"' in page.text
    assert 'href="javascript' not in page.text
