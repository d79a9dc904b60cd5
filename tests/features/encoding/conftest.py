"""A sentence encoder whose network is a stub that counts what it is asked."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from features.encoding.encoder import SentenceEncoder, Vectors

REFERENCE = "0123456789abcdef" * 4


class StubNetwork:
    """Stands for the weights: a vector by the letters of a text, and a list of what was read."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []

    @property
    def texts(self) -> list[str]:
        return [text for batch in self.batches for text in batch]

    def encode(self, sentences: Sequence[str], **options: object) -> Vectors:
        assert options["normalize_embeddings"] is True
        self.batches.append(list(sentences))
        letters = [[text.count(letter) + 0.5 for letter in "abcdefgh"] for text in sentences]
        vectors = np.array(letters, dtype=np.float32)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def stubbed_encoder(reference: str = REFERENCE) -> tuple[SentenceEncoder, StubNetwork]:
    encoder, network = SentenceEncoder(reference, Path("nowhere"), dimension=8), StubNetwork()
    encoder._model = network
    return encoder, network


@pytest.fixture
def make_encoder():
    """Return a new encoder with its network, as a new process would have."""
    return stubbed_encoder
