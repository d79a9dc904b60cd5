"""Adapts the encoder to a history's labels within a stated time, honestly enough to judge it."""

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
from features.home import Home
from features.text.cleaning import incident_text
from models.classification.cross_validation import Floats, Fold, Rows, copy_folds
from models.classification.fine_tuned_head import FineTunedHead
from training.dataset.split import Split
from training.dataset.targets import Target
from training.evaluation.evaluate import Evaluation
from training.evaluation.metrics import compare, log_loss, take_rows
from training.plan import Progress, TrainingPlan

_FEWEST_PASSES, _MOST_PASSES = 2.0, 4.0
# Two passes over thirty thousand texts were enough on visible data; few texts bear more.
_TEXTS_SEEN = 60_000
_FEWEST_EPOCHS = 0.25
_FEWEST_TEXTS = 200
# Four fifths of the texts for the encoder that is judged, all of them for the one that serves, and
# a little for encoding what is judged.
_SHARE_OF_FIRST_FOLD = 0.43
_ENCODED_AT_ONCE = 4096
_STEPS_SHOWN = 1000


@dataclass(frozen=True, slots=True)
class AdaptedTarget:
    """The adapted encoder's classifier, and folds with the scores of others that saw less."""

    head: FineTunedHead
    folds: tuple[Fold, ...]


@dataclass(frozen=True, slots=True)
class AdaptedEncoder:
    """An encoder adapted to all labels of these targets, as judged on `folds` folds.

    One that is not `is_new` came out like one that was installed before.
    """

    reference: str
    targets: Mapping[str, AdaptedTarget]
    folds: int
    epochs: float
    is_new: bool = True

    def describe(self) -> str:
        """Say in words how the encoder was adapted and how that was judged."""
        return (
            f"adapted encoder {self.reference[:12]}: {self.epochs:.1f} passes over the labelled "
            f"texts; judged on {self.folds} fold{'s' if self.folds > 1 else ''}, each by an "
            "encoder that was adapted the same way without it"
        )


def adapt(
    history: History,
    targets: Sequence[Target],
    split: Split,
    plan: TrainingPlan,
    progress: Progress,
) -> AdaptedEncoder | str:
    """Adapt the encoder to the labels of these targets' choices, or say in words why not.

    One encoder is adapted without the last fold, to judge what adapting is worth, and one to
    everything, to serve; if time is left, further folds follow, up to all of them. Interrupted, it
    goes on where it stopped.
    """
    choices = [target for target in targets if not target.is_ordered]
    labelled = _labelled_texts(history, choices, plan)
    if not choices or sum(map(bool, labelled.texts)) < _FEWEST_TEXTS:
        return f"encoder not adapted: fewer than {_FEWEST_TEXTS} incidents have a text and a choice"
    adaptations = _TimedAdaptations(labelled, plan, _key(history, choices, plan), progress)
    first = adaptations.adapt(
        split.folds[-1].fit, "fold 1", _SHARE_OF_FIRST_FOLD * adaptations.seconds_left
    )
    if first.epochs < _FEWEST_EPOCHS:
        adaptations.clear()
        enough = plan.adapt_minutes * _FEWEST_PASSES / max(first.epochs, 0.01)
        return (
            f"encoder not adapted: {plan.adapt_minutes:g} minutes are too short for these texts; "
            f"--adapt {enough:.0f} would do"
        )
    scored = [adaptations.score(first, split.folds[-1], "fold 1")]
    seconds_per_fold = adaptations.seconds_spent
    everything = adaptations.adapt(np.arange(len(labelled.texts)), "all", adaptations.seconds_left)
    for number, fold in enumerate(reversed(split.folds[:-1]), start=2):
        if adaptations.seconds_left < seconds_per_fold:
            break
        adapted = adaptations.adapt(fold.fit, f"fold {number}", adaptations.seconds_left)
        scored.append(adaptations.score(adapted, fold, f"fold {number}"))
    known = set(plan.home.adapted_encoders.glob("*"))
    reference = install_encoder(everything.folder, plan.home)
    adaptations.clear()
    heads = {name: FineTunedHead(reference, *head) for name, head in everything.heads.items()}
    judged = scored if len(scored) > 1 else _halves(scored[0], split.copies, plan.seed)
    return AdaptedEncoder(
        reference,
        {
            name: AdaptedTarget(head, tuple(fold.of(name) for fold in judged))
            for name, head in heads.items()
        },
        len(scored),
        first.epochs,
        is_new=plan.home.adapted_encoders / reference not in known,
    )


@dataclass(frozen=True, slots=True)
class _ScoredFold:
    """A fold, and each target's scores of all rows; only those of the judged rows are filled."""

    fold: Fold
    scores: Mapping[str, Floats]

    def of(self, target: str) -> Fold:
        return replace(self.fold, adapted_scores=self.scores[target])


def _halves(scored: _ScoredFold, copies: Rows, seed: int) -> list[_ScoredFold]:
    """Judge one fold in two parts, so that each part's pool and calibration come from the other."""
    parts = copy_folds(copies[scored.fold.judge], folds=2, seed=seed)
    return [
        replace(scored, fold=replace(scored.fold, judge=scored.fold.judge[part.judge]))
        for part in parts
    ]


def forget(adapted: AdaptedEncoder, home: Home) -> None:
    """Remove an adapted encoder that no model of this training kept, nor any before."""
    if adapted.is_new:
        shutil.rmtree(home.adapted_encoders / adapted.reference)


def why_adapted_wins(adapted: Evaluation, frozen: Evaluation) -> tuple[bool, str]:
    """Compare both on the incidents that both were judged on: log loss, beyond noise."""
    place = {int(row): at for at, row in enumerate(frozen.rows)}
    shared = np.flatnonzero([int(row) in place for row in adapted.rows])
    theirs = np.array([place[int(row)] for row in adapted.rows[shared]], dtype=np.int64)
    gain = compare(log_loss, take_rows(frozen.judged, theirs), take_rows(adapted.judged, shared))
    wins = gain.low > 0
    return wins, (
        f"{'kept' if wins else 'not kept'}: log loss {gain.value:+.3f} better than with the frozen "
        f"encoder on {len(shared)} held-out incidents, 95% interval {gain.low:+.3f} to "
        f"{gain.high:+.3f}"
    )


class _TimedAdaptations:
    """One adaptation after another, within the time that is left of the plan's."""

    def __init__(
        self, labelled: LabelledTexts, plan: TrainingPlan, key: str, progress: Progress
    ) -> None:
        self._labelled = labelled
        self._plan = plan
        self._weights = find_weights(plan.encoder)
        self._folder = plan.home.adaptations / key
        self._progress = progress
        self._started = time.monotonic()
        few = _TEXTS_SEEN / max(len(labelled.texts), 1)
        self._epochs = min(max(few, _FEWEST_PASSES), _MOST_PASSES)

    @property
    def seconds_spent(self) -> float:
        """The time since the first adaptation began."""
        return time.monotonic() - self._started

    @property
    def seconds_left(self) -> float:
        """What is left of the plan's time."""
        return 60 * self._plan.adapt_minutes - self.seconds_spent

    def adapt(self, rows: Rows, name: str, seconds: float) -> AdaptedWeights:
        """Adapt to these rows, in no more passes than the time before."""
        known = rows[[bool(self._labelled.texts[row]) for row in rows]]
        adapted = adapt_encoder(
            self._weights,
            self._labelled.take(known),
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
        """Score a fold's judged rows by an encoder that is not to be kept."""
        encoder = SentenceEncoder(str(adapted.folder), adapted.folder)
        vectors = np.zeros((len(self._labelled.texts), encoder.dimension), dtype=np.float32)
        rows = fold.judge[[bool(self._labelled.texts[row]) for row in fold.judge]]
        for start in range(0, len(rows), _ENCODED_AT_ONCE):
            here = rows[start : start + _ENCODED_AT_ONCE]
            vectors[here] = encoder.compute([self._labelled.texts[row] for row in here])
            self._progress(f"encoding, {name}", start + len(here), len(rows))
        return _ScoredFold(
            fold,
            {
                target: FineTunedHead("", *head).score(vectors)
                for target, head in adapted.heads.items()
            },
        )

    def clear(self) -> None:
        """Remove what was kept in case of an interruption."""
        shutil.rmtree(self._folder, ignore_errors=True)


def _labelled_texts(
    history: History, targets: Sequence[Target], plan: TrainingPlan
) -> LabelledTexts:
    texts = [incident_text(one.report) for one in history.incidents]
    labels, classes = {}, {}
    for target in targets:
        known = sorted({label for label in target.labels if label is not None})
        numbers = {label: number for number, label in enumerate(known)} | {None: -1}
        labels[target.name] = np.array([numbers[label] for label in target.labels], dtype=np.int64)
        classes[target.name] = len(known)
    return LabelledTexts(texts, open_encoder(plan.encoder).encode(texts), labels, classes)


def _key(history: History, targets: Sequence[Target], plan: TrainingPlan) -> str:
    """Name what an interrupted adaptation can go on with: the same data, targets and plan."""
    names = [target.name for target in targets]
    inputs = repr((history.sha256, names, plan.encoder, plan.seed, plan.adapt_minutes))
    return hashlib.sha256(inputs.encode()).hexdigest()[:16]
