"""Adapts a sentence encoder to an organisation's labels by fine-tuning."""

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

from features.encoding.onnx_network import Vectors
from features.encoding.torch_model import load_torch_model, prompt_of

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
    """Texts, their vectors from the encoder before adaptation, and their labels by target.

    A target with n classes has the labels 0 to n - 1; -1 marks a text without a label.
    """

    texts: Sequence[str]
    vectors: Vectors
    labels: Mapping[str, Rows]
    classes: Mapping[str, int]

    def take(self, rows: Rows) -> "LabelledTexts":
        """Return the texts of these rows."""
        return LabelledTexts(
            [self.texts[row] for row in rows],
            self.vectors[rows],
            {target: labels[rows] for target, labels in self.labels.items()},
            self.classes,
        )


@dataclass(frozen=True, slots=True)
class AdaptedWeights:
    """An adapted encoder's folder, the number of epochs for which it was trained, and its heads.

    `heads` holds the linear classifier of each target: coefficients of shape (classes, dimension)
    and intercepts of shape (classes,).
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
    """Fine-tune the encoder in `weights` to distinguish labels, and save it below `folder`.

    Each target has a linear classifier on the sentence vector. The classifiers are fitted first,
    and then trained together with the encoder (Kumar et al. 2022, arXiv 2202.10054) by
    cross-entropy with smoothed labels. After a warm-up the learning rates fall linearly, and reach
    zero when `epochs` or `seconds` are used up, whichever happens first. An interrupted run
    continues from the checkpoint in `folder`. `progress` is called with the completed share, 0..1.
    """
    import torch

    torch.manual_seed(seed)
    trainer = _EncoderTrainer(weights, labelled)
    step, earlier_seconds = trainer.resume(folder)
    batches = _epoch_batches(labelled.texts, epochs, seed)
    started_at = saved_at = time.monotonic()
    while step < len(batches):
        elapsed = earlier_seconds + time.monotonic() - started_at
        share_done = max(step / len(batches), elapsed / seconds)
        if share_done >= 1:
            break
        warm_up = (step + 1) / (_WARM_UP * len(batches))
        trainer.step(batches[step], rate_share=min(warm_up, 1 - share_done))
        step += 1
        progress(share_done)
        if time.monotonic() - saved_at > _SECONDS_BETWEEN_CHECKPOINTS:
            trainer.save_checkpoint(folder, step, elapsed)
            saved_at = time.monotonic()
    trainer.save_checkpoint(folder, step, earlier_seconds + time.monotonic() - started_at)
    progress(1.0)
    epochs = step / ceil(len(labelled.texts) / _BATCH)
    return AdaptedWeights(trainer.finish(folder), epochs, trainer.heads())


class _EncoderTrainer:
    """An encoder in training, with a linear classifier for each target."""

    def __init__(self, weights: Path, labelled: LabelledTexts) -> None:
        import torch

        # Training in bfloat16 takes two thirds of the time of 32-bit training, if the processor
        # supports it.
        self._has_bfloat16 = bool(torch.cpu.get_capabilities().get("avx512_bf16"))
        self._texts = labelled.texts
        self._targets = tuple(labelled.labels)
        self._labels = [torch.from_numpy(labels) for labels in labelled.labels.values()]
        self._encoder = load_torch_model(weights)
        self._prompt = prompt_of(self._encoder) or None
        self._heads = torch.nn.ModuleList(
            _fitted_head(labelled.vectors, labels, labelled.classes[target])
            for target, labels in labelled.labels.items()
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

    def step(self, rows: Rows, *, rate_share: float) -> None:
        """Take one optimiser step on these rows, with `rate_share` of the full learning rates."""
        import torch
        from torch.nn.functional import cross_entropy

        rates = (_LEARNING_RATE, _HEAD_LEARNING_RATE)
        for group, rate in zip(self._optimiser.param_groups, rates, strict=True):
            group["lr"] = rate_share * rate
        texts = [self._texts[row] for row in rows]
        tokens = self._encoder.preprocess(texts, prompt=self._prompt)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=self._has_bfloat16):
            vectors = self._encoder(tokens)["sentence_embedding"].float()
        # The sum starts at a differentiable zero, because a batch may have no label at all.
        loss = vectors.sum() * 0
        for head, labels in zip(self._heads, self._labels, strict=True):
            row_labels = labels[torch.from_numpy(rows)]
            if (row_labels >= 0).any():
                loss = loss + cross_entropy(
                    head(vectors), row_labels, ignore_index=-1, label_smoothing=_LABEL_SMOOTHING
                )
        self._optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self._encoder.parameters(), 1.0)
        self._optimiser.step()

    def save_checkpoint(self, folder: Path, step: int, elapsed: float) -> None:
        """Write a checkpoint to a new file and rename it; a crash leaves the old one whole."""
        import torch

        folder.mkdir(parents=True, exist_ok=True)
        state = {
            "step": step,
            "elapsed": elapsed,
            "encoder": self._encoder.state_dict(),
            "heads": self._heads.state_dict(),
            "optimiser": self._optimiser.state_dict(),
        }
        new_file = folder / "checkpoint.part"
        torch.save(state, new_file)
        new_file.rename(_checkpoint_file(folder))

    def resume(self, folder: Path) -> tuple[int, float]:
        """Load the folder's checkpoint; returns its steps and seconds, zeros if there is none."""
        import torch

        if not _checkpoint_file(folder).is_file():
            return 0, 0.0
        state = torch.load(_checkpoint_file(folder), weights_only=True)
        self._encoder.load_state_dict(state["encoder"])
        self._heads.load_state_dict(state["heads"])
        self._optimiser.load_state_dict(state["optimiser"])
        return int(state["step"]), float(state["elapsed"])

    def heads(self) -> dict[str, tuple[Floats, Floats]]:
        """Return each target's classifier as arrays."""
        arrays = {}
        for target, head in zip(self._targets, self._heads, strict=True):
            state = head.state_dict()
            arrays[target] = (state["weight"].double().numpy(), state["bias"].double().numpy())
        return arrays

    def finish(self, folder: Path) -> Path:
        """Save the encoder without its classifiers, and return its folder."""
        encoder_folder = folder / "encoder"
        self._encoder.eval()
        self._encoder.save(str(encoder_folder), create_model_card=False)
        return encoder_folder


def _checkpoint_file(folder: Path) -> Path:
    return folder / "checkpoint.pt"


def _fitted_head(vectors: Vectors, labels: Rows, classes: int) -> "torch.nn.Linear":
    """Return a linear layer that equals a logistic regression on the vectors before adaptation.

    A class without texts gets an intercept below all others. With fewer than two distinct labels
    the layer keeps its random initial weights.
    """
    import torch

    is_labelled = labels >= 0
    head = torch.nn.Linear(vectors.shape[1], classes)
    if len(np.unique(labels[is_labelled])) < 2:
        return head
    with warnings.catch_warnings():
        # The regression need not converge: its result is only the start of the training.
        warnings.simplefilter("ignore", ConvergenceWarning)
        regression = LogisticRegression(C=10, max_iter=200)
        regression.fit(vectors[is_labelled], labels[is_labelled])
    coefficients, intercepts = regression.coef_, regression.intercept_
    if len(regression.classes_) == 2:
        coefficients = np.vstack([-coefficients, coefficients]) / 2
        intercepts = np.concatenate([-intercepts, intercepts]) / 2
    with torch.no_grad():
        head.weight.zero_()
        head.bias.fill_(float(intercepts.min()) - 1)
        rows = torch.from_numpy(regression.classes_.astype(np.int64))
        head.weight[rows] = torch.from_numpy(coefficients.astype(np.float32))
        head.bias[rows] = torch.from_numpy(intercepts.astype(np.float32))
    return head


def _epoch_batches(texts: Sequence[str], epochs: float, seed: int) -> list[Rows]:
    """Return the shuffled batches of all epochs, as rows.

    The texts of a batch have similar lengths, so that they need little padding.
    """
    random = np.random.default_rng(seed)
    lengths = np.array([len(text) for text in texts])
    count = max(1, round(epochs * ceil(len(texts) / _BATCH)))
    batches: list[Rows] = []
    while len(batches) < count:
        order = random.permutation(len(texts))
        for start in range(0, len(order), _BATCH * _BATCHES_SORTED_TOGETHER):
            chunk = order[start : start + _BATCH * _BATCHES_SORTED_TOGETHER]
            chunk = chunk[np.argsort(lengths[chunk], kind="stable")]
            parts = [chunk[offset : offset + _BATCH] for offset in range(0, len(chunk), _BATCH)]
            batches += [parts[index] for index in random.permutation(len(parts))]
    return batches[:count]
