"""`POST /v1/anomalies`: what is sent comes back point by point, and what is refused says where."""

import json
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from starlette.testclient import TestClient

from serving.app import create_app
from serving.runtime.settings import ServingSettings

STEP = 300
PER_DAY = 86_400 // STEP
BEGIN = 1_772_409_600
DAYS = 8
JUMP = 7 * PER_DAY + 100
ARRAYS = ("score", "expected_per_week", "is_anomalous", "expected", "lower", "upper")
JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    """One app for all tests of the module: it is asked, and keeps nothing."""
    settings = ServingSettings(home=tmp_path_factory.mktemp("home"), poll_seconds=5)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("PRECEDENT_ENCODER", "hashing")
        with TestClient(create_app(settings)) as opened:
            yield opened


@pytest.fixture(scope="module")
def wave() -> dict:
    """Eight days of a daily wave about 10 with an hour of trouble on the last."""
    points = np.arange(DAYS * PER_DAY)
    noise = np.random.default_rng(0).standard_normal(len(points))
    values = 10 + 3 * np.sin(2 * np.pi * points / PER_DAY) + 0.3 * noise
    values[JUMP : JUMP + 12] += 12
    return {"name": "latency", "timestamps": (BEGIN + STEP * points).tolist(), "values": [*values]}


def ask(client: TestClient, *series: dict, **asked: object) -> list[dict]:
    answer = client.post("/v1/anomalies", json={"series": series, **asked})
    assert answer.status_code == 200, answer.text
    return answer.json()["series"]


def refused(client: TestClient, body: object) -> list[dict]:
    answer = client.post("/v1/anomalies", json=body)
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["request_id"]
    return answer.json()["errors"]


def small(times: list, values: list | None = None, **more: object) -> dict:
    values = [float(number) for number in range(len(times))] if values is None else values
    return {"name": "cpu", "timestamps": times, "values": values, **more}


def warned(scored: dict) -> set[str]:
    return {warning.partition(":")[0] for warning in scored["warnings"]}


def test_the_answer_has_the_fields_of_the_contract(client, wave):
    answer = client.post("/v1/anomalies", json={"series": [wave, small([0, 60])]}).json()
    assert set(answer) == {"series", "budget_per_week", "request_id"}
    assert answer["budget_per_week"] == 1
    assert [series["name"] for series in answer["series"]] == ["latency", "cpu"]
    for scored, sent in zip(answer["series"], [wave, small([0, 60])], strict=True):
        assert set(scored) == {"name", *ARRAYS, "flags", "routines", "calibration", "warnings"}
        assert {len(scored[name]) for name in ARRAYS} == {len(sent["values"])}
        calibration = scored["calibration"]
        assert set(calibration) == {"source", "series_weeks", "is_calibrated", "shares"}
        assert sum(calibration["shares"].values()) == pytest.approx(1)


def test_trouble_is_flagged_in_the_series_own_units(client, wave):
    (scored,) = ask(client, {**wave, "unit": "ms"})
    (flag,) = [raised for raised in scored["flags"] if raised["value"] > 18]
    onset = datetime.fromisoformat(flag["onset_at"])
    assert abs(onset.timestamp() - (BEGIN + STEP * JUMP)) <= 1_800
    assert flag["onset_at"] <= flag["detected_at"]
    assert (flag["direction"], flag["unit"]) == ("up", "ms")
    assert flag["effect"] == pytest.approx(12, rel=0.2)
    assert flag["alarms_per_week"] <= 1
    assert flag["ended_at"] is not None
    assert any(scored["is_anomalous"][JUMP : JUMP + 12])
    assert scored["lower"][JUMP] < scored["expected"][JUMP] < scored["upper"][JUMP]


def test_before_a_series_is_known_nothing_is_expected_nor_flagged(client, wave):
    (scored,) = ask(client, wave)
    assert scored["expected"][: 2 * PER_DAY] == [None] * (2 * PER_DAY)
    assert None not in scored["expected"][2 * PER_DAY + 1 :]
    assert not any(scored["is_anomalous"][: 5 * PER_DAY])
    assert None not in scored["score"]


def test_points_come_back_in_the_order_they_were_sent(client, wave):
    (straight,) = ask(client, wave)
    order = np.random.default_rng(1).permutation(len(wave["values"]))
    mixed = {name: [wave[name][place] for place in order] for name in ("timestamps", "values")}
    (scored,) = ask(client, {**wave, **mixed})
    for name in ARRAYS:
        assert scored[name] == [straight[name][place] for place in order]
    assert scored["flags"] == straight["flags"]
    assert "disorder" in warned(scored)
    assert "disorder" not in warned(straight)


def test_of_points_that_share_a_time_the_last_counts_and_it_is_said(client, wave):
    (straight,) = ask(client, wave)
    times, values = [*wave["timestamps"]], [*wave["values"]]
    times.insert(50, times[50])
    values.insert(50, 99.0)
    (scored,) = ask(client, small(times, values))
    assert len(scored["score"]) == len(times)
    assert scored["score"][50] == scored["score"][51] == straight["score"][50]
    assert [scored[name][51:] for name in ARRAYS] == [straight[name][50:] for name in ARRAYS]
    assert "duplicates" in warned(scored)


def test_missing_values_have_no_score(client, wave):
    values = [*wave["values"]]
    values[1_000:1_003] = [None] * 3
    (scored,) = ask(client, {**wave, "values": values})
    assert scored["score"][1_000:1_003] == [None] * 3
    assert scored["is_anomalous"][1_000:1_003] == [False] * 3
    assert scored["score"][1_003] is not None
    assert "missing" in warned(scored)


def test_not_numbers_and_infinities_are_taken_as_missing(client):
    body = '{"series": [{"name": "a", "timestamps": [0, 60, 120, 180], "values": [1, NaN, %s, 2]}]}'
    for literal in ("Infinity", "-Infinity", "NaN", "1e999"):
        answer = client.post("/v1/anomalies", content=body % literal, headers=JSON)
        assert answer.status_code == 200, answer.text
        scored = json.loads(answer.text, parse_constant=pytest.fail)["series"][0]
        assert [score is None for score in scored["score"]] == [False, True, True, False]
        assert "missing: 2" in " ".join(scored["warnings"])


def test_absurd_numbers_are_answered(client, wave):
    values = [*wave["values"]]
    values[3], values[400], values[-2], values[-1] = 1e308, -1e308, 1e29, 5e-324
    (scored,) = ask(client, {**wave, "values": values})
    assert [at for at, score in enumerate(scored["score"]) if score is None] == [3, 400]
    assert any(warning.startswith("missing: 2 ") for warning in scored["warnings"])
    assert json.dumps(scored, allow_nan=False)


def test_times_may_be_seconds_milliseconds_or_iso(client, wave):
    seconds = wave["timestamps"]
    (straight,) = ask(client, wave)
    zoned = [datetime.fromtimestamp(second, UTC).isoformat() for second in seconds]
    for times in (
        [1000 * second for second in seconds],
        [second + 0.25 for second in seconds],
        zoned,
        [moment.replace("+00:00", "Z") for moment in zoned],
        [moment.replace("+00:00", "") for moment in zoned],
        [*seconds[:9], *zoned[9:]],
    ):
        assert ask(client, {**wave, "timestamps": times}) == [straight]


def test_the_oldest_and_newest_times_are_answered(client):
    for first in (0, -86_400, 9_223_372_036 - 120, "1970-01-01T00:00:00Z"):
        times = [first] if isinstance(first, str) else [first, first + 60, first + 120]
        (scored,) = ask(client, small(times))
        assert len(scored["score"]) == len(times)


def test_bounds_limit_what_is_expected(client, wave):
    low, high = 9.0, 11.0
    (scored,) = ask(client, {**wave, "bounds": [low, high]})
    for name in ("expected", "lower", "upper"):
        held = [value for value in scored[name] if value is not None]
        assert low <= min(held) <= max(held) <= high
    assert "bounds" in warned(scored)
    (open_above,) = ask(client, {**wave, "bounds": [9.0, None]})
    assert max(value for value in open_above["upper"] if value is not None) > high
    (wide,) = ask(client, {**wave, "bounds": [None, 1e6]})
    assert "bounds" not in warned(wide)


def test_a_larger_budget_flags_no_fewer_points(client, wave):
    counts = [
        sum(ask(client, wave, budget_per_week=budget)[0]["is_anomalous"])
        for budget in (0.001, 0.25, 1, 7, 168)
    ]
    assert counts == sorted(counts)
    assert counts[0] < counts[-1]


def test_what_alarm_rates_rest_on_is_said(client, wave):
    (short,) = ask(client, small([0, 60, 120]))
    assert short["calibration"]["source"] == "shipped constants"
    assert {"uncalibrated", "warm-up"} <= warned(short)
    many = ask(client, *[{**wave, "name": f"series {number}"} for number in range(18)])
    assert not any(series["calibration"]["is_calibrated"] for series in many)
    assert many[0]["calibration"]["source"] == "own past and shipped constants"
    assert many[0]["calibration"]["series_weeks"] == pytest.approx(DAYS / 7, abs=0.01)
    assert "uncalibrated" in warned(many[0])
    assert "warm-up" not in warned(many[0])
    hours = np.arange(21 * 7 * 24)
    (old,) = ask(client, small((BEGIN + 3_600 * hours).tolist(), np.sin(hours).tolist()))
    assert old["calibration"]["is_calibrated"]
    assert not {"uncalibrated", "warm-up"} & warned(old)


@pytest.mark.parametrize("days", [1, 3, 6, 10, 15])
def test_a_young_series_is_uncalibrated_and_not_flagged_before_the_sixth_day(client, days):
    times = BEGIN + 900 * np.arange(days * 96)
    values = (
        10 + np.sin(times / 13_751) + 0.1 * np.random.default_rng(0).standard_normal(len(times))
    )
    values[-2:] = 30
    (young,) = ask(client, small(times.tolist(), values.tolist()))
    assert "uncalibrated" in warned(young)
    assert not young["calibration"]["is_calibrated"]
    assert bool(young["flags"]) == (days > 5)


def test_flags_are_judged_by_what_is_expected_a_week(client, wave):
    (scored,) = ask(client, wave)
    rates = scored["expected_per_week"]
    assert rates[: 5 * PER_DAY] == [None] * (5 * PER_DAY)
    assert scored["is_anomalous"] == [rate is not None and rate <= 1 for rate in rates]


def test_a_series_without_values_says_that_nothing_can_be_told(client):
    (scored,) = ask(client, small([0, 60, 120], [None] * 3))
    assert "silent" in warned(scored)
    assert "silent" not in warned(ask(client, small([0, 60]))[0])


def test_days_are_those_of_the_time_zone(client):
    hours = np.arange(60 * 24)
    start = int(datetime(2026, 3, 2, tzinfo=UTC).timestamp())
    moments = [
        datetime.fromtimestamp(start + 3_600 * hour, ZoneInfo("Europe/Berlin")) for hour in hours
    ]
    values = [
        100.0 if moment.hour == 8 else 1 + 0.01 * (hour % 7) for hour, moment in enumerate(moments)
    ]
    times = (start + 3_600 * hours).tolist()
    (local,) = ask(client, small(times, values), time_zone="Europe/Berlin")
    # The day after the clocks changed, eight o'clock is expected an hour earlier in UTC.
    changed = (datetime(2026, 3, 30, 6, tzinfo=UTC).timestamp() - start) / 3_600
    assert local["expected"][int(changed)] > 50
    (fixed,) = ask(client, small(times, values))
    assert fixed["expected"][int(changed)] < 50
    errors = refused(client, {"series": [], "time_zone": "Mars/Olympus"})
    assert errors[0]["path"] == "time_zone" or "time_zone" in str(errors[0])


def test_series_are_scored_by_themselves(client, wave):
    other = small([60 * minute for minute in range(500)], [1.0] * 500)
    (alone,) = ask(client, wave)
    together = ask(client, other, wave, other)
    assert {name: together[1][name] for name in ARRAYS} == {name: alone[name] for name in ARRAYS}
    assert together[0] == together[2]


def test_no_series_and_no_points_are_answered(client):
    assert ask(client) == []
    (empty,) = ask(client, small([]))
    assert [empty[name] for name in ARRAYS] == [[]] * len(ARRAYS)
    assert empty["flags"] == []
    (missing,) = ask(client, small([0, 60], [None, None]))
    assert missing["score"] == [None, None]


def test_a_counter_is_expected_in_its_own_units(client):
    points = np.arange(DAYS * PER_DAY)
    counted = np.cumsum(np.random.default_rng(0).integers(50, 60, len(points))).astype(float)
    times = (BEGIN + STEP * points).tolist()
    (scored,) = ask(client, small(times, counted.tolist()))
    assert "counter" in warned(scored)
    assert scored["expected"][-1] == pytest.approx(counted[-1], abs=10)


REFUSED = [
    ({}, "series", "required"),
    ({"series": {}}, "series", "list"),
    ({"series": [], "budget_per_week": 0}, "budget_per_week", "greater than 0"),
    ({"series": [], "budget_per_week": 168.5}, "budget_per_week", "168"),
    ({"series": [], "budget": 1}, "budget", "no such field"),
    ({"series": [7]}, "series.0", "object"),
    ({"series": [small([0, 60], [1.0])]}, "series.0", "2 timestamps and 1 values"),
    ({"series": [small([0]), small(["soon"])]}, "series.1.timestamps", "'soon' is no ISO 8601"),
    ({"series": [small([1e300])]}, "series.0.timestamps", "no time"),
    ({"series": [small([None])]}, "series.0.timestamps.0", ""),
    ({"series": [small([True])]}, "series.0.timestamps.0", ""),
    ({"series": [small([0], ["high"])]}, "series.0.values.0", "number"),
    ({"series": [small([0], [True])]}, "series.0.values.0", "number"),
    ({"series": [small([0], colour="red")]}, "series.0.colour", "no such field"),
    ({"series": [{"timestamps": [], "values": []}]}, "series.0.name", "required"),
    ({"series": [small([0], bounds=[1])]}, "series.0.bounds", ""),
    ({"series": [small([0], bounds=[5, 1])]}, "series.0", "lowest bound first"),
    (
        {"series": [small([0], trouble=[{"from_at": 60, "until_at": 0}])]},
        "series.0.trouble.0",
        "until_at lies before from_at",
    ),
]


@pytest.mark.parametrize(("body", "path", "message"), REFUSED)
def test_what_cannot_be_read_is_refused_by_its_path(client, body, path, message):
    errors = refused(client, body)
    assert errors[0]["path"].startswith(path), errors
    assert message in errors[0]["message"]


def test_times_that_are_no_numbers_are_refused(client):
    for literal in ("NaN", "Infinity", "-Infinity", "1e999"):
        body = f'{{"series": [{{"name": "a", "timestamps": [{literal}], "values": [1]}}]}}'
        answer = client.post("/v1/anomalies", content=body, headers=JSON)
        assert answer.status_code == 422, literal
        assert answer.json()["errors"][0]["path"] == "series.0.timestamps"


def test_times_that_no_calendar_holds_are_refused(client):
    for time in ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "1600-01-01"):
        (error,) = refused(client, {"series": [small([time])]})
        assert error["path"] == "series.0.timestamps"


def test_bounds_and_budgets_that_are_no_numbers_are_refused(client):
    for part in (
        '"series": [], "budget_per_week": NaN',
        '"series": [], "budget_per_week": Infinity',
    ):
        answer = client.post("/v1/anomalies", content=f"{{{part}}}", headers=JSON)
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["path"] == "budget_per_week"


def test_what_is_no_json_is_refused(client):
    assert client.post("/v1/anomalies", content="{", headers=JSON).status_code == 400
    plain = client.post("/v1/anomalies", content="{}", headers={"Content-Type": "text/plain"})
    assert plain.status_code == 415


def test_too_many_points_are_refused(app_of, registry):
    with TestClient(app_of(registry, max_points=3)) as client:
        assert len(ask(client, small([0, 60, 120]))) == 1
        for series in ([small([0, 60, 120, 180])], [small([0, 60]), small([0, 60])]):
            answer = client.post("/v1/anomalies", json={"series": series})
            assert answer.status_code == 413
            assert "4 points" in answer.json()["detail"]
        uneven = small([0], [1.0] * 4)
        assert client.post("/v1/anomalies", json={"series": [uneven]}).status_code == 413


def test_the_key_is_required(app_of, registry):
    with TestClient(app_of(registry, api_key="s3cret-16-letter")) as client:
        body = {"series": [small([0])]}
        assert client.post("/v1/anomalies", json=body).status_code == 401
        holder = {"Authorization": "Bearer s3cret-16-letter"}
        assert client.post("/v1/anomalies", json=body, headers=holder).is_success


def test_the_route_is_documented(client):
    documented = client.get("/openapi.json").json()
    route = documented["paths"]["/v1/anomalies"]["post"]
    assert {"200", "401", "413", "422"} <= set(route["responses"])
    body = route["requestBody"]["content"]["application/json"]
    for example in body["examples"].values():
        assert client.post("/v1/anomalies", json=example["value"]).status_code == 200
    assert set(documented["components"]["schemas"]["SeriesResponse"]["properties"]) >= set(ARRAYS)


def post_text(client: TestClient, series: dict):
    return client.post(
        "/v1/anomalies",
        content=json.dumps({"series": [series]}),
        headers={"content-type": "application/json"},
    )


@pytest.mark.parametrize("bounds", [[float("nan"), None], [None, float("inf")]])
def test_bounds_are_numbers(client, wave, bounds):
    answer = post_text(client, wave | {"bounds": bounds})
    assert answer.status_code == 422, answer.text
    assert "series.0.bounds" in answer.json()["errors"][0]["path"]


def test_half_a_character_in_a_name_is_dropped(client, wave):
    answer = post_text(client, wave | {"name": "cpu \ud800", "unit": "\ud800"})
    assert answer.status_code == 200, answer.text
    assert answer.json()["series"][0]["name"].startswith("cpu")


def test_too_many_series_are_refused(client):
    series = {"name": "x", "timestamps": [], "values": []}
    answer = client.post("/v1/anomalies", json={"series": [series] * 5_001})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["path"] == "series"


def test_what_comes_later_changes_no_score_before(client, wave):
    count = len(wave["values"])
    later = [wave["timestamps"][-1] + 300 * (at + 1) for at in range(2_000)]
    (alone,) = ask(client, wave)
    longer = {
        "timestamps": wave["timestamps"] + later,
        "values": wave["values"] + [50.0, 3.0] * 1_000,
    }
    (whole,) = ask(client, wave | longer)
    assert whole["score"][:count] == alone["score"]


def noon_trouble(days: int) -> tuple[dict, list[dict]]:
    """A flat series with the same half hour of trouble at noon on each day from the tenth on."""
    points = np.arange(days * PER_DAY)
    values = 10 + 0.3 * np.random.default_rng(1).standard_normal(len(points))
    begins = [day * PER_DAY + PER_DAY // 2 for day in range(10, days)]
    for begin in begins:
        values[begin : begin + 6] += 8
    times = BEGIN + STEP * points
    sent = {"name": "errors", "timestamps": times.tolist(), "values": values.tolist()}
    trouble = [
        {"from_at": int(times[begin]), "until_at": int(times[begin + 6])} for begin in begins[:-1]
    ]
    return sent, trouble


def test_trouble_that_people_confirmed_never_becomes_routine(client):
    sent, trouble = noon_trouble(30)
    last_noon = (30 - 1) * PER_DAY + PER_DAY // 2
    learned, confirmed = ask(client, sent, sent | {"trouble": trouble})
    assert learned["routines"]
    assert not any(learned["is_anomalous"][last_noon : last_noon + 6])
    assert confirmed["routines"] == []
    assert any(confirmed["is_anomalous"][last_noon : last_noon + 6])


def test_trouble_without_an_end_lasts_to_the_end_of_the_series(client):
    sent, _ = noon_trouble(12)
    start = datetime.fromtimestamp(sent["timestamps"][10 * PER_DAY], UTC).isoformat()
    (answer,) = ask(client, sent | {"trouble": [{"from_at": start}]})
    assert len(answer["score"]) == len(sent["values"])
    assert any(answer["is_anomalous"])


@pytest.mark.parametrize("trouble", [[{}], [{"from_at": "soon"}], [{"from_at": 1, "to": 2}], [1]])
def test_trouble_that_is_no_time_is_refused(client, trouble):
    assert refused(client, {"series": [small([0, 60]) | {"trouble": trouble}]})


def test_a_routine_that_is_sent_back_as_revoked_is_flagged_and_no_routine(client):
    sent, _ = noon_trouble(30)
    (learned,) = ask(client, sent)
    (routine,) = learned["routines"]
    least = {"lower": routine["lower"], "upper": routine["upper"]}
    for revoked in (routine, least):
        (answer,) = ask(client, sent | {"revoked_routines": [revoked]}, budget_per_week=0.02)
        assert answer["routines"] == []
        for day in range(11, 30):
            noon = day * PER_DAY + PER_DAY // 2
            assert any(answer["is_anomalous"][noon : noon + 6]), day
    (other,) = ask(client, sent | {"revoked_routines": [{"lower": -5, "upper": -4}]})
    assert other == learned


def test_a_revoked_routine_needs_its_values(client):
    sent = small([0, 60], revoked_routines=[{"lower": 2.0, "upper": 1.0}, {"lower": 1.0}])
    paths = [error["path"] for error in refused(client, {"series": [sent]})]
    assert paths == ["series.0.revoked_routines.1.upper"]
