"""What is sent from the page: feedback, names and the key, and what is refused."""

import re
from datetime import UTC, datetime

import pytest
from factories import incident, prediction
from itsdangerous import TimestampSigner
from pydantic import SecretStr
from starlette.testclient import TestClient

from serving.pages.render.session_cookie import issue_session, read_session

OWN = {"Origin": "http://testserver"}
ID = "INC 1/ü"
PATH = "/incidents/INC%201%2F%C3%BC"
SIMILAR = {
    "similar": [{"id": "INC7", "title": "VPN", "relatedness": 0.9}],
    "open_match": {"id": "INC6", "title": "Dial in", "members": 2},
}
RUNBOOKS = {"runbooks": [{"id": "vpn/tunnel", "title": "Tunnel", "steps": ["Look."]}]}


@pytest.fixture
def answered(store):
    """A store with one incident that has answers under `p-1`."""
    store.incidents.upsert([incident(ID, "vpn")])
    answers = {"category": {"label": "Network"}, "similar": SIMILAR, "runbooks": RUNBOOKS}
    store.predictions.record(
        [
            prediction(ID, "x", target=target, answer=answer, answered_at=NOW)
            for target, answer in answers.items()
        ]
    )
    return store


NOW = datetime.now(UTC)


def say(client, headers=OWN, **fields):
    usual = {"prediction_id": "p-1", "incident_id": ID, "target": "category", "action": "accept"}
    return client.post("/feedback", data=usual | fields, headers=headers, follow_redirects=False)


def test_feedback_is_stored_with_who_and_when_and_shown_after_a_reload(client, answered):
    client.post("/name", data={"name": "Ana", "next": PATH}, headers=OWN)
    response = say(client, at="category")
    assert (response.status_code, response.headers["location"]) == (303, f"{PATH}#category")
    (feedback,) = answered.feedback.select(incident_id=ID)
    assert (feedback.given_by, feedback.source, feedback.action) == ("Ana", "page", "accept")
    shown = client.get(PATH).text
    assert re.search(
        rf"accepted by <bdi>Ana</bdi>,\s+<time [^>]+>{feedback.given_at:%H:%M}<", shown
    )


def test_a_correction_takes_a_known_or_another_label(client, answered):
    say(client, action="correct", label="VPN")
    assert answered.feedback.select()[0].label == "VPN"
    say(client, action="correct", label="", other=" Firewall ")
    assert answered.feedback.select()[0].label == "Firewall"
    assert "corrected to <bdi>Firewall</bdi>" in client.get(PATH).text
    response = say(client, action="correct", label="", other=" ")
    assert response.status_code == 422
    assert "name the right label" in response.text


@pytest.mark.parametrize(
    "long",
    [
        {"label": "x" * 5_000_000},
        {"other": "x" * 1_001},
        {"given_by": "x" * 513},
        {"prediction_id": "x" * 513},
    ],
    ids=lambda long: next(iter(long)),
)
def test_feedback_over_a_limit_is_refused_and_not_kept(client, answered, long):
    response = say(client, action="correct", **({"label": "VPN"} | long))
    assert response.status_code == 422
    assert len(response.text) < 20_000
    assert answered.feedback.select() == ()


def test_entries_are_accepted_and_dismissed_by_themselves(client, answered):
    say(client, target="similar", subject="INC7", action="dismiss")
    say(client, target="open_match", subject="INC6", action="dismiss")
    say(client, target="runbooks", subject="vpn/tunnel", helped="yes")
    rows = {
        (record.target, record.subject, record.action, record.helped)
        for record in answered.feedback.select()
    }
    assert rows == {
        ("similar", "INC7", "dismiss", None),
        ("open_match", "INC6", "dismiss", None),
        ("runbooks", "vpn/tunnel", "accept", True),
    }
    page = client.get(PATH).text
    assert page.count("dismissed") >= 2
    assert "(it helped)" in page


def test_nobody_is_the_page(client, answered):
    say(client)
    assert answered.feedback.select()[0].given_by == "page"


def test_a_name_sent_along_is_remembered_out_of_reach_of_scripts(client, answered):
    cookie = say(client, given_by=" Zoë; Path=/ ").headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert answered.feedback.select()[0].given_by == "Zoë; Path=/"
    assert 'value="Zoë; Path=/"' in client.get("/").text
    client.post("/name", data={"name": " "}, headers=OWN)
    assert 'name="name" value=""' in client.get("/").text


@pytest.mark.parametrize(
    "wrong", [{"prediction_id": "p-9"}, {"incident_id": "INC2"}, {"target": "severity"}]
)
def test_feedback_on_what_was_not_answered_is_a_page(client, answered, wrong):
    response = say(client, **wrong)
    assert response.status_code == 404
    assert response.headers["content-type"].startswith("text/html")
    assert answered.feedback.select() == ()


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "null"},
        {"Origin": "https://evil.example"},
        {"Origin": "http://testserver.evil.example"},
        OWN | {"Sec-Fetch-Site": "cross-site"},
        OWN | {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_a_form_from_elsewhere_is_refused(client, answered, headers):
    fields = {"prediction_id": "p-1", "target": "category", "action": "accept"}
    for path in (
        *("/feedback", "/name", "/again", "/try", "/sign-in", "/sign-out"),
        *("/acknowledge", "/edit", "/resolve", "/reopen"),
        *("/join", "/split", "/close-consequences"),
    ):
        response = client.post(path, data=fields, headers=headers, follow_redirects=False)
        assert response.status_code == 403, path
        assert "was not sent from this page" in response.text, path
        assert answered.feedback.select() == (), path


def test_what_is_no_form_is_refused(client, answered, app_of, registry):
    assert client.post("/feedback", json={}, headers=OWN).status_code == 415
    many = "&".join(f"f{number}=1" for number in range(99))
    form = OWN | {"Content-Type": "application/x-www-form-urlencoded"}
    assert client.post("/feedback", content=many, headers=form).status_code == 400
    odd = client.post("/feedback", content=b"action=accept&target=%ff\xff&&=", headers=form)
    assert odd.status_code == 404
    with TestClient(app_of(registry, max_body_bytes=10)) as small:
        assert small.post("/name", data={"name": "x" * 20}, headers=OWN).status_code == 413


@pytest.mark.parametrize(
    "next_", ["https://evil.example", "//evil.example", "/\\evil", "/\t/evil", ""]
)
def test_a_form_leads_nowhere_else(client, next_):
    form = {"name": "Ana", "next": next_}
    response = client.post("/name", data=form, headers=OWN, follow_redirects=False)
    assert response.headers["location"] == "/"


def test_an_incident_is_triaged_again_on_demand(client, answered):
    before = answered.predictions.latest([ID])[ID][0].prediction_id
    response = client.post("/again", data={"incident_id": ID}, headers=OWN, follow_redirects=False)
    assert response.headers["location"] == PATH
    assert answered.predictions.latest([ID])[ID][0].prediction_id != before
    unknown = client.post("/again", data={"incident_id": "none"}, headers=OWN)
    assert unknown.status_code == 404


@pytest.fixture
def locked(app_of, trained_registry, answered):
    """Asks an app that wants a key."""
    with TestClient(app_of(trained_registry, api_key="s3cret-16-letter")) as opened:
        yield opened


def test_without_the_key_the_page_asks_for_it_and_tells_nothing(locked, answered):
    for path in ("/", PATH, "/try", "/?q=vpn"):
        response = locked.get(path, follow_redirects=False)
        assert response.status_code == 303
        assert response.headers["location"].startswith("/sign-in?next=%2F")
    assert say(locked).headers["location"] == "/sign-in?next=%2F"
    assert answered.feedback.select() == ()
    assert locked.get("/static/page.css").status_code == 200
    page = locked.get(PATH)
    assert "vpn" not in page.text.replace(PATH, "")
    assert 'type="password"' in page.text


def test_the_key_opens_the_page_until_signing_out(locked):
    wrong = locked.post("/sign-in", data={"key": "wrong"}, headers=OWN)
    assert (wrong.status_code, "That is not the key" in wrong.text) == (401, True)
    assert "set-cookie" not in wrong.headers
    form = {"key": "s3cret-16-letter", "next": PATH}
    right = locked.post("/sign-in", data=form, headers=OWN, follow_redirects=False)
    assert (right.status_code, right.headers["location"]) == (303, PATH)
    cookie = right.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    page = locked.get(PATH)
    assert page.status_code == 200
    for response in (right, page):
        assert "s3cret-16-letter" not in response.text + str(response.headers)
    out = locked.post("/sign-out", data={"x": "1"}, headers=OWN, follow_redirects=False)
    assert out.headers["location"] == "/sign-in"
    assert locked.get("/", follow_redirects=False).status_code == 303


def test_the_key_opens_the_page_in_a_header_too(locked):
    assert locked.get("/", headers={"Authorization": "Bearer s3cret-16-letter"}).status_code == 200
    wrong = {"Authorization": "Bearer wrong"}
    assert locked.get("/", headers=wrong, follow_redirects=False).status_code == 303


def test_a_link_from_a_chat_asks_again_from_here(locked):
    elsewhere = {"Sec-Fetch-Site": "cross-site"}
    page = locked.get("/?q=vpn", headers=elsewhere, follow_redirects=False)
    assert page.status_code == 200
    assert 'http-equiv="refresh" content="0;url=/?q=vpn"' in page.text
    assert "Inbox" not in page.text


def test_the_session_of_the_page_opens_no_route_of_the_api(locked):
    locked.post("/sign-in", data={"key": "s3cret-16-letter"}, headers=OWN)
    assert locked.get("/v1/models").status_code == 401


def test_without_a_configured_key_nobody_signs_in(client):
    response = client.get("/sign-in?next=/try", follow_redirects=False)
    assert response.headers["location"] == "/try"
    assert "Sign out" not in client.get("/").text


def test_a_session_belongs_to_one_key_and_expires(monkeypatch):
    def set_clock(seconds):
        monkeypatch.setattr(TimestampSigner, "get_timestamp", lambda _: int(seconds))

    key, now = SecretStr("s3cret-16-letter"), 1_000_000
    set_clock(now)
    session = issue_session(key)
    assert "s3cret-16-letter" not in session
    assert read_session(session, SecretStr("other")) is None
    value, timestamp, signature = session.split(".")
    forgeries = (
        f"x{value}.{timestamp}.{signature}",
        f"{value}.{timestamp[:-1]}_.{signature}",
        f"{now}.{'ab' * 32}",
        session + "0",
    )
    for forged in ("", ".", "x", "é.ü", *forgeries):
        assert read_session(forged, key) is None
    for later, is_valid in ((3_600, True), (8 * 24 * 3_600, False), (-3_600, False)):
        set_clock(now + later)
        assert (read_session(session, key) is not None) is is_valid
