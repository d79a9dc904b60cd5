"""An export as columns of strings, whatever the format of its file."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

from features.domain.history import RejectedRow

_SHOWN_VALUES = 3
_MOST_SHARED = 65_536


@dataclass(frozen=True, slots=True)
class Table:
    """An export as columns of strings.

    A missing value is an empty string. `lines` are the rows' line numbers in the file, or the
    numbers of the records from 1 where a format has no lines. `cell_counts` holds, by position, the
    number of values of each row that has fewer values than the header. `warnings` say what was
    unusual about the file. `separator` and `encoding` are empty where a format has none. `sha256`
    is the hash of the file.

    >>> Table({"title": ["VPN down"]}, lines=[2]).columns["title"][0]
    'VPN down'
    """

    columns: Mapping[str, Sequence[str]]
    lines: Sequence[int]
    rejected: tuple[RejectedRow, ...] = ()
    cell_counts: Mapping[int, int] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    format: str = ""
    separator: str = ""
    encoding: str = ""
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class TablePreview:
    """What is shown of an export: its format, and up to three distinct values of each column.

    >>> TablePreview.of(Table({"team": ["", "Net", "Net", "Mail"]}, lines=range(4))).columns
    {'team': ('Net', 'Mail')}
    """

    columns: Mapping[str, tuple[str, ...]]
    format: str = ""
    separator: str = ""
    encoding: str = ""

    @classmethod
    def of(cls, table: Table) -> Self:
        """Return the preview of a table; blank values are left out."""
        columns = {name: _first_values(values) for name, values in table.columns.items()}
        return cls(columns, table.format, table.separator, table.encoding)


def _first_values(values: Iterable[str]) -> tuple[str, ...]:
    """Return the first distinct values, without reading the rest."""
    found: dict[str, None] = {}
    for value in values:
        if value not in found and value.strip():
            found[value] = None
            if len(found) == _SHOWN_VALUES:
                break
    return tuple(found)


def unique_names(header: Sequence[str]) -> list[str]:
    """Return unique column names: a repeated `Comment`, as trackers export, becomes `Comment.1`.

    >>> unique_names(["Summary ", "Comment", "Comment"])
    ['Summary', 'Comment', 'Comment.1']
    """
    names, repeats = [name.strip() for name in header], Counter[str]()
    unique: dict[str, None] = {}
    originals = set(names)
    for name in names:
        candidate = name
        while candidate in unique or (candidate != name and candidate in originals):
            repeats[name] += 1
            candidate = f"{name}.{repeats[name]}"
        unique[candidate] = None
    return list(unique)


def shared_values() -> Callable[[list[str]], list[str]]:
    """Return a function that replaces values by equal ones that it has seen before.

    Most columns of a table repeat few values, which are then held once.
    It remembers up to 65,536 values; then it forgets all of them, so that ids and texts, which do
    not repeat, take no memory.

    >>> share = shared_values()
    >>> first, second = share(["".join(["Net", "work"])]), share(["".join(["Net", "work"])])
    >>> first[0] is second[0]
    True
    """
    known: dict[str, str] = {}

    def share(cells: list[str]) -> list[str]:
        if len(known) > _MOST_SHARED:
            known.clear()
        return list(map(known.setdefault, cells, cells))

    return share
