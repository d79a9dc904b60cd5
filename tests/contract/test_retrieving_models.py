"""What every kind that finds entries of the store passes besides; some are for one kind only."""

import zipfile
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest

from features.domain.report import IncidentReport, ResolvedIncident
from models.artifacts.golden_examples import GOLDEN_REPORTS
from models.base.predictions import Decision

EMPTY = IncidentReport(id="empty")
WORDLESS = (
    EMPTY,
    IncidentReport(id="blank", title="  ", description="\n\n"),
    IncidentReport(id="signs", title="???", description="-- !!"),
    IncidentReport(id="emoji", title="🔥"),
)
STRANGER = IncidentReport(id="stranger", title="Coffee machine leaks", description="water on floor")
ALL = {"cutoff": 0.0, "limit": 100}
TIE = 0.02


def what_fits_is_found_first(subject) -> None:
    """An incident that the same runbook solved, or that runbook."""
    runbook_of = {example.report.id: example.outcome.runbook_id for example in subject.examples}
    answers = subject.ask(subject.fitted, subject.reports, **ALL)
    for report, answer in zip(subject.reports, answers, strict=True):
        assert runbook_of.get(answer.label, answer.label) == runbook_of[report.id]
        assert answer.decision is Decision.SUGGEST


def only_the_past_is_found(subject) -> None:
    """What came at the same moment or later is not named, though it says the same."""
    report, outcome = subject.reports[0], subject.examples[-12].outcome
    later = [
        ResolvedIncident(
            replace(
                report, id=f"LATER-{hours}", opened_at=report.opened_at + timedelta(hours=hours)
            ),
            outcome,
        )
        for hours in range(3)
    ]
    for past in (later, [*subject.examples, *later]):
        assert_none_named(subject.ask(subject.fitted, [report], past, **ALL), "LATER")


def own_id_is_never_found(subject) -> None:
    for dated in subject.reports:
        report = replace(dated, opened_at=None)
        assert_none_named(subject.ask(subject.fitted, [report], **ALL), dated.id)


def limit_is_respected(subject) -> None:
    whole = subject.ask(subject.fitted, subject.reports, **ALL)
    for limit in (1, 2, 3):
        some = subject.ask(subject.fitted, subject.reports, cutoff=0.0, limit=limit)
        for few, every in zip(some, whole, strict=True):
            assert names(subject, few) == names(subject, every)[:limit]


def entries_are_probabilities_that_fall(subject) -> None:
    for answer in subject.ask(subject.fitted, [*subject.reports, STRANGER], **ALL):
        sure = [value for _, value in subject.entries(answer)]
        assert all(0 <= value <= 1 for value in sure)
        tie = TIE if subject.kind.name == "similar" else 0.0
        assert all(above >= below - tie for above, below in pairwise(sure))
        assert answer.confidence == sure[0]


def no_entry_is_named_twice(subject) -> None:
    for answer in subject.ask(subject.fitted, subject.reports, **ALL):
        named = names(subject, answer)
        assert len(set(named)) == len(named)


def cutoff_0_shows_every_candidate(subject) -> None:
    report = subject.reports[-1]
    (answer,) = subject.ask(subject.fitted, [report], **ALL)
    standing_for = sum(1 + len(getattr(entry, "copies", ())) for entry in entries_of(answer))
    assert standing_for == subject.candidates_of(report)


def default_cutoff_shows_fewer(subject) -> None:
    least = subject.fitted.calibration_.cutoff_ if is_similar(subject) else subject.fitted.cutoff_
    shown = subject.ask(subject.fitted, subject.reports, limit=100)
    whole = subject.ask(subject.fitted, subject.reports, **ALL)
    for some, every in zip(shown, whole, strict=True):
        assert subject.entries(some) == [
            (name, sure) for name, sure in subject.entries(every) if sure >= least
        ]
    counts = [sum(len(entries_of(answer)) for answer in answers) for answers in (shown, whole)]
    assert 0 < counts[0] < counts[1]


def cutoff_1_shows_nothing(subject) -> None:
    for answer in subject.ask(subject.fitted, subject.reports, cutoff=1.0):
        assert entries_of(answer) == ()


def empty_text_finds_nothing(subject) -> None:
    for answer in subject.ask(subject.fitted, WORDLESS):
        assert entries_of(answer) == ()
        assert (answer.label, answer.confidence) == ("", 0.0)
        assert answer.decision is Decision.ABSTAIN


def nothing_alike_gets_an_empty_list(subject) -> None:
    (answer,) = subject.ask(subject.fitted, [STRANGER])
    assert entries_of(answer) == ()
    assert answer.decision is Decision.ABSTAIN


def near_copies_are_one_entry(subject) -> None:
    first, report = subject.examples[18], subject.reports[0]
    copies = [
        replace(first, report=replace(first.report, id=f"COPY-{number}")) for number in range(3)
    ]
    (answer,) = subject.ask(subject.fitted, [report], [*subject.examples, *copies], **ALL)
    (entry,) = [
        neighbour for neighbour in answer.similar if {neighbour.id, *neighbour.copies} & {"COPY-0"}
    ]
    assert {entry.id, *entry.copies} == {first.report.id, *(copy.report.id for copy in copies)}


def an_empty_past_finds_nothing(subject) -> None:
    for answer in subject.ask(subject.fitted, subject.reports, [], **ALL):
        assert answer.similar == ()
        assert answer.open_match is None


def order_of_the_past_is_irrelevant(subject) -> None:
    backwards = subject.ask(subject.fitted, subject.reports, subject.examples[::-1], **ALL)
    subject.agree(backwards, subject.ask(subject.fitted, subject.reports, **ALL))


def every_entry_has_a_reason(subject) -> None:
    for answer in subject.ask(subject.fitted, subject.reports):
        assert all(entry.title for entry in entries_of(answer))
        assert all(entry.why and all(entry.why) for entry in entries_of(answer))


def fits_without_examples(subject) -> None:
    shipped = subject.build().fit([])
    for answer in subject.ask(shipped, subject.reports, **ALL):
        assert answer.label in subject.answerable - {""}


def predict_searches_what_was_fitted(subject) -> None:
    answers = subject.fitted.predict(subject.reports)
    subject.agree(answers, subject.ask(subject.fitted, subject.reports))


def a_loaded_model_has_no_past_of_its_own(subject) -> None:
    for answer in subject.reloaded.predict(subject.reports):
        assert entries_of(answer) == ()


def rehearsal_tells_models_apart(subject) -> None:
    """A rehearsal that found nothing would let any model pass for the saved one."""
    answers = subject.fitted.rehearse(GOLDEN_REPORTS)
    assert all(0 <= answer.confidence <= 1 for answer in answers)
    assert len({round(answer.confidence, 6) for answer in answers}) > 3


def artifact_holds_no_words_of_the_past(subject) -> None:
    """Customers' words and ids, and the runbooks', stay in the store."""
    files = [path for path in subject.folder.rglob("*") if path.is_file()]
    held = b"".join(path.read_bytes() for path in files)
    with zipfile.ZipFile(subject.folder / "model.skops") as archive:
        held += b"".join(archive.read(name) for name in archive.namelist())
    written = [word for example in subject.examples for word in words_of(example)]
    assert len(set(written)) > 100
    assert [word for word in set(written) if word.encode() in held] == []


def entries_of(answer) -> tuple:
    return answer.similar if hasattr(answer, "similar") else answer.runbooks


def names(subject, answer) -> list[str]:
    return [name for name, _ in subject.entries(answer)]


def is_similar(subject) -> bool:
    return subject.kind.name == "similar"


def assert_none_named(answers, name: str) -> None:
    """No entry, copy, open match or reason speaks of it."""
    assert name not in repr(answers)


def words_of(one) -> list[str]:
    report = one.report
    module = report.description.split()[1]
    return [module, report.id, report.title, report.description, report.attributes["site"]]


CHECKS: tuple[Callable[..., None], ...] = (
    what_fits_is_found_first,
    only_the_past_is_found,
    own_id_is_never_found,
    limit_is_respected,
    entries_are_probabilities_that_fall,
    no_entry_is_named_twice,
    cutoff_0_shows_every_candidate,
    default_cutoff_shows_fewer,
    cutoff_1_shows_nothing,
    empty_text_finds_nothing,
    nothing_alike_gets_an_empty_list,
    near_copies_are_one_entry,
    an_empty_past_finds_nothing,
    order_of_the_past_is_irrelevant,
    every_entry_has_a_reason,
    fits_without_examples,
    predict_searches_what_was_fitted,
    a_loaded_model_has_no_past_of_its_own,
    rehearsal_tells_models_apart,
    artifact_holds_no_words_of_the_past,
)

EXEMPTIONS: Mapping[tuple[str, Callable[..., None]], str] = {
    ("runbook", near_copies_are_one_entry): "runbooks of equal text keep their own ids",
    ("runbook", an_empty_past_finds_nothing): "a new index works before any runbook was used",
}


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_contract(check: Callable[..., None], retrieving_subject) -> None:
    reason = EXEMPTIONS.get((retrieving_subject.kind.name, check))
    if reason is not None:
        pytest.skip(reason)
    check(retrieving_subject)


def test_each_check_is_listed_once() -> None:
    assert max(Counter(check.__name__ for check in CHECKS).values()) == 1
    assert {check for _, check in EXEMPTIONS} <= set(CHECKS)
