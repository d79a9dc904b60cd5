"""The visible data sets: where they lie, how they are read and what is learned from each."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from features.domain.history import History
from features.imports.column_mapping import load_mapping
from features.imports.load_history import load_history
from features.text.fingerprint import fingerprint

_HERE = Path(__file__).parent
_REPOSITORY = _HERE.parents[1]


@dataclass(frozen=True, slots=True)
class DataSet:
    """An export with its mapping, and the targets that are measured on it.

    Where the rows' order tells of time, a sample must be one block (`is_ordered`).
    """

    name: str
    file: str
    targets: tuple[str, ...] = ()
    is_ordered: bool = False

    @property
    def path(self) -> Path:
        """The export."""
        return data_folder() / self.file

    @property
    def mapping(self) -> Path:
        """The mapping of its columns."""
        return _HERE / "mappings" / f"{self.name}.yaml"


_ALL = (
    DataSet("it-tickets", "it-tickets/tickets.csv.gz", ("category",)),
    DataSet("assignment", "assignment/tickets.csv.gz", ("assignment",)),
    DataSet("bank-incidents", "bank-incidents/incidents.csv.gz", ("severity",), is_ordered=True),
    DataSet("alert-rules", "alert-rules/rules.jsonl", ("severity",)),
    DataSet("cloud-incidents", "cloud-incidents/gcp.jsonl.gz", ("severity",), is_ordered=True),
    DataSet(
        "servicenow-log",
        "servicenow-log/events.csv.gz",
        ("category", "assignment", "severity", "fields.urgency"),
        is_ordered=True,
    ),
    DataSet("seamonkey-issues", "duplicates/seamonkey-issues.csv.gz"),
    DataSet("openoffice", "duplicates/openoffice.jsonl.gz"),
)
DATA_SETS = {data_set.name: data_set for data_set in _ALL}


def data_folder() -> Path:
    """Return the folder of the data, named by `PRECEDENT_DATA`."""
    configured = os.environ.get("PRECEDENT_DATA")
    return Path(configured) if configured else _REPOSITORY.parent / "shared" / "data"


def load_data_set(data_set: DataSet, rows: int | None = None) -> History:
    """Read a data set, or a sample of `rows` incidents that is the same every time."""
    history = load_history(data_set.path, load_mapping(data_set.mapping))
    if rows is None or rows >= len(history.incidents):
        return history
    return _take(history, range(rows) if data_set.is_ordered else _by_content(history, rows))


def _by_content(history: History, rows: int) -> list[int]:
    """Choose by the hash of the content: neither a library's nor the file's order matters."""
    prints = [fingerprint(incident.report) for incident in history.incidents]
    return sorted(sorted(range(len(prints)), key=prints.__getitem__)[:rows])


def _take(history: History, rows: Sequence[int]) -> History:
    groups = tuple(history.groups[row] for row in rows) if history.groups else ()
    return replace(history, incidents=tuple(history.incidents[row] for row in rows), groups=groups)
