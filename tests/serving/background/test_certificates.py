"""A certificate that audited answers disprove: who notices, what is said, and what is answered."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from factories import label_record, prediction
from starlette.testclient import TestClient

from features.domain.labels import LabelSource
from features.domain.modes import Mode, ModeSetting
from features.domain.monitoring import Alarm, Measure, MonitoringReport
from features.errors import StoreUnavailable
from features.store.learning.certificate_withdrawals import CertificateWithdrawalRepository
from features.store.learning.predictions import PredictionRepository
from models.base.predictions import Certificate

NOW = datetime.now(UTC) - timedelta(hours=2)
VPN = {"title": "vpn"}
CERTIFICATE = Certificate(0.92, 0.81, 412)


def drawn(number, *, version="7", share=0.05, label="Network v7"):
    return prediction(
        f"I{number}",
        label,
        prediction_id=f"p{version}-{number}",
        model_version=version,
        confidence=0.93,
        decision="auto",
        mode="auto",
        answered_at=NOW,
        audit_share=share,
    )


def decided(number, label, version="7"):
    return label_record(
        f"I{number}",
        label,
        LabelSource.AUDITED,
        given_at=NOW + timedelta(hours=1),
        prediction_id=f"p{version}-{number}",
    )


@pytest.fixture
def certified(trained_registry):
    """A registry whose models are certified for the label that they answer."""
    load = trained_registry.load

    def load_certified(version):
        loaded = load(version)
        certificates = {f"Network v{version.version}": CERTIFICATE}
        return replace(loaded, card=replace(loaded.card, certificates=certificates))

    trained_registry.load = load_certified
    return trained_registry


@pytest.fixture
def client(app_of, certified, store):
    store.modes.set(ModeSetting("category", None, Mode.AUTO, datetime.now(UTC)))
    with TestClient(app_of(certified)) as opened:
        yield opened


@pytest.fixture
def audit(client, store):
    """Stores audited answers of which so many were wrong, and tells the app of the labels."""

    def tell(right, wrong, version="7"):
        store.predictions.record([drawn(n, version=version) for n in range(right + wrong)])
        labels = [
            decided(n, "Network v7" if n < right else "Printing", version)
            for n in range(right + wrong)
        ]
        store.labels.record(labels)
        client.app.state.container.certificates.on_labels(labels[-1:])

    return tell


def category(client):
    return client.post("/v1/triage", json={"incident": VPN}).json()["category"]


def listed(client):
    models = client.get("/v1/models").json()["models"]
    return next(model for model in models if model["target"] == "category")


def test_what_the_audit_disproves_is_suggested_from_then_on(client, audit, store):
    assert category(client)["decision"] == "auto"
    audit(right=8, wrong=22)
    answer = category(client)
    assert (answer["decision"], answer["certificate"], answer["mode"]) == ("suggest", None, "auto")
    (withdrawal,) = store.certificate_withdrawals.all()
    assert (withdrawal.target, withdrawal.version, withdrawal.label) == (
        "category",
        "7",
        "Network v7",
    )
    assert (withdrawal.right, withdrawal.audited) == (8, 30)
    assert withdrawal.high < withdrawal.promised == 0.92


def test_the_log_says_so_once(client, audit, store):
    audit(right=8, wrong=22)
    client.app.state.container.model_health.poll()
    (event,) = store.audit_log.select()
    assert (event.actor, event.action, event.version) == ("precedent", "withdraw", "7")
    assert "8 of 30 audited answers were right" in event.reason
    assert "suggest" in event.reason
    assert event.details["promised"] == 0.92


def test_what_keeps_its_promise_stays(client, audit, store):
    audit(right=29, wrong=1)
    assert store.certificate_withdrawals.all() == ()
    assert category(client)["decision"] == "auto"


def test_a_new_version_starts_anew(client, audit, certified):
    audit(right=8, wrong=22)
    certified.promote("category", "8")
    client.app.state.container.champions.poll()
    assert category(client)["decision"] == "auto"
    assert listed(client)["withdrawn"] == []


def test_answers_of_an_old_version_tell_nothing_of_the_present_one(audit, store):
    audit(right=0, wrong=30, version="6")
    assert store.certificate_withdrawals.all() == ()


@pytest.mark.quality
def test_another_server_follows(client, store, app_of, certified):
    with TestClient(app_of(certified)) as other:
        store.predictions.record([drawn(n) for n in range(30)])
        labels = [decided(n, "Printing") for n in range(30)]
        store.labels.record(labels)
        client.app.state.container.certificates.on_labels(labels)
        other.app.state.container.certificates.poll()
        assert category(other)["decision"] == "suggest"


@pytest.mark.quality
def test_labels_that_came_by_other_ways_are_judged_when_somebody_looks(client, store):
    store.predictions.record([drawn(n) for n in range(30)])
    store.labels.record([decided(n, "Printing") for n in range(30)])
    client.app.state.container.model_health.poll()
    assert category(client)["decision"] == "suggest"


@pytest.mark.quality
def test_feedback_withdraws_at_once(client, store):
    store.predictions.record([drawn(n) for n in range(10)])
    for number in range(10):
        body = {"prediction_id": f"p7-{number}", "target": "category", "action": "correct"}
        response = client.post("/v1/feedback", json=body | {"label": "Printing"})
        assert response.status_code == 200, response.text
    assert category(client)["decision"] == "suggest"


def test_a_store_that_fails_withdraws_nothing_and_troubles_nobody(client, store, monkeypatch):
    watcher = client.app.state.container.certificates

    def fail(*_args):
        raise StoreUnavailable("busy")

    with monkeypatch.context() as patch:
        patch.setattr(PredictionRepository, "audited", fail)
        patch.setattr(CertificateWithdrawalRepository, "all", fail)
        watcher.on_labels([decided(1, "Printing")])
        watcher.poll()
        client.app.state.container.model_health.poll()
    assert category(client)["decision"] == "auto"


def test_models_and_metrics_tell_what_the_audit_shows(client, audit):
    audit(right=8, wrong=22)
    client.app.state.container.model_health.poll()
    model = listed(client)
    assert model["withdrawn"] == ["Network v7"]
    shown = model["audited"]["Network v7"]
    assert shown["n"] == 30
    assert shown["estimate"] == pytest.approx(8 / 30)
    assert shown["low"] < shown["estimate"] < shown["high"] < 0.92
    scraped = client.get("/metrics").text
    named = 'label="Network v7",target="category"'
    assert f'precedent_audited_precision{{bound="estimate",{named}}} 0.26' in scraped
    assert f"precedent_audited_answers{{{named}}} 30.0" in scraped
    assert f'precedent_withdrawn_certificate{{{named},version="7"}} 1.0' in scraped


def test_the_estimate_weighs_each_answer_by_the_share_it_was_drawn_with(client, store):
    store.predictions.record([drawn(1, share=0.05), drawn(2, share=0.5)])
    store.labels.record([decided(1, "Network v7"), decided(2, "Printing")])
    client.app.state.container.model_health.poll()
    assert listed(client)["audited"]["Network v7"]["estimate"] == pytest.approx(20 / 22)


def test_the_last_monitoring_is_scraped(client, store):
    measures = (
        Measure("acceptance", 0.9, 0.8, 1.0, None, "category"),
        Measure("acceptance", 0.7, None, None, None, "category"),
    )
    alarms = (Alarm("vocabulary", "new words", "train anew", NOW, ("I1",), "category"),) * 2
    store.monitoring_reports.save(MonitoringReport(NOW, measures, alarms, ()))
    client.app.state.container.model_health.poll()
    scraped = client.get("/metrics").text
    assert 'monitoring_measure{label="",measure="acceptance",target="category"} 0.7' in scraped
    assert 'precedent_monitoring_alarms{signal="vocabulary",target="category"} 2.0' in scraped
    assert "precedent_monitoring_timestamp_seconds 1" in scraped
    store.monitoring_reports.save(MonitoringReport(NOW + timedelta(hours=1), (), (), ()))
    client.app.state.container.model_health.poll()
    scraped = client.get("/metrics").text
    assert 'precedent_monitoring_alarms{signal="",target=""} 0.0' in scraped


def test_wrong_acts_are_the_first_figure_of_metrics_and_page(client, audit):
    audit(18, 2)
    client.app.state.container.model_health.poll()
    metrics = client.get("/metrics").text
    first = next(line for line in metrics.splitlines() if not line.startswith("#"))
    assert first == 'precedent_wrong_acts_per_1000_incidents{bound="estimate"} 100.0'
    assert "precedent_auto_incidents_share 1.0" in metrics
    assert "precedent_checked_acts 20.0" in metrics
    page = client.get("/models").text
    assert page.index("Wrong automatic acts per 1,000 incidents") < page.index("<h2")
    assert '<strong class="number">100</strong>' in page
