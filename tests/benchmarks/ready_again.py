"""How soon a server is ready again: `python tests/benchmarks/ready_again.py HOME [INCIDENTS]`.

A home is filled once with incidents made of two of `assignment`'s tickets each, by default 100,000.
Their vectors are random unit vectors in the cache of encodings, because encoding 200,000 texts
takes hours; what is measured does not depend on the vectors. Then the server is started, and the
wall time, the CPU seconds and the resident memory until `/health/ready` answers 200 are printed.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

import numpy as np
from data_sets import DATA_SETS, load_data_set
from rich.console import Console

from features.domain.report import IncidentReport, Outcome, ResolvedIncident
from features.encoding.encoder_weights import EncoderSettings, open_encoder
from features.encoding.vector_cache import EncodingCache
from features.home import Home, HomeSettings, open_home
from features.store.store import Store, open_home_store
from features.text.cleaning import clean_text, incident_text
from serving.background.index_updater import IndexUpdater

INCIDENTS = 100_000
OUT = Console(highlight=False)
_AT_ONCE = 2_048
_BEGIN = datetime(2020, 1, 1, tzinfo=UTC)
_SERVICES, _CALLERS = 300, 5_000
_PORT = 18_990
_LONGEST_WAIT_SECONDS = 300.0
_MEGABYTE = 1e6


def made_up(count: int) -> Iterator[ResolvedIncident]:
    """Yield incidents with the title of one ticket, and the halves of two tickets as text."""
    rng = Random(16)
    reports = [one.report for one in load_data_set(DATA_SETS["assignment"]).incidents]
    for number in range(count):
        first, second = rng.choice(reports), rng.choice(reports)
        begin, end = first.description.split(), second.description.split()
        report = IncidentReport(
            f"INC{number:07}",
            _BEGIN + timedelta(minutes=10 * number),
            first.title,
            " ".join(begin[: len(begin) // 2] + end[len(end) // 2 :]),
            service=f"service {rng.randrange(_SERVICES)}",
            attributes={"caller": f"caller {rng.randrange(_CALLERS)}"},
        )
        yield ResolvedIncident(report, Outcome(category="Network", resolution="Restarted it."))


def fill(home: Home, store: Store, count: int) -> None:
    """Store the incidents, cache random vectors of their texts, and build the index."""
    encoder = open_encoder(EncoderSettings().encoder)
    cache = EncodingCache(home.encodings, encoder)
    incidents = list(made_up(count))
    for start in range(0, count, _AT_ONCE):
        store.incidents.upsert(incidents[start : start + _AT_ONCE])
    reports = [incident.report for incident in incidents]
    texts = {incident_text(report) for report in reports}
    texts |= {clean_text(report.title) for report in reports}
    rng = np.random.default_rng(16)
    _keep_random(sorted(texts - {""}), cache, encoder.dimension, rng)
    started = time.process_time()
    index = IndexUpdater(store, home, lambda: encoder.reference, poll_seconds=60.0)
    index.poll()
    OUT.print(f"first index: {time.process_time() - started:.1f} CPU seconds")


def measure(home: Home) -> None:
    """Start the server, and print what it took until it was ready, and to stop it."""
    command = [sys.executable, "-m", "serving", "--port", str(_PORT)]
    environment = os.environ | {"PRECEDENT_HOME": str(home.root)}
    started = time.monotonic()
    with (
        (home.root / "server.log").open("w") as log,
        subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=log) as server,
    ):
        while not _is_ready() and time.monotonic() - started < _LONGEST_WAIT_SECONDS:
            time.sleep(0.05)
        wall = time.monotonic() - started
        ticks = Path(f"/proc/{server.pid}/stat").read_text().rpartition(")")[2].split()[11:13]
        cpu = sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")
        resident = _resident(server.pid)
        server.send_signal(signal.SIGTERM)
        stopping = time.monotonic()
        server.wait()
    OUT.print(f"ready after {wall:.1f} s and {cpu:.1f} CPU seconds; {resident:.0f} MB resident")
    OUT.print(f"stopped in {time.monotonic() - stopping:.1f} s, exit code {server.returncode}")


def _keep_random(
    texts: Sequence[str], cache: EncodingCache, dimension: int, rng: np.random.Generator
) -> None:
    for start in range(0, len(texts), _AT_ONCE):
        some = texts[start : start + _AT_ONCE]
        vectors = rng.standard_normal((len(some), dimension)).astype(np.float32)
        cache.keep(some, vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


def _is_ready() -> bool:
    with suppress(URLError, HTTPError, OSError):
        return urlopen(f"http://127.0.0.1:{_PORT}/health/ready", timeout=5).status == 200
    return False


def _resident(pid: int) -> float:
    """Return the resident memory in megabytes; touched pages of mapped files count."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024 / _MEGABYTE
    return float("nan")


def main() -> None:
    """Fill the home if it is empty, then measure."""
    count = int(sys.argv[2]) if len(sys.argv) > 2 else INCIDENTS
    settings = HomeSettings(home=Path(sys.argv[1]))
    home = open_home(settings)
    with open_home_store(settings, home) as store:
        if store.incidents.count() < count:
            fill(home, store, count)
    measure(home)


if __name__ == "__main__":
    main()
