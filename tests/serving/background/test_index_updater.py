"""The incident index across restarts, changes of the encoder, and damage to its file."""

import logging
import threading
from pathlib import Path

import pytest
from factories import incident
from fakes import CountedEncoder

from features.encoding import encoder_weights
from features.home import Home
from features.search.index_file import read_arrays
from features.search.saved_indexes import index_file
from features.store.store import Store
from models.lifecycle.incident_erasure import erase_incident
from serving.background.index_updater import IndexUpdater

FIRST, SECOND = "first encoder", "second encoder"


class NoRegistry:
    """Has no model."""

    def learned_from(self, id: str) -> tuple[()]:  # noqa: A002
        return ()


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture(autouse=True)
def encoders(monkeypatch: pytest.MonkeyPatch) -> dict[str, CountedEncoder]:
    """Two encoders that count their texts."""
    made = {reference: CountedEncoder(reference) for reference in (FIRST, SECOND)}
    for reference, encoder in made.items():
        monkeypatch.setitem(encoder_weights._OPENED, reference, encoder)
    return made


@pytest.fixture
def filled(store: Store) -> Store:
    store.incidents.upsert([incident(f"INC{n}", f"disk {n} full") for n in range(5)])
    return store


def updater(store: Store, home: Home, reference: str = FIRST, **options) -> IndexUpdater:
    return IndexUpdater(store, home, lambda: reference, 60.0, **options)


def test_a_restart_encodes_only_what_changed(filled: Store, home: Home, encoders) -> None:
    updater(filled, home).poll()
    count = encoders[FIRST].texts
    filled.incidents.upsert([incident("INC9", "vpn down")])
    filled.incidents.delete("INC1")
    restarted = updater(filled, home)
    restarted.poll()
    assert restarted.is_complete
    assert restarted.index().ids() == ["INC0", "INC2", "INC3", "INC4", "INC9"]
    assert encoders[FIRST].texts == count + 2  # one title and one text


@pytest.mark.parametrize("damage", [lambda content: content[:-100], lambda content: bytes(2_000)])
def test_a_damaged_file_is_built_again(
    filled: Store, home: Home, encoders, damage, caplog: pytest.LogCaptureFixture
) -> None:
    updater(filled, home).poll()
    file = index_file(home, "default", FIRST)
    file.write_bytes(damage(file.read_bytes()))
    count = encoders[FIRST].texts
    restarted = updater(filled, home)
    with caplog.at_level(logging.WARNING):
        restarted.poll()
    assert "the incident index is built again" in caplog.messages
    assert len(restarted.index()) == 5
    assert encoders[FIRST].texts == 2 * count
    assert read_arrays(file)


def test_a_file_that_changes_while_the_server_runs_changes_no_answer(filled, home) -> None:
    updater(filled, home).poll()
    running = updater(filled, home)
    running.poll()
    before = running.index().state()
    index_file(home, "default", FIRST).write_bytes(b"")
    after = running.index().state()
    assert all((before[name] == after[name]).all() for name in before)


def test_the_file_of_another_history_is_not_used(
    filled: Store, home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    updater(filled, home).poll()
    filled.incidents.delete("INC0")
    with filled._database.write() as connection:
        connection.exec_driver_sql("DELETE FROM incidents WHERE id = 'INC3'")
    restarted = updater(filled, home)
    with caplog.at_level(logging.WARNING):
        restarted.poll()
    assert restarted.index().ids() == ["INC1", "INC2", "INC4"]
    assert "the incident index is built again" in caplog.messages


def test_an_erased_incident_leaves_the_file(filled: Store, home: Home) -> None:
    running = updater(filled, home)
    running.poll()
    file = index_file(home, "default", FIRST)
    erase_incident("INC1", store=filled, registry=NoRegistry(), home=home, tenant="default")
    assert not file.exists()
    running.poll()
    assert b"INC1" not in read_arrays(file)["ids"].tobytes()


def test_the_former_index_answers_until_the_next_is_whole(filled: Store, home: Home) -> None:
    reference, coming = [FIRST], [None]
    running = IndexUpdater(filled, home, lambda: reference[0], 60.0, next_encoder=lambda: coming[0])
    assert not running.must_wait_for(SECOND)
    running.poll()
    assert running.must_wait_for(SECOND)
    coming[0] = SECOND
    assert running.is_complete
    assert len(running.index(FIRST)) == 5
    running.poll()
    assert not running.must_wait_for(SECOND)
    reference[0], coming[0] = SECOND, None
    assert running.is_complete
    running.poll()
    assert not running.has_all(FIRST)


def test_of_two_processes_one_builds_and_the_other_reads(filled, home, encoders) -> None:
    first, second = updater(filled, home), updater(filled, home)
    assert first._snapshot.try_lock(FIRST)
    waiting = threading.Thread(target=second.poll)
    waiting.start()
    waiting.join(timeout=0.5)
    assert waiting.is_alive()
    assert not second.is_complete
    first._snapshot.unlock(FIRST)
    first.poll()
    waiting.join(timeout=10)
    assert second.is_complete
    assert encoders[FIRST].texts == 10  # five titles and five texts


def test_stopping_ends_the_indexing_between_two_steps(filled, home, encoders) -> None:
    stopped = updater(filled, home)
    encoders[FIRST].before = stopped.request_stop
    stopped.start()
    stopped.stop()
    assert not stopped._thread.is_alive()
    assert not index_file(home, "default", FIRST).exists()
