"""`similar` and `runbooks` by the training commands: what is learned, skipped and refused."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import mlflow.pyfunc
import numpy as np
import pandas as pd
import pytest
from click.testing import Result
from typer.testing import CliRunner

from features.domain.feedback import FeedbackRecord
from features.home import Home
from features.store.store import Store, open_store
from models.artifacts.registry import ModelRegistry
from models.base.model_card import Metric
from training.cli.app import app
from training.pipeline.retrieval import judge_retrieval, read_judgements

pytestmark = pytest.mark.quality

START = datetime(2026, 1, 1, tzinfo=UTC)
THINGS = {
    "vpn": "tunnel of the branch drops",
    "disk": "volume has no space left",
    "mail": "relay refuses outgoing mail",
    "cert": "browsers refuse the site",
}
SYLLABLES = [f"{a}{b}" for a in ("bo", "ke", "mi", "zu", "ra") for b in ("lu", "fa", "gi", "do")]


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def trained(*arguments: str | Path) -> dict:
    """What a training reports to machines."""
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def assert_refused(result: Result, word: str) -> None:
    assert result.exit_code == 2, result.output
    (line,) = result.stderr.strip().splitlines()
    assert line.startswith("error: ")
    assert word in line


@pytest.fixture
def home(home: Home, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setenv("PRECEDENT_HOME", str(home.root))
    monkeypatch.setenv("PRECEDENT_ENCODER", "hashing")
    return home


@pytest.fixture
def store(home: Home) -> Iterator[Store]:
    with open_store(home.database_url) as opened:
        yield opened


def write_history(path: Path, count: int = 60, **left_out: None) -> Path:
    """Incidents of which every second repeats the one before, and names its runbook."""
    rng = np.random.default_rng(0)
    names = list(THINGS)
    with path.open("w") as file:
        for number in range(count):
            thing, failure = names[number // 2 % 4], " ".join(rng.choice(SYLLABLES, 3))
            if number % 2 == 0:
                words = failure
            row = {
                "id": f"T{number}",
                "opened_at": (START + timedelta(hours=7 * number)).isoformat(),
                "title": f"{THINGS[thing]} {words}",
                "description": f"seen by {' '.join(rng.choice(SYLLABLES, 4))}",
                "duplicate_of": f"T{number - 1}" if number % 2 else None,
                "runbook_id": thing,
            }
            file.write(json.dumps(row | left_out) + "\n")
    return path


def targets_taught_by(home: Home, incident_id: str) -> list[str]:
    registry = ModelRegistry(home.tracking_uri, "default")
    return [version.target for version in registry.learned_from(incident_id)]


def write_runbooks(folder: Path, *names: str) -> Path:
    folder.mkdir(exist_ok=True)
    for name in names or THINGS:
        (folder / f"{name}.md").write_text(
            f"# Trouble with {name}\n\n## Meaning\n\nThe {THINGS[name]}.\n\n"
            "## Mitigation\n\n1. Restart it.\n"
        )
    return folder


def champions(home: Home) -> dict[str, str]:
    registry = ModelRegistry(home.tracking_uri, "default")
    return {target: version.version for target, version in registry.champions().items()}


def test_links_and_outcomes_are_learned_judged_and_promoted(home: Home, tmp_path: Path) -> None:
    history = write_history(tmp_path / "h.jsonl")
    runbooks = write_runbooks(tmp_path / "runbooks")
    report = trained("train", "--history", history, "--runbooks", runbooks)
    similar, suggested, novelty = report["trained"]
    assert (similar["target"], similar["kind"]) == ("similar", "similar")
    assert similar["rows"] >= 30
    assert (suggested["target"], suggested["kind"]) == ("runbooks", "runbook")
    assert suggested["rows"] == 60
    for entry in (similar, suggested):
        metrics = {metric["name"]: metric for metric in entry["metrics"]}
        assert metrics["recall_at_1"]["value"] > 0.8
        assert metrics["recall_at_1"]["baseline"] is not None
        assert {"shown_precision", "shown_share"} <= metrics.keys()
        assert entry["verdict"]["promoted"] is True
    assert novelty["target"] == "novelty"
    assert "not trained" in report["skipped"]["category"]
    assert champions(home) == {"similar": "1", "runbooks": "1", "novelty": "1"}
    assert targets_taught_by(home, "T7") == ["novelty", "runbooks", "similar"]


@pytest.mark.parametrize("target", ["similar", "runbooks"])
def test_a_named_target_is_trained_alone(target: str, home: Home, tmp_path: Path) -> None:
    history = write_history(tmp_path / "h.jsonl")
    runbooks = write_runbooks(tmp_path / "runbooks")
    command = ["--history", history, "--runbooks", runbooks, "--target", target]
    report = trained("train", *command)
    assert [entry["target"] for entry in report["trained"]] == [target]
    assert champions(home) == {target: "1"}


def test_evaluate_measures_with_the_stored_runbooks_and_keeps_nothing(
    home: Home, store: Store, tmp_path: Path
) -> None:
    history = write_history(tmp_path / "h.jsonl")
    command = ["evaluate", "--history", history, "--target", "similar", "--target", "runbooks"]
    assert_refused(run(*command), "runbooks: ")
    trained("train", "--runbooks", write_runbooks(tmp_path / "runbooks"))
    before = champions(home)
    report = trained(*command)
    assert [entry["target"] for entry in report["trained"]] == ["similar", "runbooks"]
    assert all(entry["metrics"] and entry["version"] is None for entry in report["trained"])
    assert champions(home) == before
    assert list(store.incidents.all()) == []


def test_runbooks_alone_need_no_history(home: Home, store: Store, tmp_path: Path) -> None:
    report = trained("train", "--runbooks", write_runbooks(tmp_path / "runbooks"))
    (suggested,) = report["trained"]
    assert (suggested["target"], suggested["rows"], suggested["metrics"]) == ("runbooks", 0, [])
    assert "are the defaults" in suggested["notes"][0]
    assert report["skipped"]["similar"] == "not trained: the history has no text"
    assert champions(home) == {"runbooks": "1"}
    assert [runbook.id for runbook in store.runbooks.all()] == sorted(THINGS)


def test_other_runbooks_take_the_place_of_the_stored_ones(
    home: Home, store: Store, tmp_path: Path
) -> None:
    folder = write_runbooks(tmp_path / "runbooks")
    trained("train", "--runbooks", folder)
    (folder / "vpn.md").unlink()
    (folder / "disk.md").write_text("# Full disk\n\nDelete old logs.\n")
    trained("train", "--runbooks", folder)
    assert {runbook.id: runbook.title for runbook in store.runbooks.all()} == {
        "cert": "Trouble with cert",
        "disk": "Full disk",
        "mail": "Trouble with mail",
    }


def test_without_a_folder_the_stored_runbooks_stay_and_are_learned_again(
    home: Home, store: Store, tmp_path: Path
) -> None:
    history = write_history(tmp_path / "h.jsonl")
    trained("train", "--runbooks", write_runbooks(tmp_path / "runbooks"))
    report = trained("train", "--history", history)
    assert [entry["target"] for entry in report["trained"]] == ["similar", "runbooks", "novelty"]
    assert len(store.runbooks.all()) == len(THINGS)
    assert trained("train", "--history", history)["trained"][1]["version"] == "3"
    assert champions(home) == {"similar": "2", "runbooks": "3", "novelty": "2"}


def test_a_history_without_text_has_nothing_similar(home: Home, tmp_path: Path) -> None:
    history = write_history(tmp_path / "h.jsonl", title=None, description=None)
    command = ["train", "--history", history, "--runbooks", write_runbooks(tmp_path / "runbooks")]
    report = trained(*command)
    assert [entry["target"] for entry in report["trained"]] == ["runbooks", "novelty"]
    assert report["skipped"]["similar"] == "not trained: the history has no text"
    assert_refused(run(*command, "--target", "similar"), "no text")


def test_named_runbooks_that_are_not_there_are_refused(home: Home, tmp_path: Path) -> None:
    history = write_history(tmp_path / "h.jsonl")
    empty = tmp_path / "empty"
    empty.mkdir()
    assert_refused(run("train", "--history", history, "--target", "runbooks"), "--runbooks")
    assert_refused(run("train", "--runbooks", tmp_path / "missing"), "missing")
    assert run("train", "--runbooks", empty).exit_code == 2
    assert champions(home) == {}


def test_texts_alone_teach_how_often_incidents_recur(home: Home, tmp_path: Path) -> None:
    history = write_history(tmp_path / "h.jsonl", duplicate_of=None, runbook_id=None)
    similar, _novelty = trained("train", "--history", history)["trained"]
    assert (similar["target"], similar["rows"], similar["metrics"]) == ("similar", 0, [])
    assert similar["verdict"]["promoted"] is True


def test_useless_labels_are_refused_unless_links_teach(home: Home, tmp_path: Path) -> None:
    unlinked = write_history(tmp_path / "u.jsonl", category="one", duplicate_of=None)
    assert_refused(run("train", "--history", unlinked), "one label")
    linked = write_history(tmp_path / "l.jsonl", category="one")
    report = trained("train", "--history", linked)
    assert [entry["target"] for entry in report["trained"]] == ["similar", "novelty"]
    assert "one label" in report["skipped"]["category"]


def test_broken_runbooks_are_named_and_passed_over(
    home: Home, store: Store, tmp_path: Path
) -> None:
    folder = write_runbooks(tmp_path / "runbooks", "vpn")
    (folder / "binary.md").write_bytes(bytes(range(256)))
    (folder / "huge.md").write_text("# Huge\n" + "word " * 3_500_000)
    result = run("train", "--runbooks", folder, "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["trained"]
    lines = result.stderr.splitlines()
    assert [line.partition(":")[0] for line in lines] == ["skipped binary.md", "skipped huge.md"]
    assert [runbook.id for runbook in store.runbooks.all()] == ["vpn"]


def test_a_runbook_that_breaks_keeps_its_stored_version(
    home: Home, store: Store, tmp_path: Path
) -> None:
    folder = write_runbooks(tmp_path / "runbooks", "vpn", "disk", "mail")
    trained("train", "--runbooks", folder)
    (folder / "vpn.md").write_bytes(b"\0")
    (folder / "disk.md").unlink()
    trained("train", "--runbooks", folder)
    assert {runbook.id: runbook.title for runbook in store.runbooks.all()} == {
        "mail": "Trouble with mail",
        "vpn": "Trouble with vpn",
    }


@pytest.mark.parametrize("kind", ["empty", "missing", "broken"])
def test_a_folder_without_a_runbook_removes_none(
    home: Home, store: Store, tmp_path: Path, kind: str
) -> None:
    trained("train", "--runbooks", write_runbooks(tmp_path / "runbooks"))
    folder = tmp_path / kind
    if kind != "missing":
        folder.mkdir()
    if kind == "broken":
        (folder / "vpn.md").write_bytes(b"\0")
    history = write_history(tmp_path / "h.jsonl")
    result = run("train", "--history", history, "--runbooks", folder, "--json")
    assert result.exit_code == 2
    *skipped, line = result.stderr.strip().splitlines()
    assert line.startswith("error: ")
    assert str(folder) in line
    assert len(skipped) == (kind == "broken")
    assert [runbook.id for runbook in store.runbooks.all()] == sorted(THINGS)
    assert list(store.incidents.all()) == []
    assert champions(home) == {"runbooks": "1"}


def give(store: Store, target: str, action: str, subject: str | None, **more) -> None:
    facts = {"label": None, "given_by": "ana", "given_at": START, "source": "api"} | more
    incident = facts.pop("incident_id", "T1")
    store.feedback.record(
        FeedbackRecord(
            f"p-{incident}-{subject}", incident, target, action, subject=subject, **facts
        )
    )


def test_feedback_is_read_as_judgements(store: Store) -> None:
    give(store, "similar", "accept", "T0")
    give(store, "similar", "dismiss", "T5")
    give(store, "similar", "dismiss", None)
    give(store, "open_match", "dismiss", "T7")
    give(store, "category", "accept", None)
    give(store, "runbooks", "accept", "vpn", helped=True)
    judgements = read_judgements(store)
    assert [(pair.id, pair.other, pair.is_related) for pair in judgements.pairs] == [
        ("T1", "T0", True),
        ("T1", "T5", False),
        ("T1", "T7", False),
    ]


def test_feedback_in_the_store_teaches(home: Home, store: Store, tmp_path: Path) -> None:
    history = write_history(tmp_path / "h.jsonl", duplicate_of=None, runbook_id=None)
    runbooks = write_runbooks(tmp_path / "runbooks")
    trained("train", "--history", history, "--runbooks", runbooks)
    names = list(THINGS)
    for number in range(1, 60, 2):
        give(store, "similar", "accept", f"T{number - 1}", incident_id=f"T{number}")
        give(store, "runbooks", "accept", names[number // 2 % 4], incident_id=f"T{number}")
    similar, suggested, _novelty = trained("train", "--history", history)["trained"]
    assert similar["rows"] >= 30
    assert {metric["name"] for metric in similar["metrics"]} >= {"recall_at_1"}
    assert suggested["target"] == "runbooks"
    assert champions(home) == {"similar": "2", "runbooks": "2", "novelty": "2"}
    assert targets_taught_by(home, "T0") == [*["novelty"] * 2, *["similar"] * 2]
    assert targets_taught_by(home, "T1") == [*["novelty"] * 2, "runbooks", *["similar"] * 2]


def figures(value: float, baseline: float) -> tuple[Metric, ...]:
    return (Metric("recall_at_1", value, value, value, baseline, "BM25"),)


def test_what_finds_less_than_the_baseline_is_not_promoted() -> None:
    assert judge_retrieval(figures(0.6, 0.5)).promoted
    assert judge_retrieval(figures(0.498, 0.5)).promoted
    verdict = judge_retrieval(figures(0.4, 0.5))
    assert not verdict.promoted
    assert verdict.reasons == ("worse than the baseline: recall at 1 0.400, BM25 0.500",)
    assert judge_retrieval(()).promoted


def test_registered_versions_are_ordinary_mlflow_models(home: Home, tmp_path: Path) -> None:
    """They hold no past and no runbooks, which are the store's, so by themselves find nothing."""
    command = ["--history", write_history(tmp_path / "h.jsonl")]
    trained("train", *command, "--runbooks", write_runbooks(tmp_path / "runbooks"))
    frame = pd.DataFrame({"id": ["a", "b"], "title": [THINGS["vpn"], ""]}, index=[7, 9])
    mlflow.set_tracking_uri(home.tracking_uri)
    for target in ("similar", "runbooks"):
        model = mlflow.pyfunc.load_model(f"models:/default.{target}@champion")
        answer = model.predict(frame)
        assert list(answer.columns) == ["label", "confidence", "decision"]
        assert list(answer.index) == [7, 9]
        assert answer["label"].tolist() == ["", ""]
        assert answer["confidence"].tolist() == [0.0, 0.0]
        assert answer["decision"].tolist() == ["abstain", "abstain"]
