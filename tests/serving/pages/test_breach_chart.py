"""The picture of a series that will probably reach its level, and its text for screen readers."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from features.domain.telemetry.breach_warning import BreachWarning
from features.domain.telemetry.series_anomaly import SeriesPoints
from serving.pages.render.breach_chart import draw_breach
from serving.pages.render.svg_paths import BOTTOM, HEIGHT, LEFT, TOP, WIDTH

NOW = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
STEP = 300
PAST, FUTURE = 120, 24


def course(sign=1.0, base=0.0):
    """A series that rises by 1.2 an hour to 85.2, and a course that goes on to 92.4."""
    now = int(NOW.timestamp())
    past = tuple(now - STEP * (PAST - 1 - place) for place in range(PAST))
    future = tuple(now + 900 * (place + 1) for place in range(FUTURE))
    values = tuple(base + sign * (85.2 + 1.2 * (time - now) / 3_600) for time in past + future)
    none_before, none_after = (None,) * PAST, (None,) * FUTURE
    expected = none_before + values[PAST:]
    edges = sorted([-1.0, 1.0])
    lower, upper = (none_before + tuple(value + edge for value in values[PAST:]) for edge in edges)
    return SeriesPoints(past + future, values[:PAST] + none_after, expected, lower, upper)


def warning(**changed):
    usual = BreachWarning(
        id='db/disk{host="db-1"}@x',
        group="db",
        series='disk{host="db-1"}',
        service="db",
        unit="%",
        level=90.0,
        direction="above",
        probability=0.824,
        at=NOW + timedelta(hours=4),
        lower=NOW + timedelta(hours=3),
        upper=NOW + timedelta(hours=5),
        warned_at=NOW,
        points=course(),
    )
    return replace(usual, **changed)


def pairs(path):
    numbers = [float(number) for number in re.findall(r"-?\d+\.?\d*", path)]
    return list(zip(numbers[::2], numbers[1::2], strict=True))


def test_the_expected_course_follows_the_past_and_crosses_the_level_in_the_interval():
    chart = draw_breach(warning())
    line, expected = pairs(chart.line), pairs(chart.expected)
    assert len(line) == PAST
    assert len(expected) == FUTURE
    assert line[-1][0] == pytest.approx(chart.now.x, abs=0.2)
    assert chart.now.x < expected[0][0]
    crossing = next(x for x, y in expected if y <= chart.level)
    assert chart.begins < crossing < chart.ends
    assert crossing == pytest.approx(chart.reached.x, abs=6)
    drawn = [*line, *expected, *pairs(chart.band)]
    assert all(LEFT <= x <= WIDTH and TOP <= y <= BOTTOM < HEIGHT for x, y in drawn)
    assert TOP < chart.level < BOTTOM


def test_a_level_below_is_drawn_below():
    chart = draw_breach(warning(level=10.0, direction="below", points=course(-1.0, 100.0)))
    assert chart.level > pairs(chart.line)[-1][1]
    assert chart.last == "14.8"


def test_a_band_that_is_not_known_is_not_drawn():
    points = course()
    nothing = (None,) * len(points.times)
    chart = draw_breach(warning(points=replace(points, lower=nothing, upper=nothing)))
    assert chart.band == ""
    assert [told.band for told in chart.told] == [None] * 3


@pytest.mark.parametrize(
    "points",
    [
        SeriesPoints(),
        SeriesPoints((0, 60), (None, None), (None, None), (None, None), (None, None)),
        SeriesPoints((0,), (1.0,), (None,), (None,), (None,)),
    ],
)
def test_nothing_is_drawn_without_points(points):
    assert draw_breach(warning(points=points)) is None


def test_a_constant_series_has_a_chart():
    points = SeriesPoints(
        (0, 60, 120), (90.0, 90.0, None), (None, None, 90.0), (None,) * 3, (None,) * 3
    )
    chart = draw_breach(warning(points=points))
    assert TOP < chart.level < BOTTOM


def test_the_inbox_draws_a_warning_and_says_the_same_in_words(client, store):
    store.breach_warnings.record([warning()])
    page = client.get("/")
    svg = page.text[page.text.index("<svg") : page.text.index("</svg>")]
    text = " ".join(re.sub(r"<[^>]+>", " ", svg).split())
    assert "The last value is 85.2 %" in text
    assert "the level is 90 %" in text
    assert (
        f"Expected at {NOW + timedelta(hours=4):%H:%M}: 90 %, in 80% of the cases 89 to 91 %."
        in text
    )
    assert f"from {NOW + timedelta(hours=3):%Y-%m-%d %H:%M:%S} UTC" in text
    named = re.search(r'aria-labelledby="(\S+) (\S+)"', svg)
    assert all(f'id="{name}"' in svg for name in named.groups())
    assert "<script" not in svg
    assert "style=" not in svg
    assert page.text.count("<details id=") >= 1


def test_a_warning_without_points_is_only_a_line(client, store):
    store.breach_warnings.record([warning(points=SeriesPoints())])
    page = client.get("/").text
    assert "will probably" in page
    assert "Its course" not in page
