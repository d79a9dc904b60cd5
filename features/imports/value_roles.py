"""Tells from values which columns hold the id, the opening time and the text of an incident."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from itertools import islice

from features.imports.dates.date_forms import read_moment
from features.text.parsing import as_utc, is_missing

_SAMPLE = 200
_FEWEST_ROWS = 3
_MIN_READ = 0.9
_MIN_DISTINCT = 0.5
# A name often has two words.
_MIN_WORDS = 2.5
_LONGEST_ID = 40


def roles_by_values(
    columns: Mapping[str, Sequence[str]], known: Collection[str], first: str
) -> dict[str, str]:
    """Return the columns of the roles that are not known, by role, as far as values tell them.

    The opening time is the earliest of the columns of times. The id is the first column of the
    file, if each value is another and has a digit. Of columns of sentences, the shortest is the
    title. `columns` are those of which nothing is known.

    >>> days = [f"{day}.11.2025 08:15" for day in (3, 4, 5)]
    >>> texts = ["no mail here", "vpn is down", "tv is off"]
    >>> columns = {"A": ["X1", "X2", "X3"], "B": days, "C": texts}
    >>> roles_by_values(columns, known=(), first="A")
    {'id': 'A', 'opened_at': 'B', 'title': 'C'}
    """
    samples = {name: list(islice(values, _SAMPLE)) for name, values in columns.items()}
    if min(map(len, samples.values()), default=0) < _FEWEST_ROWS:
        return {}
    roles: dict[str, str] = {}
    times = {name: moments for name, values in samples.items() if (moments := _times(values))}
    if "id" not in known and first in samples and first not in times and _are_ids(samples[first]):
        roles["id"] = first
    if "opened_at" not in known and times:
        roles["opened_at"] = min(times, key=lambda name: sum(times[name]) / len(times[name]))
    if not {"title", "description"} & set(known):
        taken = {*roles.values(), *times}
        lengths = {
            name: sum(map(len, values)) for name, values in samples.items() if _are_texts(values)
        }
        texts = [name for name in lengths if name not in taken]
        # A longer text may well be written later, such as what was done.
        roles |= {"title": min(texts, key=lambda name: lengths[name])} if texts else {}
    return roles


def are_labels(values: Sequence[str]) -> bool:
    """Return whether values repeat as labels do, each twice or more often on average.

    >>> are_labels(["mail", "vpn", "mail", "mail"]), are_labels(["no mail", "vpn is down"])
    (True, False)
    """
    filled = [value for value in islice(values, _SAMPLE) if value.strip()]
    return len(filled) >= _FEWEST_ROWS and len(set(filled)) <= _MIN_DISTINCT * len(filled)


def _times(values: Sequence[str]) -> list[float]:
    """Return the times of a column as seconds, empty if it is no column of times."""
    # A number may well be a time, but is not known to be one.
    moments = [
        None if value.replace(".", "").isdigit() else read_moment(value.strip(), is_day_first=True)
        for value in values
    ]
    read = [_seconds(moment) for moment in moments if moment is not None]
    return read if len(read) >= _MIN_READ * len(values) else []


def _seconds(moment: datetime) -> float:
    return as_utc(moment).timestamp()


def _are_ids(values: Sequence[str]) -> bool:
    return len(set(values)) == len(values) and all(
        not is_missing(value)
        and len(value) <= _LONGEST_ID
        and any(map(str.isdigit, value))
        and len(value.split()) == 1
        for value in values
    )


def _are_texts(values: Sequence[str]) -> bool:
    filled = [value for value in values if value.strip()]
    if len(filled) < _MIN_READ * len(values) or len(set(filled)) < _MIN_DISTINCT * len(filled):
        return False
    return sum(len(value.split()) for value in filled) >= _MIN_WORDS * len(filled)
