"""Adapts a sentence encoder to labels: it learns what this organisation tells apart."""

import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from features.encoding.encoder import MAX_TOKENS, Vectors

if TYPE_CHECKING:
    import torch

Rows = NDArray[np.int64]
Floats = NDArray[np.float64]
Progress = Callable[[float], None]

_BATCH = 32
_LEARNING_RATE = 8e-5
_HEAD_LEARNING_RATE = 1e-3
_LABEL_SMOOTHING = 0.05
_WARM_UP = 0.06
_BATCHES_SORTED_TOGETHER = 50
_SECONDS_BETWEEN_CHECKPOINTS = 120.0


@dataclass(frozen=True, slots=True)
class LabelledTexts:
    """Texts with their vectors before adapting, and their labels for each target.

    Labels are numbers below the target's number of `classes`, and -1 where a text has none.
    """

    texts: Sequence[str]
    vectors: Vectors
    labels: Mapping[str, Rows]
    classes: Mapping[str, int]

    def take(self, rows: Rows) -> "LabelledTexts":
        """Return these rows."""
        return LabelledTexts(
            [self.texts[row] for row in rows],
            self.vectors[rows],
            {target: numbers[rows] for target, numbers in self.labels.items()},
            self.classes,
        )


@dataclass(frozen=True, slots=True)
class AdaptedWeights:
    """An adapted encoder's folder, and the passes over the texts that it took.

    `heads` gives each target's classifier: slopes of shape (classes, dimension) and intercepts.
    """

    folder: Path
    epochs: float
    heads: Mapping[str, tuple[Floats, Floats]]


def adapt_encoder(
    weights: Path,
    labelled: LabelledTexts,
    folder: Path,
    *,
    epochs: float,
    seconds: float,
    seed: int,
    progress: Progress,
) -> AdaptedWeights:
    """Fine-tune the encoder in `weights` to tell labels apart, and save it below `folder`.

    A linear classifier for each target reads the sentence vector: fitted first, then learning
    together with the encoder (Kumar et al. 2022, arXiv 2202.10054) by cross-entropy with smoothed
    labels. The learning rate falls to zero after `epochs` passes over the
    texts or after `seconds`, whichever comes first. `folder` keeps a checkpoint, from which an
    interrupted run goes on; `progress` is told the share that is done.
    """
    import torch

    torch.manual_seed(seed)
    trainer = _EncoderTrainer(weights, labelled)
    step, spent = trainer.resume(folder)
    batches = _batches(labelled.texts, epochs, seed)
    started = saved = time.monotonic()
    while step < len(batches):
        elapsed = spent + time.monotonic() - started
        done = max(step / len(batches), elapsed / seconds)
        if done >= 1:
            break
        trainer.step(batches[step], pace=min((step + 1) / (_WARM_UP * len(batches)), 1 - done))
        step += 1
        progress(done)
        if time.monotonic() - saved > _SECONDS_BETWEEN_CHECKPOINTS:
            trainer.save_checkpoint(folder, step, elapsed)
            saved = time.monotonic()
    trainer.save_checkpoint(folder, step, spent + time.monotonic() - started)
    progress(1.0)
    epochs = step / ceil(len(labelled.texts) / _BATCH)
    return AdaptedWeights(trainer.finish(folder), epochs, trainer.heads())


class _EncoderTrainer:
    """An encoder that learns, with a classifier for each target."""

    def __init__(self, weights: Path, labelled: LabelledTexts) -> None:
        import torch
        from sentence_transformers import SentenceTransformer
        from transformers.utils.logging import disable_progress_bar

        disable_progress_bar()
        # Half as long numbers take two thirds of the time, where the processor knows them.
        self._has_bfloat16 = bool(torch.cpu.get_capabilities().get("avx512_bf16"))
        self._texts = labelled.texts
        self._targets = tuple(labelled.labels)
        self._labels = [torch.from_numpy(numbers) for numbers in labelled.labels.values()]
        self._encoder = SentenceTransformer(str(weights), device="cpu")
        self._encoder.max_seq_length = MAX_TOKENS
        self._heads = torch.nn.ModuleList(
            _fitted_head(labelled.vectors, numbers, labelled.classes[target])
            for target, numbers in labelled.labels.items()
        )
        self._optimiser = torch.optim.AdamW(
            [
                {"params": self._encoder.parameters(), "lr": _LEARNING_RATE},
                {"params": self._heads.parameters(), "lr": _HEAD_LEARNING_RATE},
            ],
            weight_decay=0.01,
            fused=True,
        )
        self._encoder.train()

    def step(self, rows: Rows, *, pace: float) -> None:
        """Take one step on these texts, at a share `pace` of the full learning rate."""
        import torch
        from torch.nn.functional import cross_entropy

        rates = (_LEARNING_RATE, _HEAD_LEARNING_RATE)
        for group, rate in zip(self._optimiser.param_groups, rates, strict=True):
            group["lr"] = pace * rate
        tokens = self._encoder.preprocess([self._texts[row] for row in rows])
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=self._has_bfloat16):
            vectors = self._encoder(tokens)["sentence_embedding"].float()
        loss = vectors.sum() * 0
        for head, labels in zip(self._heads, self._labels, strict=True):
            wanted = labels[torch.from_numpy(rows)]
            if (wanted >= 0).any():
                loss = loss + cross_entropy(
                    head(vectors), wanted, ignore_index=-1, label_smoothing=_LABEL_SMOOTHING
                )
        self._optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self._encoder.parameters(), 1.0)
        self._optimiser.step()

    def save_checkpoint(self, folder: Path, step: int, elapsed: float) -> None:
        """Write a checkpoint aside, then rename it, so that a crash leaves the last whole one."""
        import torch

        folder.mkdir(parents=True, exist_ok=True)
        state = {
            "step": step,
            "elapsed": elapsed,
            "encoder": self._encoder.state_dict(),
            "heads": self._heads.state_dict(),
            "optimiser": self._optimiser.state_dict(),
        }
        aside = folder / "checkpoint.part"
        torch.save(state, aside)
        aside.rename(_checkpoint(folder))

    def resume(self, folder: Path) -> tuple[int, float]:
        """Go on from the folder's checkpoint; returns its step and the seconds spent so far."""
        import torch

        if not _checkpoint(folder).is_file():
            return 0, 0.0
        state = torch.load(_checkpoint(folder), weights_only=True)
        self._encoder.load_state_dict(state["encoder"])
        self._heads.load_state_dict(state["heads"])
        self._optimiser.load_state_dict(state["optimiser"])
        return int(state["step"]), float(state["elapsed"])

    def heads(self) -> dict[str, tuple[Floats, Floats]]:
        """Return each target's classifier as arrays."""
        found = {}
        for target, head in zip(self._targets, self._heads, strict=True):
            state = head.state_dict()
            found[target] = (state["weight"].double().numpy(), state["bias"].double().numpy())
        return found

    def finish(self, folder: Path) -> Path:
        """Save the encoder without its classifiers."""
        saved = folder / "encoder"
        self._encoder.eval()
        self._encoder.save(str(saved), create_model_card=False)
        return saved


def _checkpoint(folder: Path) -> Path:
    return folder / "checkpoint.pt"


def _fitted_head(vectors: Vectors, labels: Rows, classes: int) -> "torch.nn.Linear":
    """Return logistic regression on the vectors as they are, so that learning starts in order."""
    import torch

    known = labels >= 0
    head = torch.nn.Linear(vectors.shape[1], classes)
    if len(np.unique(labels[known])) < 2:
        return head
    with warnings.catch_warnings():
        # It need not converge: learning goes on from here.
        warnings.simplefilter("ignore", ConvergenceWarning)
        start = LogisticRegression(C=10, max_iter=200).fit(vectors[known], labels[known])
    binary = len(start.classes_) == 2
    slopes = np.vstack([-start.coef_, start.coef_]) / 2 if binary else start.coef_
    levels = (
        np.concatenate([-start.intercept_, start.intercept_]) / 2 if binary else start.intercept_
    )
    with torch.no_grad():
        head.weight.zero_()
        head.bias.fill_(float(levels.min()) - 1)
        rows = torch.from_numpy(start.classes_.astype(np.int64))
        head.weight[rows] = torch.from_numpy(slopes.astype(np.float32))
        head.bias[rows] = torch.from_numpy(levels.astype(np.float32))
    return head


def _batches(texts: Sequence[str], epochs: float, seed: int) -> list[Rows]:
    """Return shuffled batches of texts of like length, which need little padding."""
    random = np.random.default_rng(seed)
    lengths = np.array([len(text) for text in texts])
    wanted = max(1, round(epochs * ceil(len(texts) / _BATCH)))
    batches: list[Rows] = []
    while len(batches) < wanted:
        order = random.permutation(len(texts))
        for start in range(0, len(order), _BATCH * _BATCHES_SORTED_TOGETHER):
            chunk = order[start : start + _BATCH * _BATCHES_SORTED_TOGETHER]
            chunk = chunk[np.argsort(lengths[chunk], kind="stable")]
            cuts = [chunk[at : at + _BATCH] for at in range(0, len(chunk), _BATCH)]
            batches += [cuts[place] for place in random.permutation(len(cuts))]
    return batches[:wanted]
