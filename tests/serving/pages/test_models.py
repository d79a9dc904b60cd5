"""The pages about models: who answers, how well it keeps its promises, and its card."""

import html
import re
import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from starlette.testclient import TestClient

from features.domain.audit_event import AuditEvent
from features.domain.certificate_withdrawal import CertificateWithdrawal
from features.domain.labels import LabelRecord, LabelSource
from features.domain.modes import Mode, ModeSetting
from features.domain.monitoring import Alarm, Measure, MonitoringReport, Proposal
from features.domain.predictions import PredictionRecord, ShadowRecord
from models.artifacts.load_artifact import LoadedModel
from models.artifacts.registry import ModelRegistry
from models.base.gate_verdict import Comparison, Verdict
from models.base.model_card import (
    Card,
    ClassReliability,
    ConfidenceBin,
    CurvePoint,
    Drift,
    LabelNoise,
    Metric,
    RowCounts,
    SliceMetric,
)
from models.base.predictions import Certificate
from models.classification.calibrated_predictor import Certification
from models.classification.choice import ChoiceModel
from serving.app import create_app
from serving.pages.render.card_charts import draw_learning_curve, draw_reliability
from serving.runtime.settings import ServingSettings

NOW = datetime.now(UTC)
OWN = {"Origin": "http://testserver"}
HOSTILE = "<script>alert(1)</script>\"'>{{7919*7907}}{% raw %}\u202egnp.exe\U0001f525"


def full_card(text: str = "vpn") -> Card:
    """A card with every part filled, `text` wherever a text can be."""
    return Card(
        target="category",
        kind="choice",
        created_at=NOW,
        data_sha256="ab" * 32,
        rows=RowCounts(read=7_000, used=6_500, rejected=500, labelled=6_000),
        cutoff=datetime(2026, 2, 1, tzinfo=UTC),
        split=f"by time {text}",
        provenance={text: "opening"},
        metrics=(Metric("accuracy", 0.9, 0.88, 0.92, 0.5, text),),
        reliability=(ConfidenceBin(0.5, 0.6, 9, 0.55, 0.5), ConfidenceBin(0.9, 1, 90, 0.95, 0.94)),
        class_reliability=(ClassReliability(text, 30, 0, None, 0.0, None),),
        slices=(SliceMetric("service", text, 220, 200, "accuracy", 0.81, 0.75, 0.86),),
        certificates={"Network": Certificate(0.92, 0.81, 412), text: Certificate(0.9, 0.7, 99)},
        label_noise=LabelNoise(30, 0.01, 3_000, 0.97, 12, 4, 0.99),
        drift=Drift(True, NOW, 0.2, 0.01, None, f"later incidents differ: {text}"),
        verdict=Verdict(
            False,
            (f"no better beyond noise: {text}",),
            (f"{text} fell",),
            (Comparison(f"version {text}", "accuracy", 2_013, 1_990, 0.021, 0.008, 0.034),),
        ),
        parameters={"words": text},
        versions={"numpy": "2.3.0", "scikit-learn": text},
        encoder_sha256="cd" * 32,
        notes=(f"a note on {text}",),
        rung="full",
        learning_curve=(CurvePoint(100, 0.6, 0.5, 0.7), CurvePoint(6_000, 0.9, 0.88, 0.92)),
        labels_until_auto=300,
    )


@pytest.fixture
def carded(client, trained_registry, monkeypatch):
    """Gives the champion of category a card of the test's own."""

    def give(card: Card) -> TestClient:
        def load(version):
            return LoadedModel(trained_registry.models[version.target, version.version], card)

        monkeypatch.setattr(trained_registry, "load", load)
        trained_registry.promote("category", "8")
        client.app.state.container.champions.poll()
        return client

    return give


def words(response) -> str:
    text = " ".join(html.unescape(re.sub(r"<[^>]+>", " ", response.text)).split())
    return re.sub(r" ([,:;])", r"\1", text)


def test_the_models_page_tells_who_is_champion_since_when_and_why(client, store):
    at = NOW - timedelta(days=3, minutes=1)
    for version, reason in (("6", "first"), ("7", "knows the new groups")):
        store.audit_log.append(AuditEvent(at, "Ana", "promote", "category", version, reason, {}))
    store.modes.set(ModeSetting("category", None, Mode.RECOMMEND, NOW))
    client.app.state.container.modes.poll()
    shown = words(client.get("/models"))
    assert (
        "Category, version 7 champion since 3 days ago, promoted by Ana: knows the new groups"
        in (shown)
    )
    assert "shown to people" in shown
    assert "accuracy 0.900 0.880 to 0.920; baseline 0.500" in shown
    assert "Severity, version 3 champion; the log does not say since when" in shown
    assert "Not checked yet" in shown


def audited(number: int, label: str, version: str = "7") -> PredictionRecord:
    answer = ("category", version, label, 0.9, "auto", "auto", {"label": label})
    return PredictionRecord(f"p-{number}", "r", f"INC{number}", *answer, NOW, 0.05)


def test_certificates_stand_beside_what_audited_answers_say(client, store):
    store.predictions.record([audited(number, "Network") for number in range(52)])
    store.labels.record(
        [
            LabelRecord(
                *(f"INC{number}", "category", "Network" if number < 40 else "Mail"),
                *(LabelSource.AUDITED, "Mia", NOW + timedelta(seconds=1), f"p-{number}"),
            )
            for number in range(50)
        ]
    )
    client.app.state.container.model_health.poll()
    shown = words(client.get("/models"))
    assert re.search(r"Network 92% 80%, \d\d% to \d\d% of 50", shown)
    assert "2 answers of version 7 in the audit sample wait for a person to decide" in shown
    assert "proven for comparison only" in shown
    command = "precedent mode auto --target category --label LABEL"
    assert shown.count(command) == 1


def test_what_is_allowed_without_proof_says_so(client, store):
    for label in ("Network", "Fax"):
        store.modes.set(ModeSetting("category", label, Mode.AUTO, NOW))
    client.app.state.container.modes.poll()
    shown = words(client.get("/models"))
    assert "Allowed to act alone but not proven, so a person still decides: Fax" in shown
    assert "mode auto --target category" not in shown


def test_why_no_certificate_is_used_is_said(client, trained_registry):
    model = ChoiceModel(encoder="hashing")
    model.certification_ = Certification({}, "the labels may be echoes of our own answers")
    trained_registry.promote("category", "8", model)
    client.app.state.container.champions.poll()
    assert "Certificates are withheld: the labels may be echoes" in words(client.get("/models"))


def test_many_certificates_are_folded(carded):
    many = {f"Team {number}": Certificate(0.92, 0.81, 412) for number in range(11)}
    client = carded(replace(full_card(), certificates=many))
    assert "<summary>11 labels are proven</summary>" in client.get("/models").text


def test_only_what_can_be_rolled_back_is_offered_to_be(client, store):
    def crown(version: str, action: str = "promote") -> bool:
        store.audit_log.append(AuditEvent(NOW, "Ana", action, "category", version, "", {}))
        return "Roll back" in words(client.get("/models"))

    crowned = [crown("6"), crown("7"), crown("6", "rollback"), crown("7")]
    assert crowned == [False, True, False, True]


def test_the_last_look_tells_its_measures_and_that_nothing_is_out_of_line(client, store):
    measures = (
        Measure("accuracy", 0.91, 0.8, 0.95, None, "category", n=1_460),
        Measure("words new", 0.1, None, None, None),
    )
    store.monitoring_reports.save(MonitoringReport(NOW, measures, (), ()))
    client.app.state.container.model_health.poll()
    shown = words(client.get("/models"))
    assert re.search(r"Last checked .+: nothing is out of line\.", shown)
    assert "accuracy: 0.91 ( 0.8 to 0.95 ) on 1,460" in shown
    assert shown.count("new words: 0.1") == 1


def test_a_withdrawn_certificate_says_so_and_why(client, store):
    # The module may have been loaded minutes ago.
    now = datetime.now(UTC)
    store.certificate_withdrawals.record(
        CertificateWithdrawal("category", "7", "Network", 0.92, 40, 60, 0.79, now)
    )
    store.certificate_withdrawals.record(
        CertificateWithdrawal("category", "6", "Mail", 0.92, 1, 60, 0.2, NOW)
    )
    shown = words(client.get("/models"))
    assert (
        "withdrawn just now: only 40 of 60 answers in the audit sample were right. The precision "
        "is at most 79%, below the certified 92%. A person now decides these answers." in shown
    )
    assert shown.count("withdrawn") == 1


def test_a_challenger_stands_beside_its_champion(client, store, trained_registry):
    trained_registry.challenge("category", "9", trained_registry.models["category", "7"])
    client.app.state.container.challengers.poll()
    shown = words(client.get("/models"))
    assert "Challenger: version 9 A version being evaluated" in shown
    assert "It has not answered any incident yet" in shown
    client.app.state.container.model_health._agreements.clear()
    for number, label in enumerate(["A", "A", "B", "B"]):
        store.predictions.record([replace(audited(number, "A"), audit_share=None)])
        shadow = (f"p-{number}", f"INC{number}", "category", "9", label, 0.8, "suggest", NOW)
        store.shadow_predictions.record([ShadowRecord(*shadow)])
    labels = [("INC0", "A"), ("INC2", "A"), ("INC3", "A")]
    store.labels.record(
        [
            LabelRecord(id_, "category", label, LabelSource.OUTCOME, "x", NOW)
            for id_, label in labels
        ]
    )
    assert (
        "It answered 4 incidents and agreed with the champion on 50%. The right label of 3 is "
        "known by now: the challenger was right on 33%, the champion on 100%"
        in words(client.get("/models"))
    )


def test_alarms_and_proposals_say_what_since_when_and_what_to_do(client, store):
    about = ("precision fell", "Retrain with newer labels.", NOW, ("INC1", "INC/2"))
    alarms = (Alarm("precision", *about, "category"), Alarm("latency", "slow", "Look.", None, ()))
    proposal = Proposal("new category", "category", "teams, calls", "72 alike", 72, NOW, ("INC3",))
    store.monitoring_reports.save(MonitoringReport(NOW, (), alarms, (proposal,)))
    client.app.state.container.model_health.poll()
    page = client.get("/models")
    for part in ("precision fell since 20", "Retrain with newer labels.", "slow", "72 alike"):
        assert part in words(page)
    for path in ("/incidents/INC1", "/incidents/INC%2F2", "/incidents/INC3"):
        assert f'href="{path}"' in page.text


def test_a_card_reads_as_a_page(carded):
    page = carded(full_card()).get("/models/category/8")
    shown = words(page)
    for part in (
        "Category, version 8 champion · picks one label · trained",
        "· full method",
        "Not for Acting without a person",
        "Rows read 7,000",
        "ab" * 32,
        "by time vpn",
        "Share of incidents whose predicted label is right. 0.900 0.880 to 0.920 0.500 vpn",
        "Check before promotion: not promoted",
        "no better beyond noise: vpn Warning vpn fell",
        "version vpn accuracy +0.021 +0.008 to +0.034 2,013",
        "service vpn accuracy 0.810 0.750 to 0.860 220",
        "about 300 more labels are needed",
        "Network 92% 81% 412 groups of incidents",
        "Label Incidents Answers precision recall",
        "30 of 3,000 labels (1%) look mistaken",
        "later incidents differ: vpn",
        "a note on vpn",
        "numpy 2.3.0",
        "95% sure, 94% right, 90 answers",
        "6,000 labels: 90.0% right (88.0% to 92.0%)",
    ):
        assert part in shown, part
    assert page.text.count("<svg") == 2
    assert re.findall(r"<script(?![^>]*src=)|<style|\son\w+=|\sstyle=", page.text) == []


def test_an_almost_empty_card_reads_as_a_page(carded):
    shown = words(carded(Card("category", "choice", NOW)).get("/models/category/8"))
    assert "No label is proven precise enough" in shown
    assert "How it was measured is not recorded" in shown


def test_texts_of_a_card_are_shown_as_text(carded, store):
    carded(full_card(HOSTILE))
    store.audit_log.append(
        AuditEvent(NOW, HOSTILE, "promote", "category", "8", HOSTILE, {HOSTILE: HOSTILE})
    )
    alarm = Alarm(HOSTILE, HOSTILE, HOSTILE, NOW, (HOSTILE,), "category", HOSTILE)
    proposal = Proposal("retired", HOSTILE, HOSTILE, HOSTILE, 1, NOW, (HOSTILE,))
    store.monitoring_reports.save(MonitoringReport(NOW, (), (alarm,), (proposal,)))
    client = carded(full_card(HOSTILE))
    client.app.state.container.model_health.poll()
    for path in ("/models", "/models/category/8"):
        text = client.get(path).text
        assert "<script>" not in text
        assert str(7919 * 7907) not in text
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text


@pytest.fixture
def registered(home, three_versions, store, trusted_toy):
    """Asks an app over a real registry with three versions; nothing runs in the background."""
    shutil.copy(three_versions.root / "mlflow.db", home.root)
    registry = ModelRegistry(home.tracking_uri, "default", trusted=trusted_toy)
    settings = ServingSettings(home=home.root)
    return TestClient(create_app(settings, registry=registry, store=store))


def move(client, **fields):
    form = {"target": "category", "move": "promote", "reason": "it knows more"} | fields
    return client.post("/models", data=form, headers=OWN, follow_redirects=False)


def test_any_version_has_a_card_and_is_promoted_and_rolled_back_from_the_page(registered, store):
    shown = words(registered.get("/models/category/2"))
    assert "Category, version 2 not in use" in shown
    assert "3 challenger" in shown
    assert "Promote version 2, because" in shown
    response = move(registered, version="2", given_by="Ana")
    assert (response.status_code, response.headers["location"]) == (303, "/models#category")
    assert "version 2 champion" in words(registered.get("/models/category/2"))
    move(registered, version="1")
    move(registered, move="rollback", reason="it got worse")
    assert [(event.action, event.version, event.actor) for event in store.audit_log.select()] == [
        ("promote", "2", "Ana"),
        ("promote", "1", "Ana"),
        ("rollback", "2", "Ana"),
    ]
    assert store.audit_log.select()[-1].reason == "it got worse"


def test_a_move_that_cannot_be_made_is_a_page_that_says_why(registered, store):
    for fields, status, why in (
        ({"version": "2", "reason": " "}, 422, "give a reason for the log"),
        ({}, 422, "name the version to promote"),
        ({"version": "9"}, 404, "has no version 9"),
        ({"version": "2", "target": "no/thing"}, 404, "no model of 'no/thing'"),
        ({"move": "rollback"}, 409, "no earlier champion"),
    ):
        response = move(registered, **fields)
        assert response.status_code == status
        assert why in words(response)
        assert "Reload the page" not in words(response)
    form = {"target": "category", "version": "2", "reason": "x"}
    assert registered.post("/models", data=form).status_code == 403
    assert store.audit_log.select() == ()


def test_a_card_that_cannot_be_read_is_a_page(registered, home, three_versions):
    assert registered.get("/models/category/9").status_code == 404
    assert registered.get("/models/other/1").status_code == 404
    (home.root / "mlflow.db").write_bytes(b"no database")
    response = registered.get("/models/category/2")
    assert response.status_code == 503
    assert str(home.root) not in response.text


def test_these_pages_are_guarded_as_all_others_are(app_of, trained_registry, client):
    locked = TestClient(app_of(trained_registry, api_key="s3cret"))
    for path in ("/models", "/models/category/7", "/audit", "/labels"):
        response = locked.get(path, follow_redirects=False)
        assert response.headers["location"].startswith("/sign-in?next=")
        page = client.get(path)
        assert page.status_code == 200
        assert page.headers["content-security-policy"].startswith("default-src 'none'")
        assert re.findall(r"<script(?![^>]*src=)|<style|\son\w+=|\sstyle=", page.text) == []
    form = {"target": "category", "version": "7", "reason": "x"}
    response = locked.post("/models", data=form, headers=OWN, follow_redirects=False)
    assert response.headers["location"].startswith("/sign-in")


def test_pictures_show_what_was_measured_and_nothing_else():
    bins = [ConfidenceBin(0, 0.1, 0, 0, 0), ConfidenceBin(0.9, 1, 10, 1.0, 0.5)]
    chart = draw_reliability(bins)
    assert [(dot.x, dot.y) for dot in chart.dots] == [(392.0, 90.0)]
    assert draw_reliability(bins[:1]) is None
    assert draw_learning_curve([CurvePoint(50, 0.5, 0.4, 0.6)]) is None
    flat = draw_learning_curve([CurvePoint(50, 1, 1, 1), CurvePoint(100, 1, 1, 1)])
    assert [dot.x for dot in flat.dots] == [40.0, 392.0]
