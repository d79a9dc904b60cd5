"""Fine-tuning: it distinguishes labels, respects its time, and continues after an interruption."""

from pathlib import Path

import numpy as np
import pytest

from features.encoding.encoder_weights import MINILM, find_weights, open_encoder, open_weights
from features.encoding.fine_tuning import LabelledTexts, _epoch_batches, adapt_encoder

WORDS = ("printer", "network", "password", "laptop", "mailbox", "scanner")


def labelled_texts(rows: int = 240) -> LabelledTexts:
    """Texts whose label is the parity of two words' places: no single word tells it."""
    random = np.random.default_rng(0)
    first, second = random.integers(0, len(WORDS), (2, rows))
    texts = [f"{WORDS[a]} and {WORDS[b]}" for a, b in zip(first, second, strict=True)]
    labels = (first + second) % 2
    some = np.where(np.arange(rows) % 5 == 0, -1, first % 3)
    vectors = open_encoder(MINILM).encode(texts)
    classes = {"category": 2, "fields.x": 3}
    return LabelledTexts(texts, vectors, {"category": labels, "fields.x": some}, classes)


def separation(vectors: np.ndarray, labels: np.ndarray) -> float:
    """How far apart the classes' mean vectors are, against the spread within them."""
    means = [vectors[labels == label].mean(axis=0) for label in (0, 1)]
    within = np.mean([vectors[labels == label].std(axis=0).mean() for label in (0, 1)])
    return float(np.linalg.norm(means[0] - means[1]) / within)


def test_batches_hold_every_text_once_a_pass_and_texts_of_like_length() -> None:
    texts = ["x" * length for length in range(1, 101)]
    batches = _epoch_batches(texts, epochs=1.0, seed=0)
    assert sorted(np.concatenate(batches).tolist()) == list(range(100))
    assert all(np.ptp([len(texts[row]) for row in batch]) < 32 for batch in batches)
    assert [b.tolist() for b in batches] == [b.tolist() for b in _epoch_batches(texts, 1.0, seed=0)]


@pytest.mark.quality
def test_the_adapted_encoder_separates_what_the_frozen_one_cannot(tmp_path: Path) -> None:
    learned = labelled_texts()
    shares: list[float] = []
    adapted = adapt_encoder(
        find_weights(MINILM),
        learned,
        tmp_path,
        epochs=4,
        seconds=240,
        seed=0,
        progress=shares.append,
    )
    vectors = open_weights(adapted.folder, tmp_path / "exports").encode(learned.texts)
    labels = learned.labels["category"]
    assert separation(vectors, labels) > 1.5 * separation(learned.vectors, labels)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-3)
    assert adapted.epochs == pytest.approx(4, abs=0.2)
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


@pytest.mark.quality
def test_it_stops_when_its_time_is_over_and_says_how_far_it_came(tmp_path: Path) -> None:
    adapted = adapt_encoder(
        find_weights(MINILM),
        labelled_texts(),
        tmp_path,
        epochs=1000,
        seconds=3,
        seed=0,
        progress=lambda done: None,
    )
    assert 0 < adapted.epochs < 100


@pytest.mark.quality
def test_an_interrupted_adaptation_goes_on_from_its_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("features.encoding.fine_tuning._SECONDS_BETWEEN_CHECKPOINTS", 0.0)
    shares: list[float] = []

    def interrupt(done: float) -> None:
        shares.append(done)
        if len(shares) == 6:
            raise KeyboardInterrupt

    learned, weights = labelled_texts(), find_weights(MINILM)
    how = {"epochs": 1.5, "seconds": 240, "seed": 0}
    with pytest.raises(KeyboardInterrupt):
        adapt_encoder(weights, learned, tmp_path / "cut", progress=interrupt, **how)
    shares.clear()
    resumed = adapt_encoder(weights, learned, tmp_path / "cut", progress=shares.append, **how)
    assert shares[0] > 0.3
    whole = adapt_encoder(weights, learned, tmp_path / "whole", progress=lambda done: None, **how)
    ours = open_weights(resumed.folder, tmp_path / "exports").encode(learned.texts)
    theirs = open_weights(whole.folder, tmp_path / "exports").encode(learned.texts)
    assert np.einsum("ij,ij->i", ours, theirs).min() > 0.98
