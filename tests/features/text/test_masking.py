"""Masking hides secrets and personal data, and nothing that a responder needs."""

import random
import time

import pytest
from pydantic import ValidationError

from features.text.masking import (
    MASKING_GROUPS,
    Masking,
    MaskingSettings,
    Secret,
    configured_masking,
    mask_text,
)

ALL = Masking()
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"
KEY = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nMIIEow+/AB==\n{end}"
KEY_END = "-----END RSA PRIVATE KEY-----"


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("mail bob.o'neil+x@mail.example.co.uk now", "mail bob.o'<email> now"),
        ("from müller@firma.de:", "from <email>:"),
        ("call +49 (0) 9279 - 80 - 121", "call <phone>"),
        ("reach me: 724-539-5191.", "reach me: <phone>."),
        ("(806) 290-5218", "<phone>"),
        ("Tel.: 0316 123456 after noon", "Tel.: <phone> after noon"),
        ("phone:5245861556", "phone:<phone>"),
        ("paid with 4111 1111 1111 1111.", "paid with <card>."),
        ("amex 378282246310005", "amex <card>"),
        ("ping 10.12.0.255:8080", "ping <ip>:8080"),
        ("route 10.0.0.0/8, 192.168.001.010", "route <ip>/8, <ip>"),
        ("peer 2001:db8::8a2e:370:7334 lost", "peer <ip> lost"),
        ("fe80::1: unreachable", "<ip>: unreachable"),
        ("via ::ffff:10.0.0.1.", "via <ip>."),
        ("mac 00:1a:2b:3c:4d:5e", "mac <mac>"),
        ("İ is one letter, pwd=hunter2", "İ is one letter, pwd=<password>"),
        ("Authorization: Basic dXNlcjpwYXNz", "Authorization: Basic <token>"),
        ("curl -H 'authorization: bearer abc'", "curl -H 'authorization: bearer <token>'"),
        ("sent Bearer abcdef0123456789abcdef", "sent Bearer <token>"),
        (f"jwt {JWT} expired", "jwt <token> expired"),
        ("key AKIAIOSFODNN7EXAMPLE leaked", "key <token> leaked"),
        ("ghp_16C7e42F292c6912E7710c838347Ae178B4a", "<token>"),
        ("xoxb-2345678901-abcdefGHIJ", "<token>"),
        ("api_key = 9f8e7d6c5b4a", "api_key = <token>"),
        ('{"access-token": "abc123def456"}', '{"access-token": "<token>"}'),
        ("password: alabama4$", "password: <password>"),
        ("password :2364 please", "password :<password> please"),
        ("pwd=x;Database=sales", "pwd=<password>;Database=sales"),
        ("db.passwd=s3,cr;et", "db.passwd=<password>"),
        ("Kennwort: Geheim!", "Kennwort: <password>"),
        ("new password is Welcome123 ok", "new password is <password> ok"),
        ('{"password": "hunter 2", "user": "bob"}', '{"password": <password>, "user": "bob"}'),
        (r"{\"password\":\"abc\"}", r"{\"password\":\"<password>\"}"),
        ("<ns:password>top secret</ns:password>", "<ns:password><password></ns:password>"),
        ("mysqldump --password s3cret -u root", "mysqldump --password <password> -u root"),
        ("postgres://app:s3cret@db.local/x", "postgres://<credentials>@db.local/x"),
        (KEY.format(end=KEY_END) + " end", "<private_key> end"),
        (KEY.format(end="")[:60], "<private_key>"),
    ],
)
def test_secrets_and_personal_data_are_masked(text: str, masked: str) -> None:
    assert mask_text(text, ALL) == masked
    assert mask_text(masked, ALL) == masked


@pytest.mark.parametrize(
    "text",
    [
        "INC0012345 and CHG0030001, order 4500012345",
        "2024-03-14 12:30:45 and 14/3/2016 09:11, 14.03.2016, 2024-03-14T12:30:45+00:00",
        "down since 12:30:45 until 13:00",
        "version 1.2.3.4, v10.0.0.1, Release: 4.0.0.2, firmware 1.1.1.1",
        "oid 1.3.6.1.4.1.9, latency 0.12.5",
        "id 123e4567-e89b-12d3-a456-426614174000",
        "load 123.456.789 of 1583107200000 ms, +12345 %",
        "at 0x00007fff5fbff8a0 in std::vector<int>::push_back, a::b",
        "token expired; password reset; password: expired",
        "card 4111 1111 1111 1112 was refused",
        "unexpected token: }",
        "phone 204 78, mobile 2016-03-14",
        "host_01 user@host, @channel",
        "see https://wiki.example.com/a:b@c",
    ],
)
def test_what_a_responder_needs_stays(text: str) -> None:
    assert mask_text(text, ALL) == text


def test_only_the_named_secrets_are_masked() -> None:
    text = "bob@example.com from 10.0.0.1"
    assert mask_text(text, Masking(frozenset({Secret.IP}))) == "bob@example.com from <ip>"
    assert mask_text(text, Masking(frozenset())) == text


@pytest.mark.parametrize(
    ("value", "secrets"),
    [
        ("all", frozenset(Secret)),
        ("none", frozenset()),
        ("", frozenset(Secret)),
        ("email, IP", frozenset({Secret.EMAIL, Secret.IP})),
    ],
)
def test_masking_is_configured_by_the_environment(
    monkeypatch: pytest.MonkeyPatch, value: str, secrets: frozenset[Secret]
) -> None:
    monkeypatch.setenv("PRECEDENT_MASKING", value)
    assert configured_masking() == Masking(secrets)


def test_an_unknown_secret_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRECEDENT_MASKING", "emial")
    with pytest.raises(ValidationError, match="emial"):
        MaskingSettings()


PIECES = [
    *("a", "1", "1.", "1:", "@a.", "-eyJ", "eyJaaaaaaaaaa.", "://a:a", "password: a,", "4 ", "+1 "),
    *("-----BEGIN PRIVATE KEY-----", "<password ", "token=", "::1 ", "tel. no ", "x@a-.", "255."),
    *(
        "mysql -",
        "curl -u a",
        "-p ",
        "cookie: a=",
        "sess=a",
        "born ",
        "data: a: b\n",
        "01 ",
        "AB12",
    ),
    *("password is ", '"', "bearer a", "authorization: basic ", "212-", "-", "\\", "key=a"),
]
HINTS = "@ :// password: token= tel +1 -- </ private key eyJ akia bearer authorization: 1 "


@pytest.mark.parametrize("piece", PIECES)
def test_no_text_takes_long(piece: str) -> None:
    started = time.process_time()
    mask_text((HINTS + piece * 200_000)[:200_000], ALL)
    assert time.process_time() - started < 1


RULES = [rule for group in MASKING_GROUPS for rule in group.rules]


@pytest.mark.parametrize("piece", ["", "1", " ", ":a@"])
def test_no_rule_takes_long_where_its_hint_is_repeated(piece: str) -> None:
    for rule in RULES:
        unit = (rule.hints[0] or "0") + piece
        text = (unit * 20_000)[:20_000]
        started = time.process_time()
        rule.mask(text, text.lower())
        # A second for 200,000 characters, if the time grows with the length.
        assert time.process_time() - started < 0.1, rule.pattern.pattern


def test_no_mixture_takes_long() -> None:
    generator = random.Random(0)
    for _ in range(5):
        some = generator.sample(PIECES, 4)
        text = HINTS + "".join(generator.choices(some, k=100_000))
        started = time.process_time()
        mask_text(text[:200_000], ALL)
        assert time.process_time() - started < 1
