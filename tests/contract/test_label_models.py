"""What every kind whose answers are labels passes besides; some checks are for one kind only."""

import copy
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from features.domain.report import IncidentReport
from features.errors import NotEnoughHistory, NotTrained
from models.base.predictions import Certificate, Decision, SeverityPrediction
from models.classification.calibrated_model import CalibratedModel
from models.classification.calibrated_predictor import Certification
from models.classification.learning.cross_validation import Fold

EMPTY = IncidentReport(id="empty")


def evidence_agrees_in_any_batch(subject) -> None:
    singly = [subject.fitted.predict([report])[0] for report in subject.reports]
    for answer, other in zip(singly, subject.fitted.predict(subject.reports), strict=True):
        assert [near.id for near in answer.evidence.exemplars] == [
            near.id for near in other.evidence.exemplars
        ]


def refit_forgets_certificates_and_labels(subject) -> None:
    others = subject.make_examples(45, seed=1)
    rare = subject.make_examples(48, seed=5)[45:]
    labelled = [subject.relabel(example, subject.fitted.classes_[0]) for example in rare]
    model = subject.build().fit([*others, *labelled])
    model.certify(Certification({subject.fitted.classes_[0]: Certificate(0.9, 0.0, 40)}))
    model.fit(subject.examples)
    assert model.predict(subject.reports) == subject.fitted.predict(subject.reports)


def empty_text_has_no_evidence(subject) -> None:
    (answer,) = subject.fitted.predict([EMPTY])
    assert answer.label in subject.fitted.classes_
    assert answer.evidence.tokens == ()
    assert answer.evidence.exemplars == ()


def probabilities_of_nothing_have_a_shape(subject) -> None:
    assert subject.fitted.predict_proba([]).shape == (0, len(subject.fitted.classes_))
    with pytest.raises(NotTrained):
        subject.build().predict_proba(subject.reports)


def unseen_attribute_counts_for_nothing(subject) -> None:
    report = subject.reports[0]
    more = replace(report, attributes={**report.attributes, "moon": "full"})
    subject.agree(subject.fitted.predict([more]), subject.fitted.predict([report]))


def one_label_only_is_refused(subject) -> None:
    alike = [subject.relabel(example, subject.fitted.classes_[0]) for example in subject.examples]
    with pytest.raises(NotEnoughHistory, match="fewer than two"):
        subject.build().fit(alike)
    with pytest.raises(NotEnoughHistory):
        subject.build().fit([])


def rows_without_label_are_passed_over(subject) -> None:
    silent = [subject.relabel(example, None) for example in subject.make_examples(5, seed=2)]
    model = subject.build().fit([*silent, *subject.examples])
    assert model.predict(subject.reports) == subject.fitted.predict(subject.reports)
    assert model.cross_fit_.rows.min() == len(silent)


def artifact_keeps_no_held_out_rows(subject) -> None:
    assert hasattr(subject.fitted, "cross_fit_")
    assert not hasattr(subject.reloaded, "cross_fit_")


def labels_are_spelled_as_in_the_history(subject) -> None:
    known = set(subject.labels)
    for answer in subject.fitted.predict([*subject.reports, EMPTY]):
        assert set(dict(subject.entries(answer))) <= known
        assert set(answer.label_set) <= known


def confidences_are_probabilities(subject) -> None:
    reports = [*subject.reports, EMPTY]
    probabilities = subject.fitted.predict_proba(reports)
    assert probabilities.min() >= 0
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-9)
    classes = subject.fitted.classes_
    for answer, row in zip(subject.fitted.predict(reports), probabilities, strict=True):
        wanted = {label: row[classes.index(label)] for label in dict(subject.entries(answer))}
        assert dict(subject.entries(answer)) == pytest.approx(wanted)


def label_set_holds_the_label(subject) -> None:
    for answer in subject.fitted.predict([*subject.reports, EMPTY]):
        assert answer.label in answer.label_set
        assert len(set(answer.label_set)) == len(answer.label_set)


def label_sets_hold_nine_in_ten_held_out_labels(subject) -> None:
    sets, cross_fit = subject.fitted.label_sets_, subject.fitted.cross_fit_
    wanted = np.array([subject.fitted.classes_.index(label) for label in subject.labels])
    wanted = wanted[cross_fit.rows]
    held = sets.transform(cross_fit.probabilities, cross_fit.probabilities.argmax(axis=1))
    assert held[np.arange(len(wanted)), wanted].mean() >= 0.9


def label_is_the_likeliest(subject) -> None:
    for answer in subject.fitted.predict([*subject.reports, EMPTY]):
        falling = [other.confidence for other in answer.alternatives]
        assert all(above >= below for above, below in pairwise([answer.confidence, *falling]))


def severity_is_one_consistent_distribution(subject) -> None:
    levels = list(subject.fitted.levels)
    for answer in subject.fitted.predict([*subject.reports, EMPTY]):
        assert isinstance(answer, SeverityPrediction)
        assert sorted(dict(subject.entries(answer))) == sorted(levels)
        assert sum(dict(subject.entries(answer)).values()) == pytest.approx(1)
        assert levels[answer.rank] == answer.label
        mean = sum(
            levels.index(level) * share for level, share in dict(subject.entries(answer)).items()
        )
        assert answer.expected_rank == pytest.approx(mean)
        assert 0 <= answer.expected_rank <= len(levels) - 1
        ranks = sorted(levels.index(label) for label in answer.label_set)
        assert ranks == list(range(ranks[0], ranks[-1] + 1))


def cross_fit_rows_were_not_seen(subject) -> None:
    """The last rows' own labels leave their judgement alone: only who saw them could tell."""
    probes = subject.make_examples(9, seed=7)
    others = [subject.fitted.classes_[(at + 1) % 3] for at in range(len(probes))]
    rows = np.arange(len(subject.examples))
    judge, half = np.arange(len(rows), len(rows) + len(probes)), rows[::2]
    folds = (Fold(rows, judge), Fold(rows[1::2], half))
    plain = subject.build().fit([*subject.examples, *probes], folds)
    relabelled = [subject.relabel(*pair) for pair in zip(probes, others, strict=True)]
    turned = subject.build().fit([*subject.examples, *relabelled], folds)
    np.testing.assert_array_equal(np.sort(turned.cross_fit_.rows), np.sort([*half, *judge]))
    # A level's share of all rows counts for one in a hundred, so severities agree that nearly.
    np.testing.assert_allclose(judged(turned, judge), judged(plain, judge), atol=1e-2)


def judged(model: CalibratedModel, rows: np.ndarray) -> np.ndarray:
    cross_fit = model.cross_fit_
    return cross_fit.probabilities[[int(np.flatnonzero(cross_fit.rows == row)[0]) for row in rows]]


def auto_only_at_or_above_the_threshold(subject) -> None:
    model = copy.deepcopy(subject.fitted)
    answers = model.predict(subject.reports)
    first = answers[0]
    certificate = Certificate(0.92, first.confidence, 40)
    model.certify(Certification({first.label: certificate}))
    for before, after in zip(answers, model.predict(subject.reports), strict=True):
        is_sure = after.label == first.label and after.confidence >= first.confidence
        assert (after.decision is Decision.AUTO) == is_sure
        assert after.certificate == (certificate if after.label == first.label else None)
        assert dict(subject.entries(after)) == dict(subject.entries(before))
    above = Certificate(0.92, np.nextafter(first.confidence, 2), 40)
    model.certify(Certification({first.label: above}))
    assert model.predict(subject.reports)[0].decision is not Decision.AUTO


def id_and_time_count_for_nothing(subject) -> None:
    report = subject.reports[0]
    subject.agree(
        subject.fitted.predict([replace(report, id="INC0000")]), subject.fitted.predict([report])
    )


def evidence_names_what_the_report_says(subject) -> None:
    ids = [example.report.id for example in subject.examples]
    labels = dict(zip(ids, subject.labels, strict=True))
    for report, answer in zip(
        subject.reports, subject.fitted.predict(subject.reports), strict=True
    ):
        text = f"{report.title}. {report.description}".lower()
        for token in answer.evidence.tokens:
            assert set(token.token.split()) <= set(text.replace(".", " ").replace(",", " ").split())
        facts = {"service": report.service, "source": report.source, **report.attributes}
        assert all(facts[fact.field] == fact.value for fact in answer.evidence.fields)
        assert all(labels[near.id] == near.label for near in answer.evidence.exemplars)


CHECKS: tuple[Callable[..., None], ...] = (
    evidence_agrees_in_any_batch,
    refit_forgets_certificates_and_labels,
    empty_text_has_no_evidence,
    probabilities_of_nothing_have_a_shape,
    unseen_attribute_counts_for_nothing,
    one_label_only_is_refused,
    rows_without_label_are_passed_over,
    artifact_keeps_no_held_out_rows,
    labels_are_spelled_as_in_the_history,
    confidences_are_probabilities,
    label_set_holds_the_label,
    label_sets_hold_nine_in_ten_held_out_labels,
    label_is_the_likeliest,
    severity_is_one_consistent_distribution,
    cross_fit_rows_were_not_seen,
    auto_only_at_or_above_the_threshold,
    id_and_time_count_for_nothing,
    evidence_names_what_the_report_says,
)

EXEMPTIONS: Mapping[tuple[str, Callable[..., None]], str] = {
    ("severity", label_is_the_likeliest): "its label has the least expected cost, not most chance",
    ("choice", severity_is_one_consistent_distribution): "its labels have no order",
}


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_contract(check: Callable[..., None], label_subject) -> None:
    reason = EXEMPTIONS.get((label_subject.kind.name, check))
    if reason is not None:
        pytest.skip(reason)
    check(label_subject)


def test_each_check_is_listed_once() -> None:
    assert max(Counter(check.__name__ for check in CHECKS).values()) == 1
    assert {check for _, check in EXEMPTIONS} <= set(CHECKS)
