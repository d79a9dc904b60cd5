"""Cleaning: what each step does, and that no text takes long."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.domain.report import IncidentReport
from features.text import cleaning
from features.text.cleaning import CLEANING_STEPS, clean_text, incident_text
from features.text.parsing import MAX_TEXT_LENGTH

SIGNED = "The printer jams.\nIt is urgent.\n\nBest regards,\nMia Sommer\nExample Outfitters"


@pytest.mark.parametrize(
    ("step", "given", "wanted"),
    [
        ("drop_markup", "see <b>here</b> [cid:image001.png@01D] a&nbsp;b", "see  here    a b"),
        ("drop_markup", "load < 5 and > 3, a<1", "load < 5 and > 3, a<1"),
        ("name_template_variables", "Pod {{ $labels.pod }} down", "Pod labels pod down"),
        ("name_template_variables", "{{- .Values.site -}}", "Values site"),
        ("name_template_variables", "{{ open but never closed", "{{ open but never closed"),
        ("keep_host_of_urls", "see https://wiki.example.com/x?y=1 now", "see wiki.example.com now"),
        ("keep_host_of_urls", "ftp://user:pw@files.example.com:21/a", "files.example.com"),
        ("keep_host_of_urls", "(http://shop/basket)", "(shop)"),
        ("drop_quoted_mail", "still down\n> is it down?\n| yes", "still down\n\n"),
        ("drop_quoted_mail", "From: Mia\nSent: Monday\nVPN down", "\n\nVPN down"),
        ("drop_quoted_mail", "a > b", "a > b"),
        ("drop_signature", SIGNED, "The printer jams.\nIt is urgent.\n\n"),
        ("drop_signature", "hallo\nMit freundlichen Grüßen\nMia", "hallo\n"),
        ("drop_signature", "warm   regards", "warm   regards"),
        ("drop_moments", "on 2026-03-01T04:05:06Z or 3.4.2026 at 4:05 pm", "on   or   at  "),
        ("drop_moments", "version 1.2.3 and 10.0.0.1", "version 1.2.3 and 10.0.0.1"),
        ("mask_identifiers", "id 123e4567-e89b-12d3-a456-426614174000", "id identifier"),
        ("mask_identifiers", "at 0xdeadbeef commit 9f8e7d6c5b", "at identifier commit identifier"),
        ("mask_identifiers", "defaced 12345678 facade", "defaced 12345678 facade"),
        (
            "split_camel_case",
            "KubePodCrashLooping nullPointer",
            "Kube Pod Crash Looping null Pointer",
        ),
        ("split_camel_case", "VPN McAfee LAN", "VPN Mc Afee LAN"),
        ("collapse_space", " a\n\t b ", "a b"),
    ],
)
def test_step(step: str, given: str, wanted: str) -> None:
    assert getattr(cleaning, step)(given) == wanted


def test_error_lines_stay_and_frames_go() -> None:
    trace = (
        "java.lang.NullPointerException: basket\n\tat com.shop.Basket.add(Basket.java:12)\n"
        "\t... 23 more\nCaused by: timeout"
    )
    assert clean_text(trace) == "java.lang.Null Pointer Exception: basket Caused by: timeout"
    python = 'Traceback\n  File "/app/x.py", line 3, in run\nValueError: no'
    assert clean_text(python) == "Traceback Value Error: no"


def test_sign_off_far_from_the_end_belongs_to_the_story() -> None:
    story = "He wrote\nregards\n" + "and then much more happened. " * 20
    assert "more happened" in clean_text(story)


def test_text_that_is_only_a_sign_off_stays() -> None:
    assert clean_text("Regards\nMia") == "Regards Mia"


@pytest.mark.parametrize(
    "text", ["", " ", "Drucker geht nicht 🔥", "无法登录", "srv-db-012 port 443"]
)
def test_plain_text_is_left_alone(text: str) -> None:
    assert clean_text(text) == text.strip()


def test_every_step_is_listed_once() -> None:
    public = [
        name
        for name, value in vars(cleaning).items()
        if callable(value)
        and getattr(value, "__module__", "") == cleaning.__name__
        and not name.startswith("_")
    ]
    steps = [step.__name__ for step in CLEANING_STEPS]
    assert len(steps) == len(set(steps))
    assert set(public) - set(steps) == {"clean_text", "incident_text"}


@pytest.mark.parametrize(
    "piece",
    ["{{ ", "{{", "<a", "[cid:", "http://", "x\n ", "Aa", "a1", "0x", "1:", "regards ", "\nat a("],
)
def test_longest_text_is_cleaned_quickly(piece: str) -> None:
    started = time.perf_counter()
    cleaning.clean_text((piece * MAX_TEXT_LENGTH)[:MAX_TEXT_LENGTH])
    assert time.perf_counter() - started < 5


@pytest.mark.parametrize("opening", ["{{", "x\n", "x\nbest", "x\n--", "x\nFile ", "http://a"])
def test_long_run_of_spaces_is_cleaned_quickly(opening: str) -> None:
    started = time.perf_counter()
    cleaning.clean_text(opening + " " * (MAX_TEXT_LENGTH - 20) + "x")
    assert time.perf_counter() - started < 5


def test_title_is_not_said_twice() -> None:
    both = IncidentReport(id="1", title="VPN down", description="Cannot work")
    assert incident_text(both) == "VPN down. Cannot work"
    assert incident_text(IncidentReport(id="1", title="VPN", description="VPN down")) == "VPN down"
    assert incident_text(IncidentReport(id="1", title="VPN")) == "VPN"
    assert incident_text(IncidentReport(id="1", description="VPN")) == "VPN"
    assert incident_text(IncidentReport(id="1")) == ""


@given(text=st.text(), times=st.integers(2, 4))
def test_a_repeated_description_is_read_once(text: str, times: int) -> None:
    once = IncidentReport(id="1", description=text)
    repeated = IncidentReport(id="1", description=" ".join([text] * times))
    cleaned = clean_text(text)
    if clean_text(repeated.description) == " ".join([cleaned] * times):
        assert incident_text(repeated) == incident_text(once)


@pytest.mark.parametrize("description", ["Hello team, VPN down", "VPN down", "VPN down VPN down"])
def test_a_title_within_the_description_is_not_repeated(description: str) -> None:
    report = IncidentReport(id="1", title="VPN down", description=description)
    assert incident_text(report).count("VPN down") == 1
