"""What an `auto` answer does with reports that are unlike the history.

`python tests/benchmarks/novelty.py [assignment|it-tickets] [--rows N] [--seed N]` holds back a
quarter of the near-copy groups, learns from the rest, and prints how often each kind of report is
answered `auto`, with the gate of novelty and without it. Of it-tickets, three whole classes are
left out of the training. Needs the data of `PRECEDENT_DATA`.
"""

import argparse
import json
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from data_sets import DATA_SETS, data_folder, load_data_set
from rich.console import Console

from features.domain.history import History
from features.domain.report import IncidentReport
from features.encoding.encoder_weights import MINILM, open_encoder
from features.encoding.vector_cache import EncodingCache, encode_ahead
from features.home import Home
from features.text.cleaning import incident_text
from models.base.predictions import Decision, LabelPrediction, NoveltyPrediction
from models.base.target_labels import label_of
from models.classification.calibrated_model import CalibratedModel
from models.classification.learning.cross_validation import Rows, report_copy_groups
from models.novelty.novelty_gate import restrict
from models.novelty.novelty_model import NoveltyModel
from training.dataset.split import split_history
from training.pipeline.fit import encode_history, fit_and_judge, prove
from training.pipeline.train import choose_targets
from training.pipeline.train_novelty import TrainedNovelty, train_novelty
from training.plan import TrainingPlan

TARGETS = {"assignment": "assignment", "it-tickets": "category"}
LEFT_OUT = {"assignment": 0, "it-tickets": 3}
"""How many of the common classes are left out of the training, to be unknown."""

CORRECTIONS = 30
LEVELS = (0.01, 0.05, 0.1)
SIGNATURE = "\n\nBest regards,\nAnna Berger\nService Desk | Phone 555 0100"
GREETING = "Hello team,\n\n"

_HELD_BACK = 0.25

Reports = Sequence[IncidentReport]


def main() -> None:
    """Print the figures of one data set as JSON lines."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data_set", choices=sorted(TARGETS))
    parser.add_argument("--rows", type=int, default=12_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--home", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Home(options.home or Path(folder))
        measure(options.data_set, options.rows, options.seed, home)


def measure(name: str, rows: int, seed: int, home: Home) -> None:
    """Learn from a part of a data set, and print how its answers treat each kind of report."""
    history, target = load_data_set(DATA_SETS[name], rows), TARGETS[name]
    left_out = _common_labels(history, target)[1 : 1 + LEFT_OUT[name]]
    is_held_back = _hold_back(history, seed)
    labels = np.array([label_of(i.outcome, target) or "" for i in history.incidents], dtype=object)
    is_left_out = np.isin(labels, left_out)
    plan = TrainingPlan(home, "default", home.database_url, MINILM, (target,))
    encode_history(history, plan, lambda *_: None)
    past = _take(history, ~is_held_back & ~is_left_out)
    model, novelty = _learn(past, plan)
    answer = _Answers(model, novelty.model, target)
    reports = np.array([i.report for i in history.incidents], dtype=object)
    scope = list(reports[is_held_back & ~is_left_out])
    truth = labels[is_held_back & ~is_left_out]
    show(data_set=name, rows=len(history.incidents), left_out=left_out)
    _show_scope(answer, scope, truth, novelty)
    texts = _off_topic()
    encode(texts, home)
    form = in_form_of(texts, scope, seed)
    encode(form, home)
    show(other_topics=answer.shares(texts), in_form_of_source=answer.shares(form))
    if left_out:
        unseen = list(reports[is_held_back & is_left_out])
        _show_left_out(answer, scope, unseen)
        corrected = _corrected(reports, labels, ~is_held_back & is_left_out, seed)
        answer.unknown_labels = {target: novelty.model.learn_unknown_labels(corrected)}
        show(never_learned_after_corrections=answer.shares(unseen), scope=answer.shares(scope))
        answer.unknown_labels = {}
    _show_edits(answer, scope, home)
    _show_appended(answer, scope, texts, home)


class _Answers:
    """Answers reports like the server: the model's prediction, restricted by novelty."""

    def __init__(self, model: CalibratedModel, novelty: NoveltyModel, target: str) -> None:
        self.model, self.novelty, self.target = model, novelty, target
        self.unknown_labels = {}

    def judge(self, reports: Reports) -> list[NoveltyPrediction]:
        """Return each report's novelty."""
        return self.novelty.judge(reports, self.unknown_labels)

    def __call__(self, reports: Reports, *, gated: bool = True) -> list[LabelPrediction]:
        """Return each report's prediction, with the gate or without it."""
        predictions = predict(self.model, reports)
        if not gated:
            return predictions
        judgements = self.judge(reports)
        return [
            restrict(self.target, prediction, judgement)
            for prediction, judgement in zip(predictions, judgements, strict=True)
        ]

    def shares(self, reports: Reports) -> Mapping[str, float]:
        """Return the share of reports per decision, and of `auto` without the gate."""
        counts = Counter(str(answer.decision) for answer in self(reports))
        without = np.mean([is_auto(answer) for answer in self(reports, gated=False)])
        shares = {name: round(count / len(reports), 4) for name, count in sorted(counts.items())}
        return shares | {"auto_without_gate": round(float(without), 4), "n": len(reports)}


def predict(model: CalibratedModel, reports: Reports) -> list[LabelPrediction]:
    """Return predictions in blocks, without their evidence, which nothing here reads."""
    model._explain = lambda batch: [None] * len(batch.reports)
    return [
        answer
        for at in range(0, len(reports), 500)
        for answer in model.predict(reports[at : at + 500])
    ]


def is_auto(answer: LabelPrediction) -> bool:
    """Tell whether an answer is `auto`."""
    return answer.decision is Decision.AUTO


def in_form_of(texts: Reports, source: Reports, seed: int) -> Reports:
    """Return texts of one topic joined to the length of a ticket, in lower case, no punctuation."""
    rng = np.random.default_rng(seed)
    lengths = [max(1, len(incident_text(report).split())) for report in source]
    joined = []
    for start in range(0, len(texts), 5):
        words = " ".join(report.description for report in texts[start : start + 5]).lower().split()
        plain = ["".join(c for c in word if c.isalnum()) for word in words]
        length = int(rng.choice(lengths))
        repeated = (plain * (1 + length // max(1, len(plain))))[:length]
        joined.append(IncidentReport(id=f"f{start}", description=" ".join(repeated)))
    return joined


def encode(reports: Reports, home: Home) -> None:
    """Encode texts ahead, into the cache of the home."""
    encoder = open_encoder(MINILM)
    texts = list({incident_text(report): None for report in reports})
    encode_ahead(
        encoder,
        [text for text in texts if text],
        EncodingCache(home.encodings, encoder),
        lambda _: None,
    )


def show(**figures: object) -> None:
    """Print figures as one line of JSON."""
    Console().print_json(json.dumps(figures, default=str), indent=None)


def _learn(past: History, plan: TrainingPlan) -> tuple[CalibratedModel, TrainedNovelty]:
    (target,), _ = choose_targets(past, plan.targets)
    split = split_history(past, seed=plan.seed)
    novelty = train_novelty(past, split, plan, lambda *_: None)
    model, evaluation = fit_and_judge(past, target, split, plan, allows_auto=novelty.allows_auto)
    # The mappings do not say what was known at opening; here all columns count as known.
    model.certify(prove(model, evaluation, split, plan))
    return model, novelty


def _show_scope(
    answer: _Answers, scope: Reports, truth: np.ndarray, novelty: TrainedNovelty
) -> None:
    answers, p_values = answer(scope), np.array([row.p_value for row in answer.judge(scope)])
    auto = np.array([is_auto(row) for row in answers])
    right = np.array([row.label for row in answers]) == truth
    without = np.array([is_auto(row) for row in answer(scope, gated=False)])
    lengths = np.array([len(incident_text(report)) for report in scope])
    quarters = np.searchsorted(np.quantile(lengths, [0.25, 0.5, 0.75]), lengths)
    show(
        scope=answer.shares(scope),
        precision=float(right[auto].mean()) if auto.any() else None,
        p_values={level: round(float((p_values <= level).mean()), 4) for level in LEVELS},
        by_length=[
            (
                round(float(auto[quarters == q].mean()), 4),
                round(float(without[quarters == q].mean()), 4),
            )
            for q in range(4)
        ],
        held_out=[(metric.name, round(metric.value, 4)) for metric in novelty.metrics],
    )


def _show_left_out(answer: _Answers, scope: Reports, unseen: Reports) -> None:
    """Compare the gate with a higher threshold of confidence at the same share in scope."""

    def confident(reports: Reports) -> np.ndarray:
        return np.array([a.confidence if is_auto(a) else 0.0 for a in answer(reports, gated=False)])

    share = float(np.mean([is_auto(a) for a in answer(scope)]))
    threshold = float(np.quantile(confident(scope), 1 - share))
    equal = float(np.mean(confident(unseen) > max(threshold, 1e-9)))
    show(never_learned=answer.shares(unseen), by_confidence_at_equal_share=round(equal, 4))


def _show_edits(answer: _Answers, scope: Reports, home: Home) -> None:
    before = answer(scope)
    auto = np.array([is_auto(row) for row in before])
    edits = {
        "doubled": [replace(r, description=f"{r.description} {r.description}") for r in scope],
        "signature": [replace(r, description=r.description + SIGNATURE) for r in scope],
        "greeting": [replace(r, description=GREETING + r.description) for r in scope],
    }
    for name, edited in edits.items():
        encode(edited, home)
        after = answer(edited)
        pairs = list(zip(before, after, strict=True))
        show(
            edit=name,
            auto_to_another_auto=sum(
                is_auto(a) and is_auto(b) and a.label != b.label for a, b in pairs
            ),
            flipped=round(float(np.mean([a.label != b.label for a, b in pairs])), 4),
            auto=(
                round(float(auto.mean()), 4),
                round(float(np.mean([is_auto(b) for b in after])), 4),
            ),
        )


def _show_appended(answer: _Answers, scope: Reports, texts: Reports, home: Home) -> None:
    """Append each off-topic text to one of 200 reports that are answered `abstain`."""
    abstaining = [
        r for r, a in zip(scope, answer(scope), strict=True) if a.decision is Decision.ABSTAIN
    ]
    abstaining = abstaining[:200]
    if not abstaining:
        show(appended="no report abstains")
        return
    edited = [
        replace(
            abstaining[row % len(abstaining)],
            description=f"{abstaining[row % len(abstaining)].description} {text.description}",
        )
        for row, text in enumerate(texts)
    ]
    encode(edited, home)
    show(appended_to_abstaining=answer.shares(edited), reports=len(abstaining))


def _off_topic() -> Reports:
    lines = (data_folder() / "off-topic" / "dev.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    return [IncidentReport(id=row["id"], description=row["text"]) for row in rows]


def _common_labels(history: History, target: str) -> list[str]:
    counts = Counter(label_of(incident.outcome, target) for incident in history.incidents)
    return [label for label, _ in counts.most_common() if label]


def _hold_back(history: History, seed: int) -> np.ndarray:
    copies = report_copy_groups([incident.report for incident in history.incidents])
    draws = np.random.default_rng(seed).random(int(copies.max()) + 1)
    return draws[copies] < _HELD_BACK


def _take(history: History, is_taken: np.ndarray) -> History:
    rows = np.flatnonzero(is_taken)
    return replace(history, incidents=tuple(history.incidents[row] for row in rows), groups=())


def _corrected(
    reports: np.ndarray, labels: Rows, is_chosen: np.ndarray, seed: int
) -> Mapping[str, Reports]:
    rng = np.random.default_rng(seed)
    chosen = {}
    for label in sorted(set(labels[is_chosen])):
        rows = np.flatnonzero(is_chosen & (labels == label))
        chosen[label] = list(reports[rng.choice(rows, CORRECTIONS, replace=False)])
    return chosen


if __name__ == "__main__":
    main()
