"""Lines f to i: what the service costs to install, start and hold, and what training costs."""

import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from service_process import REPOSITORY, ServiceProcess

from serving_load.bench_home import COMPILED, QUIET, copied_home, history_of, triage_bodies
from serving_load.fresh_reports import FreshReports
from serving_load.installed_size import installed_bytes
from serving_load.large_home import INCIDENTS, fill
from serving_load.load import closed_loop
from serving_load.process_figures import cpu_seconds, memory_megabytes
from serving_load.ratios import Figure, plain

_STARTS = 3
_CALLS = 200
_TRAINED_ROWS = 600
_IMPORT = "import serving.app, serving.startup, serving.web_server"


def measure_installation(home: Path) -> list[Figure]:
    """Line f: megabytes of the packages that `.[serving]` brings, CPU of import and of a start."""
    sizes = sorted(installed_bytes().items(), key=lambda item: -item[1])
    largest = ", ".join(f"{name} {size / 1e6:.0f}" for name, size in sizes[:5])
    installed = sum(size for _, size in sizes) / 1e6
    _cpu_of([sys.executable, "-c", _IMPORT])
    imports = [_cpu_of([sys.executable, "-c", _IMPORT]) for _ in range(_STARTS)]
    with copied_home(home) as copy:
        _start_once(copy)
        starts = [_start_once(copy)[0] for _ in range(_STARTS)]
    return [
        plain("f", "serving: installed", [installed], "MB", 700, f"largest: {largest}"),
        plain("f", "serving: import", imports, "s of CPU", 1.5),
        plain("f", "serving: until ready", starts, "s of CPU", 3),
    ]


def measure_memory(home: Path) -> list[Figure]:
    """Line g: resident memory with the demo after calls of several clients."""
    with copied_home(home) as copy:
        return _memory("g", copy, "demo", most=350)


def measure_large_home(home: Path) -> list[Figure]:
    """Line h: memory with 100,000 incidents, and the seconds until it is ready again."""
    with copied_home(home) as copy:
        fill(copy, INCIDENTS)
        _start_once(copy, seconds=3600)
        ready = [_start_once(copy, seconds=3600)[1] for _ in range(_STARTS)]
        return [
            plain("h", f"ready again with {INCIDENTS:,} incidents", ready, "s", 6),
            *_memory("h", copy, f"{INCIDENTS:,} incidents", most=700),
        ]


def measure_training(home: Path) -> list[Figure]:
    """Line i: CPU of training one target on 600 rows, in a new home."""
    with TemporaryDirectory(prefix="serving-load-") as folder:
        rows = history_of(home).read_text().splitlines()[:_TRAINED_ROWS]
        history = Path(folder) / "history.jsonl"
        history.write_text("\n".join(rows) + "\n")
        mapping = home / "demo" / "mapping.yaml"
        command = [sys.executable, "-m", "training", "train", "--target", "category"]
        command += ["--history", str(history), "--mapping", str(mapping)]
        seconds = [
            _cpu_of(command, {"PRECEDENT_HOME": str(Path(folder) / f"home{number}")})
            for number in range(2)
        ]
    return [plain("i", f"training {_TRAINED_ROWS} rows of category", seconds, "s of CPU", 15)]


def _memory(line: str, home: Path, name: str, most: float) -> list[Figure]:
    service = ServiceProcess(home, QUIET)
    try:
        service.start(3600)
        bodies = triage_bodies(FreshReports(history_of(home)).take(_CALLS))
        closed_loop(service.port, "/v1/triage", bodies, 8)
        resident = memory_megabytes(service.pid)
        shared = memory_megabytes(service.pid, "Pss")
    finally:
        service.stop()
    note = f"{shared:.0f} MB if pages shared with other programs count in part"
    return [plain(line, f"resident after {_CALLS} calls: {name}", [resident], "MB", most, note)]


def _start_once(home: Path, seconds: float = 600) -> tuple[float, float]:
    """Return the CPU and the wall seconds until the service is ready; end it then."""
    service = ServiceProcess(home, QUIET)
    began = time.monotonic()
    try:
        service.start(seconds)
        return cpu_seconds(service.pid), time.monotonic() - began
    finally:
        service.stop()


def _cpu_of(command: list[str], settings: dict[str, str] | None = None) -> float:
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY)} | COMPILED | (settings or {})
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, cwd=REPOSITORY, env=environment, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
