"""Times are read in the stated or detected format; unreadable values are counted."""

import time
from datetime import UTC, datetime, timedelta

import pytest
from real_world_cases import CASES, needs_cases

from features.imports.column_mapping import load_mapping
from features.imports.dates.date_parsing import parse_dates, usable_openings
from features.imports.load_history import load_history


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
        ("03.Nov.25 12:17", utc(2025, 11, 3, 12, 17)),
        ("07.Mär.25 10:00", utc(2025, 3, 7, 10)),
        ("07.Mrz.25 10:00", utc(2025, 3, 7, 10)),
        ("05.Dez.25 09:01", utc(2025, 12, 5, 9, 1)),
        ("3. November 2025 um 12:17 Uhr", utc(2025, 11, 3, 12, 17)),
        ("12/févr./25 3:15 PM", utc(2025, 2, 12, 15, 15)),
        ("07/août/2025 08:05", utc(2025, 8, 7, 8, 5)),
        ("1er janvier 2025 à 12:17", utc(2025, 1, 1, 12, 17)),
        ("3 de noviembre de 2025 12:17", utc(2025, 11, 3, 12, 17)),
        ("15/dic/25 4:05 p. m.", utc(2025, 12, 15, 16, 5)),
        ("2 out. 2025 10:00", utc(2025, 10, 2, 10)),
        ("1 set 2025", utc(2025, 9, 1)),
        ("5-mrt-2025 08:00", utc(2025, 3, 5, 8)),
        ("9 mag 2025 11:00", utc(2025, 5, 9, 11)),
        ("Nov 3, 2025 12:17 PM", utc(2025, 11, 3, 12, 17)),
        ("Nov 14, 2025 1:05 AM", utc(2025, 11, 14, 1, 5)),
        ("Nov 3, 2025, 12:17:05\u202fPM", utc(2025, 11, 3, 12, 17, 5)),
        ("Mon, 17 Nov 2025 08:00:00 +0100", utc(2025, 11, 17, 7)),
        ("Mon, 17 Nov 2025 08:00:00 EST", utc(2025, 11, 17, 13)),
        ("3 Nov 2025 12:17:00 -0500 (EST)", utc(2025, 11, 3, 17, 17)),
        ("Mon Nov  3 12:17:00 2025", utc(2025, 11, 3, 12, 17)),
        ("lun. 3 nov. 2025 12:17", utc(2025, 11, 3, 12, 17)),
        ("2025-11-03 12:17:00 (Europe/Berlin)", utc(2025, 11, 3, 11, 17)),
        ("45964.5118055556", utc(2025, 11, 3, 12, 17)),
        ("45964,5", utc(2025, 11, 3, 12)),
    ],
)
def test_usual_forms_are_detected(value: str, moment: datetime) -> None:
    assert read(value) == [moment]


@pytest.mark.parametrize(
    "value",
    [
        *("yesterday", "31/31/2020", "2020-13-01", "20200102", "12", "0001-01-01", "99/99/9999"),
        *("jui 3, 2025", "35 Nov 2025", "3 Foo 2025", "2025-11-03 12:17 IST", "99999", "12345"),
        *("2025-11-03 12:17:00 (Moon/Sea)", "Foo, 17 Nov 2025"),
    ],
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


def test_days_of_excel_are_said_to_be_read_as_such() -> None:
    _, warnings = parse_dates(["45964.5", "45965.25"], column="opened_at")
    assert warnings == ["opened_at: 2 values are read as Excel's day numbers, such as '45964.5'"]


def test_a_time_without_offset_belongs_to_the_zone_of_the_export() -> None:
    values = ["2025-07-01 12:00:00", "2025-12-01 12:00:00", "2025-12-01T12:00:00Z", "1764590400"]
    moments, warnings = parse_dates(values, column="opened_at", time_zone="Europe/Berlin")
    assert moments == [utc(2025, 7, 1, 10), utc(2025, 12, 1, 11), *[utc(2025, 12, 1, 12)] * 2]
    assert not warnings


def test_a_stated_format_is_of_the_zone_too() -> None:
    moments, _ = parse_dates(
        ["01/07/2025"], column="due", date_format="%d/%m/%Y", time_zone="Europe/Berlin"
    )
    assert moments == [utc(2025, 6, 30, 22)]


def test_local_times_that_occur_twice_or_never_are_counted() -> None:
    twice, never = "2025-10-26 02:30:00", "2025-03-30 02:30:00"
    values = [twice, twice, never, "2025-10-26 12:00:00"]
    moments, warnings = parse_dates(values, column="opened_at", time_zone="Europe/Berlin")
    assert moments[:3] == [*[utc(2025, 10, 26, 0, 30)] * 2, utc(2025, 3, 30, 1, 30)]
    assert "2 times occur twice in Europe/Berlin" in warnings[0]
    assert "1 times do not exist in Europe/Berlin" in warnings[1]


def test_no_short_form_of_a_month_means_two_months() -> None:
    """Of all languages, a form is read only if each language that has it means the same month."""
    for value in ("3 jui 2025", "3 ju 2025", "3 ma 2025"):
        assert read(value) == [None]
    assert read("3 juin 2025", "3 juil. 2025") == [utc(2025, 6, 3), utc(2025, 7, 3)]


@pytest.mark.parametrize(
    "value",
    [
        *("2025年11月3日 12:17", "2025年11月3日(月) 12時17分", "2025年11月3日 午後0:17"),
        *("2025/11/3 周一 12:17", "2025年11月3日 下午12:17", "2025년 11월 3일 오후 12:17"),
        *("2025. 11. 3. 12:17", "2025. november 3. 12:17", "3. marraskuuta 2025 klo 12.17"),
        *("3 ноября 2025 г., 12:17", "3 нояб. 2025 12:17", "пн, 3 ноября 2025 12:17"),  # noqa: RUF001
        *("3 Kasım 2025 Pazartesi 12:17", "3 KASIM 2025 12:17", "3. listopadu 2025 12:17"),  # noqa: RUF001
        *("3 Νοεμβρίου 2025 12:17", "3.11.2025 12:17 μ.μ.", "3 lis 2025, o godz. 12:17"),
        *("le 3 novembre 2025 à 12:17", "3 nov 2025 ore 12:17", "2025-11-03 12.17"),
        *("20251103121700", "20251103T121700Z", "20251103121700.0Z", "/Date(1762172220000)/"),
    ],
)
def test_times_of_more_scripts_and_systems_are_read(value: str) -> None:
    assert read(value) == [utc(2025, 11, 3, 12, 17)]


def test_only_the_english_halves_of_the_day_say_that_the_month_is_first() -> None:
    assert read("11/5/2025 9:01 μ.μ.") == [utc(2025, 5, 11, 21, 1)]
    assert read("11/5/2025 9:01 PM") == [utc(2025, 11, 5, 21, 1)]


def test_a_half_of_the_day_is_never_dropped() -> None:
    assert read("3 Nov 2025 PM 3:05") == [None]
    assert read("2025年11月3日 上午3:05") == [utc(2025, 11, 3, 3, 5)]


CASE = CASES / "17-month-names-of-other-languages"


@needs_cases
@pytest.mark.parametrize("mapping", [None, "mapping.yaml"])
def test_the_months_of_a_german_export_are_read(mapping: str | None) -> None:
    history = load_history(CASE / "export.csv", load_mapping(CASE / mapping) if mapping else None)
    opened = {incident.report.id: incident.report.opened_at for incident in history.incidents}
    assert opened == {
        "SHOP-21": utc(2025, 11, 3, 12, 17),
        "SHOP-22": utc(2025, 12, 5, 9, 1),
        "SHOP-23": utc(2025, 5, 11, 9, 1),
        "SHOP-24": utc(2025, 3, 7, 10),
    }
    assert history.severity_levels == ("Niedrig", "Mittel", "Hoch")
    if mapping is None:
        assert [i.outcome.is_open for i in history.incidents] == [False, True, True, True]


@needs_cases
def test_american_and_mail_times_are_read() -> None:
    opened = [incident.report.opened_at for incident in load_history(CASE / "us.csv").incidents]
    assert opened == [utc(2025, 11, 3, 12, 17), utc(2025, 11, 14, 1, 5), utc(2025, 11, 17, 7)]


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
