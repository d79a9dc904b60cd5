"""Mistaken labels are found where they were put, and the ceilings follow them."""

import csv
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from typer.testing import CliRunner

from features.domain.history import History
from features.domain.report import IncidentReport, Outcome, ResolvedIncident
from features.home import Home
from models.artifacts.registry import ModelRegistry
from models.classification.learning.cross_fit import CrossFit
from models.kinds import build_model
from training.cli.app import app
from training.dataset.split import split_history
from training.dataset.targets import Target, find_targets
from training.demo.incidents import generate_company
from training.label_noise.suspects import (
    Suspect,
    SuspectLabels,
    find_label_noise,
    find_suspect_labels,
    write_suspects,
)

IDS = [f"INC{number}" for number in range(400)]


def with_flips(history: History, share: float) -> tuple[History, set[str]]:
    """Give this share of the incidents another category; returns their ids too."""
    rng = np.random.default_rng(0)
    incidents, flipped = list(history.incidents), set()
    labelled = [
        row for row, example in enumerate(incidents) if example.outcome.category is not None
    ]
    names = sorted({incidents[row].outcome.category for row in labelled})
    for row in rng.choice(labelled, int(share * len(labelled)), replace=False):
        incident = incidents[row]
        others = [name for name in names if name != incident.outcome.category]
        outcome = replace(incident.outcome, category=str(rng.choice(others)))
        incidents[row] = replace(incident, outcome=outcome)
        flipped.add(incident.report.id)
    return replace(history, incidents=tuple(incidents)), flipped


def doubts_of(history: History) -> SuspectLabels:
    split = split_history(history)
    target = next(
        candidate for candidate in find_targets(history)[0] if candidate.name == "category"
    )
    model = build_model("category", levels=(), encoder="hashing", seed=0)
    model.fit(history.incidents, split.folds, split.copies)
    return find_suspect_labels(history.incidents, target, split, model)


def undated(history: History) -> History:
    """Without times every incident is judged, not only the later half."""
    incidents = [
        replace(incident, report=replace(incident.report, opened_at=None))
        for incident in history.incidents
    ]
    return replace(history, incidents=tuple(incidents))


@pytest.mark.quality
def test_flipped_labels_are_found_and_lower_the_ceiling() -> None:
    clean = undated(History(generate_company(incidents=1000).incidents))
    noisy, flipped = with_flips(clean, 0.05)
    before, after = doubts_of(clean), doubts_of(noisy)
    fresh = {suspect.id for suspect in after.suspects} - {suspect.id for suspect in before.suspects}
    suspects = {suspect.id for suspect in after.suspects} & flipped
    assert len(suspects) / len(flipped) >= 0.75
    # The demo has doubtful labels of its own, which were suspected before.
    assert len(suspects) / len(after.suspects) >= 0.5
    assert len(fresh & flipped) / len(fresh) >= 0.8
    right = {incident.report.id: incident.outcome.category for incident in clean.incidents}
    mended = [
        suspect.suggested == right[suspect.id]
        for suspect in after.suspects
        if suspect.id in flipped
    ]
    assert np.mean(mended) >= 0.7
    assert after.noise.ceiling == pytest.approx(before.noise.ceiling - 0.05, abs=0.03)
    assert after.noise.suspected == len(after.suspects)
    assert [suspect.confidence for suspect in after.suspects] == sorted(
        (suspect.confidence for suspect in after.suspects), reverse=True
    )


def sure_answers(labels: np.ndarray, classes: int, confidence: float = 0.97) -> CrossFit:
    """Answers of a model that gives these labels this confidence."""
    probabilities = np.full((len(labels), classes), (1 - confidence) / (classes - 1))
    probabilities[np.arange(len(labels)), labels] = confidence
    return CrossFit(np.arange(len(labels)), probabilities)


def graded_answers(labels: np.ndarray, classes: int) -> CrossFit:
    """Answers of a model that is surer of some rows than of others, and right about all."""
    is_unsure = np.arange(len(labels)) // 4 % 2 == 1
    sure, unsure = sure_answers(labels, classes), sure_answers(labels, classes, 0.8)
    probabilities = np.where(is_unsure[:, None], unsure.probabilities, sure.probabilities)
    return CrossFit(sure.rows, probabilities)


def test_noise_by_hand() -> None:
    truth = np.arange(400) % 4
    labels = truth.copy()
    labels[:20] = (truth[:20] + 1) % 4
    doubts = find_label_noise(labels, graded_answers(truth, 4), np.arange(400), "abcd", IDS)
    assert {suspect.id for suspect in doubts.suspects} == set(IDS[:20])
    assert doubts.noise.ceiling == pytest.approx(0.95, abs=0.001)
    assert doubts.noise.share == 0.05
    assert doubts.noise.by_chance == pytest.approx(0, abs=0.5)
    (first,) = [suspect for suspect in doubts.suspects if suspect.id == "INC0"]
    assert (first.given, first.suggested, first.found_by) == ("b", "a", "model")
    assert first.confidence > 0.97
    # No near-copies: nothing can be said of their agreement.
    assert doubts.noise.copies_ceiling is None
    assert doubts.noise.copied == doubts.noise.disagreeing == 0


def test_copies_that_disagree_are_named_and_bound_what_can_be_right() -> None:
    labels = np.tile([0, 1], 200)
    copies = np.arange(400)
    copies[[0, 2, 4, 5]] = 900
    copies[[10, 11]] = 901
    doubts = find_label_noise(labels, sure_answers(labels, 2), copies, "ab", IDS)
    # Of four copies one is odd; of two that differ nobody can tell which.
    assert doubts.suspects == (Suspect("INC5", "b", "a", 0.75, "copies"),)
    assert (doubts.noise.copied, doubts.noise.disagreeing) == (6, 2)
    assert doubts.noise.copies_ceiling == pytest.approx(4 / 6)
    assert doubts.noise.ceiling == 1


def test_model_and_copies_that_agree_say_so() -> None:
    labels = np.tile([0, 1], 200)
    truth = labels.copy()
    truth[5:25] = 1 - labels[5:25]
    copies = np.arange(400)
    copies[[0, 2, 5]] = 900
    suspects = find_label_noise(labels, graded_answers(truth, 2), copies, "ab", IDS).suspects
    assert [suspect.id for suspect in suspects if suspect.found_by == "model and copies"] == [
        "INC5"
    ]


def test_levels_that_shift_on_a_day_are_no_mistakes() -> None:
    """From a day on `low` is called `medium`; the models of the first periods do not know it."""
    truth, incidents = np.arange(800) % 3, []
    labels = np.where((truth == 0) & (np.arange(800) >= 500), 1, truth)
    for number, label in enumerate(labels):
        opened_at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=6 * number)
        report = IncidentReport(f"INC{number}", opened_at=opened_at, title=f"t{number * 7919}")
        outcome = Outcome(severity=("low", "medium", "high")[label], resolved_at=opened_at)
        incidents.append(ResolvedIncident(report, outcome))
    split = split_history(History(tuple(incidents)))
    levels = ("low", "medium", "high")
    target = Target("severity", tuple(levels[label] for label in labels), levels)
    cross_fit = CrossFit(np.arange(400, 800), graded_answers(truth, 3).probabilities[400:])
    model = SimpleNamespace(classes_=levels, cross_fit_=cross_fit)
    whole = find_label_noise(
        labels, cross_fit, np.arange(800), levels, [str(i) for i in range(800)]
    )
    found = find_suspect_labels(incidents, target, split, model)
    assert len(found.suspects) <= 2
    assert len(whole.suspects) <= whole.noise.assessed / 3


def test_near_copies_are_compared_within_a_regime() -> None:
    """Of a recurring text, the older incidents do not outvote those that follow a change."""
    incidents = []
    for number in range(400):
        opened_at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=6 * number)
        title = "the backup of the mail server has failed" if number % 10 == 0 else f"t{number**3}"
        outcome = Outcome(category="Net" if number < 250 else "Network", resolved_at=opened_at)
        report = IncidentReport(f"INC{number}", opened_at=opened_at, title=title)
        incidents.append(ResolvedIncident(report, outcome))
    split = split_history(History(tuple(incidents)))
    assert len(np.unique(split.copies)) < 400
    labels = tuple(str(incident.outcome.category) for incident in incidents)
    model = SimpleNamespace(
        classes_=["Net", "Network"],
        cross_fit_=CrossFit(np.arange(200, 400), np.full((200, 2), 0.5)),
    )
    found = find_suspect_labels(incidents, Target("category", labels), split, model)
    assert found.suspects == ()
    assert found.noise.disagreeing == 0


def test_rare_labels_are_not_suspected_by_a_model_that_hardly_knows_them() -> None:
    labels = np.tile([0, 1], 200)
    truth = labels.copy()
    labels[:19] = 2
    doubts = find_label_noise(labels, sure_answers(truth, 3), np.arange(400), "abc", IDS)
    assert doubts.suspects == ()
    assert doubts.noise.assessed == 381


def test_weak_model_cannot_tell_mistaken_labels_from_its_own_mistakes() -> None:
    """Right where it is unsure and sure where it is wrong: its mistakes pass for noise."""
    labels = np.arange(400) % 4
    predicted = np.where(np.arange(400) < 100, (labels + 1) % 4, labels)
    confidence = np.repeat([0.95, 0.99, 0.4], [100, 100, 200])
    probabilities = np.repeat(((1 - confidence) / 3)[:, None], 4, axis=1)
    probabilities[np.arange(400), predicted] = confidence
    cross_fit = CrossFit(np.arange(400), probabilities)
    doubts = find_label_noise(labels, cross_fit, np.arange(400), "abcd", IDS)
    assert (doubts.noise.ceiling, doubts.suspects, doubts.noise.assessed) == (None, (), 400)


def test_unlabelled_and_unjudged_rows_are_left_alone() -> None:
    labels = np.tile([0, 1], 200)
    labels[300:] = -1
    answers = sure_answers(np.tile([0, 1], 50), 2)
    cross_fit = CrossFit(np.arange(100, 200), answers.probabilities)
    doubts = find_label_noise(labels, cross_fit, np.zeros(400, dtype=np.int64), "ab", IDS)
    assert doubts.noise.assessed == 100
    assert doubts.noise.copied == 300


def test_too_few_rows_give_no_ceiling() -> None:
    labels = np.tile([0, 1], 19)
    noise = find_label_noise(labels, sure_answers(labels, 2), np.arange(38), "ab", IDS).noise
    assert (noise.ceiling, noise.assessed, noise.suspected, noise.share) == (None, 0, 0, 0)


def test_file_holds_labels_and_no_text(tmp_path: Path) -> None:
    write_suspects([Suspect("INC1", "Netz", "Müll, viel", 0.9, "model")], tmp_path / "noise.csv")
    with (tmp_path / "noise.csv").open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    assert row == {
        "id": "INC1",
        "given_label": "Netz",
        "suggested_label": "Müll, viel",
        "confidence": "0.9",
        "found_by": "model",
    }


def write_history(path: Path) -> Path:
    """Tickets of two categories, of which one in fifteen is filed under the wrong one."""
    words = {"Network": "vpn tunnel drops", "Printing": "printer paper jam"}
    lines = ["id,title,category"]
    for number in range(300):
        label = ("Network", "Printing")[number % 2]
        filed = ("Printing", "Network")[number % 2] if number % 15 == 4 else label
        title = f"{words[label]} {number * 7919 % 997} in room {number * 104729 % 991}"
        lines.append(f"T{number},{title},{filed}")
    path.write_text("\n".join(lines))
    return path


@pytest.mark.quality
def test_training_keeps_a_list_of_suspects_and_the_card_states_the_ceiling(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PRECEDENT_HOME", str(home.root))
    monkeypatch.setenv("PRECEDENT_ENCODER", "hashing")
    monkeypatch.setenv("PRECEDENT_AUTO_PRECISION", "0.7")
    history, mapping = write_history(tmp_path / "h.csv"), tmp_path / "m.yaml"
    mapping.write_text(
        "report: {id: id, title: title}\noutcome: {category: category}\n"
        "columns_known: {title: opening}"
    )
    command = ["train", "--history", str(history), "--mapping", str(mapping), "--family"]
    result = CliRunner().invoke(app, [*command, "--target", "category", "--json"])
    assert result.exit_code == 0, result.output
    trained, *_ = json.loads(result.stdout)["trained"]
    file = Path(trained["label_noise_file"])
    assert file.is_relative_to(home.artifacts)
    with file.open(encoding="utf-8", newline="") as rows:
        listed = {row["id"]: row["suggested_label"] for row in csv.DictReader(rows)}
    wrong = {f"T{number}": ("Network", "Printing")[number % 2] for number in range(4, 300, 15)}
    assert len(wrong.items() & listed.items()) >= 0.6 * len(wrong)
    assert len(listed) <= 1.5 * len(wrong)
    assert "vpn" not in file.read_text()
    registry = ModelRegistry(home.tracking_uri, "default")
    card = registry.load(registry.version("category", trained["version"])).card
    assert card.label_noise.suspected == len(listed)
    assert card.label_noise.ceiling == pytest.approx(14 / 15, abs=0.02)
    assert card.certificates
    for certificate in card.certificates.values():
        assert (certificate.precision_at_least, certificate.family) == (0.7, True)
    notes = " ".join(card.notes)
    assert "all labels at once" in notes
    assert "this organisation's incidents only" in notes
    assert "refitted" in notes


@pytest.mark.parametrize("wanted", ["1", "0.2", "much"])
def test_precision_that_makes_no_sense_is_refused(
    wanted: str, home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PRECEDENT_HOME", str(home.root))
    monkeypatch.setenv("PRECEDENT_AUTO_PRECISION", wanted)
    history = write_history(tmp_path / "h.csv")
    result = CliRunner().invoke(app, ["evaluate", "--history", str(history)])
    assert result.exit_code == 2
    assert "PRECEDENT_AUTO_PRECISION" in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
