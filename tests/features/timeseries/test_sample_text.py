"""Samples are read from text as Python's own JSON and float would read them."""

import json

import numpy as np
import pytest

from features.timeseries.sample_text import read_samples


def read(text: str, count: int) -> tuple[int, np.ndarray]:
    """Read samples at slots of one minute, of which there are `count`."""
    values, times = np.full((1, count), np.nan), 60 * np.arange(1, count + 1)
    buffer = np.frombuffer(bytearray(text.encode() + bytes(8)), np.uint8)
    ends = read_samples(buffer, np.zeros(1, np.int64), times, 60, values)
    return int(ends[0]), values[0]


def samples_of(numbers: list[str]) -> str:
    samples = [[60 * place, number] for place, number in enumerate(numbers, start=1)]
    return json.dumps(samples, separators=(",", ":"))


def test_numbers_are_those_that_python_reads():
    rng = np.random.default_rng(0)
    drawn = rng.choice([-1, 1], 20_000) * 10 ** rng.uniform(-4, 15, 20_000)
    numbers = [repr(float(number)) for number in drawn] + [f"{number:.3f}" for number in drawn]
    text = samples_of(numbers)
    end, values = read(text, len(numbers))
    assert end == len(text)
    np.testing.assert_array_equal(values, [float(number) for number in numbers])


@pytest.mark.parametrize(
    "number", ["0", "-0", "+1", "1e21", "1E5", "1e-7", "5e-324", "12345678901234567890", "1.7e-30"]
)
def test_unusual_numbers_differ_at_most_in_the_last_digits(number):
    _, values = read(samples_of([number]), 1)
    assert values[0] == pytest.approx(float(number), rel=1e-15, abs=1e-320)


@pytest.mark.parametrize("number", ["NaN", "+Inf", "-Inf", "1e30", "-2e300", "1e999"])
def test_what_is_no_usual_number_is_missing(number):
    text = samples_of([number, "1"])
    end, values = read(text, 2)
    assert end == len(text)
    np.testing.assert_array_equal(values, [np.nan, 1])


def test_the_last_sample_of_a_slot_counts():
    _, values = read('[[50.5,"1"],[60,"2"],[60.2,"3"],[180,"4"]]', 3)
    np.testing.assert_array_equal(values, [2, 3, 4])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '"text"',
        "[[",
        '[[60,"1"]',
        '[[60,"1"],]',
        "[[60,1]]",
        '[["60","1"]]',
        '[[60,"one"]]',
        '[[60,"1e"]]',
        '[[60,""]]',
        '[[60, "1"]]',
        '[[0,"1"]]',
        '[[181,"1"]]',
        '[[60,"1","2"]]',
    ],
)
def test_another_form_is_told(text):
    assert read(text, 3)[0] == -1
