"""What changed and what moved, as an incident's page shows it, and the pictures of series."""

import re
from datetime import UTC, datetime, timedelta
from math import nan

import pytest

from features.domain.report import IncidentReport, Outcome, ResolvedIncident
from features.domain.telemetry.change import Change
from features.domain.telemetry.series_anomaly import SeriesAnomaly, SeriesPoints
from serving.pages.render.series_chart import draw
from serving.pages.render.svg_paths import HEIGHT, LEFT, WIDTH

OPENED_AT = datetime(2026, 3, 2, 14, 10, tzinfo=UTC)
ONSET_AT = OPENED_AT - timedelta(minutes=7)
HOSTILE = "<script>alert(1)</script>\"'>{{7919*7907}}"


def anomaly(points: SeriesPoints, series: str = "errors", **facts: object) -> SeriesAnomaly:
    usual = {
        "id": "a1",
        "service": "checkout",
        "labels": {},
        "unit": "1/s",
        "onset_at": ONSET_AT,
        "detected_at": OPENED_AT,
        "ended_at": None,
        "effect": 3.0,
        "expected": 1.0,
        "value": 40.0,
        "score": 30.0,
        "alarms_per_week": 0.1,
        "channel": "level",
        "direction": "up",
    }
    return SeriesAnomaly(**(usual | {"series": series, "points": points} | facts))


def window(count: int = 120, level: float = 1.0) -> SeriesPoints:
    first = int(ONSET_AT.timestamp()) - 60 * count // 2
    times = tuple(first + 60 * step for step in range(count))
    values = tuple(
        level * (40 if step > count // 2 else 1 + step % 3 / 10) for step in range(count)
    )
    flat = (level,) * count
    return SeriesPoints(times, values, flat, (0.5 * level,) * count, (1.5 * level,) * count)


def numbers(path: str) -> list[float]:
    return [float(number) for number in re.findall(r"-?\d+\.?\d*", path)]


def test_a_picture_has_a_band_lines_an_onset_and_its_changes():
    numbered = [(1, ONSET_AT - timedelta(minutes=3)), (2, ONSET_AT - timedelta(hours=9))]
    chart = draw(anomaly(window()), numbered)
    assert chart.band.endswith("Z")
    assert chart.line.count("M") == chart.expected.count("M") == 1
    assert abs(chart.onset.x - (LEFT + WIDTH) / 2) < 3
    assert chart.onset.label == "14:03"
    assert [(mark.label, mark.x < chart.onset.x) for mark in chart.changes] == [("1", True)]
    assert [tick.label for tick in chart.ticks] == ["13:03", "15:02"]


@pytest.mark.parametrize("level", [1e-300, 1.0, -5.0, 1e290, 1e308, 0.0])
def test_whatever_the_values_the_picture_stays_in_its_frame(level):
    chart = draw(anomaly(window(level=level)), [])
    if chart is not None:
        for path in (chart.band, chart.expected, chart.line):
            places = numbers(path)
            assert all(LEFT <= x <= WIDTH for x in places[::2])
            assert all(0 <= y <= HEIGHT for y in places[1::2])
            assert "e" not in path
            assert "nan" not in path


def test_a_gap_breaks_the_line():
    points = window(6)
    holed = SeriesPoints(
        points.times, (1.0, 2.0, None, None, 3.0, 1.0), points.expected, (None,) * 6, points.upper
    )
    chart = draw(anomaly(holed), [])
    assert chart.line.count("M") == 2
    assert chart.band == ""


@pytest.mark.parametrize(
    "points",
    [
        SeriesPoints(),
        SeriesPoints((0,), (1.0,), (1.0,), (1.0,), (1.0,)),
        SeriesPoints((0, 60), (None, None), (None, None), (None, None), (None, None)),
    ],
)
def test_of_too_little_there_is_no_picture(points):
    assert draw(anomaly(points), []) is None


@pytest.fixture
def page_of(client, store):
    """Returns the page of an incident of the checkout."""

    def read(outcome=None, text="vpn down"):
        report = IncidentReport("INC1", OPENED_AT, text, service="checkout")
        store.incidents.upsert([ResolvedIncident(report, outcome or Outcome())])
        client.app.state.container.triage.triage([report], include=None, request_id="r-1")
        response = client.get("/incidents/INC1")
        assert response.status_code == 200
        return response.text

    return read


def deploy(summary="checkout 4.2", url="https://ci.example/1"):
    at = ONSET_AT - timedelta(minutes=2)
    return Change("c1", "checkout", at, "deploy", summary, url)


def test_nothing_is_said_where_nothing_is_recorded(page_of):
    assert 'id="around"' not in page_of()


def test_the_page_names_the_change_and_draws_the_series_above_the_similar_incidents(page_of, store):
    store.changes.record([deploy()])
    store.anomalies.record([anomaly(window(), 'errors{job="x"}')])
    text = page_of()
    assert text.index('id="around"') < text.index('id="similar"')
    for part in (
        "checkout 4.2",
        'href="https://ci.example/1"',
        "2 min before the onset of",
        "same service",
        "40 1/s where 1 1/s was expected, 3 1/s more on average",
        '<svg class="chart" viewBox="0 0 400 150" role="img"',
        "14:03</time> UTC, still unusual · <bdi>It is far from its recent level.",
    ):
        assert part in text, part
    assert re.findall(r"<style|\sstyle=|\son\w+=", text) == []
    named = re.search(r'aria-labelledby="(series-1-name) (series-1-text)"', text)
    assert all(f'id="{id_}"' in text for id_ in named.groups())


def test_a_resolved_incident_shows_them_too(page_of, store):
    store.changes.record([deploy()])
    assert "checkout 4.2" in page_of(Outcome("Mail"))


def test_what_is_recorded_but_not_around_is_said(page_of, store):
    long_ago = Change("c0", "mail", OPENED_AT - timedelta(days=9), "deploy", "mail 1")
    store.changes.record([long_ago])
    text = page_of()
    assert "No changes are known for this service or the services connected to it." in text
    assert "Metrics that were unusual" not in text


def test_a_gap_is_told_in_words(page_of, store):
    numbers = {"effect": nan, "value": nan, "expected": nan, "direction": "gap"}
    store.anomalies.record([anomaly(SeriesPoints(), **numbers)])
    text = page_of()
    assert "no values arrived" in text
    assert "<svg" not in text


def test_hostile_texts_are_shown_as_text(page_of, store):
    store.changes.record([deploy(HOSTILE, "javascript:alert(1)")])
    facts = {"unit": HOSTILE, "channel": HOSTILE}
    store.anomalies.record([anomaly(window(), HOSTILE, **facts)])
    text = page_of()
    assert "<script>alert" not in text
    assert "javascript:" not in text
    assert "&lt;script&gt;alert" in text
