"""A deleted incident is erased from answers, feedback and labels, also of other incidents."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from factories import prediction

from features.domain.feedback import FeedbackAction, FeedbackRecord
from features.domain.predictions import PredictionRecord
from features.domain.report import IncidentReport, Outcome, ResolvedIncident
from features.store.store import Store, open_store

NOON = datetime(2024, 3, 1, 12, tzinfo=UTC)
SECRET = "geheimes Wort"


def answered(
    incident_id: str, target: str, answer: dict[str, Any], **facts: Any
) -> PredictionRecord:
    usual = {"prediction_id": f"p {incident_id}", "confidence": 0.5}
    return prediction(incident_id, target=target, answer=answer, **usual | facts)


def entry(
    incident_id: str, relatedness: float = 0.5, copies: tuple[str, ...] = ()
) -> dict[str, Any]:
    return {
        "id": incident_id,
        "title": SECRET if incident_id == "INC1" else "a title",
        "relatedness": relatedness,
        "resolution": SECRET if incident_id == "INC1" else "a fix",
        "copies": list(copies),
    }


def category(*exemplars: str) -> dict[str, Any]:
    near = [{"id": name, "label": "Network", "similarity": 0.8} for name in exemplars]
    tokens = [{"token": "INC1", "weight": 1.2}]
    return {
        "label": "Network",
        "label_set": ["Network", "INC1"],
        "evidence": {"tokens": tokens, "fields": [], "exemplars": near},
    }


def similar(*entries: dict[str, Any], open_match: str | None = None) -> dict[str, Any]:
    match = open_match and {"id": open_match, "title": SECRET, "members": 2}
    return {"similar": list(entries), "open_match": match}


def said(incident_id: str, target: str, subject: str | None = None) -> FeedbackRecord:
    return FeedbackRecord(
        prediction_id=f"p {incident_id}",
        incident_id=incident_id,
        target=target,
        action=FeedbackAction.DISMISS,
        label=None,
        subject=subject,
        given_by="ann",
        given_at=NOON,
        source="page",
    )


def stored(incident_id: str, duplicate_of: str | None = None) -> ResolvedIncident:
    return ResolvedIncident(IncidentReport(id=incident_id), Outcome(duplicate_of=duplicate_of))


def test_what_was_answered_and_said_about_it_is_gone(store: Store) -> None:
    store.incidents.upsert([stored("INC1"), stored("INC2")])
    kept = answered("INC2", "category", category("INC3"))
    store.predictions.record([answered("INC1", "category", category()), kept])
    store.feedback.record(said("INC1", "category"))
    store.feedback.record(said("INC2", "category"))
    assert store.incidents.delete("INC1")
    assert store.predictions.get("p INC1") == ()
    assert store.predictions.latest(["INC1", "INC2"]) == {"INC2": (kept,)}
    assert store.feedback.select() == (said("INC2", "category"),)


def test_what_was_only_answered_is_gone_too(store: Store) -> None:
    store.predictions.record([answered("INC1", "category", category())])
    assert store.incidents.delete("INC1")
    assert store.predictions.get("p INC1") == ()
    assert not store.incidents.delete("INC1")


def test_a_near_report_that_was_evidence_is_no_longer_named(store: Store) -> None:
    store.incidents.upsert([stored("INC1")])
    other = answered("INC2", "category", category("INC3", "INC1", "INC10"))
    store.predictions.record([other])
    store.incidents.delete("INC1")
    # What are no ids stay: a word of the text, a label.
    assert store.predictions.get("p INC2") == (replace(other, answer=category("INC3", "INC10")),)


def test_the_first_of_the_similar_ones_gives_way_to_the_next(store: Store) -> None:
    store.incidents.upsert([stored("INC1")])
    second = entry("INC3", 0.4, ("INC4",))
    before = answered(
        "INC2", "similar", similar(entry("INC1", 0.9), second), label="INC1", confidence=0.9
    )
    store.predictions.record([before])
    store.incidents.delete("INC1")
    expected = replace(before, answer=similar(second), label="INC3", confidence=0.4)
    assert store.predictions.get("p INC2") == (expected,)


def test_without_another_similar_one_nothing_is_suggested(store: Store) -> None:
    store.incidents.upsert([stored("INC1")])
    before = answered("INC2", "similar", similar(entry("INC1"), open_match="INC1"), label="INC1")
    store.predictions.record([before])
    store.incidents.delete("INC1")
    (after,) = store.predictions.get("p INC2")
    assert after.answer == similar()
    assert (after.label, after.confidence, after.decision) == ("", 0.0, "abstain")


def test_only_what_was_deleted_since_is_named(store: Store) -> None:
    store.incidents.upsert([stored("INC1"), stored("INC2"), stored("INC3")])
    store.incidents.delete("INC1")
    seen = store.incidents.revision()
    store.incidents.delete("INC2")
    store.incidents.delete("INC3")
    store.incidents.upsert([stored("INC3")])
    assert store.incidents.deleted_since(seen) == {"INC2"}
    assert store.incidents.deleted_since(store.incidents.revision()) == frozenset()


def test_a_copy_that_was_counted_is_no_longer_named(store: Store) -> None:
    store.incidents.upsert([stored("INC1")])
    store.predictions.record(
        [answered("INC2", "similar", similar(entry("INC3", copies=("INC1", "INC4"))))]
    )
    store.incidents.delete("INC1")
    (after,) = store.predictions.get("p INC2")
    assert after.answer == similar(entry("INC3", copies=("INC4",)))


def test_a_runbook_of_the_same_id_stays(store: Store) -> None:
    store.incidents.upsert([stored("INC1")])
    suggestion = answered("INC2", "runbooks", {"runbooks": [{"id": "INC1", "title": "x"}]})
    store.predictions.record([suggestion])
    store.feedback.record(said("INC2", "runbooks", "INC1"))
    store.incidents.delete("INC1")
    assert store.predictions.get("p INC2") == (suggestion,)
    assert store.feedback.select() == (said("INC2", "runbooks", "INC1"),)


@pytest.mark.parametrize("deleted", ["INC1", 'a "quoted" 100%_one', "Zubehör 🔌"])
@pytest.mark.parametrize("words", ["used for", "helped with"])
def test_a_runbook_is_no_longer_suggested_because_of_it(
    store: Store, deleted: str, words: str
) -> None:
    store.incidents.upsert([stored(deleted)])
    others = ["named alike: INC1", f"{words} {deleted}0: a title", f"not {words} {deleted}: x"]

    def suggestion(*why: str) -> dict[str, Any]:
        return {"runbooks": [{"id": "vpn", "why": list(why)}, {"id": "disk", "why": [others[0]]}]}

    named = suggestion(f"{words} {deleted}: {SECRET}", *others, f"{words} {deleted}")
    before = answered("INC2", "runbooks", named)
    store.predictions.record([before])
    store.incidents.delete(deleted)
    assert store.predictions.get("p INC2") == (replace(before, answer=suggestion(*others)),)


@pytest.mark.parametrize("target", ["similar", "open_match"])
def test_what_was_said_of_it_as_an_entry_is_gone(store: Store, target: str) -> None:
    store.incidents.upsert([stored("INC1")])
    store.feedback.record(said("INC2", target, "INC1"))
    store.feedback.record(said("INC2", target, "INC3"))
    store.incidents.delete("INC1")
    assert store.feedback.select() == (said("INC2", target, "INC3"),)


def test_others_go_on_to_be_its_duplicates(store: Store) -> None:
    store.incidents.upsert([stored("INC1"), stored("INC2", duplicate_of="INC1")])
    seen = store.incidents.revision()
    store.incidents.delete("INC1")
    assert store.incidents.get("INC2") == stored("INC2", duplicate_of="INC1")
    changes = store.incidents.changes_since(seen)
    assert (changes.upserted, changes.deleted) == ((), ("INC1",))


@pytest.mark.parametrize(
    "awkward", ["100%_x/y\\z", 'a "quoted" one', "it's", "Zubehör 🔌", "a\tb\nc", "{}", "'; --"]
)
def test_awkward_ids_are_found_where_they_are_named(store: Store, awkward: str) -> None:
    store.incidents.upsert([stored(awkward)])
    store.predictions.record([answered("INC2", "category", category(awkward, "INC3"))])
    store.incidents.delete(awkward)
    assert store.predictions.get("p INC2")[0].answer == category("INC3")


def test_another_tenants_answers_stay(database_url: str) -> None:
    with open_store(database_url) as ours, open_store(database_url, tenant="acme") as theirs:
        for store in (ours, theirs):
            store.incidents.upsert([stored("INC1")])
            store.predictions.record(
                [
                    answered("INC1", "category", category()),
                    answered("INC2", "category", category("INC1")),
                ]
            )
            store.feedback.record(said("INC1", "category"))
        ours.incidents.delete("INC1")
        assert ours.predictions.get("p INC1") == ()
        assert theirs.predictions.get("p INC1")[0].answer == category()
        assert theirs.predictions.get("p INC2")[0].answer == category("INC1")
        assert len(theirs.feedback.select()) == 1


def test_a_delete_that_breaks_off_removes_nothing(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.incidents.upsert([stored("INC1")])
    records = [
        answered("INC1", "category", category()),
        answered("INC2", "category", category("INC1")),
    ]
    store.predictions.record(records)

    def break_off(*_arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("features.store.incidents.erasure.without_mentions", break_off)
    with pytest.raises(KeyboardInterrupt):
        store.incidents.delete("INC1")
    assert store.incidents.get("INC1") == stored("INC1")
    assert store.predictions.get("p INC1") + store.predictions.get("p INC2") == tuple(records)
    assert store.incidents.revision() == 1


def test_two_who_delete_at_once_lose_no_others_words(store: Store) -> None:
    named = [f"INC{number}" for number in range(10)]
    store.incidents.upsert([stored(name) for name in named])
    store.predictions.record([answered("other", "category", category(*named, "kept"))])
    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(store.incidents.delete, named))
    assert store.predictions.get("p other")[0].answer == category("kept")


def test_its_words_are_nowhere_in_the_file(tmp_path: Path) -> None:
    with open_store(f"sqlite:///{tmp_path / 'precedent.db'}") as store:
        store.incidents.upsert([stored("INC1")])
        store.predictions.record(
            [
                answered("INC1", "category", {"evidence": {"tokens": [{"token": SECRET}]}}),
                answered("INC2", "similar", similar(entry("INC1"), entry("INC3"))),
            ]
        )
        store.incidents.delete("INC1")
    content = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"a fix" in content
    assert SECRET.encode() not in content
