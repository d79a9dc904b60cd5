"""The inbox: open incidents by severity, tabs, storms and silent heartbeats."""

import html
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from factories import incident, prediction

from features.domain.alerts.alert import Alert
from features.domain.modes import Mode, ModeSetting
from features.domain.report import IncidentReport, Outcome, ResolvedIncident, Status
from features.domain.telemetry.breach_warning import BreachWarning
from features.domain.tracking import Author, TrackedIncident, Tracking
from features.store.incidents.tracked_incidents import Revision
from serving.pages.views import open_list

OWN = {"Origin": "http://testserver"}
NOW = datetime.now(UTC).replace(microsecond=0)


def words(response):
    text = re.sub(r"<[^>]+>", " ", response.text)
    return " ".join(html.unescape(text).split())


def listed(response):
    return re.findall(r'class="incident" href="/incidents/(\w+)"', response.text)


def alert(name, **facts):
    labels = {"alertname": name, "service": "payments"}
    return Alert(name, **({"labels": labels, "last_seen_at": NOW} | facts))


@pytest.fixture
def keep(store):
    """Stores an open incident with tracking and alerts; `minutes` is its age."""

    def write(incident_id, minutes=5, outcome=None, alerts=(), **tracking):
        opened_at = NOW - timedelta(minutes=minutes)
        report = IncidentReport(incident_id, opened_at, f"title of {incident_id}", service="pay")
        whole = ResolvedIncident(report, outcome or Outcome(status=Status.OPEN))
        new = TrackedIncident(whole, Tracking(**tracking), tuple(alerts))
        store.tracked.revise(incident_id, lambda _: Revision((new,), Author.SOURCE, NOW))

    return write


def test_the_inbox_opens_on_what_is_open_the_most_severe_first(client, store, keep):
    keep("old", 90, peak_severity="critical")
    keep("new", 3, peak_severity="critical")
    keep("low", 1, peak_severity="info")
    keep("lowered", 2, Outcome(severity="P4", status=Status.OPEN), peak_severity="critical")
    keep("asked", 4)
    keep("quiet", 2, Outcome(status=Status.STALE), peak_severity="critical")
    keep("over", 2, Outcome(category="Mail"), peak_severity="critical")
    store.predictions.record([prediction("asked", "P2", target="severity", answered_at=NOW)])
    page = client.get("/")
    assert listed(page) == ["new", "old", "asked", "lowered", "low", "quiet"]
    assert "Open 6 Stale 1 Resolved 1 All 7" in words(page)
    assert re.search(r'severity-mark critical">\s*<bdi>critical', page.text)
    assert listed(client.get("/?state=stale")) == ["quiet"]
    assert listed(client.get("/?state=resolved")) == ["over"]
    assert len(listed(client.get("/?state=all"))) == 7


def test_neither_a_hidden_nor_a_switched_off_answer_ranks_an_incident(client, store, keep):
    keep("hidden", 5)
    keep("newer", 3)
    record = prediction("hidden", "P1", target="severity", answered_at=NOW, audit_share=0.5)
    store.predictions.record([record])
    assert listed(client.get("/")) == ["newer", "hidden"]
    shown = prediction("hidden", "P1", target="severity", prediction_id="p-2", answered_at=NOW)
    store.predictions.record([shown])
    assert listed(client.get("/")) == ["hidden", "newer"]
    store.modes.set(ModeSetting("severity", None, Mode.OFF, NOW))
    client.app.state.container.modes.poll()
    assert listed(client.get("/")) == ["newer", "hidden"]


def test_a_list_that_is_cut_says_so(client, keep, monkeypatch):
    monkeypatch.setattr(open_list, "MOST_RANKED", 2)
    for minutes in (1, 2, 3):
        keep(f"inc{minutes}", minutes, peak_severity="critical")
    page = client.get("/")
    assert listed(page) == ["inc1", "inc2"]
    assert "incidents are open. This list has the newest" in words(page)


def test_who_works_on_an_incident_is_shown(client, keep):
    keep("one", 1, Outcome(assignment="Team A", status=Status.OPEN), acknowledged_by="Ana")
    keep("two", 2)
    shown = words(client.get("/"))
    assert "Ana works on it · assigned to Team A" in shown
    assert "nobody yet" in shown


def test_empty_tabs_say_what_is_true(client, store):
    assert "No incident was ever stored." in words(client.get("/"))
    over = [
        incident(f"INC{days}", "vpn", resolution="Done", resolved_at=NOW - timedelta(days=days))
        for days in (1, 2, 30)
    ]
    store.incidents.upsert(over)
    assert "No incident is open. 2 were resolved in the last 7 days." in words(client.get("/"))
    assert "No incident is stale" in words(client.get("/?state=stale"))
    assert "No incident matches." in words(client.get("/?service=none"))


def test_a_search_looks_at_all_incidents_until_a_tab_is_chosen(client, store):
    store.incidents.upsert([incident("one", "vpn"), incident("two", "vpn", category="Mail")])
    page = client.get("/?q=vpn")
    assert set(listed(page)) == {"one", "two"}
    assert 'href="/?q=vpn&amp;state=open"' in page.text
    assert listed(client.get("/?q=vpn&state=open")) == ["one"]


def test_a_silent_heartbeat_stands_at_the_top(client, store):
    store.heartbeats.record("Watchdog", NOW - timedelta(days=1), is_ended=False)
    page = client.get("/")
    assert re.search(
        r"Watchdog has been silent since [^:]+:\d\d: alerts may not arrive", words(page)
    )
    assert page.text.index("silent since") < page.text.index("<h1>")
    store.heartbeats.record("Watchdog", NOW, is_ended=False)
    assert "silent" not in words(client.get("/"))


@pytest.fixture
def storm(keep):
    """A storm of a warning: two members, of which one is more severe and one has ended."""
    first = alert("PayLatencyHigh", began_at=NOW - timedelta(minutes=30))
    keep("head", 30, alerts=[first], peak_severity="warning")
    ended = alert("Queue", is_firing=False)
    keep("ended", 20, alerts=[ended], consequence_of="head", peak_severity="warning")
    more = [alert("Down"), alert("Down2")]
    keep("worse", 10, alerts=more, consequence_of="head", peak_severity="critical")


def test_a_storm_is_one_line_and_a_more_severe_member_rises(client, storm):
    page = client.get("/")
    assert listed(page) == ["worse", "head"]
    since = f"{NOW - timedelta(minutes=30):%H:%M}"
    summary = rf"4 alerts, 3 incidents, since \S*?.*?{since}, first: PayLatencyHigh on payments"
    assert re.search(summary, words(page))
    assert 'href="/incidents/ended"' in page.text
    assert "title of ended" in words(client.get("/incidents/head"))


def test_storms_are_split_and_joined_by_hand(client, store, storm):
    form = {"incident_id": "ended", "given_by": "Ana", "next": "/?state=open"}
    response = client.post("/split", data=form, headers=OWN, follow_redirects=False)
    assert response.headers["location"] == "/?state=open"
    assert listed(client.get("/")) == ["worse", "ended", "head"]
    form = {"incident_id": "ended", "head_id": "head", "given_by": "Ana"}
    assert client.post("/join", data=form, headers=OWN).status_code == 200
    assert store.tracked.get("ended").tracking.consequence_of == "head"
    assert store.storm_links.of("ended") == {"head": True}
    wrong = client.post("/join", data=form | {"head_id": "none"}, headers=OWN)
    assert wrong.status_code == 404


def test_resolving_a_head_asks_and_closes_only_members_whose_alerts_ended(client, store, storm):
    form = {"incident_id": "head", "given_by": "Ana", "resolution": "Rolled back release 4.2."}
    page = client.post("/resolve", data=form, headers=OWN)
    assert "This incident is resolved. 2 consequences are still open" in words(page)
    assert store.incidents.get("ended").outcome.is_open
    client.post("/close-consequences", data=form, headers=OWN)
    closed = store.tracked.get("ended")
    assert closed.incident.outcome.resolution == "Rolled back release 4.2."
    assert closed.incident.outcome.status is Status.RESOLVED
    assert closed.tracking.authors["resolution"] is Author.PERSON
    assert store.incidents.get("worse").outcome.is_open


def test_an_open_head_closes_nothing(client, store, storm):
    form = {"incident_id": "head", "given_by": "Ana"}
    client.post("/close-consequences", data=form, headers=OWN)
    assert store.incidents.get("ended").outcome.is_open


def test_an_incident_that_waits_for_triage_says_so_and_refreshes(client, store):
    client.app.state.container.triage_worker.stop()
    store.incidents.upsert([incident("INC1", "vpn")])
    store.triage_queue.add("INC1", "r-1", NOW)
    page = client.get("/incidents/INC1")
    assert "waiting for triage" in words(page)
    assert '<div id="answers" class="live" data-refresh="3">' in page.text
    assert '<meta http-equiv="refresh" content="5">' in page.text


@pytest.mark.parametrize("path", ["/", "/try", "/models", "/labels", "/audit", "/incidents/none"])
def test_search_and_the_help_of_keys_are_on_every_page(client, path):
    text = client.get(path).text
    assert text.count('id="q"') == 1
    assert '<dialog class="keys-help" id="keys"' in text


def test_a_warning_of_a_breach_stands_above_the_inbox_until_it_ends(client, store):
    at = NOW + timedelta(hours=3)
    warning = BreachWarning(
        "db/disk@x", "db", "disk{host=<b>}", "db", "%", 90.0, "above", 0.824, at, at, at, NOW
    )
    store.breach_warnings.record([warning])
    page = client.get("/")
    assert "disk{host=&lt;b&gt;}" in page.text
    assert "will probably reach 90 %" in words(page)
    assert "probability 82% within 6 hours" in words(page)
    store.breach_warnings.record([replace(warning, ended_at=at, is_reached=True)])
    assert "will probably reach" not in words(client.get("/"))
