"""`POST /v1/forecast`: the shape of the answer, its warnings, and what is refused."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from starlette.testclient import TestClient

from serving.app import create_app
from serving.runtime.settings import ServingSettings

BEGIN, STEP = 1_772_409_600, 900


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    """One app for all tests of the module: it is asked, and keeps nothing."""
    settings = ServingSettings(home=tmp_path_factory.mktemp("home"), poll_seconds=5)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("PRECEDENT_ENCODER", "hashing")
        with TestClient(create_app(settings)) as opened:
            yield opened


def series(values, level, **more):
    times = [BEGIN + STEP * number for number in range(len(values))]
    return {"name": "disk", "timestamps": times, "values": list(values), "level": level, **more}


def ask(client, *sent, **asked):
    answer = client.post("/v1/forecast", json={"series": sent, **asked})
    assert answer.status_code == 200, answer.text
    return answer.json()["series"]


def refused(client, body):
    answer = client.post("/v1/forecast", json=body)
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.json()["errors"]


def test_a_disk_that_fills(client):
    used = 50 + np.arange(960) * 0.02
    (answer,) = ask(client, series(used, 71.2, direction="above"), horizons=["1h", "6h", "2d"])
    assert [breach["horizon"] for breach in answer["breach"]] == ["1h", "6h", "2d"]
    hour, _, two_days = answer["breach"]
    assert hour["probability"] < 0.1
    assert two_days["probability"] > 0.9
    full_at = datetime.fromtimestamp(BEGIN, UTC) + timedelta(seconds=STEP * 1060)
    lower, at, upper = (datetime.fromisoformat(two_days[name]) for name in ("lower", "at", "upper"))
    assert lower <= at <= upper
    assert abs(at - full_at) < timedelta(hours=6)
    expected = answer["expected"]
    assert len(expected["timestamps"]) == len(expected["values"]) <= 168
    assert expected["values"][-1] == pytest.approx(50 + 0.02 * (960 + 192), abs=1)
    assert any(text.startswith("uncalibrated") for text in answer["warnings"])


def test_series_come_back_in_order_with_the_usual_horizons(client):
    first, second = ask(
        client,
        series([1.0] * 300, 9.0) | {"name": "a"},
        series([1.0] * 300, -3.0, direction="below") | {"name": "b"},
    )
    assert (first["name"], second["name"]) == ("a", "b")
    assert [breach["horizon"] for breach in first["breach"]] == ["1h", "6h", "24h", "7d"]


def test_no_values_and_beyond_the_level_are_said(client):
    silent, beyond = ask(client, series([None, None], 1.0), series([1.0, 5.0], 4.0))
    assert silent["breach"][0] == {
        "horizon": "1h",
        "probability": None,
        "at": None,
        "lower": None,
        "upper": None,
    }
    assert silent["expected"] == {"timestamps": [], "values": []}
    assert silent["from_at"] is None
    assert any(text.startswith("silent") for text in silent["warnings"])
    assert beyond["breach"][0]["probability"] == 1
    assert any(text.startswith("beyond") for text in beyond["warnings"])


def test_a_level_outside_the_bounds_and_disorder_are_said(client):
    sent = series([1.0, 2.0, 3.0], 200.0, bounds=[0, 100])
    sent["timestamps"].reverse()
    (answer,) = ask(client, sent)
    kinds = {text.partition(":")[0] for text in answer["warnings"]}
    assert {"bounds", "disorder", "uncalibrated"} <= kinds


def test_a_gauge_that_only_rises_is_not_taken_for_a_counter(client):
    (answer,) = ask(client, series(np.arange(1.0, 2_001.0), 2_050.0), horizons=["24h"])
    assert answer["breach"][0]["probability"] > 0.9
    assert not any(text.startswith("counter") for text in answer["warnings"])


@pytest.mark.parametrize("horizon", ["6", "h", "0h", "-1h", "15d", "1w", "6 h", "99999999h", ""])
def test_horizons_that_are_none_are_refused(client, horizon):
    (error,) = refused(client, {"series": [series([1.0], 2.0)], "horizons": [horizon]})
    assert error["pointer"] == "/horizons/0" if "pointer" in error else "horizons" in str(error)


@pytest.mark.parametrize(
    "change",
    [{"level": None}, {"level": "high"}, {"direction": "up"}, {"levels": 3}],
)
def test_levels_and_directions_that_are_none_are_refused(client, change):
    assert refused(client, {"series": [series([1.0], 2.0) | change]})


def test_too_many_horizons_are_refused(client):
    assert refused(client, {"series": [series([1.0], 2.0)], "horizons": ["1h"] * 17})
    assert refused(client, {"series": [series([1.0], 2.0)], "horizons": []})
