"""The pages as they come from the service, before any browser."""

import html
import re
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from factories import incident, prediction
from starlette.testclient import TestClient

from features.domain.modes import Mode, ModeSetting
from features.domain.report import IncidentReport, Outcome, ResolvedIncident
from features.domain.runbook import Runbook, Section, SectionRole
from features.errors import StoreUnavailable
from features.store.incidents.incident_search import InboxRepository
from features.store.incidents.incidents import IncidentRepository
from features.store.incidents.tracked_incidents import TrackedIncidentRepository
from features.text.resolutions import FIX_NOT_RECORDED

NOW = datetime.now(UTC)
HOSTILE = "<script>alert(1)</script>\"'>{{7919*7907}}{% raw %}\u202egnp.exe\U0001f525"
SIMILAR = {
    "similar": [
        {
            "id": "INC7/a b",
            "title": "VPN gateway out of sessions",
            "relatedness": 0.91,
            "why": ["same error signature"],
            "resolution": "Renewed the certificate.",
            "has_fix": True,
            "opened_at": "2026-03-01T08:00:00Z",
            "resolved_by": "Mia",
            "hours_to_resolve": 1.5,
            "copies": ["INC8", "INC9"],
            "occurrences": {"count": 7, "last_at": "2026-03-01T08:00:00Z", "with_fix": 2},
        },
        {"id": "INC5", "title": "VPN slow", "relatedness": 0.8, "has_fix": False},
    ],
    "open_match": {
        "id": "INC6",
        "title": "Nobody can dial in",
        "relatedness": 0.84,
        "opened_at": (NOW - timedelta(minutes=38)).isoformat(),
        "members": 7,
        "why": ["same service"],
    },
}
RUNBOOKS = {
    "runbooks": [
        {
            "id": "vpn/tunnel",
            "title": "Tunnel drops",
            "relevance": 0.88,
            "why": ["Meaning: the tunnel drops"],
            "steps": ["Look at the `gateway`.", "show tunnel"],
            "url": "https://wiki.example/vpn",
        },
        {"id": "other", "title": "Other", "relevance": 0.3, "url": "javascript:alert(1)"},
    ]
}


def numbered(number, title="vpn down", **facts):
    return incident(f"INC{number}", title, opened_at=NOW - timedelta(minutes=number), **facts)


def answer(target, said, incident_id="INC1", label="", decision="suggest"):
    return prediction(
        incident_id, label, target=target, decision=decision, answer=said, answered_at=NOW
    )


def triage(client, store, *numbers):
    """Answer stored incidents, as the worker of the queue does."""
    reports = [store.incidents.get(f"INC{number}").report for number in numbers]
    client.app.state.container.triage.triage(reports, include=None, request_id="r-1")


@pytest.fixture(autouse=True)
def stopped_clock(monkeypatch):
    """However long the tests take, nothing gets older."""
    clock = SimpleNamespace(now=lambda _zone: NOW + timedelta(seconds=1))
    monkeypatch.setattr("serving.pages.render.rendering.datetime", clock)


@pytest.fixture
def filled(store):
    """A store with a fresh incident that has every kind of answer."""
    store.incidents.upsert([numbered(1, description="The VPN is down since noon", service="vpn")])
    store.runbooks.replace_all(
        [
            Runbook(
                "vpn/tunnel",
                "Tunnel drops",
                (Section("Diagnosis", "", SectionRole.DIAGNOSIS, ("show tunnel",)),),
            )
        ]
    )
    category = {
        "label": "Network",
        "alternatives": [{"label": "Printing", "confidence": 0.04}],
        "label_set": ["Network", "Mail"],
        "certificate": {"precision_at_least": 0.92, "threshold": 0.81, "n": 412},
        "evidence": {
            "tokens": [
                {"token": "vpn", "weight": 1.2, "field": "title", "start": 0, "end": 3},
                {"token": "noon", "weight": -0.3},
            ],
            "fields": [{"field": "site", "value": "Graz", "weight": 0.4}],
            "exemplars": [
                {"id": "INC7", "label": "Network", "similarity": 0.9},
                {"id": "INC8", "label": "Mail", "similarity": 0.8},
            ],
        },
    }
    store.predictions.record(
        [
            answer("category", category, label="Network", decision="auto"),
            answer("similar", SIMILAR),
            answer("runbooks", RUNBOOKS),
        ]
    )
    return store


def words(response):
    text = re.sub(r"<[^>]+>", " ", response.text)
    return " ".join(html.unescape(text).split())


def test_all_incidents_are_listed_the_newest_first_with_the_answers(client, store):
    store.incidents.upsert([numbered(2, "printer jam"), numbered(1), numbered(3, category="Mail")])
    triage(client, store, 1, 2)
    shown = words(client.get("/?state=all"))
    assert shown.index("INC1") < shown.index("INC2") < shown.index("INC3")
    assert "Network v7 93%" in shown
    assert "Other v7 50%" in shown
    assert "Middle 70%" in shown
    assert "1 min ago" in shown


@pytest.mark.parametrize("path", ["/", "/incidents/INC1", "/v1/incidents", "/v1/incidents/INC1"])
def test_reading_writes_nothing(client, store, path):
    store.incidents.upsert([numbered(1)])
    assert client.get(path).status_code == 200
    assert store.predictions.latest(["INC1"]) == {}


def test_an_incident_that_was_only_triaged_has_a_page(client):
    report = {"id": "T1", "title": "The VPN is down"}
    client.post("/v1/triage", json={"incident": report})
    shown = words(client.get("/incidents/T1"))
    assert "The VPN is down" in shown
    assert "Network v7" in shown


def test_an_inbox_without_incidents_says_what_to_do(client):
    assert "POST /v1/incidents" in words(client.get("/"))


@pytest.mark.parametrize("start", ["/", "/?state=all"])
def test_the_inbox_pages_without_loss(client, store, start):
    store.incidents.upsert([numbered(number) for number in range(60)])
    seen, path = [], start
    while path:
        page = client.get(path)
        seen += re.findall(r'class="incident" href="/incidents/(INC\d+)"', page.text)
        link = re.search(r'href="([^"]+)" rel="next"', page.text)
        path = html.unescape(link[1]) if link else None
    assert seen == [f"INC{number}" for number in range(60)]


@pytest.mark.parametrize(
    "moment", ["9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00%2B14:00", "2026-13-01", "bogus"]
)
def test_a_cursor_that_is_no_moment_is_left_out(client, store, moment):
    store.incidents.upsert([numbered(1), numbered(2)])
    page = client.get(f"/?state=all&before={moment}%20x")
    assert page.status_code == 200
    assert re.findall(r'class="incident" href="/incidents/(INC\d)"', page.text) == ["INC1", "INC2"]


def test_the_inbox_filters(client, store):
    store.incidents.upsert(
        [
            numbered(1),
            numbered(2, "printer jam", service="lan"),
            numbered(3, category="Mail"),
        ]
    )
    triage(client, store, 1, 2)
    for asked, wanted in (
        ("q=printer+JAM", {"INC2"}),
        ("state=open", {"INC1", "INC2"}),
        ("state=resolved", {"INC3"}),
        ("category=Mail", {"INC3"}),
        ("category=Network+v7", {"INC1"}),
        ("decision=abstain", {"INC2"}),
        ("service=lan", {"INC2"}),
        ("q=nothing+like+it", set()),
        ("state=all&before=bogus", {"INC1", "INC2", "INC3"}),
        ("state=bogus&before=bogus&q=%00", {"INC1", "INC2"}),
    ):
        page = client.get(f"/?{asked}").text
        found = set(re.findall(r'class="incident" href="/incidents/(INC\d)"', page))
        assert found == wanted, asked


def test_the_first_entry_with_a_fix_is_named_at_a_glance(client, store):
    fixed = SIMILAR["similar"][0]
    unfixed = fixed | {
        "id": "INC9",
        "title": "Still open",
        "resolution": FIX_NOT_RECORDED,
        "has_fix": False,
    }
    store.incidents.upsert([numbered(1)])
    store.predictions.record([answer("similar", SIMILAR | {"similar": [unfixed, fixed]})])
    assert "Past fix Renewed the certificate." in words(client.get("/incidents/INC1"))


def test_an_incident_shows_cause_fix_and_first_step(client, filled):
    shown = words(client.get("/incidents/INC1"))
    for part in (
        "Network 90% proven",
        "First step Look at the gateway . show tunnel Tunnel drops",
        "Past fix Renewed the certificate.",
        "Probably part of an incident that is already open",
        "opened 38 min ago · 7 incidents",
        "took 1.5 h · by Mia · 7 times, last",
        ", 2 with a recorded fix",
        "fix not recorded",
        "INC8 Mail other label",
        "Or Printing 4%",
        "Possible labels: Network , Mail",
        "right at least 92% of the time: measured on 412 groups",
    ):
        assert part in shown, part
    assert "INC7 Network other label" not in shown


def test_words_that_spoke_are_marked_by_more_than_colour(client, filled):
    text = client.get("/incidents/INC1").text
    assert re.search(r'<mark class="for level-3"\s+title="\+1.2">VPN</mark>', text)
    assert re.search(r'<mark class="against level-1"\s+title="-0.3">noon</mark>', text)


def test_only_commands_of_the_runbook_are_shown_as_such(client, filled):
    text = client.get("/incidents/INC1").text
    assert '<code class="command">show tunnel</code>' in text
    assert "Look at the <code>gateway</code>." in text
    assert 'href="https://wiki.example/vpn"' in text
    assert "javascript:" not in text


def test_a_resolved_incident_shows_its_outcome_and_asks_nothing(client, store):
    outcome = {"category": "Mail", "resolution": "Restarted it.", "duplicate_of": "INC/9"}
    store.incidents.upsert([numbered(1, **outcome)])
    page = client.get("/incidents/INC1")
    assert "Restarted it." in words(page)
    assert 'href="/incidents/INC%2F9"' in page.text
    assert store.predictions.latest(["INC1"]) == {}


def test_an_incident_of_which_only_the_repeated_one_is_known_is_open(client, store):
    store.incidents.upsert([numbered(number, duplicate_of="INC9") for number in (1, 2)])
    assert '<span class="state open"' in client.get("/incidents/INC1").text
    assert client.get("/").text.count('<span class="state open"') == 2


def test_nothing_fits_is_said_plainly(client, store):
    store.incidents.upsert([numbered(1)])
    nothing = {"similar": [], "open_match": None}
    store.predictions.record([answer("similar", nothing), answer("runbooks", {"runbooks": []})])
    shown = words(client.get("/incidents/INC1"))
    assert "Nothing fits: no past incident is related closely enough and no runbook" in shown


def test_without_any_model_the_page_says_so(app_of, registry, store):
    store.incidents.upsert([numbered(1)])
    for target in ("similar", "runbooks"):
        store.modes.set(ModeSetting(target, None, Mode.OFF, NOW))
    with TestClient(app_of(registry)) as client:
        assert client.get("/").status_code == 200
        page = client.get("/incidents/INC1")
    assert page.status_code == 200
    assert "There is no answer: no model is trained" in words(page)


def test_what_is_off_is_not_shown_and_what_is_compared_says_so(client, filled, store):
    def allow(mode, target, label=None):
        store.modes.set(ModeSetting(target, label, Mode(mode), NOW))
        client.app.state.container.modes.poll()
        return client.get("/incidents/INC1")

    badge = '<span class="monitored"'
    assert client.get("/incidents/INC1").text.count(badge) == 1
    assert badge in allow("recommend", "category").text
    for target in ("similar", "runbooks"):
        page = allow("auto", target)
    assert badge not in page.text
    assert "Network" not in words(allow("off", "category", "Network")).replace("INC7 Network", "")
    assert "Renewed" not in words(allow("off", "similar"))


def test_an_unknown_incident_is_a_page(client):
    response = client.get("/incidents/nowhere")
    assert response.status_code == 404
    assert response.headers["content-type"].startswith("text/html")
    assert "no incident 'nowhere' was stored or triaged" in words(response)
    api = client.get("/v1/incidents/nowhere")
    assert api.headers["content-type"] == "application/problem+json"


def test_a_store_that_is_away_is_a_page_that_says_what_to_do(client, monkeypatch):
    def fail(*_args):
        raise StoreUnavailable("sqlite:////srv/secret/precedent.db does not answer")

    monkeypatch.setattr(InboxRepository, "counts", fail)
    monkeypatch.setattr(IncidentRepository, "get", fail)
    monkeypatch.setattr(TrackedIncidentRepository, "find", fail)
    for path in ("/", "/incidents/INC1"):
        response = client.get(path)
        assert response.status_code == 503
        assert "Wait a few seconds and reload" in words(response)
        assert "secret" not in response.text


def test_a_bug_is_a_page_with_its_request_id(client, monkeypatch, caplog):
    def fail(*_args):
        raise RuntimeError("a bug at /srv/secret")

    monkeypatch.setattr(InboxRepository, "counts", fail)
    response = client.get("/", headers={"X-Request-ID": "r-9"})
    assert response.status_code == 500
    assert "r-9" in response.text
    assert "secret" not in response.text
    assert any("a page failed" in record.message for record in caplog.records)


@pytest.mark.parametrize("path", ["/", "/try", "/incidents/INC1", "/incidents/none", "/sign-in"])
def test_every_page_has_the_headers_of_distrust(client, filled, path):
    headers = client.get(path, follow_redirects=False).headers
    assert headers["content-security-policy"] == (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cache-control"] == "no-store"


def test_pages_load_nothing_from_elsewhere_and_hold_no_script_or_style(client, filled):
    for path in ("/", "/try", "/incidents/INC1"):
        text = client.get(path).text
        assert re.findall(r'<(?:script|link|img)[^>]*(?:src|href)="(?!/static/)', text) == []
        assert re.findall(r"<script(?![^>]*src=)|<style|\son\w+=|\sstyle=", text) == []


@pytest.mark.parametrize("name", ["page.css", "page.js", "icon.svg"])
def test_static_files_are_served(client, name):
    response = client.get(f"/static/{name}")
    assert response.status_code == 200
    assert response.headers["x-content-type-options"] == "nosniff"
    assert client.get("/static/../rendering.py").status_code == 404
    assert client.get("/static/%2e%2e/rendering.py").status_code == 404


def test_the_pages_are_not_part_of_the_contract(client):
    paths = client.get("/openapi.json").json()["paths"]
    assert all(path.startswith(("/v1/", "/hooks/", "/health/", "/metrics")) for path in paths)


def test_hostile_texts_are_shown_as_text(client, store):
    outcome = Outcome(HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE, NOW, HOSTILE, {HOSTILE: HOSTILE})
    facts = {"description": HOSTILE, "service": HOSTILE, "source": HOSTILE}
    hostile = numbered(1, HOSTILE, **facts, attributes={HOSTILE: HOSTILE})
    store.incidents.upsert(
        [hostile, ResolvedIncident(IncidentReport(HOSTILE, title=HOSTILE), outcome)]
    )
    entry = {"id": HOSTILE, "title": HOSTILE, "resolution": HOSTILE, "resolved_by": HOSTILE}
    match = {"id": HOSTILE, "title": HOSTILE, "opened_at": HOSTILE, "why": [HOSTILE]}
    book = {"id": HOSTILE, "title": HOSTILE, "why": [HOSTILE], "steps": [HOSTILE], "url": HOSTILE}
    evidence = {
        "tokens": [{"token": HOSTILE, "weight": 1.0}],
        "fields": [{"field": HOSTILE, "value": HOSTILE, "weight": 1.0}],
        "exemplars": [{"id": HOSTILE, "label": HOSTILE}],
    }
    label = {"alternatives": [{"label": HOSTILE}], "label_set": [HOSTILE, "b"]}
    store.predictions.record(
        [
            answer("category", label | {"evidence": evidence}, label=HOSTILE),
            answer(f"fields.{HOSTILE}", label, label=HOSTILE),
            answer("similar", {"similar": [entry | {"why": [HOSTILE]}], "open_match": match}),
            answer("runbooks", {"runbooks": [book]}),
        ]
    )
    pages = [
        client.get("/"),
        client.get("/", params={"q": HOSTILE, "service": HOSTILE, "category": HOSTILE}),
        client.get("/incidents/INC1"),
        client.get(re.search(r'href="(/incidents/%3C[^"]+)"', client.get("/?state=all").text)[1]),
        client.get(f"/incidents/unknown{HOSTILE}"),
    ]
    assert [page.status_code for page in pages] == [200, 200, 200, 200, 404]
    for page in pages:
        assert "<script>" not in page.text
        assert str(7919 * 7907) not in page.text
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page.text


def test_a_very_long_text_is_collapsed_and_whole(client, store):
    text = "word " * 40_000
    store.incidents.upsert([numbered(1, "t" * 200_000, description=text, service="s" * 200_000)])
    page = client.get("/incidents/INC1").text
    assert "Show all 200,000 characters" in page
    assert text in page
    assert len(client.get("/").text) < 20_000


def test_an_answer_of_an_older_version_is_shown_as_far_as_it_goes(client, store):
    store.incidents.upsert([numbered(1)])
    store.predictions.record([answer("category", {}, label="Network"), answer("similar", {})])
    assert "Network" in words(client.get("/incidents/INC1"))


def test_trying_a_ticket_shows_the_answer_and_stores_no_incident(client, store):
    origin = {"Origin": "http://testserver"}
    form = {"title": "vpn", "description": "down\r\nsince noon", "service": "", "source": "mail"}
    page = client.post("/try", data=form, headers=origin)
    assert page.status_code == 200
    assert "Network v7" in words(page)
    assert 'value="vpn"' in page.text
    assert "/feedback" not in page.text
    assert store.incidents.count() == 0
    assert client.post("/try", data={"title": ""}, headers=origin).status_code == 200


def test_a_ticket_over_the_limit_is_refused_on_the_page(app_of, registry):
    with TestClient(app_of(registry, max_text_characters=5)) as client:
        page = client.post(
            "/try", data={"title": "longer"}, headers={"Origin": "http://testserver"}
        )
    assert page.status_code == 422
    assert "title: 6 characters are too many" in words(page)
    assert 'value="longer"' in page.text


@pytest.mark.parametrize(
    ("decision", "consequence"),
    [
        ("abstain", "The labels below are only guesses."),
        ("suggest", "Nothing acts on these answers without a person."),
    ],
)
def test_an_unusual_report_says_why_at_the_top(client, filled, decision, consequence):
    said = {"p_value": 0.001, "why": ["no past incident shares more than 'lease'"]}
    filled.predictions.record([answer("novelty", said, decision=decision)])
    shown = words(client.get("/incidents/INC1"))
    assert (
        f"Unlike past incidents: no past incident shares more than 'lease'. {consequence}" in shown
    )


def test_a_usual_report_says_nothing_of_novelty(client, filled):
    filled.predictions.record([answer("novelty", {"p_value": 0.4, "why": []})])
    assert "Unlike past incidents" not in words(client.get("/incidents/INC1"))


def test_the_time_to_resolve_is_told_in_words(client, filled):
    said = {
        "median_hours": 3.0,
        "lower_hours": 0.5,
        "upper_hours": 50.0,
        "breach_probability": 0.2,
        "reassignment_probability": None,
        "target_hours": 8.0,
    }
    filled.predictions.record([answer("resolution", said)])
    shown = words(client.get("/incidents/INC1"))
    assert (
        "Of incidents like this one, half are fixed within 3 h, 8 in 10 take 30 min to 2 days; "
        "1 in 5 misses the 8 h target." in shown
    )


def test_a_time_that_is_not_known_is_not_told(client, filled):
    filled.predictions.record([answer("resolution", {"median_hours": None})])
    assert "Of incidents like this one" not in words(client.get("/incidents/INC1"))
