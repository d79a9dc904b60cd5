"""Sizes, keys and ids of requests."""

import pytest
from starlette.testclient import TestClient

from serving.runtime.settings import ServingSettings

JSON = {"Content-Type": "application/json"}


def test_a_body_over_the_limit_is_refused_by_its_declared_length(app_of, registry):
    with TestClient(app_of(registry, max_body_bytes=1_000)) as client:
        response = client.post("/v1/triage", content=b" " * 1_001, headers=JSON)
        assert response.status_code == 413
        assert response.json()["title"]
        just_fits = b'{"incident": {}}'.ljust(1_000)
        assert client.post("/v1/triage", content=just_fits, headers=JSON).status_code == 200


def test_a_body_over_the_limit_is_refused_while_it_streams(app_of, registry):
    def stream():
        for _ in range(200):
            yield b" " * 100

    with TestClient(app_of(registry, max_body_bytes=1_000)) as client:
        response = client.post("/v1/triage", content=stream(), headers=JSON)
    assert response.status_code == 413


def test_the_default_limits_are_those_of_the_contract():
    settings = ServingSettings()
    assert settings.max_batch_incidents >= 1_000
    assert settings.max_body_bytes >= 32_000_000
    assert settings.max_text_characters == 200_000


def test_too_many_incidents_are_refused(app_of, registry):
    with TestClient(app_of(registry, max_batch_incidents=2)) as client:
        response = client.post("/v1/triage/batch", json={"incidents": [{}, {}, {}]})
        assert response.status_code == 422
        assert response.json()["errors"][0]["path"] == "incidents"
        accepted = client.post("/v1/triage/batch", json={"incidents": [{}, {}]})
        assert accepted.status_code == 200


def test_the_text_limit_is_a_setting(app_of, registry):
    with TestClient(app_of(registry, max_text_characters=5)) as client:
        assert client.post("/v1/triage", json={"incident": {"title": "short"}}).is_success
        response = client.post("/v1/triage", json={"incident": {"title": "longer"}})
    assert response.json()["errors"] == [
        {"path": "incident.title", "message": "6 characters are too many; at most 5 are accepted"}
    ]


def test_with_a_key_only_its_holder_is_answered(app_of, registry):
    with TestClient(app_of(registry, api_key="s3cret-16-letter")) as client:
        for headers in (
            {},
            {"Authorization": "Bearer wrong"},
            {"Authorization": "Basic s3cret-16-letter"},
        ):
            refused = client.post("/v1/triage", json={"incident": {}}, headers=headers)
            assert refused.status_code == 401
            assert refused.headers["www-authenticate"] == "Bearer"
            assert refused.headers["content-type"] == "application/problem+json"
            assert "s3cret-16-letter" not in refused.text
        holder = {"Authorization": "Bearer s3cret-16-letter"}
        assert client.post("/v1/triage", json={"incident": {}}, headers=holder).is_success
        assert client.get("/v1/models").status_code == 401
        for path in ("/health/live", "/health/ready", "/metrics", "/docs", "/openapi.json"):
            assert client.get(path).status_code == 200


def test_the_key_is_checked_before_the_body_is_read(app_of, registry):
    with TestClient(app_of(registry, api_key="s3cret-16-letter", max_body_bytes=10)) as client:
        for content in (b"{", b"x" * 11, b"\xff"):
            assert client.post("/v1/triage", content=content, headers=JSON).status_code == 401


@pytest.mark.parametrize("path", ["/v1/triage", "/v1/models", "/v1/incidents/1"])
def test_without_a_key_another_sites_page_is_refused(client, path):
    for site, status in (("cross-site", 403), ("same-site", 403), ("same-origin", 200)):
        method = "POST" if path == "/v1/triage" else "GET"
        body = {"json": {"incident": {}}} if method == "POST" else {}
        answer = client.request(method, path, headers={"Sec-Fetch-Site": site}, **body)
        assert answer.status_code == (404 if status == 200 and path.endswith("/1") else status)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "example.com", ""])
def test_an_address_that_others_reach_needs_a_key(host):
    with pytest.raises(ValueError, match="PRECEDENT_API_KEY"):
        ServingSettings(host=host)
    with pytest.raises(ValueError, match="PRECEDENT_API_KEY"):
        ServingSettings(host=host, api_key=" ")
    assert ServingSettings(host=host, api_key="k" * 16).host == host


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_this_machine_needs_no_key(host):
    assert ServingSettings(host=host).api_key is None


def test_a_harmless_request_id_is_kept_and_another_replaced(client):
    for request_id in ("a-1.b:c/d=", "x" * 128):
        response = client.get("/health/live", headers={"X-Request-ID": request_id})
        assert response.headers["x-request-id"] == request_id
    for request_id in ("", "x" * 129, "two words", "<script>", "caf\xe9".encode("latin-1")):
        response = client.get("/health/live", headers={"X-Request-ID": request_id})
        assert response.headers["x-request-id"] != request_id
        assert len(response.headers["x-request-id"]) == 36
