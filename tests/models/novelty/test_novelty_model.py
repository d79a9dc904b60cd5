from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.domain.report import IncidentReport, Outcome, ResolvedIncident
from features.errors import NotEnoughHistory
from models.base.predictions import NoveltyPrediction
from models.novelty.novelty_model import NoveltyModel

PARTS = ("printer", "scanner", "gateway", "mailbox", "tunnel")
FAULTS = ("jammed", "stopped", "restarts", "refuses", "overheats", "blinks")
PLACES = ("Linz", "Leeds", "Turin", "Malmo", "Porto", "Lyon", "Basel")
MODEL = NoveltyModel(encoder="hashing")


def incident(number: int, **facts: object) -> ResolvedIncident:
    rng = np.random.default_rng(number)
    part, fault, place = (str(rng.choice(words)) for words in (PARTS, FAULTS, PLACES))
    report = IncidentReport(
        id=f"INC{number}",
        title=f"{part} {fault}",
        description=f"The {part} in {place} {fault} since update {rng.integers(10**6)}",
        service=part,
        attributes={"channel": "phone"},
    )
    return ResolvedIncident(report, Outcome())


@pytest.fixture(scope="module")
def model() -> NoveltyModel:
    return NoveltyModel(encoder="hashing").fit([incident(number) for number in range(400)])


def judge(model: NoveltyModel, **report: object) -> NoveltyPrediction:
    return model.predict([IncidentReport(id="new", **report)])[0]  # type: ignore[arg-type]


def test_usual_incidents_have_p_values_of_about_their_level(model: NoveltyModel):
    reports = [incident(number).report for number in range(1_000, 2_000)]
    p_values = np.array([answer.p_value for answer in model.predict(reports)])
    assert (p_values <= 0.1).mean() < 0.15
    assert (p_values <= 0.01).mean() < 0.03


def test_an_empty_report_cannot_be_judged(model: NoveltyModel):
    answer = judge(model)
    assert not answer.is_readable
    assert not answer.allows_auto
    assert answer.is_novel
    assert answer.p_value == 0
    assert answer.decision == "abstain"
    assert answer.why == ("the report is empty",)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("asdf qwer zxcv", "past incidents hold none of its words, and none of its facts"),
        ("asdf Printer!", "of its words, past incidents hold only 'Printer'"),
    ],
)
def test_fewer_than_two_known_words_cannot_be_judged(model: NoveltyModel, text: str, why: str):
    answer = judge(model, title=text)
    assert not answer.is_readable
    assert why in answer.why


def test_the_parts_of_an_alert_name_are_known_words(model: NoveltyModel):
    assert judge(model, title="PrinterJammed").is_readable


def test_a_known_fact_makes_a_report_readable_but_a_constant_does_not(model: NoveltyModel):
    assert judge(model, title="asdf", service="Printer").is_readable
    assert not judge(model, title="asdf", attributes={"channel": "phone"}).is_readable


def test_a_novel_report_says_what_it_shares_with_the_history(model: NoveltyModel):
    text = "Please lease another printer catalogue about gardens, novels and cooking in Lyon"
    answer = judge(model, description=text)
    assert answer.why
    for reason in answer.why:
        for word in reason.split("'")[1::2]:
            assert word in text


def test_a_history_of_facts_is_judged_by_facts():
    past = [
        ResolvedIncident(
            IncidentReport(id=str(n), service=PARTS[n % 5], attributes={"site": PLACES[n % 7]}),
            Outcome(),
        )
        for n in range(300)
    ]
    model = NoveltyModel(encoder="hashing").fit(past)
    known = judge(model, service="printer", attributes={"site": "Lyon"})
    unknown = judge(model, service="never seen", attributes={"site": "Mars"})
    assert known.p_value > 0.02
    assert known.allows_auto
    assert not unknown.is_readable
    assert unknown.p_value < known.p_value


def test_a_report_without_text_is_unusual_by_its_facts(model: NoveltyModel):
    facts = {f"fact{number}": "never seen" for number in range(9)}
    answer = judge(model, service="printer", attributes=facts)
    assert answer.is_readable
    assert not answer.allows_auto
    assert answer.why[0] == "past incidents rarely have its facts"


def test_too_short_a_history_is_refused():
    with pytest.raises(NotEnoughHistory):
        NoveltyModel(encoder="hashing").fit([incident(number) for number in range(9)])


WORDS = st.text(st.characters(categories=["L"]), min_size=4, max_size=9)


@given(words=st.lists(WORDS, max_size=6))
def test_without_known_words_and_facts_nothing_is_allowed(
    model: NoveltyModel, words: Sequence[str]
):
    known = {*PARTS, *FAULTS, *(place.lower() for place in PLACES), "since", "updat"}
    strange = [word for word in words if word.lower() not in known]
    answer = judge(model, title=" ".join(f"{word}zq" for word in strange))
    assert not answer.allows_auto
    assert answer.decision == "abstain"
