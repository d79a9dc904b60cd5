"""Evidence: what a model loses without a word or a fact, and the reports that it stands on."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import logit

from features.domain.report import IncidentReport, Outcome, ResolvedIncident
from features.encoding.encoded_reports import ReportBatch
from features.encoding.encoder import HashingEncoder
from models.base.predictions import Exemplar
from models.classification.calibrated_model import CalibratedModel
from models.classification.calibrated_predictor import explain_answers
from models.classification.choice import ChoiceModel
from models.classification.evidence import explanations as evidence_module
from models.classification.evidence.nearest_examples import _choose
from models.classification.severity import SeverityModel

GROUPS = ("Network", "Printing", "Mail")
WORDS = ("vpn tunnel", "toner printer", "mailbox full")
MIXED = "vpn tunnel toner printer trouble mailbox full 17 19 21 23"


def make_examples(groups: int) -> list[ResolvedIncident]:
    rng = np.random.default_rng(0)
    return [
        ResolvedIncident(
            IncidentReport(
                id=f"INC{n}",
                title=f"{WORDS[n % groups]} trouble {rng.integers(10, 99)}",
                attributes={"site": ("Graz", "Leeds", "Lyon")[n % groups], "floor_no": "1"},
            ),
            Outcome(category=GROUPS[n % groups], severity=GROUPS[n % groups]),
        )
        for n in range(45)
    ]


def fit_choice(groups: int) -> CalibratedModel:
    return ChoiceModel(encoder="hashing").fit(make_examples(groups))


def fit_severity(groups: int) -> CalibratedModel:
    model = SeverityModel(levels=GROUPS[:groups], encoder="hashing")
    return model.fit(make_examples(groups))


@pytest.fixture(
    scope="module",
    params=[(fit_choice, 2), (fit_choice, 3), (fit_severity, 3)],
    ids=["two classes", "three classes", "three levels"],
)
def model(request: pytest.FixtureRequest) -> CalibratedModel:
    fit, groups = request.param
    return fit(groups)


@pytest.fixture(scope="module")
def groups_model() -> CalibratedModel:
    return fit_choice(3)


@pytest.fixture
def keep_vectors(monkeypatch: pytest.MonkeyPatch) -> Callable[[IncidentReport], None]:
    """Make the encoder give every text the vector of this report's."""

    def keep(report: IncidentReport) -> None:
        vector = HashingEncoder().encode([report.title])
        monkeypatch.setattr(
            HashingEncoder, "encode", lambda _, texts: vector.repeat(len(texts), axis=0)
        )

    return keep


def log_odds(model: CalibratedModel, report: IncidentReport, label: str) -> float:
    return float(logit(model.predict_proba([report])[0, model.classes_.index(label)]))


@pytest.mark.parametrize("title", ["VPN trouble", MIXED, "printer vpn TONER tunnel vpn"])
def test_a_weight_is_what_removing_the_word_takes_from_the_log_odds(
    model: CalibratedModel, keep_vectors: Callable[[IncidentReport], None], title: str
) -> None:
    report = IncidentReport(id="x", title=title, attributes={"site": "Graz"})
    keep_vectors(report)
    (answer,) = model.predict([report])
    before = log_odds(model, report, answer.label)
    for token in answer.evidence.tokens:
        words = [word for word in title.split() if word.lower() != token.token]
        without = replace(report, title=" ".join(words))
        lost = before - log_odds(model, without, answer.label)
        assert token.weight == pytest.approx(lost, abs=2e-4)
    assert answer.evidence.tokens


def test_a_weight_is_what_forgetting_the_fact_takes_from_the_log_odds(
    model: CalibratedModel,
) -> None:
    report = IncidentReport(id="x", title="vpn", attributes={"site": "Leeds", "unknown": "3"})
    (answer,) = model.predict([report])
    (site,) = answer.evidence.fields
    assert (site.field, site.value) == ("site", "Leeds")
    without = replace(report, attributes={})
    lost = log_odds(model, report, answer.label) - log_odds(model, without, answer.label)
    assert site.weight == pytest.approx(lost, abs=2e-4)


def test_telling_words_and_facts_lead(groups_model: CalibratedModel) -> None:
    report = IncidentReport(id="x", title="vpn tunnel gone", attributes={"site": "Graz"})
    (answer,) = groups_model.predict([report])
    assert answer.label == "Network"
    assert {token.token for token in answer.evidence.tokens[:2]} == {"vpn", "tunnel"}
    assert all(token.weight > 0 for token in answer.evidence.tokens[:2])
    assert answer.evidence.fields[0].weight > 0


def test_words_of_other_classes_argue_against_the_label(groups_model: CalibratedModel) -> None:
    (answer,) = groups_model.predict([IncidentReport(id="x", title="vpn tunnel vpn printer")])
    weights = {token.token: token.weight for token in answer.evidence.tokens}
    assert answer.label == "Network"
    assert weights["printer"] < 0 < weights["vpn"]


def test_strongest_come_first_and_few_are_shown(model: CalibratedModel) -> None:
    (answer,) = model.predict([IncidentReport(id="x", title=MIXED)])
    strengths = [abs(token.weight) for token in answer.evidence.tokens]
    assert strengths == sorted(strengths, reverse=True)
    assert 1 <= len(strengths) <= 6


def test_unknown_words_argue_for_nothing(model: CalibratedModel) -> None:
    (answer,) = model.predict([IncidentReport(id="x", title="zebra quagga")])
    assert answer.evidence.tokens == ()


def test_blocks_of_reports_are_explained_alike(
    model: CalibratedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    reports = [example.report for example in make_examples(len(model.classes_))[:7]]
    whole = model.predict(reports)
    monkeypatch.setattr(evidence_module, "_REPORTS_AT_ONCE", 3)
    assert [answer.evidence for answer in model.predict(reports)] == [
        answer.evidence for answer in whole
    ]


def test_exemplars_are_nearest_first_with_their_own_labels(groups_model: CalibratedModel) -> None:
    examples = {example.report.id: example.outcome.category for example in make_examples(3)}
    (answer,) = groups_model.predict([IncidentReport(id="x", title="toner printer trouble")])
    near = answer.evidence.exemplars
    assert near[0].label == "Printing"
    assert all(exemplar.label == examples[exemplar.id] for exemplar in near)
    assert [exemplar.similarity for exemplar in near] == sorted(
        (o.similarity for o in near), reverse=True
    )


def near_reports(*votes: tuple[str, float]) -> list[Exemplar]:
    return [Exemplar(f"INC{n}", label, at) for n, (label, at) in enumerate(votes)]


def test_the_nearest_that_contradicts_is_shown_too() -> None:
    agreeing = [("A", 0.9), ("A", 0.88), ("A", 0.87), ("A", 0.86)]
    near = near_reports(*agreeing, ("B", 0.8), ("C", 0.79))
    assert [exemplar.id for exemplar in _choose(near, "A")] == ["INC0", "INC1", "INC2", "INC4"]


def test_three_are_enough_when_they_contradict_or_the_contradiction_is_far() -> None:
    divided = near_reports(("A", 0.9), ("B", 0.88), ("A", 0.87), ("C", 0.86))
    assert len(_choose(divided, "A")) == 3
    alone = near_reports(("A", 0.9), ("A", 0.88), ("A", 0.87), ("B", 0.7))
    assert len(_choose(alone, "A")) == 3
    assert _choose([], "A") == ()


PHRASES = st.lists(
    st.sampled_from(
        ["VPN", "the", "tunnel", "850ms", "KubeVpnTunnelDown", "10.1.2.3", "toner!", "at", "Grüße",
         "mailbox,", "0x7fabc123", "TROUBLE", "17"]
    ),
    max_size=12,
)  # fmt: skip


@given(title=PHRASES, description=PHRASES)
@settings(deadline=None, max_examples=40)
def test_evidence_names_words_at_their_place_in_the_raw_text(
    groups_model: CalibratedModel, title: list[str], description: list[str]
) -> None:
    report = IncidentReport(id="x", title=" ".join(title), description=" ".join(description))
    (answer,) = groups_model.predict([report])
    for token in answer.evidence.tokens:
        assert token.field in {"title", "description"}
        written = getattr(report, token.field)[token.start : token.end]
        assert written.lower() == token.token
        assert token.token not in {"the", "at"}
        assert abs(token.weight) >= 0.01


def test_models_explained_together_give_the_evidence_they_give_alone() -> None:
    models = [fit_choice(2), fit_choice(3), fit_severity(3)]
    titles = ("vpn tunnel gone", MIXED, "printer toner", "zebra")
    reports = ReportBatch(
        [
            IncidentReport(id=str(number), title=title, attributes={"site": "Graz"})
            for number, title in enumerate(titles)
        ]
    )
    together = explain_answers(models, [model.answer(reports) for model in models])
    for model, evidence in zip(models, together, strict=True):
        alone = [answer.evidence for answer in model.predict(list(reports))]
        assert evidence == alone
    assert any(evidence.tokens for evidence in together[2])
