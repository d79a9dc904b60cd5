"""Adapts the encoder to a history's labels within a time limit, with folds for its evaluation."""

import hashlib
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from features.domain.history import History
from features.encoding.encoder import SentenceEncoder
from features.encoding.encoder_weights import find_weights, install_encoder, open_encoder
from features.encoding.fine_tuning import AdaptedWeights, LabelledTexts, adapt_encoder
from features.formatting import counted, interval
from features.home import Home
from features.text.cleaning import incident_text
from models.classification.fine_tuned_head import FineTunedHead
from models.classification.learning.cross_validation import Floats, Fold, Rows, copy_folds
from training.dataset.split import Split
from training.dataset.targets import Target
from training.evaluation.evaluate import Evaluation
from training.evaluation.metrics import compare, log_loss, take_rows
from training.plan import Progress, TrainingPlan

_MIN_PASSES, _MAX_PASSES = 2.0, 4.0
# Two passes over 30,000 texts were enough in experiments; with fewer texts more passes help.
_MAX_TEXTS_SEEN = 60_000
_MIN_EPOCHS = 0.25
_MIN_TEXTS = 200
# The share of the time limit for adapting the first fold's encoder. This encoder is adapted to
# four fifths of the texts, the served encoder to all texts; encoding held-out texts takes time too.
_SHARE_OF_FIRST_FOLD = 0.43
_ENCODED_AT_ONCE = 4096
_STEPS_SHOWN = 1000


@dataclass(frozen=True, slots=True)
class AdaptedTarget:
    """A target's classifier on the adapted encoder, and folds for its evaluation.

    Each fold has scores of an encoder that was adapted to the fold's `fit` rows only.
    """

    head: FineTunedHead
    folds: tuple[Fold, ...]


@dataclass(frozen=True, slots=True)
class AdaptedEncoder:
    """An encoder that is adapted to all labels of its targets, and evaluated on `folds` folds.

    `epochs` counts the passes over the texts. `is_new` is false if the same encoder was already
    installed.
    """

    reference: str
    targets: Mapping[str, AdaptedTarget]
    folds: int
    epochs: float
    is_new: bool = True

    def describe(self) -> str:
        """Return a line that says how the encoder was adapted and evaluated."""
        return (
            f"adapted encoder {self.reference[:12]}: {self.epochs:.1f} passes over the labelled "
            f"texts; judged on {counted(self.folds, 'fold')}, each with an encoder that was "
            "adapted in the same way without that fold"
        )


def adapt(
    history: History,
    targets: Sequence[Target],
    split: Split,
    plan: TrainingPlan,
    progress: Progress,
) -> AdaptedEncoder | str:
    """Adapt the encoder to the labels of all unordered targets, or return why it is not adapted.

    One encoder is adapted to the `fit` rows of the last fold, to evaluate the gain; another encoder
    is adapted to all texts, for serving. The remaining time is used to adapt encoders for further
    folds. After an interruption, the next call continues where this call stopped.
    """
    choices = [target for target in targets if not target.is_ordered]
    texts = _labelled_texts(history, choices, plan)
    if not choices or sum(map(bool, texts.texts)) < _MIN_TEXTS:
        return f"encoder not adapted: fewer than {_MIN_TEXTS} incidents have a text and a label"
    adaptations = _TimedAdaptations(texts, plan, _key(history, choices, plan), progress)
    first_weights = adaptations.adapt(
        split.folds[-1].fit, "fold 1", _SHARE_OF_FIRST_FOLD * adaptations.seconds_left
    )
    if first_weights.epochs < _MIN_EPOCHS:
        adaptations.clear()
        minutes = plan.adapt_minutes * _MIN_PASSES / max(first_weights.epochs, 0.01)
        return (
            f"encoder not adapted: {plan.adapt_minutes:g} minutes are too short for these texts; "
            f"about --adapt {minutes:.0f} is needed"
        )
    scored_folds = [adaptations.score(first_weights, split.folds[-1], "fold 1")]
    seconds_per_fold = adaptations.seconds_spent
    all_rows = np.arange(len(texts.texts))
    final_weights = adaptations.adapt(all_rows, "all", adaptations.seconds_left)
    for number, fold in enumerate(reversed(split.folds[:-1]), start=2):
        if adaptations.seconds_left < seconds_per_fold:
            break
        weights = adaptations.adapt(fold.fit, f"fold {number}", adaptations.seconds_left)
        scored_folds.append(adaptations.score(weights, fold, f"fold {number}"))
    installed = set(plan.home.adapted_encoders.glob("*"))
    reference = install_encoder(final_weights.folder, plan.home)
    adaptations.clear()
    heads = {name: FineTunedHead(reference, *head) for name, head in final_weights.heads.items()}
    target_folds = (
        scored_folds
        if len(scored_folds) > 1
        else _split_in_half(scored_folds[0], split.copies, plan.seed)
    )
    return AdaptedEncoder(
        reference,
        {
            name: AdaptedTarget(head, tuple(fold.with_scores(name) for fold in target_folds))
            for name, head in heads.items()
        },
        len(scored_folds),
        first_weights.epochs,
        is_new=plan.home.adapted_encoders / reference not in installed,
    )


@dataclass(frozen=True, slots=True)
class _ScoredFold:
    """A fold, and for each target the scores of all rows.

    Rows without a text and rows that the fold does not hold out are scored by a vector of zeros.
    """

    fold: Fold
    scores: Mapping[str, Floats]

    def with_scores(self, target: str) -> Fold:
        return replace(self.fold, adapted_scores=self.scores[target])


def _split_in_half(scored: _ScoredFold, copies: Rows, seed: int) -> list[_ScoredFold]:
    """Split the held-out rows of one fold in two, so that each half can calibrate the other."""
    halves = copy_folds(copies[scored.fold.judge], folds=2, seed=seed)
    return [
        replace(scored, fold=replace(scored.fold, judge=scored.fold.judge[half.judge]))
        for half in halves
    ]


def remove_adapted_encoder(adapted: AdaptedEncoder, home: Home) -> None:
    """Remove an adapted encoder that no model uses, unless an earlier training installed it."""
    if adapted.is_new:
        shutil.rmtree(home.adapted_encoders / adapted.reference)


def compare_encoders(adapted: Evaluation, frozen: Evaluation) -> tuple[bool, str]:
    """Return whether the adapted encoder has a lower log loss beyond noise, and by how much.

    The two encoders are compared on the incidents that both evaluations hold out.
    """
    place_of_row = {int(row): place for place, row in enumerate(frozen.rows)}
    shared = np.flatnonzero([int(row) in place_of_row for row in adapted.rows])
    frozen_places = [place_of_row[int(row)] for row in adapted.rows[shared]]
    gain = compare(
        log_loss,
        take_rows(frozen.judged, np.array(frozen_places, dtype=np.int64)),
        take_rows(adapted.judged, shared),
    )
    is_better = gain.low > 0
    return is_better, (
        f"{'kept' if is_better else 'not kept'}: gain in log loss {gain.value:+.3f} over the "
        f"original encoder on {counted(len(shared), 'held-out incident')}, 95% interval "
        f"{interval(gain.low, gain.high, '+.3f')}"
    )


class _TimedAdaptations:
    """Runs adaptations one after another, within the time limit of the plan."""

    def __init__(
        self, texts: LabelledTexts, plan: TrainingPlan, key: str, progress: Progress
    ) -> None:
        self._texts = texts
        self._plan = plan
        self._weights = find_weights(plan.encoder)
        self._folder = plan.home.adaptations / key
        self._progress = progress
        self._started = time.monotonic()
        passes = _MAX_TEXTS_SEEN / max(len(texts.texts), 1)
        self._epochs = min(max(passes, _MIN_PASSES), _MAX_PASSES)

    @property
    def seconds_spent(self) -> float:
        """The seconds since this object was created."""
        return time.monotonic() - self._started

    @property
    def seconds_left(self) -> float:
        """The seconds that remain of the plan's time limit."""
        return 60 * self._plan.adapt_minutes - self.seconds_spent

    def adapt(self, rows: Rows, name: str, seconds: float) -> AdaptedWeights:
        """Adapt to these rows, with at most as many passes as the previous adaptation."""
        text_rows = self._rows_with_text(rows)
        adapted = adapt_encoder(
            self._weights,
            self._texts.take(text_rows),
            self._folder / name.replace(" ", "-"),
            epochs=self._epochs,
            seconds=max(seconds, 1.0),
            seed=self._plan.seed,
            progress=lambda done: self._progress(
                f"adapting, {name}", round(done * _STEPS_SHOWN), _STEPS_SHOWN
            ),
        )
        self._epochs = min(self._epochs, adapted.epochs)
        return adapted

    def score(self, adapted: AdaptedWeights, fold: Fold, name: str) -> _ScoredFold:
        """Score a fold's held-out rows with adapted weights."""
        encoder = SentenceEncoder(str(adapted.folder), adapted.folder)
        vectors = np.zeros((len(self._texts.texts), encoder.dimension), dtype=np.float32)
        rows = self._rows_with_text(fold.judge)
        for start in range(0, len(rows), _ENCODED_AT_ONCE):
            batch = rows[start : start + _ENCODED_AT_ONCE]
            vectors[batch] = encoder.compute([self._texts.texts[row] for row in batch])
            self._progress(f"encoding, {name}", start + len(batch), len(rows))
        return _ScoredFold(
            fold,
            {
                target: FineTunedHead("", *head).log_probabilities(vectors)
                for target, head in adapted.heads.items()
            },
        )

    def clear(self) -> None:
        """Remove the files from which an interrupted adaptation would continue."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _rows_with_text(self, rows: Rows) -> Rows:
        return rows[[bool(self._texts.texts[row]) for row in rows]]


def _labelled_texts(
    history: History, targets: Sequence[Target], plan: TrainingPlan
) -> LabelledTexts:
    texts = [incident_text(incident.report) for incident in history.incidents]
    labels, classes = {}, {}
    for target in targets:
        names = sorted({label for label in target.labels if label is not None})
        numbers = {label: number for number, label in enumerate(names)} | {None: -1}
        labels[target.name] = np.array([numbers[label] for label in target.labels], dtype=np.int64)
        classes[target.name] = len(names)
    return LabelledTexts(texts, open_encoder(plan.encoder).encode(texts), labels, classes)


def _key(history: History, targets: Sequence[Target], plan: TrainingPlan) -> str:
    """Return a key that is the same for the same data, targets and plan.

    An interrupted adaptation continues from the files of its key.
    """
    names = [target.name for target in targets]
    inputs = repr((history.sha256, names, plan.encoder, plan.seed, plan.adapt_minutes))
    return hashlib.sha256(inputs.encode()).hexdigest()[:16]
