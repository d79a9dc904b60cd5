"""A worker that only learns the id of what another one deleted keeps none of its texts."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from fakes import stub_export

from features.domain.report import IncidentReport, Outcome, ResolvedIncident
from features.domain.runbook import Runbook
from features.encoding import encoder_weights
from features.encoding.encoder import SentenceEncoder
from features.encoding.onnx_network import Vectors
from features.encoding.vector_cache import EncodingCache
from features.home import Home
from features.store.store import Store
from models.artifacts.load_artifact import LoadedModel
from models.artifacts.registry import ModelVersion
from models.runbooks.passages import read_report
from models.runbooks.runbook_model import RunbookModel
from serving.background.index_updater import IndexUpdater
from serving.background.runbook_index import RunbookPoller
from serving.services.records.incidents import IncidentService

_REFERENCE = "0123456789abcdef" * 4
_KEPT = ResolvedIncident(IncidentReport(id="INC1", title="disk full"), Outcome())
_GONE = ResolvedIncident(IncidentReport(id="INC2", title="vpn down"), Outcome())
_USED = ResolvedIncident(
    IncidentReport(id="INC3", title="volume full", description="on {{ $labels.host }} since noon"),
    Outcome(runbook_id="disk"),
)
_USED_TEXT = read_report(_USED.report).text


class NoRegistry:
    """Has no model."""

    def champions(self) -> dict[str, ModelVersion]:
        return {}

    def unpromoted(self) -> dict[str, str]:
        return {}

    def learned_from(self, id: str) -> tuple[ModelVersion, ...]:  # noqa: A002
        return ()

    def load(self, version: ModelVersion) -> LoadedModel:
        raise AssertionError(version)


class CountingNetwork:
    """Stands for the weights and keeps what it was asked."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def encode(self, texts: Sequence[str]) -> Vectors:
        self.texts += texts
        return np.full((len(texts), 8), 8**-0.5, dtype=np.float32)


@pytest.fixture
def network() -> CountingNetwork:
    return CountingNetwork()


@pytest.fixture
def encoder(network: CountingNetwork, monkeypatch: pytest.MonkeyPatch) -> SentenceEncoder:
    """A sentence encoder that this process has opened."""
    made = SentenceEncoder(stub_export(_REFERENCE))
    made._network = network
    monkeypatch.setitem(encoder_weights._OPENED, _REFERENCE, made)
    return made


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture
def watcher(store: Store, home: Home, encoder: SentenceEncoder) -> IndexUpdater:
    """A watcher that has looked once, at an empty store."""
    made = IndexUpdater(store, home, lambda: _REFERENCE, 60.0)
    made.poll()
    return made


def test_what_was_deleted_is_not_written_to_the_cache(
    watcher: IndexUpdater, store: Store, home: Home, encoder: SentenceEncoder
) -> None:
    store.incidents.upsert([_GONE])
    assert "INC2" in watcher.index()
    store.incidents.delete("INC2")
    store.incidents.upsert([_KEPT])
    watcher.poll()
    assert "INC2" not in watcher.index()
    vectors = EncodingCache(home.encodings, encoder).find(["vpn down", "disk full"])
    assert vectors.keys() == {"disk full"}


def test_the_encoder_of_the_other_worker_forgets(
    watcher: IndexUpdater, store: Store, encoder: SentenceEncoder, network: CountingNetwork
) -> None:
    store.incidents.upsert([_GONE])
    watcher.poll()
    encoder.encode(["vpn down"])
    count = len(network.texts)
    encoder.encode(["vpn down"])
    assert len(network.texts) == count
    store.incidents.delete("INC2")
    watcher.poll()
    encoder.encode(["vpn down"])
    assert network.texts[count:] == ["vpn down"]


@pytest.fixture
def shelved(store: Store, home: Home, encoder: SentenceEncoder) -> RunbookPoller:
    """Runbooks as a worker keeps them, of which one was used."""
    store.runbooks.replace_all([Runbook("disk", "disk trouble")])
    store.incidents.upsert([_USED])
    return RunbookPoller(store, home, lambda: _REFERENCE, 60.0)


def test_a_restart_encodes_no_runbook_anew(
    shelved: RunbookPoller, store: Store, home: Home, network: CountingNetwork
) -> None:
    shelved.poll()
    assert set(network.texts) == {"disk trouble", _USED_TEXT}
    RunbookPoller(store, home, lambda: _REFERENCE, 60.0).poll()
    assert len(network.texts) == 2


def test_what_is_asked_is_not_written_to_the_cache(
    shelved: RunbookPoller, home: Home, encoder: SentenceEncoder, network: CountingNetwork
) -> None:
    shelved.poll()
    index = shelved.index()
    assert index is not None
    RunbookModel(encoder=_REFERENCE).fit(()).suggest(
        [IncidentReport(id="INC9", title="printer jams")], index
    )
    assert "printer jams" in network.texts
    shelved.poll()
    assert EncodingCache(home.encodings, encoder).find(["printer jams"]) == {}


def test_a_deleted_use_leaves_the_cache(
    shelved: RunbookPoller, store: Store, home: Home, encoder: SentenceEncoder
) -> None:
    shelved.poll()
    cache = EncodingCache(home.encodings, encoder)
    assert cache.find([_USED_TEXT, "disk trouble"]).keys() == {_USED_TEXT, "disk trouble"}
    IncidentService(store, NoRegistry(), home, "default").delete("INC3")
    shelved.poll()
    assert cache.find([_USED_TEXT, "disk trouble"]).keys() == {"disk trouble"}
