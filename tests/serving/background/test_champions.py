"""Following the registry: what changes, what fails, and what goes on answering."""

import threading
import time

import pytest

from features.errors import RegistryUnavailable
from serving.background import champions as champions_module
from serving.background.champions import ChampionPoller


@pytest.fixture
def watcher(registry):
    return ChampionPoller(registry, 0.01)


def served(watcher):
    return {target: of.version.version for target, of in watcher.current().serving.items()}


def test_no_champion_is_ready(watcher):
    assert not watcher.current().is_ready
    watcher.poll()
    assert watcher.current().is_ready
    assert served(watcher) == {}


def test_a_promotion_is_followed_and_loaded_once(watcher, registry):
    registry.promote("category", "1")
    watcher.poll()
    registry.promote("category", "2")
    for _ in range(3):
        watcher.poll()
    assert served(watcher) == {"category": "2"}
    assert registry.loads == [("category", "1"), ("category", "2")]


def test_a_target_without_champion_is_dropped(watcher, registry):
    registry.promote("category", "1")
    watcher.poll()
    registry.registered.clear()
    watcher.poll()
    assert served(watcher) == {}


def test_a_request_keeps_the_champions_that_it_began_with(watcher, registry):
    registry.promote("category", "1")
    watcher.poll()
    champions = watcher.current()
    registry.promote("category", "2")
    watcher.poll()
    assert champions.serving["category"].version.version == "1"


def test_a_refused_version_leaves_the_old_one_answering(watcher, registry):
    registry.promote("category", "1")
    watcher.poll()
    registry.promote("category", "2")
    registry.broken.add(("category", "2"))
    watcher.poll()
    assert served(watcher) == {"category": "1"}
    assert watcher.current().is_ready
    assert "version 2 was refused: model.skops" in watcher.current().problems["category"]


def test_a_champion_that_never_loaded_is_not_ready(watcher, registry):
    registry.promote("category", "1")
    registry.promote("severity", "1")
    registry.broken.add(("category", "1"))
    watcher.poll()
    assert not watcher.current().is_ready
    assert served(watcher) == {"severity": "1"}


def test_a_refused_version_is_tried_again_later_but_not_at_once(watcher, registry, monkeypatch):
    registry.promote("category", "1")
    registry.broken.add(("category", "1"))
    watcher.poll()
    registry.broken.clear()
    watcher.poll()
    assert len(registry.loads) == 1
    assert "category" in watcher.current().problems
    later = time.monotonic() + 3600
    monkeypatch.setattr(champions_module.time, "monotonic", lambda: later)
    watcher.poll()
    assert served(watcher) == {"category": "1"}
    assert watcher.current().problems == {}


@pytest.mark.parametrize("error", [RegistryUnavailable("locked"), RuntimeError("a bug")])
def test_an_outage_of_the_registry_changes_nothing_but_what_is_said(watcher, registry, error):
    registry.promote("category", "1")
    watcher.poll()
    registry.error = error
    watcher.poll()
    assert served(watcher) == {"category": "1"}
    assert watcher.current().is_ready
    assert str(error) in watcher.current().registry_problem
    registry.error = None
    watcher.poll()
    assert watcher.current().registry_problem is None


def test_an_outage_at_the_start_is_not_ready(watcher, registry):
    registry.error = RegistryUnavailable("locked")
    watcher.poll()
    assert not watcher.current().is_ready


def test_the_thread_follows_and_stops(watcher, registry):
    watcher.start()
    registry.promote("category", "1")
    deadline = time.monotonic() + 60
    while not served(watcher) and time.monotonic() < deadline:
        time.sleep(0.01)
    watcher.stop()
    assert served(watcher) == {"category": "1"}
    assert "champions" not in {thread.name for thread in threading.enumerate()}
