"""The watcher is killed while a metric goes wrong; people hear of it, once."""

import math
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from urllib.parse import parse_qs

import yaml
from service_process import REPOSITORY, free_port
from watch_fakes import FakeAlertmanager, FakePrometheus

from features.store.store import Store, open_store

from .world import Outcome, World, soon

_STEP_SECONDS, _HISTORY_DAYS = 2, 5.2
_TROUBLE, _TROUBLE_SECONDS = 400.0, 20
_PATIENCE_SECONDS = 120
_FIRES_SECONDS = 60
_CAUGHT_UP_SECONDS = 10


def kill_watcher(world: World, rounds: int, random: Random, outcome: Outcome) -> None:
    """Kill the watcher at a random moment of a trouble; the next one records and reports it."""
    world.restore()
    metric, alertmanager = _Metric(), FakeAlertmanager()
    config = _write_config(world, metric.prometheus.url, alertmanager.url)
    store = open_store(world.database_url)
    try:
        for _ in range(rounds):
            with _watching(world, config) as watcher:
                if not soon(metric.is_read_up_to_now, _PATIENCE_SECONDS):
                    outcome.failures.append("the watcher did not catch up")
                    return
                posted = len(alertmanager.posts)
                began = metric.go_wrong()
                time.sleep(random.uniform(0, _TROUBLE_SECONDS + 5))
                watcher.kill()
            with _watching(world, config):
                _expect(store, _Posts(alertmanager, posted), began, outcome)
            outcome.rounds += 1
    finally:
        store.close()
        metric.prometheus.close()
        alertmanager.close()


class _Metric:
    """Errors of a shop, about twenty a second, and many more in a trouble."""

    def __init__(self) -> None:
        self.prometheus = FakePrometheus()
        self.prometheus.series["errors"] = [({"job": "shop"}, self._value)]
        self._troubles: list[int] = []

    def go_wrong(self) -> int:
        """Begin a trouble now, and return its time."""
        self._troubles.append(int(time.time()))
        return self._troubles[-1]

    def is_read_up_to_now(self) -> bool:
        """Whether the last query asked for the newest points."""
        if not self.prometheus.asked:
            return False
        end = int(parse_qs(self.prometheus.asked[-1])["end"][0])
        return time.time() - end <= _CAUGHT_UP_SECONDS

    def _value(self, at: int) -> float:
        noise = math.sin(at * 12.9898) * 43758.5453
        usual = 20 + 5 * math.sin(at * math.tau / 86_400) + 4 * (noise - math.floor(noise))
        is_wrong = any(began <= at < began + _TROUBLE_SECONDS for began in self._troubles)
        return usual + (_TROUBLE if is_wrong else 0)


class _Posts:
    """What Alertmanager knew before a trouble, and what it was told later."""

    def __init__(self, alertmanager: FakeAlertmanager, earlier: int) -> None:
        self._alertmanager, self._first = alertmanager, max(0, earlier - 1)

    def tell_of(self, began: int) -> bool:
        """Tell whether an alert fired for a trouble.

        A trouble within an hour of the last one continues that one's alert. An alert that fires
        ends minutes later if it is not prolonged.
        """
        return any(
            _seconds(alert["startsAt"]) <= began + _TROUBLE_SECONDS
            and _seconds(alert["endsAt"]) > began + _FIRES_SECONDS
            for post in self._alertmanager.posts[self._first :]
            for alert in post
        )


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def _expect(store: Store, posts: _Posts, began: int, outcome: Outcome) -> None:
    """Note what the store and Alertmanager have about a trouble, once they have anything."""
    mark = f"trouble at {datetime.fromtimestamp(began, UTC):%H:%M:%S}"
    outcome.writes += 1
    if not soon(lambda: bool(_recorded(store, began)), _PATIENCE_SECONDS):
        outcome.lost.append(f"{mark}: not recorded")
    elif not soon(lambda: posts.tell_of(began), _PATIENCE_SECONDS):
        outcome.lost.append(f"{mark}: not reported")
    if len(_recorded(store, began)) > 1:
        outcome.doubled.append(mark)


def _recorded(store: Store, began: int) -> list[str]:
    ends = began + _TROUBLE_SECONDS
    start, end = (datetime.fromtimestamp(moment, UTC) for moment in (began, ends))
    return [anomaly.id for anomaly in store.anomalies.between(start, end, with_points=False)]


def _write_config(world: World, prometheus: str, alertmanager: str) -> Path:
    file = world.folder / "watch.yaml"
    series = {"query": "errors", "name": "errors", "bounds": [0, None]}
    content = {
        "prometheus": {"url": prometheus},
        "alertmanager": {"url": alertmanager},
        "metrics": {"port": free_port()},
        "step_seconds": _STEP_SECONDS,
        "history_days": _HISTORY_DAYS,
        "groups": [{"name": "shop", "service": "checkout", "series": [series]}],
    }
    file.write_text(yaml.safe_dump(content))
    return file


@contextmanager
def _watching(world: World, config: Path) -> Iterator["subprocess.Popen[bytes]"]:
    with (
        (world.folder / "watch.log").open("ab") as log,
        subprocess.Popen(
            [sys.executable, "-m", "serving", "watch", "--config", str(config)],
            cwd=REPOSITORY,
            env=world.environment,
            stdout=log,
            stderr=log,
        ) as process,
    ):
        try:
            yield process
        finally:
            process.kill()
