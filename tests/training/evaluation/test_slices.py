"""Slices: parts of a history by fact, language and length, each with an honest interval."""

import time

import numpy as np
import pytest

from features.domain.report import IncidentReport
from training.evaluation.binomial_intervals import wilson_interval
from training.evaluation.languages import languages_of
from training.evaluation.metrics import HeldOutPredictions
from training.evaluation.slices import find_slices, measure_slices


def report(number: int, **facts: str | None) -> IncidentReport:
    return IncidentReport(id=str(number), **{"title": "vpn is down for all of us"} | facts)


def test_incidents_are_divided_by_each_fact() -> None:
    reports = [
        report(n, service=("mail", "vpn", None)[n % 3], source="email" if n < 40 else "monitoring")
        for n in range(100)
    ]
    rows = {slice_.title: slice_.rows for slice_ in find_slices(reports, ["a", "b"] * 50)}
    assert set(rows) == {
        "class a",
        "class b",
        "service mail",
        "service vpn",
        "source email",
        "source monitoring",
    }
    assert rows["service vpn"].tolist() == list(range(1, 100, 3))
    assert rows["class b"].tolist() == list(range(1, 100, 2))


def test_length_and_language_divide_where_they_differ() -> None:
    long = (
        "the printer on the second floor is out of order and we can not print at all " * 3 + "now"
    )
    texts = ["vpn down", "der Drucker ist nicht zu erreichen und wir haben keine Zeit", long]
    reports = [report(n, title="", description=texts[n % 3]) for n in range(120)]
    sizes = {slice_.title: len(slice_.rows) for slice_ in find_slices(reports, ["a"] * 120)}
    assert sizes == {
        "language unknown": 40,
        "language German": 40,
        "language English": 40,
        "length under 8 words": 40,
        "length 8 to 40 words": 40,
        "length over 40 words": 40,
    }


def test_small_parts_and_rare_values_are_left_out() -> None:
    reports = [report(n, service=f"service {n}" if n < 29 else "mail") for n in range(100)]
    assert [slice_.title for slice_ in find_slices(reports, ["a"] * 100)] == ["service mail"]


def test_a_slice_is_measured_with_its_groups() -> None:
    reports = [report(n, service="mail" if n < 80 else "vpn") for n in range(120)]
    labels = np.zeros(120, dtype=np.int64)
    predicted = np.where(np.arange(120) < 60, 0, 1)
    zeros = np.zeros(120)
    judged = HeldOutPredictions(labels, predicted, zeros, zeros, labels, 2)
    slices = find_slices(reports, ["a"] * 120)
    alone = measure_slices(judged, slices, np.arange(120))
    copied = measure_slices(judged, slices, np.arange(120) // 4)
    (mail, vpn), (copied_mail, _) = alone, copied
    assert (mail.slice, mail.value, mail.metric) == ("service", "mail", "accuracy")
    assert (mail.incidents, mail.groups, mail.score) == (80, 80, 0.75)
    assert (vpn.score, vpn.low) == (0, pytest.approx(0, abs=1e-9))
    assert 0.05 < vpn.high < 0.15
    assert copied_mail.groups == 20
    # Four copies that are right or wrong together tell no more than one.
    assert (copied_mail.low, copied_mail.high) == pytest.approx(wilson_interval(0.75, 20))


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("I can not log in to my mail since this morning, please help", "English"),
        ("Ich kann mich seit heute nicht mehr anmelden und das ist dringend", "German"),
        ("Le serveur de messagerie ne répond pas et nous ne pouvons pas travailler", "French"),
        ("No puedo entrar en el sistema desde que se cambió la contraseña", "Spanish"),
        ("disk sda1 97% on prod-db-07", "unknown"),
        ("打印机坏了", "unknown"),
        ("", "unknown"),
    ],
)
def test_languages(text: str, language: str) -> None:
    assert languages_of([text]) == [language]


def test_slicing_is_cheap() -> None:
    text = "the server {} of team {} is not answering since the last deploy and users wait"
    reports = [report(n, description=text.format(n, n % 97)) for n in range(2000)]
    started = time.process_time()
    find_slices(reports, ["a", "b"] * 1000)
    assert time.process_time() - started < 2
