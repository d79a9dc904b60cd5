"""Impact and urgency are fields whose answers have a rank; other fields have none."""

from starlette.testclient import TestClient


def test_a_rated_field_is_answered_like_severity(app_of, trained_registry) -> None:
    levels = trained_registry.models["severity", "3"]
    trained_registry.promote("fields.impact", "4", levels)
    with TestClient(app_of(trained_registry)) as client:
        answer = client.post("/v1/triage", json={"incident": {"title": "VPN down"}}).json()
        batch = client.post("/v1/triage/batch", json={"incidents": [{"title": "VPN down"}]}).json()
    assert answer["fields"]["impact"] == answer["severity"]
    assert (answer["severity"]["rank"], answer["severity"]["expected_rank"]) == (1, 0.9)
    assert "rank" not in answer["fields"]["subcategory"]
    assert batch["results"][0]["triage"]["fields"] == answer["fields"]
