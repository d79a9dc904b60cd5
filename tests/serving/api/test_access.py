"""Host names, origins, keys and guesses."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from serving.runtime.settings import ServingSettings

KEY = "s3cret-16-letter"
OWN = {"Sec-Fetch-Site": "same-origin"}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/models"),
        ("POST", "/v1/triage"),
        ("DELETE", "/v1/incidents/1"),
        ("POST", "/v1/models/category/promote"),
        ("POST", "/hooks/alertmanager"),
        ("GET", "/"),
        ("GET", "/docs"),
        ("GET", "/metrics"),
        ("GET", "/static/page.css"),
    ],
)
def test_a_page_that_rebinds_its_name_is_refused(client, method, path):
    # The browser takes both addresses for one site.
    headers = {"Host": "evil.example:8000", "Origin": "http://evil.example:8000", **OWN}
    refused = client.request(method, path, headers=headers)
    assert refused.status_code == 403
    assert "PRECEDENT_ALLOWED_HOSTS" in refused.json()["detail"]


def test_probes_are_answered_under_any_host(client):
    for path in ("/health/live", "/health/ready"):
        assert client.get(path, headers={"Host": "10.0.0.7"}).status_code == 200


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://testserver.evil.example"]
)
def test_another_sites_origin_is_refused_on_v1_and_hooks(app_of, trained_registry, client, origin):
    headers = {"Origin": origin}
    assert client.get("/v1/models", headers=headers).status_code == 403
    assert client.delete("/v1/incidents/1", headers=headers).status_code == 403
    assert client.post("/hooks/alertmanager", json={}, headers=headers).status_code == 403
    with TestClient(app_of(trained_registry, api_key=KEY)) as locked:
        headers["Authorization"] = f"Bearer {KEY}"
        assert locked.get("/v1/models", headers=headers).status_code == 403


def test_the_own_origin_is_accepted(app_of, trained_registry, client):
    assert client.get("/v1/models", headers={"Origin": "http://testserver"}).status_code == 200
    behind_proxy = app_of(trained_registry, allowed_hosts="precedent.example")
    with TestClient(behind_proxy, base_url="http://127.0.0.1:8000") as proxied:
        headers = {"Origin": "https://precedent.example"}
        assert proxied.get("/v1/models", headers=headers).status_code == 200


@pytest.mark.parametrize(
    "key", ["short", "fifteen letters", "x" * 15 + "\n", "x" * 8 + "\0" + "x" * 8]
)
def test_a_key_that_can_be_guessed_or_not_sent_is_refused(key):
    with pytest.raises(ValueError, match="the key has") as refusal:
        ServingSettings(api_key=key)
    assert key not in str(refusal.value)


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_a_key_need_not_be_ascii(app_of, trained_registry, encoding):
    key = "Schlüssel für Straße"
    with TestClient(app_of(trained_registry, api_key=key)) as client:
        headers = {b"Authorization": f"Bearer {key}".encode(encoding)}
        assert client.get("/v1/models", headers=headers).status_code == 200
        signed_in = client.post("/sign-in", data={"key": key}, headers=OWN, follow_redirects=False)
        assert signed_in.status_code == 303
        wrong = {b"Authorization": "Bearer Schlüssel für Straßen".encode(encoding)}
        assert client.get("/v1/models", headers=wrong).status_code == 401


def client_at(app: FastAPI, address: str) -> TestClient:
    return TestClient(app, client=(address, 50_000))


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def test_guesses_are_slowed_and_others_are_not(app_of, trained_registry):
    with client_at(app_of(trained_registry, api_key=KEY), "192.0.2.1") as guesser:
        other = client_at(guesser.app, "192.0.2.2")
        for _ in range(5):
            form = {"key": "wrong"}
            assert guesser.post("/sign-in", data=form, headers=OWN).status_code == 401
        started = time.monotonic()
        with ThreadPoolExecutor(12) as pool:
            guesses = [
                pool.submit(guesser.get, "/v1/models", headers=bearer(f"wrong {n}"))
                for n in range(12)
            ]
            assert other.get("/v1/models", headers=bearer(KEY)).status_code == 200
            statuses = [guess.result().status_code for guess in guesses]
        assert time.monotonic() - started >= 1
        assert set(statuses) == {401, 429}
        assert statuses.count(401) < 12
        page = guesser.post("/sign-in", data={"key": KEY}, headers=OWN, follow_redirects=False)
        # The right key is accepted after the wait, and ends it.
        assert page.status_code == 303
        started = time.monotonic()
        assert guesser.get("/v1/models", headers=bearer(KEY)).status_code == 200
        assert time.monotonic() - started < 1


def test_addresses_of_one_network_are_slowed_together_and_only_they(app_of, trained_registry):
    app = app_of(trained_registry, api_key=KEY)
    with TestClient(app):
        for n in range(100):
            wrong = client_at(app, f"2001:db8:0:{n % 25}::{n}")
            assert wrong.get("/v1/models", headers=bearer("wrong")).status_code == 401
        # A hundred wrong keys a minute: one wrong key is enough to be slowed.
        started = time.monotonic()
        slowed = client_at(app, "2001:db8:0:1::ffff")
        assert slowed.get("/v1/models", headers=bearer("wrong")).status_code == 401
        assert time.monotonic() - started >= 1
        started = time.monotonic()
        other = client_at(app, "2001:db8:0:ffff::1")
        assert other.get("/v1/models", headers=bearer(KEY)).status_code == 200
        assert time.monotonic() - started < 1


def test_signing_out_ends_the_session_in_all_workers(app_of, trained_registry):
    workers = [app_of(trained_registry, api_key=KEY) for _ in range(2)]
    with TestClient(workers[0]) as first, TestClient(workers[1]) as second:
        first.post("/sign-in", data={"key": KEY}, headers=OWN)
        copied = first.cookies["precedent_session"]
        second.cookies.set("precedent_session", copied)
        assert second.get("/", follow_redirects=False).status_code == 200
        first.post("/sign-out", data={"x": "1"}, headers=OWN)
        assert second.get("/", follow_redirects=False).status_code == 303
        # Another session is not ended.
        first.post("/sign-in", data={"key": KEY}, headers=OWN)
        assert first.get("/", follow_redirects=False).status_code == 200
