"""A history teaches which runbook applies; what recurs without one is listed with a draft."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from factories import incident

from features.domain.history import History
from features.domain.report import IncidentReport, Outcome, ResolvedIncident
from features.domain.runbook import Runbook, Section, SectionRole
from features.errors import NotEnoughHistory
from features.imports.runbooks.markdown import parse_runbook
from models.artifacts.load_artifact import load_artifact
from models.artifacts.save_artifact import save_artifact
from models.artifacts.trusted_types import TRUSTED_TYPES
from models.base.model_card import Card
from models.runbooks.runbook_index import RunbookIndex
from training.dataset.split import split_history
from training.pipeline.runbook_gaps import find_gaps
from training.pipeline.train_runbooks import runbooks_card, train_runbooks

START = datetime(2026, 1, 1, tzinfo=UTC)
TOPICS = {
    "vpn": ("Tunnel drops", "remote users lose the tunnel"),
    "disk": ("Disk full", "a volume has no space left"),
    "mail": ("Mail stuck", "the relay refuses outgoing mail"),
    "cert": ("Certificate expired", "browsers refuse the site"),
}
RUNBOOKS = [
    Runbook(id, title, (Section("Meaning", text, SectionRole.MEANING),))
    for id, (title, text) in TOPICS.items()  # noqa: A001
]


def numbered(n: int, title: str, text: str = "", **outcome: str) -> ResolvedIncident:
    return incident(f"INC{n}", title, text, opened_at=START + timedelta(hours=7 * n), **outcome)


def history(count: int, **other: str) -> History:
    names = list(TOPICS)
    rng = np.random.default_rng(0)
    filler = [" ".join(rng.choice(list("abcdefghijklmnop"), 6)) for _ in range(count)]
    return History(
        tuple(
            numbered(
                n, f"{TOPICS[name][1]} {filler[n]}", "please help", runbook_id=other.get(name, name)
            )
            for n, name in ((n, names[n % len(names)]) for n in range(count))
        )
    )


def train(past: History, runbooks=RUNBOOKS):
    return train_runbooks(past, runbooks, split_history(past, seed=0), encoder="hashing")


def test_outcomes_are_learned_and_judged() -> None:
    past = history(80)
    trained = train(past)
    assert trained.labelled == 80
    assert trained.model.examples_ == 80
    metrics = {metric.name: metric for metric in trained.metrics}
    assert metrics["recall_at_1"].value > 0.9
    assert metrics["recall_at_1"].baseline_name == "BM25"
    assert 0 <= metrics["shown_share"].low <= metrics["shown_share"].high <= 1
    assert metrics["recall_at_5"].value >= metrics["recall_at_1"].value
    judged = trained.judged
    assert judged is not None
    assert 0 < len(judged) < 80
    card = runbooks_card(past, split_history(past, seed=0), trained)
    assert card.target == "runbooks"
    assert card.rows.labelled == 80
    assert "held-out" in card.notes[0]
    assert Card.from_json(card.to_json()) == card


def test_without_outcomes_the_shipped_constants_stand() -> None:
    past = History(tuple(numbered(n, f"printer jam {n}") for n in range(30)))
    trained = train(past)
    assert (trained.labelled, trained.judged, trained.metrics) == (0, None, ())
    assert "are the defaults" in trained.notes[0]
    answer = trained.model.suggest(
        [IncidentReport("new", title="Disk full")], RunbookIndex(RUNBOOKS, _hashing())
    )[0]
    assert answer.label == "disk"


def test_few_outcomes_move_the_model_but_judge_nothing() -> None:
    trained = train(history(8))
    assert trained.judged is None
    assert trained.model.examples_ == 8
    assert "20 are needed" in trained.notes[0]


def test_a_runbook_that_is_not_there_counts_against_what_is_shown() -> None:
    trained = train(history(80, mail="gone/away"))
    assert trained.labelled == 60
    judged = trained.judged
    assert judged is not None
    absent = judged.ranks > len(RUNBOOKS)
    assert absent.any()
    assert {metric.name: metric for metric in trained.metrics}["recall_at_1"].value > 0.9


def test_no_runbooks_is_a_clear_refusal() -> None:
    with pytest.raises(NotEnoughHistory, match="runbooks"):
        train(history(8), [])


def test_the_saved_model_answers_as_the_trained_one(tmp_path) -> None:
    past = history(40)
    trained = train(past)
    card = runbooks_card(past, split_history(past, seed=0), trained)
    sha256 = save_artifact(trained.model, card, tmp_path / "model")
    trusted = (*TRUSTED_TYPES, "models.runbooks.runbook_model.RunbookModel")
    loaded = load_artifact(tmp_path / "model", expected_sha256=sha256, trusted=trusted).model
    index = RunbookIndex(RUNBOOKS, _hashing())
    reports = [example.report for example in past.incidents[:5]]
    options = {"cutoff": 0.0}
    assert loaded.suggest(reports, index, **options) == trained.model.suggest(
        reports, index, **options
    )


def _hashing():
    from features.encoding.encoder import HashingEncoder

    return HashingEncoder()


JOB = "Batch job 471{} failed on srv-db-0{}"
RESTARTED = "Restarted the listener."
RECURRING = [
    numbered(1, JOB.format(1, 1), "ORA-00600 at 03:12", resolution="closed"),
    numbered(5, JOB.format(2, 2), "ORA-00600 at 04:12", resolution=RESTARTED, severity="high"),
    numbered(9, JOB.format(3, 7), "ORA-00600 at 05:12\n# Fix\n```", resolution=RESTARTED),
    numbered(10, JOB.format(4, 7), "ORA-00600 again", resolution="Raised the SGA to 8 GB."),
]
OTHERS = [numbered(20 + n, title) for n, title in enumerate(("Printer jam", "New laptop", ""))]


def test_what_recurs_without_a_runbook_is_a_gap() -> None:
    (gap,) = find_gaps([*OTHERS, *RECURRING[::-1]], least=3)
    assert gap.incident_ids == ("INC1", "INC5", "INC9", "INC10")
    assert gap.count == 4
    assert gap.first_at == RECURRING[0].report.opened_at
    assert gap.last_at == RECURRING[3].report.opened_at
    assert gap.title.startswith("Batch job")


def test_the_draft_is_a_runbook_with_the_fixes_as_steps() -> None:
    (gap,) = find_gaps(RECURRING, least=3)
    draft = parse_runbook(gap.draft, "drafts/batch")
    assert draft.title == gap.title
    assert [section.part for section in draft.sections] == [
        SectionRole.MEANING,
        SectionRole.IMPACT,
        SectionRole.DIAGNOSIS,
        SectionRole.MITIGATION,
    ]
    assert draft.steps[-2:] == (
        "Restarted the listener. (INC5, INC9)",
        "Raised the SGA to 8 GB. (INC10)",
    )
    assert "ORA-00600" in " ".join(draft.steps)
    assert "Severity so far: high." in draft.sections[1].text


def test_a_kind_that_has_a_runbook_is_no_gap() -> None:
    named = numbered(30, "Batch job 1 failed on srv-db-01", "ORA-00600", runbook_id="db/ora")
    assert find_gaps([*RECURRING, named], least=3) == ()
    assert find_gaps(RECURRING, has_runbook=lambda report: "Batch" in report.title, least=3) == ()


def test_twice_is_no_recurrence_unless_asked() -> None:
    assert find_gaps(RECURRING[:2], least=3) == ()
    assert len(find_gaps(RECURRING[:2], least=2)) == 1


def test_nothing_has_no_gaps() -> None:
    assert find_gaps([], least=3) == ()
    assert find_gaps([numbered(n, "", "") for n in range(5)], least=3) == ()


def test_untimed_incidents_without_fixes_have_a_draft_too() -> None:
    plain = [
        ResolvedIncident(
            IncidentReport(str(n), title="<b>Queue</b> stuck"), Outcome(resolution="done")
        )
        for n in range(3)
    ]
    (gap,) = find_gaps(plain, least=3)
    assert gap.first_at is None
    assert "No fix was recorded" in gap.draft
    assert parse_runbook(gap.draft, "draft").title == "<b>Queue</b> stuck"
