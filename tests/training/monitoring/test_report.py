"""One look at a store as an owner meets it: alarms, measures, proposals and the command."""

import json
import re
import shutil
from datetime import UTC, datetime, timedelta
from random import Random

import numpy as np
import pytest
from typer.testing import CliRunner

from features.domain.report import IncidentReport, Outcome, ResolvedIncident
from features.home import HomeSettings, open_home
from features.store.learning.certificate_withdrawals import CertificateWithdrawal
from features.store.learning.feedback import FeedbackAction, FeedbackRecord
from features.store.learning.labels import FINAL_STATE, LabelRecord, LabelSource
from features.store.learning.predictions import PredictionRecord
from features.store.learning.shadow_predictions import ShadowPair
from features.store.store import open_store
from models.artifacts.registry import ModelRegistry
from models.lifecycle.promotion import promote
from training.cli.app import app
from training.monitoring.category_proposals import propose_categories
from training.monitoring.dataset import MonitoringDataset
from training.monitoring.report import build_report, unbiased_labels
from training.monitoring.shadow_comparison import measure_shadow

BEGIN = datetime(2026, 1, 5, tzinfo=UTC)
CUTOFF = datetime(2026, 2, 1, tzinfo=UTC)
_THINGS = {
    "Network": ("vpn tunnel", "wifi"),
    "Printing": ("label printer", "toner"),
    "Mail": ("mailbox", "outlook"),
}


def incident(number, rng, category=None, **facts):
    category = category or rng.choice(list(_THINGS))
    thing = rng.choice(_THINGS.get(category, ("badge reader", "turnstile")))
    trouble = rng.choice(["fails", "slow", "broken"])
    title = f"{thing} {trouble} in room {rng.choice('abcdefgh')}{number}"
    at = BEGIN + timedelta(hours=2 * number)
    report = IncidentReport(f"INC{number}", at, title, "", facts.get("service", "desk"), "portal")
    return ResolvedIncident(report, Outcome(category=facts.get("label", category), resolved_at=at))


def past_and_present(changed=None):
    rng = Random(0)
    found = []
    for number in range(700):
        is_new = changed is not None and number >= 500 and number % 6 == 0
        found.append(incident(number, rng, **(changed if is_new else {})))
    return found


@pytest.fixture(scope="module")
def owned(tmp_path_factory, three_versions, empty_store):
    """A home with a champion that learned until February."""
    home = open_home(HomeSettings(home=tmp_path_factory.mktemp("monitored")))
    shutil.copy(three_versions.root / "mlflow.db", home.root / "mlflow.db")
    shutil.copy(empty_store, home.root / "precedent.db")
    with open_store(home.database_url) as store:
        promote("category", "1", home=home, tenant="default", store=store, actor="a", reason="")
    return home


@pytest.fixture(scope="module")
def looked(owned, empty_store):
    """Looks at a store with what a test puts into it, in the one home."""

    def look_after(fill, **options):
        shutil.copy(empty_store, owned.root / "precedent.db")
        with open_store(owned.database_url) as store:
            fill(store)
            registry = ModelRegistry(owned.tracking_uri, "default")
            return build_report(store, registry, owned, "hashing", **options)

    return look_after


def answered(one, label, *, share=None, decision="auto"):
    return PredictionRecord(
        prediction_id=f"p-{one.report.id}",
        request_id="r",
        incident_id=one.report.id,
        target="category",
        model_version="1",
        label=label,
        confidence=0.95,
        decision=decision,
        mode="auto",
        answer={},
        answered_at=one.report.opened_at,
        audit_share=share,
        seconds=0.02,
    )


def labelled(one, label, source, given_by="ana"):
    at = one.report.opened_at + timedelta(days=1)
    id_ = one.report.id
    return LabelRecord(id_, "category", label, source, given_by, at, f"p-{id_}")


def a_quiet_month(store):
    """Everything is as before: right answers, one in four abstained, half of them taken."""
    incidents = past_and_present()
    store.upsert(incidents)
    late = incidents[500:]
    store.record_predictions(
        [
            answered(one, one.outcome.category, decision="auto" if number % 4 else "abstain")
            for number, one in enumerate(late)
        ]
    )
    for number, one in enumerate(late[:40]):
        action = FeedbackAction.DISMISS if number % 2 else FeedbackAction.ACCEPT
        id_, at = one.report.id, one.report.opened_at
        said = FeedbackRecord(f"p-{id_}", id_, "category", action, None, None, "ana", at, "api")
        store.give_feedback(said)


def a_bad_month(store):
    """Mail is renamed, there are kiosks, Printing is gone, and answers are wrong from day 37 on."""
    changed = past_and_present({"category": "Mail", "label": "E-mail", "service": "kiosk"})
    incidents = [
        one for n, one in enumerate(changed) if n < 350 or one.outcome.category != "Printing"
    ]
    store.upsert(incidents)
    late = [one for one in incidents if one.report.opened_at > BEGIN + timedelta(days=33)]
    since = BEGIN + timedelta(days=37)
    store.record_predictions(
        [
            answered(
                one,
                "Network" if one.report.opened_at > since else one.outcome.category,
                share=0.05 if number % 3 == 0 else None,
            )
            for number, one in enumerate(late)
        ]
    )
    store.learning.record_labels(
        [labelled(one, one.outcome.category, LabelSource.AUDITED) for one in late[::3]]
    )
    store.learning.withdraw(
        CertificateWithdrawal("category", "1", "Mail", 0.92, 8, 30, 0.5, CUTOFF)
    )


@pytest.fixture(scope="module")
def quiet(looked):
    return looked(a_quiet_month)


@pytest.fixture(scope="module")
def bad(looked):
    return looked(a_bad_month)


def alarm(found, signal):
    return next(one for one in found.alarms if one.signal == signal)


def test_a_quiet_store_raises_no_alarm_and_proposes_no_retirement(quiet):
    assert quiet.alarms == ()
    assert [one for one in quiet.proposals if one.kind == "retired"] == []


def test_a_quiet_store_is_measured(quiet):
    measured = {one.name: one for one in quiet.measures}
    assert measured["incidents compared"].value == 375
    assert measured["texts told from earlier ones (AUC)"].low < 0.6
    assert measured["label shares moved"].value <= 2 * measured["label shares moved"].reference
    assert measured["service never seen before"].value == 0
    assert measured["answers abstained"].value == 0.25
    assert (measured["accuracy"].value, measured["accuracy"].reference) == (1, 0.9)
    assert measured["confidence above accuracy"].value == pytest.approx(-0.05)
    assert measured["feedback accepted"].value == 0.5
    assert measured["seconds to answer, median"].value == 0.02


def test_a_renamed_category_is_named_dated_and_shown(bad):
    found = alarm(bad, "label")
    assert (found.target, found.label) == ("category", "E-mail")
    assert found.since >= BEGIN + timedelta(hours=1000)
    assert set(found.examples) <= {f"INC{number}" for number in range(500, 700)}
    assert "retrain" in found.advice


def test_a_new_service_raises_an_alarm(bad):
    assert "'kiosk' is new" in alarm(bad, "service").statement


def test_answers_that_went_wrong_raise_an_alarm_with_those_missed(bad):
    found = alarm(bad, "errors")
    assert abs(found.since - (BEGIN + timedelta(days=37))) <= timedelta(days=2)
    assert "more often than they say" in found.statement


def test_a_broken_promise_is_an_alarm_while_the_class_is_certified(bad):
    measure = next(one for one in bad.measures if one.label == "Network")
    assert measure.name == "audited precision"
    assert measure.low < measure.value < measure.high < measure.reference == 0.9
    assert "still certified" in next(one for one in bad.alarms if one.label == "Network").statement


def test_a_withdrawn_certificate_is_told(bad):
    assert "8 were right" in next(one for one in bad.alarms if one.label == "Mail").statement


def test_a_class_that_never_comes_again_may_be_retired(bad):
    retired = [one for one in bad.proposals if one.kind == "retired"]
    assert "Printing" in [one.name for one in retired]


def test_alike_incidents_that_the_model_could_not_place_are_proposed():
    rng, spread = Random(0), np.random.default_rng(0).normal(size=(60, 16))
    ordinary = [incident(number, rng) for number in range(60)]
    doors = [incident(number, rng, category="Doors") for number in range(60, 72)]
    vectors = np.vstack([spread, spread[:1] + 0.05 * spread[:12]]).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    dataset = MonitoringDataset((*ordinary, *doors), vectors)
    unplaced = {one.report.id for one in (*ordinary[::2], *doors)}
    found = propose_categories(dataset, "category", unplaced).proposals
    best = max(found, key=lambda one: one.count)
    assert set(best.examples) <= {one.report.id for one in (*ordinary[:1], *doors)}
    assert best.count >= 10
    assert "'Doors'" not in best.name
    assert "Doors" in best.statement


def test_what_people_only_corrected_does_not_count_as_errors():
    one = incident(1, Random(0))
    dataset = MonitoringDataset((one,), np.zeros((1, 2), dtype=np.float32))
    corrected = labelled(one, "Mail", LabelSource.CORRECTED)
    final = labelled(one, "Mail", LabelSource.OUTCOME, FINAL_STATE)
    echo = labelled(one, "Mail", LabelSource.SELF_CONFIRMED, FINAL_STATE)
    assert unbiased_labels(dataset, "category", {"INC1": [corrected]}) == {}
    assert unbiased_labels(dataset, "category", {"INC1": [echo]}) == {}
    assert list(unbiased_labels(dataset, "category", {"INC1": [corrected, final]})) == ["INC1"]
    assert list(unbiased_labels(dataset, "category", {})) == ["INC1"]


def test_a_shadow_is_compared_with_the_champion():
    pairs = [
        ShadowPair(
            incident_id=str(number),
            answered_at=BEGIN,
            label="Mail",
            confidence=0.9,
            decision="auto",
            champion_version="1",
            champion_label="Mail" if number % 2 else "VPN",
            champion_confidence=0.9,
            champion_decision="auto",
            truth="Mail" if number < 5 else None,
        )
        for number in range(10)
    ]
    found = {one.name: one for one in measure_shadow("category", "2", pairs).measures}
    assert found["shadow version 2: agrees with the champion"].value == 0.5
    assert found["shadow version 2: accuracy"].value == 1
    assert found["shadow version 2: accuracy less the champion's"].value == pytest.approx(0.6)


def test_the_command_prints_and_keeps_what_the_look_found(looked, owned, bad, monkeypatch):
    looked(a_bad_month)
    monkeypatch.setenv("PRECEDENT_HOME", str(owned.root))
    monkeypatch.setenv("PRECEDENT_ENCODER", "hashing")
    told = CliRunner().invoke(app, ["monitor", "--json"])
    assert told.exit_code == 0, told.output
    signals = [one["signal"] for one in json.loads(told.stdout)["alarms"]]
    assert signals == [one.signal for one in bad.alarms]
    with open_store(owned.database_url) as store:
        assert store.learning.latest_monitoring().alarms == bad.alarms


def test_the_command_begins_with_one_verdict(looked, owned, monkeypatch):
    monkeypatch.setenv("PRECEDENT_HOME", str(owned.root))
    monkeypatch.setenv("PRECEDENT_ENCODER", "hashing")
    looked(lambda store: None)
    told = CliRunner().invoke(app, ["monitor"]).stdout.splitlines()
    assert told[0] == "nothing is out of line"
    looked(a_bad_month)
    told = CliRunner().invoke(app, ["monitor"]).stdout
    assert re.match(r"\d+ alarms(; \d+ proposals?)?\n", told)
    assert re.search(r"^all: incidents compared \d+ \(reference \d+\)$", told, re.MULTILINE)
    assert "e+0" not in told
    assert "category: answers abstained 0 on 207\n" in told


def test_an_empty_store_has_nothing_to_tell(looked):
    found = looked(lambda store: None, days=10)
    assert (found.alarms, found.proposals) == ((), ())
