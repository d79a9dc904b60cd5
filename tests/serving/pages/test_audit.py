"""The page of the audit log: one question, one screen."""

import html
import re
import shutil
from datetime import UTC, datetime

import pytest
from starlette.testclient import TestClient

from features.domain.audit_event import AuditEvent
from features.domain.labels import LabelRecord, LabelSource
from features.domain.predictions import PredictionRecord
from models.artifacts.mlflow_client import connect
from models.artifacts.registry import CHAMPION, ModelRegistry
from serving.app import create_app
from serving.runtime.settings import ServingSettings

HOSTILE = "<script>alert(1)</script>\"'>{{7919*7907}}{% raw %}"
GAIN = {"metric": "accuracy", "incidents": 2013, "value": 0.021, "low": 0.008, "high": 0.034}


def at(day: int) -> datetime:
    return datetime(2026, 3, day, 12, tzinfo=UTC)


@pytest.fixture
def past(store):
    """A March in which version 2 was champion from the 3rd to the 5th."""
    details = {"data_sha256": "ab" * 32, "figures": {"version 1": GAIN}}
    for day, actor, action, version in [
        (1, "training", "promote", "1"),
        (3, "Ana", "promote", "2"),
        (5, "Ben", "rollback", "1"),
    ]:
        reason = f"reason of day {day}"
        store.audit_log.append(
            AuditEvent(
                at(day), actor, action, "category", version, reason, details if day == 3 else {}
            )
        )
    answer = ("category", "2", "Mail", 0.93, "suggest", "recommend", {"label": "Mail"}, at(4))
    store.predictions.record([PredictionRecord("p-1", "r", "INC/1", *answer)])
    store.labels.record(
        [LabelRecord("INC/1", "category", "VPN", LabelSource.REPLACED, "Mia", at(6), "p-1")]
    )
    return store


@pytest.fixture
def client(home, three_versions, past):
    """Asks an app over a real registry in which version 1 is champion."""
    shutil.copy(three_versions.root / "mlflow.db", home.root)
    connect(home.tracking_uri).set_registered_model_alias("default.category", CHAMPION, "1")
    registry = ModelRegistry(home.tracking_uri, "default")
    return TestClient(create_app(ServingSettings(home=home.root), registry=registry, store=past))


def words(response) -> str:
    text = " ".join(html.unescape(re.sub(r"<[^>]+>", " ", response.text)).split())
    return re.sub(r" ([,:;])", r"\1", text)


def test_who_was_champion_and_what_was_said_is_one_page(client):
    page = client.get("/audit?at=2026-03-04&incident=INC/1&target=category")
    shown = words(page)
    for part in (
        "Champions at 2026-03-04 23:59:59 UTC",
        "Category: version 2 since 2026-03-03 12:00:00 UTC, promoted by Ana: reason of day 3",
        "ab" * 32,
        "accuracy against version 1: +0.021 (+0.008 to +0.034) on 2,013 incidents",
        "Answers about INC/1 up to this time",
        "Category Mail 93% suggestion shown to people version 2",
        "Category VPN changed given later Mia",
    ):
        assert part in shown, part
    assert 'href="/models/category/2"' in page.text
    assert "none: version 1, the first, was trained on" in words(client.get("/audit?at=2026-02-01"))
    assert "No answer is stored" in words(client.get("/audit?at=2026-03-03&incident=INC/1"))


def test_the_log_itself_is_shown_newest_first(client, past):
    shown = words(client.get("/audit"))
    assert shown.index("reason of day 5") < shown.index("reason of day 3")
    assert "All events" in shown
    for number in range(60):
        past.audit_log.append(AuditEvent(at(7), "x", "mode", "severity", None, f"n{number}", {}))
    assert "The last 50 of 63 events" in words(client.get("/audit"))
    assert "The last 50 of 60 events" in words(client.get("/audit?target=severity"))


def test_a_question_that_cannot_be_answered_is_a_page_that_says_why(client):
    for moment in ("yesterday", "2026-02-30", "0001-01-01T00:00:00+14:00"):
        response = client.get("/audit", params={"at": moment})
        assert response.status_code == 422
        assert "give a day as 2026-03-03" in words(response)
    assert client.get("/audit?at=2026-03-04&target=other").status_code == 404


def test_the_log_answers_while_the_registry_cannot(client, home):
    (home.root / "mlflow.db").write_bytes(b"no database")
    assert "Category: version 2" in words(client.get("/audit?at=2026-03-04"))
    assert "reason of day 5" in words(client.get("/audit"))


def test_a_champion_moved_past_the_log_is_noted(client, home, past):
    connect(home.tracking_uri).set_registered_model_alias("default.category", CHAMPION, "3")
    assert "noticed in the registry by precedent" in words(client.get("/audit?at=9999-12-31"))
    assert past.audit_log.select(action="found")[0].version == "3"


def test_texts_of_the_log_are_shown_as_text(client, past):
    past.audit_log.append(
        AuditEvent(at(6), HOSTILE, "promote", HOSTILE, "1", HOSTILE, {HOSTILE: GAIN})
    )
    answer = (HOSTILE, HOSTILE, HOSTILE, 0.9, HOSTILE, HOSTILE, {}, at(4))
    past.predictions.record([PredictionRecord("p-2", "r", HOSTILE, *answer)])
    fields = (HOSTILE, HOSTILE, HOSTILE, LabelSource.OUTCOME, HOSTILE, at(6))
    past.labels.record([LabelRecord(*fields)])
    query = {"incident": HOSTILE, "at": "2026-03-09", "target": HOSTILE}
    for page in (client.get("/audit"), client.get("/audit", params=query)):
        assert page.status_code == 200
        assert "<script>" not in page.text
        assert str(7919 * 7907) not in page.text
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page.text
