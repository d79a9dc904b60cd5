"""Times are read in the stated or detected format; unreadable values are counted."""

import time
from datetime import UTC, datetime, timedelta

import pytest

from features.imports.date_parsing import parse_dates, usable_openings


def read(*values: str, date_format: str | None = None) -> list[datetime | None]:
    return parse_dates(values, column="opened_at", date_format=date_format)[0]


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type]


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        ("2020-01-02", utc(2020, 1, 2)),
        ("2020-01-02 17:14:21+00:00", utc(2020, 1, 2, 17, 14, 21)),
        ("2020-01-02T17:14:21.123+0200", utc(2020, 1, 2, 15, 14, 21) + timedelta(milliseconds=123)),
        ("2020-01-02T17:14:21Z", utc(2020, 1, 2, 17, 14, 21)),
        ("2020-01-02 17:14:21 UTC", utc(2020, 1, 2, 17, 14, 21)),
        ("2020/1/2 7:14", utc(2020, 1, 2, 7, 14)),
        ("14/4/2016 20:42", utc(2016, 4, 14, 20, 42)),
        ("4/14/2016 8:42 PM", utc(2016, 4, 14, 20, 42)),
        ("4/14/2016, 12:05 am", utc(2016, 4, 14, 0, 5)),
        ("14.04.2016", utc(2016, 4, 14)),
        ("03.04.2016 09:30:15", utc(2016, 4, 3, 9, 30, 15)),
        ("14-04-16 20:42", utc(2016, 4, 14, 20, 42)),
        ("12/Mar/24 3:15 PM", utc(2024, 3, 12, 15, 15)),
        ("12 March 2024 03:15", utc(2024, 3, 12, 3, 15)),
        ("1583107200", utc(2020, 3, 2)),
        ("1583107200000", utc(2020, 3, 2)),
        ("1583107200.5", utc(2020, 3, 2) + timedelta(milliseconds=500)),
        ("14/04/2016 22:42 +02:00", utc(2016, 4, 14, 20, 42)),
    ],
)
def test_usual_forms_are_detected(value: str, moment: datetime) -> None:
    assert read(value) == [moment]


@pytest.mark.parametrize(
    "value", ["yesterday", "31/31/2020", "2020-13-01", "20200102", "12", "0001-01-01", "99/99/9999"]
)
def test_what_cannot_be_read_is_none_and_counted(value: str) -> None:
    moments, warnings = parse_dates([value, value, "2020-01-02"], column="due", date_format=None)
    assert moments[:2] == [None, None]
    assert any("due: 2 values cannot be read" in warning for warning in warnings)


def test_missing_values_are_no_reason_to_warn() -> None:
    assert parse_dates(["", "?", "NULL"], column="due") == ([None] * 3, [])


def test_the_column_decides_between_day_and_month_first() -> None:
    assert read("3/4/2016", "14/4/2016")[0] == utc(2016, 4, 3)
    assert read("3/4/2016", "4/14/2016")[0] == utc(2016, 3, 4)


def test_an_undecided_column_is_read_with_the_day_first_and_says_so() -> None:
    moments, warnings = parse_dates(["3/4/2016"], column="opened_at")
    assert moments == [utc(2016, 4, 3)]
    assert "cannot be distinguished" in warnings[0]


def test_rows_may_differ_in_form() -> None:
    assert read("2016-04-14", "14/4/2016", "1460592000") == [utc(2016, 4, 14)] * 3


def test_a_stated_format_holds_and_iso_is_read_beside_it() -> None:
    moments = read("04/03/2016 10:00", "2016-03-04", "4 March", date_format="%m/%d/%Y %H:%M")
    assert moments == [utc(2016, 4, 3, 10), utc(2016, 3, 4), None]


@pytest.mark.parametrize(
    ("moments", "problem"),
    [([utc(2020, 1, 1)] * 3, "the same"), ([utc(2020, 1, 1), None, None], "missing in 2 of 3")],
)
def test_constant_or_mostly_missing_openings_are_not_used(
    moments: list[datetime | None], problem: str
) -> None:
    unused, warnings = usable_openings(moments, column="opened_at")
    assert unused == [None] * 3
    assert problem in warnings[0]


def test_varied_openings_are_used() -> None:
    moments: list[datetime | None] = [utc(2020, 1, 1), None, utc(2020, 1, 2)]
    assert usable_openings(moments, column="opened_at") == (moments, [])


def test_many_distinct_times_are_quick() -> None:
    """Finding the form costs little beside reading times of a form that is known."""
    start = utc(2020, 1, 1)
    moments = [start + timedelta(minutes=minute) for minute in range(50_000)]
    values = [moment.strftime("%d/%m/%Y %H:%M") for moment in moments]
    begun = time.process_time()
    for value in values:
        datetime.strptime(value, "%d/%m/%Y %H:%M")  # noqa: DTZ007
    known = time.process_time()
    assert read(*values) == moments
    assert time.process_time() - known < 6 * (known - begun)
