"""The service that answers, asked directly: it knows no HTTP."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from features.domain.modes import Mode, ModeSetting
from features.domain.report import IncidentReport, Outcome, ResolvedIncident
from features.errors import EncoderUnavailable, StoreUnavailable
from features.store.learning.predictions import PredictionRepository
from models.base.predictions import Certificate, NoveltyPrediction
from models.classification.calibrated_predictor import Certification
from models.classification.choice import ChoiceModel
from models.novelty.novelty_model import NoveltyModel
from models.resolution.resolution_model import ResolutionModel
from serving.background.champions import ChampionPoller
from serving.background.mode_poller import ModePoller
from serving.background.precedents import PrecedentUpdater
from serving.runtime.metrics import ServingMetrics
from serving.services.answer_policy import AnswerPolicy
from serving.services.triage import TriageService

REPORTS = [IncidentReport(id="INC1", title="VPN down"), IncidentReport(id="INC2")]


@pytest.fixture
def watcher(trained_registry):
    watching = ChampionPoller(trained_registry, 60)
    watching.poll()
    return watching


@pytest.fixture
def modes(store):
    return ModePoller(store, 60)


@pytest.fixture
def service(watcher, modes, store):
    metrics = ServingMetrics()
    return TriageService(watcher.current, lambda: AnswerPolicy(modes.modes), store, metrics)


def test_answers_keep_the_order_of_the_reports(service):
    answers = service.triage(REPORTS, include=None, request_id="r")
    assert [item.incident_id for item in answers.items] == ["INC1", "INC2"]
    labels = [item.answers["category"].label for item in answers.items]
    assert labels == ["Network v7", "Other v7"]


def test_each_champion_is_asked_once_for_all_reports(service, trained_registry):
    service.triage(REPORTS * 50, include=None, request_id="r")
    assert trained_registry.models["category", "7"].asked_ == [100]


def test_only_the_parts_asked_for_are_computed(service, trained_registry):
    answers = service.triage(REPORTS, include=["severity", "similar"], request_id="r")
    assert answers.parts == ("severity", "similar")
    assert set(answers.items[0].answers) == {"severity"}
    assert set(answers.absent) == {"similar", "novelty"}
    assert not hasattr(trained_registry.models["category", "7"], "asked_")


def test_what_is_not_trained_is_absent_with_a_reason(service):
    absent = service.triage(REPORTS, include=None, request_id="r").absent
    assert set(absent) == {"assignment", "similar", "runbooks", "resolution", "novelty"}
    assert all(reason.startswith("not trained: ") for reason in absent.values())


def test_every_answer_is_stored(service, store):
    item = service.triage(REPORTS, include=None, request_id="r-1").items[0]
    stored = {record.target: record for record in store.predictions.get(item.prediction_id)}
    assert set(stored) == {"category", "fields.subcategory", "severity"}
    category = stored["category"]
    assert (category.incident_id, category.request_id) == ("INC1", "r-1")
    assert (category.label, category.confidence) == ("Network v7", 0.93)
    assert (category.decision, category.model_version) == ("auto", "7")
    assert category.mode == category.answer["mode"] == "monitor"
    assert category.answer["evidence"]["tokens"] == [
        {"token": "vpn", "weight": 1.2, "field": "title", "start": 0, "end": 3}
    ]
    assert stored["severity"].answer["rank"] == 1


def test_nothing_is_answered_that_cannot_be_stored(service, store, monkeypatch):
    def fail(*_):
        raise StoreUnavailable("the database is busy")

    monkeypatch.setattr(PredictionRepository, "record", fail)
    with pytest.raises(StoreUnavailable):
        service.triage(REPORTS, include=None, request_id="r")


def test_a_model_that_cannot_answer_leaves_the_others_answering(service, trained_registry):
    def fail(_reports):
        raise EncoderUnavailable("the weights are gone")

    trained_registry.models["category", "7"].predict = fail
    answers = service.triage(REPORTS, include=None, request_id="r")
    assert answers.absent["category"] == "cannot answer now; the log says why"
    assert "category" not in answers.champions
    assert answers.items[0].answers["severity"].label == "Middle"


def test_no_reports_need_no_model(service, trained_registry):
    assert service.triage([], include=None, request_id="r").items == ()
    assert not hasattr(trained_registry.models["category", "7"], "asked_")


def test_a_target_that_is_off_is_neither_asked_nor_stored(service, modes, store, trained_registry):
    store.modes.set(ModeSetting("category", None, Mode.OFF, datetime.now(UTC)))
    modes.poll()
    answers = service.triage(REPORTS, include=["category", "severity"], request_id="r")
    assert answers.absent["category"] == "switched off by its owner: mode off"
    assert set(answers.items[0].answers) == set(answers.champions) == {"severity"}
    assert [record.target for record in store.predictions.get(answers.items[0].prediction_id)] == [
        "severity"
    ]
    assert not hasattr(trained_registry.models["category", "7"], "asked_")


def test_the_mode_in_force_is_stored_with_each_answer(service, modes, store):
    store.modes.set(ModeSetting("category", "Network v7", Mode.AUTO, datetime.now(UTC)))
    modes.poll()
    items = service.triage(REPORTS, include=["category"], request_id="r").items
    records = [store.predictions.get(item.prediction_id)[0] for item in items]
    assert [(record.label, record.mode) for record in records] == [
        ("Network v7", "auto"),
        ("Other v7", "monitor"),
    ]


def test_a_label_that_is_off_is_stored_as_it_was_answered(service, modes, store):
    store.modes.set(ModeSetting("category", "Network v7", Mode.OFF, datetime.now(UTC)))
    modes.poll()
    (item, _) = service.triage(REPORTS, include=["category"], request_id="r").items
    (record,) = store.predictions.get(item.prediction_id)
    assert (record.label, record.decision, record.mode) == ("Network v7", "abstain", "off")
    assert record.answer["certificate"] is None


class Judgements(NoveltyModel):
    """Calls the reports strange whose title says so."""

    def judge(self, reports, unknown_labels=None):
        return [
            NoveltyPrediction(
                0.001 if "strange" in report.title else 0.5,
                is_novel="strange" in report.title,
                allows_auto="strange" not in report.title,
                why=("no past incident shares a word",) if "strange" in report.title else (),
            )
            for report in reports
        ]


def test_answers_about_strange_reports_abstain_and_say_why(service, trained_registry, watcher):
    trained_registry.promote("novelty", "1", Judgements())
    watcher.poll()
    reports = [REPORTS[0], replace(REPORTS[0], id="INC9", title="strange vpn")]
    usual, strange = service.triage(reports, include=["category"], request_id="r").items
    assert usual.answers["category"].decision == "auto"
    assert strange.answers["category"].decision == "abstain"
    assert strange.answers["category"].certificate is None
    assert strange.answers["novelty"].why == ("no past incident shares a word",)


def test_the_answer_about_novelty_is_stored(service, trained_registry, watcher, store):
    trained_registry.promote("novelty", "4", Judgements())
    watcher.poll()
    item = service.triage(REPORTS, include=["severity"], request_id="r").items[0]
    stored = {record.target: record for record in store.predictions.get(item.prediction_id)}
    assert set(stored) == {"severity", "novelty"}
    assert stored["novelty"].model_version == "4"
    assert stored["novelty"].answer["p_value"] == 0.5


def test_certificates_that_need_novelty_are_void_without_it(service, trained_registry, watcher):
    examples = [
        ResolvedIncident(IncidentReport(id=str(n), title=f"{word} {n}"), Outcome(word))
        for n in range(20)
        for word in ("vpn", "printer")
    ]
    for version, needs_novelty in (("8", False), ("9", True)):
        model = ChoiceModel(encoder="hashing").fit(examples)
        certificates = dict.fromkeys(("vpn", "printer"), Certificate(0.9, 0.1, 50))
        model.certify(Certification(certificates, needs_novelty=needs_novelty))
        trained_registry.promote("category", version, model)
        watcher.poll()
        answers = service.triage(REPORTS[:1], include=["category"], request_id="r")
        decision = answers.items[0].answers["category"].decision
        assert decision == ("suggest" if needs_novelty else "auto")


def test_evidence_is_left_out_on_request(service, trained_registry, watcher):
    examples = [
        ResolvedIncident(IncidentReport(id=str(n), title=f"{word} {n}"), Outcome(word))
        for n in range(20)
        for word in ("vpn", "printer")
    ]
    trained_registry.promote("category", "8", ChoiceModel(encoder="hashing").fit(examples))
    watcher.poll()
    asked = [IncidentReport(id="new", title="printer 99")]
    answers = [
        service.triage(asked, include=["category"], request_id="r", with_evidence=wanted)
        .items[0]
        .answers["category"]
        for wanted in (True, False)
    ]
    assert [bool(answer.evidence.tokens) for answer in answers] == [True, False]
    assert [bool(answer.evidence.exemplars) for answer in answers] == [True, False]
    assert answers[0].confidence == answers[1].confidence


START = datetime(2026, 3, 1, tzinfo=UTC)


def past_incidents(*, with_sla=False):
    """Return incidents an hour apart, of which those of `slow` take ten times as long."""
    draws = Random(0)
    incidents = []
    for number in range(240):
        service = draws.choice(("fast", "slow"))
        opened_at = START + timedelta(hours=number)
        hours = draws.choice((1, 2, 3)) * (10 if service == "slow" else 1)
        outcome = Outcome(
            resolved_at=opened_at + timedelta(hours=hours),
            sla_met=hours < 12 if with_sla else None,
        )
        report = IncidentReport(f"P{number}", opened_at, service=service)
        incidents.append(ResolvedIncident(report, outcome))
    return incidents


@pytest.fixture
def forecasting(watcher, modes, store, trained_registry):
    """The service with a model of resolution, and the precedents of the store."""
    trained_registry.promote("resolution", "5", ResolutionModel().fit(past_incidents()))
    watcher.poll()
    store.incidents.upsert(past_incidents())
    return TriageService(
        watcher.current,
        lambda: AnswerPolicy(modes.modes),
        store,
        ServingMetrics(),
        contexts=PrecedentUpdater(store, 60).contexts_of,
    )


def test_the_time_to_resolve_is_answered_and_stored(forecasting, store):
    opened_at = START + timedelta(hours=230)
    reports = [IncidentReport(f"N{name}", opened_at, service=name) for name in ("fast", "slow")]
    batch = forecasting.triage(reports, include=["resolution"], request_id="r")
    fast, slow = (item.answers["resolution"] for item in batch.items)
    assert fast.lower_hours <= fast.median_hours <= fast.upper_hours
    assert slow.median_hours > 1.5 * fast.median_hours
    assert batch.absent["resolution"].startswith("the risk of a breach is not known")
    assert batch.champions["resolution"].version.version == "5"
    (record,) = [
        record
        for record in store.predictions.get(batch.items[1].prediction_id)
        if record.target == "resolution"
    ]
    assert record.answer["median_hours"] == slow.median_hours
    assert record.answer["breach_probability"] is None


def test_the_time_to_resolve_is_left_out_if_not_wanted(forecasting):
    batch = forecasting.triage(REPORTS, include=["severity"], request_id="r")
    assert set(batch.items[0].answers) == {"severity"}
    assert "resolution" not in batch.absent


def test_precedents_of_this_moment_count(forecasting, store):
    """What was resolved a moment ago tells of a service that no training has seen."""
    report = IncidentReport("new", START + timedelta(hours=400), service="new service")
    before, after = [], []
    for answers in (before, after):
        batch = forecasting.triage([report], include=["resolution"], request_id="r")
        answers.append(batch.items[0].answers["resolution"].median_hours)
        late = [
            replace(
                incident,
                report=replace(incident.report, id=f"L{n}", service="new service"),
                outcome=Outcome(resolved_at=incident.report.opened_at + timedelta(hours=30)),
            )
            for n, incident in enumerate(past_incidents())
        ]
        store.incidents.upsert(late)
    assert after != before


def test_the_answer_does_not_depend_on_later_incidents(forecasting, store):
    report = IncidentReport("new", START + timedelta(hours=120), service="slow")
    batches = []
    for number in range(2):
        batches.append(forecasting.triage([report], include=["resolution"], request_id="r"))
        later = START + timedelta(hours=300 + number)
        store.incidents.upsert(
            [
                ResolvedIncident(
                    IncidentReport(f"L{n}", later, service="slow"),
                    Outcome(resolved_at=later + timedelta(hours=1)),
                )
                for n in range(50)
            ]
        )
    first, second = (batch.items[0].answers["resolution"] for batch in batches)
    assert first == second


def test_too_many_unread_incidents_leave_it_absent(forecasting, store):
    many = [ResolvedIncident(IncidentReport(f"M{n}"), Outcome("VPN")) for n in range(1_200)]
    store.incidents.upsert(many)
    batch = forecasting.triage(REPORTS, include=["resolution", "severity"], request_id="r")
    assert batch.absent["resolution"] == "cannot answer now; the log says why"
    assert set(batch.items[0].answers) == {"severity"}
