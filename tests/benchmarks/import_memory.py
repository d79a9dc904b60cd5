"""What the import of a long history costs: seconds of CPU and memory, by rows and format."""

import gzip
import json
import multiprocessing
import random
import resource
import sys
import time
from collections.abc import Iterator
from csv import DictWriter
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from data_sets import DATA_SETS
from rich.console import Console

from features.imports.column_mapping import HistoryMapping
from features.imports.load_history import load_history
from features.imports.tables.read_table import read_table

MAPPING = HistoryMapping.model_validate(
    {
        "report": {
            "id": "Number",
            "opened_at": "Opened",
            "title": "Short description",
            "description": "Description",
            "attributes": ["Caller"],
        },
        "outcome": {"assignment": "Assignment group", "resolved_at": "Resolved"},
    }
)
_START = datetime(2020, 1, 1)  # noqa: DTZ001  # exports rarely name a zone


def tickets(rows: int) -> Iterator[dict[str, str]]:
    """Yield the tickets of `assignment` again and again, each time with other words and times."""
    chosen = random.Random(0)
    columns = read_table(DATA_SETS["assignment"].path).columns
    real = [
        dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)
    ]
    opened = _START
    for row in range(rows):
        ticket = real[row % len(real)]
        opened += timedelta(minutes=chosen.randrange(1, 20))
        yield ticket | {
            "Number": f"INC{row:07d}",
            "Opened": f"{opened}",
            "Resolved": f"{opened + timedelta(hours=chosen.randrange(1, 99))}",
            "Short description": f"{ticket['Short description']} {chosen.randrange(10_000)}",
            "Description": f"{ticket['Description']} host srv{chosen.randrange(5_000)} job {row}",
            "State": "closed",
            "Work notes": f"called back, note {row}",
        }


def write_export(file: Path, rows: int) -> None:
    """Write the tickets as csv, compressed csv or JSON lines, as the name of the file states."""
    opened = gzip.open if file.suffix == ".gz" else open
    with opened(file, "wt", encoding="utf-8", newline="") as stream:
        writer: DictWriter[str] | None = None
        for ticket in tickets(rows):
            if file.suffix == ".jsonl":
                stream.write(f"{json.dumps(ticket)}\n")
                continue
            if writer is None:
                writer = DictWriter(stream, list(ticket))
                writer.writeheader()
            writer.writerow(ticket)


def _highest() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(file: Path) -> None:
    """Import an export in this process, and print its costs above those of an empty process."""
    memory, begin = _highest(), time.process_time()
    read_table(file)
    read_memory, read_seconds = _highest(), time.process_time() - begin
    begin = time.process_time()
    count = len(load_history(file, MAPPING).incidents)
    seconds = time.process_time() - begin
    Console().print(
        f"{file.name}, {count:,} rows, {file.stat().st_size / 1e6:.0f} MB: reading "
        f"{read_seconds:.1f} s, {read_memory - memory:.0f} MB; "
        f"import {seconds:.1f} s, {_highest() - memory:.0f} MB above {memory:.0f} MB"
    )


def main(rows: int) -> None:
    """Measure each format in a new process."""
    context = multiprocessing.get_context("spawn")
    with TemporaryDirectory() as folder:
        for name in ("export.csv", "export.csv.gz", "export.jsonl"):
            write_export(Path(folder) / name, rows)
            process = context.Process(target=measure, args=(Path(folder) / name,))
            process.start()
            process.join()


if __name__ == "__main__":
    main(int(sys.argv[1]))
