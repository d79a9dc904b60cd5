"""Masking of variable parts: what is masked, what stays, and that no text takes long."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.text import variable_masking
from features.text.variable_masking import TEXT_STEPS, WORD_STEPS, mask_variables

LONGEST = 200_000
USUAL = "The mail server srv-db-012 of Graz answers no request since 12:30. "


def seconds_of(text: str) -> float:
    started = time.process_time()
    mask_variables(text)
    return time.process_time() - started


@pytest.fixture(scope="module")
def usual_seconds() -> float:
    """What a text of the same length takes that people would write."""
    text = (USUAL * LONGEST)[:LONGEST]
    return min(seconds_of(text) for _ in range(3))


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("srv-db-012 and SRV01", "srv-db and SRV"),
        ("web1.prod.example.com:9100", "web.prod.example.com:<number>"),
        ("HostName_221 inplant_874743 node3", "HostName inplant node"),
        ("pod payments-7d9f8b6c5-x2x4q restarts", "pod payments restarts"),
        ("10.1.2.3:443 or 2001:db8::8a2e:370:7334", "<ip>:<number> or <ip>"),
        ("aa:bb:cc:dd:e0:ff", "<hardware>"),
        ("mail bob@example.com", "mail <email>"),
        ("at 2026-03-01T04:05:06Z", "at  "),
        ("123e4567-e89b-12d3-a456-426614174000", "identifier"),
        ("0xdeadbeef and 9f8e7d6c5b", "identifier and identifier"),
        ("INC0012345 CHG0030001 SHOP-77 #4711", "<record> <record> <record> <record>"),
        (
            "98% of 12GB, 1,024.5 MB, version 1.2.3",
            "<number>% of <number>, <number> MB, version <number>",
        ),
        ("https://wiki.example.com/x?y=1#3", "wiki.example.com"),
        ("/home/alice/app-2024.log", "/home/<user>/app.log"),
        (r"C:\Users\bob.x\a.txt", r"C:\Users\<user>\a.txt"),
    ],
)
def test_variable_part_is_masked(given: str, wanted: str) -> None:
    assert mask_variables(given) == wanted


@pytest.mark.parametrize(
    "text",
    [
        "",
        "VPN down",
        "ipv4 utf8 s3 x64 log4j k8s win10 P1",
        "Drucker geht nicht 🔥",
        "无法登录",
        "C++ a-b",
    ],
)
def test_names_stay(text: str) -> None:
    assert mask_variables(text) == text


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Disk of db-01 at 91%", "Disk of db-22 at 97%"),
        ("job_1234 failed with rc 12 at 03:12", "job_77 failed with rc 8 at 22:01"),
        ("timeout after 30s to 10.0.0.1", "timeout after 45s to 10.9.8.7"),
    ],
)
def test_texts_of_one_cause_become_equal(one: str, other: str) -> None:
    assert mask_variables(one) == mask_variables(other)


def test_every_step_is_listed_once() -> None:
    steps = [*TEXT_STEPS, *WORD_STEPS]
    own = {
        name
        for name, value in vars(variable_masking).items()
        if not name.startswith("_")
        and getattr(value, "__module__", "") == variable_masking.__name__
    }
    assert len(steps) == len(set(steps))
    assert own - {step.__name__ for step in steps} == {"mask_variables"}


VARIABLE = """srv-db-012 web1 10.1.2.3 10.0.0.1:80 INC0012345 ORA-00600 0xdeadbeef 9f8e7d6c5b
2026-03-01 03:12:45 12GB 98% v1.2.3 /home/mia/a1.log https://a.example/b?c=1 basket-6d8f9c-x2x4q
SHOP-77 #4711 p1 utf-8 Größe 无法 <number> (2) a_1_b bob@x.example"""
WORDS = st.sampled_from(VARIABLE.split())


@given(st.lists(WORDS, max_size=8))
def test_masking_twice_changes_nothing_more(words: list[str]) -> None:
    once = mask_variables(" ".join(words))
    assert mask_variables(once) == once


@given(st.text())
def test_any_text_is_masked(text: str) -> None:
    assert isinstance(mask_variables(text), str)


@pytest.mark.parametrize(
    "piece",
    [
        *(
            "a",
            "1",
            "a1",
            "1.",
            "a-",
            "-1",
            "a1-",
            "1:",
            "f:",
            "0x",
            "@",
            "a@",
            "a.b@",
            "://",
            "/home/",
        ),
        *(
            "C:\\Users\\",
            "#",
            "INC",
            "<",
            "x2x4q-",
            "bcdf-",
            "1a ",
            "é1",
            "deadbeef",
            "12345678-",
        ),
    ],
)
@pytest.mark.parametrize("end", ["", "!"])
def test_longest_text_is_masked_quickly(piece: str, end: str, usual_seconds: float) -> None:
    text = (piece * LONGEST)[: LONGEST - len(end)] + end
    assert seconds_of(text) < 50 * usual_seconds
