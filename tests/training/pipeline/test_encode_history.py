"""The texts of a long history are all cached; only what models learn from is held in memory."""

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from fakes import StubNetwork, stub_export

from features.domain.history import History
from features.domain.report import IncidentReport, Outcome, ResolvedIncident
from features.encoding.encoder import SentenceEncoder
from features.encoding.onnx_network import Vectors
from features.encoding.vector_cache import EncodingCache
from features.home import Home
from training.pipeline import fit
from training.pipeline.fit import encode_history
from training.plan import TrainingPlan


class WideNetwork(StubNetwork):
    """Returns vectors as long as those of the shipped encoder."""

    def encode(self, texts: list[str]) -> Vectors:
        super().encode(texts)
        return np.ones((len(texts), 384), dtype=np.float32)


def history_of(count: int) -> History:
    return History(
        tuple(
            ResolvedIncident(
                IncidentReport(id=f"INC{n}", title=f"printer {n}", description=f"jam in room {n}"),
                Outcome(),
            )
            for n in range(count)
        )
    )


@pytest.fixture
def encoder(monkeypatch: pytest.MonkeyPatch) -> SentenceEncoder:
    encoder = SentenceEncoder(stub_export("0123456789abcdef" * 4))
    encoder.dimension = 384
    encoder._network = WideNetwork()
    monkeypatch.setattr(fit, "open_encoder", lambda _: encoder)
    return encoder


def test_every_text_is_cached_and_those_learned_from_are_held(
    encoder: SentenceEncoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fit, "_ENCODED_AT_ONCE", 3)
    history, learned = history_of(10), History(history_of(10).incidents[6:])
    plan = TrainingPlan(Home(tmp_path), "default", "sqlite://", "any")
    steps: list[tuple[str, int, int]] = []
    assert encode_history(history, plan, lambda *step: steps.append(step), learned) == 20
    assert steps[-1][1:] == (6, 6)
    assert len(encoder._pinned) == 8
    texts = fit._texts_of(history.incidents)
    assert EncodingCache(plan.home.encodings, encoder).holds(texts) == set(texts)
    assert encode_history(history, plan, lambda *_: None, learned) == 0


def test_memory_grows_with_what_is_learned_from(encoder: SentenceEncoder, tmp_path: Path) -> None:
    history = history_of(12_000)
    plan = TrainingPlan(Home(tmp_path), "default", "sqlite://", "any")
    tracemalloc.start()
    encode_history(history, plan, lambda *_: None, History(history.incidents[-500:]))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # All vectors take 37 MB, those of the learned incidents 1.5 MB, those of a block 6.3 MB.
    assert most < 25_000_000
