"""One list of small named checks that every kind of report model passes."""

import copy
import doctest
import inspect
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest
from sklearn.base import clone

from features.domain.report import IncidentReport
from features.errors import NotTrained
from models.artifacts.golden_examples import GOLDEN_REPORTS
from models.base.predictions import Decision
from models.kinds import KINDS

EMPTY = IncidentReport(id="empty")


def input_is_not_mutated(subject) -> None:
    examples, reports = copy.deepcopy(subject.examples), copy.deepcopy(subject.reports)
    subject.ask(subject.fit(examples), reports)
    assert examples == subject.examples
    assert reports == subject.reports


def order_of_reports_is_irrelevant(subject) -> None:
    forward = subject.ask(subject.fitted, subject.reports)
    subject.agree(subject.ask(subject.fitted, subject.reports[::-1])[::-1], forward)


def batch_equals_one_by_one(subject) -> None:
    singly = [subject.ask(subject.fitted, [report])[0] for report in subject.reports]
    subject.agree(singly, subject.ask(subject.fitted, subject.reports))


def asking_twice_changes_nothing(subject) -> None:
    first = subject.ask(subject.fitted, subject.reports)
    assert subject.ask(subject.fitted, subject.reports) == first


def same_seed_same_answer(subject) -> None:
    again = subject.fit(subject.examples)
    wanted = subject.ask(subject.fitted, subject.reports)
    assert subject.ask(again, subject.reports) == wanted


def refit_forgets(subject) -> None:
    model = subject.fit(subject.make_examples(45, seed=1))
    subject.fit(subject.examples, model)
    wanted = subject.ask(subject.fitted, subject.reports)
    assert subject.ask(model, subject.reports) == wanted


def empty_text_is_answered(subject) -> None:
    assert len(subject.ask(subject.fitted, [EMPTY])) == 1


def one_query_gets_one_answer(subject) -> None:
    assert len(subject.ask(subject.fitted, subject.reports[:1])) == 1


def no_query_gets_no_answer(subject) -> None:
    assert subject.ask(subject.fitted, []) == []
    assert subject.fitted.predict([]) == []


def unseen_value_is_answered(subject) -> None:
    report = replace(subject.reports[0], service="never seen", attributes={"site": "Atlantis"})
    (answer,) = subject.ask(subject.fitted, [report])
    assert answer.label in subject.answerable


def class_with_one_example_is_learned(subject) -> None:
    rare = subject.fitted.classes_[-1]
    pairs = list(zip(subject.examples, subject.labels, strict=True))
    lone = next(example for example, label in pairs if label == rare)
    model = subject.fit([*(example for example, label in pairs if label != rare), lone])
    assert rare in model.classes_
    assert {answer.label for answer in model.predict(subject.reports)} <= set(model.classes_)


def twelve_rows_are_enough(subject) -> None:
    answers = subject.ask(subject.fit(subject.examples[:12]), subject.reports)
    assert len(answers) == 12


def fit_returns_the_model(subject) -> None:
    model = subject.build()
    assert model.fit(subject.examples) is model


def saved_and_loaded_is_identical(subject) -> None:
    reports = [*subject.reports, EMPTY]
    assert subject.ask(subject.reloaded, reports) == subject.ask(subject.fitted, reports)
    assert subject.reloaded.get_params() == subject.fitted.get_params()


def rehearsal_is_identical(subject) -> None:
    wanted = subject.fitted.rehearse(GOLDEN_REPORTS)
    assert len(wanted) == len(GOLDEN_REPORTS)
    assert subject.reloaded.rehearse(GOLDEN_REPORTS) == wanted


def predict_before_fit_raises(subject) -> None:
    for ask in (subject.build().predict, subject.build().rehearse):
        with pytest.raises(NotTrained, match=subject.target):
            ask(subject.reports)
    with pytest.raises(NotTrained):
        subject.ask(subject.build(), subject.reports)


def confidence_is_a_probability(subject) -> None:
    for answer in subject.ask(subject.fitted, [*subject.reports, EMPTY]):
        assert 0 <= answer.confidence <= 1


def nothing_is_auto_without_a_certificate(subject) -> None:
    answers = subject.ask(subject.fitted, [*subject.reports, EMPTY])
    assert Decision.AUTO not in {answer.decision for answer in answers}


def constructor_only_assigns(subject) -> None:
    model = subject.build()
    assert vars(model) == model.get_params()
    assert clone(subject.fitted).get_params() == model.get_params()
    assert vars(clone(subject.fitted)).keys() == vars(model).keys()


def constructor_takes_keywords_only(subject) -> None:
    with pytest.raises(TypeError):
        subject.kind.definition("category")


def docstring_example_runs(subject) -> None:
    definition = subject.kind.definition
    names = vars(inspect.getmodule(definition))
    (test,) = doctest.DocTestFinder(recurse=False).find(definition, globs=dict(names))
    assert test.examples
    assert doctest.DocTestRunner(verbose=False).run(test).failed == 0


CHECKS: tuple[Callable[..., None], ...] = (
    input_is_not_mutated,
    order_of_reports_is_irrelevant,
    batch_equals_one_by_one,
    asking_twice_changes_nothing,
    same_seed_same_answer,
    refit_forgets,
    empty_text_is_answered,
    one_query_gets_one_answer,
    no_query_gets_no_answer,
    unseen_value_is_answered,
    class_with_one_example_is_learned,
    twelve_rows_are_enough,
    fit_returns_the_model,
    saved_and_loaded_is_identical,
    rehearsal_is_identical,
    predict_before_fit_raises,
    confidence_is_a_probability,
    nothing_is_auto_without_a_certificate,
    constructor_only_assigns,
    constructor_takes_keywords_only,
    docstring_example_runs,
)

EXEMPTIONS: Mapping[tuple[str, Callable[..., None]], str] = {
    ("similar", class_with_one_example_is_learned): "it finds incidents, and learns no class",
    ("runbook", class_with_one_example_is_learned): "it finds runbooks, and learns no class",
    (
        "resolution",
        class_with_one_example_is_learned,
    ): "it answers with hours and risks, not labels",
    ("novelty", class_with_one_example_is_learned): "it reads no labels",
}


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_contract(check: Callable[..., None], any_subject) -> None:
    reason = EXEMPTIONS.get((any_subject.kind.name, check))
    if reason is not None:
        pytest.skip(reason)
    check(any_subject)


def test_each_check_is_listed_once() -> None:
    assert max(Counter(check.__name__ for check in CHECKS).values()) == 1
    assert {check for _, check in EXEMPTIONS} <= set(CHECKS)
    assert {name for name, _ in EXEMPTIONS} <= {kind.name for kind in KINDS}
