"""Replaces secrets and personal data by placeholders, before anything is stored or learned."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import AddressValueError, IPv6Address
from typing import Annotated

from pydantic import field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


class Secret(StrEnum):
    """The kinds of data that can be masked; a placeholder is the kind's name in angle brackets."""

    PRIVATE_KEY = "private_key"
    CREDENTIALS = "credentials"
    TOKEN = "token"  # noqa: S105  # the name of a placeholder
    PASSWORD = "password"  # noqa: S105  # the name of a placeholder
    EMAIL = "email"
    IP = "ip"
    CARD = "card"
    PHONE = "phone"


@dataclass(frozen=True, slots=True)
class Masking:
    """The kinds of data to mask; by default all of them.

    >>> mask_text("mail bob@example.com, pwd=hunter2", Masking())
    'mail <email>, pwd=<password>'
    """

    secrets: frozenset[Secret] = frozenset(Secret)


class MaskingSettings(BaseSettings):
    """`PRECEDENT_MASKING`: names of `Secret` separated by commas, `all` (the default) or `none`."""

    model_config = SettingsConfigDict(
        env_prefix="PRECEDENT_",
        env_ignore_empty=True,
        extra="ignore",
        use_attribute_docstrings=True,
    )

    masking: Annotated[frozenset[Secret], NoDecode] = frozenset(Secret)
    """Which secrets and personal data are masked when texts are read: names separated by commas,
    `all` or `none`.
    """

    @field_validator("masking", mode="before")
    @classmethod
    def _split_names(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        names = [name.strip().lower() for name in value.split(",") if name.strip()]
        if names == ["all"]:
            return frozenset(Secret)
        return [] if names == ["none"] else names


def configured_masking(settings: MaskingSettings | None = None) -> Masking:
    """Return the masking that the settings state; raises `ValidationError` for an unknown name."""
    return Masking((settings or MaskingSettings()).masking)


@dataclass(frozen=True, slots=True)
class MaskingRule:
    """A pattern for one kind of data; only texts that contain a lower-case hint are searched."""

    secret: Secret
    hints: tuple[str, ...]
    pattern: re.Pattern[str]
    replacement: str | Callable[[re.Match[str]], str]


def mask_text(text: str, masking: Masking) -> str:
    """Replace secrets and personal data by placeholders such as `<email>`.

    >>> mask_text("INC0012345: 10.1.2.3 down since 12:30:45, version 1.2.3.4", Masking())
    'INC0012345: <ip> down since 12:30:45, version 1.2.3.4'
    """
    lowered = text.lower()
    for rule in MASKING_RULES:
        if rule.secret in masking.secrets and any(hint in lowered for hint in rule.hints):
            text = rule.pattern.sub(rule.replacement, text)
    return text


_VERSION_BEFORE = re.compile(r"\b(?:v|ver|version|release|build|firmware)\W{0,3}$", re.IGNORECASE)


def _mask_unless_version(match: re.Match[str]) -> str:
    preceding = match.string[max(0, match.start() - 12) : match.start()]
    return match[0] if _VERSION_BEFORE.search(preceding) else "<ip>"


def _mask_ipv6(match: re.Match[str]) -> str:
    candidate, colon = match[0], ""
    if candidate.endswith(":") and not candidate.endswith("::"):
        candidate, colon = candidate[:-1], ":"
    try:
        IPv6Address(candidate)
    except AddressValueError:
        return match[0]
    # `::` and `a::b` without digits may be names in C++.
    return f"<ip>{colon}" if any(mark.isdigit() for mark in candidate[:-1]) else match[0]


def _mask_card(match: re.Match[str]) -> str:
    digits = [int(mark) for mark in match[0] if mark.isdigit()]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return "<card>" if (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0 else match[0]


_DIGITS = tuple("0123456789")
_KEYWORD = (
    r"(?:password|passwort|passwd|passphrase|pwd|kennwort|contraseña|senha|mot de passe"
    r"|client_?secret|secret_?key)\d{0,2}"
)
_PASSWORD_HINTS = ("passw", "passphrase", "pwd", "kennwort", "contraseña", "senha", "mot de passe")
_SECRET_HINTS = (*_PASSWORD_HINTS, "clientsecret", "client_secret", "secretkey", "secret_key")
_ASSIGNED = r"(?:\\?[\"'])?\s{0,3}(?:=>|:=|[:=])\s{0,3}(?:\\[\"'])?"
_NO_ORDINARY_WORD = (
    r"(?!(?:reset|expired|changed?|forgot(?:ten)?|required|incorrect|invalid|wrong|null|none|true"
    r"|false|yes|no|is|n/a)\b)"
)
_QUOTED = r"\"[^\"\n]{1,256}\"|'[^'\n]{1,256}'"
# A separator ends the value only if another setting, a space or the end of the text follows.
_UNQUOTED = r"(?:[^\s\"'<>\\,;&]|[,;&](?![\w .-]{1,40}[=:]|\s|$)){1,256}"
_OCTET = r"(?:25[0-5]|2[0-4]\d|[01]?\d?\d)"

# The order matters: a pattern whose match may contain another secret comes first.
MASKING_RULES: tuple[MaskingRule, ...] = (
    MaskingRule(
        Secret.PRIVATE_KEY,
        ("private key",),
        re.compile(
            r"-----BEGIN [A-Z ]{0,20}PRIVATE KEY(?: BLOCK)?-----"
            r"(?:(?:[^-]|-(?!----))*+-----END [A-Z ]{0,20}PRIVATE KEY(?: BLOCK)?-----"
            r"|(?:(?!-----)[\s\w+/=\\:,-])*+)"
        ),
        "<private_key>",
    ),
    MaskingRule(
        Secret.CREDENTIALS,
        ("://",),
        re.compile(r"://[^\s/@\"'<>]{1,256}@"),
        "://<credentials>@",
    ),
    MaskingRule(
        Secret.TOKEN,
        ("authorization",),
        re.compile(
            r"(\bauthorization(?:\\?[\"'])?\s{0,3}[:=]\s{0,3}(?:\\?[\"'])?"
            r"(?:basic|bearer|digest|token|apikey)\s{1,3})[^\s\"'\\<>]{1,8192}",
            re.IGNORECASE,
        ),
        r"\1<token>",
    ),
    MaskingRule(
        Secret.TOKEN,
        ("bearer",),
        re.compile(r"(\bbearer\s{1,3})[\w.~+/=-]{16,8192}", re.IGNORECASE),
        r"\1<token>",
    ),
    MaskingRule(
        Secret.TOKEN,
        (
            *("akia", "asia", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-"),
            *("xox", "aiza", "_live_", "_test_", "sk-", "npm_", "eyj", "hooks.slack.com"),
        ),
        re.compile(
            r"(?<![A-Za-z0-9])(?:(?:AKIA|ASIA)[0-9A-Z]{16}(?![0-9A-Za-z])"
            r"|gh[oprsu]_[A-Za-z0-9]{20,255}|github_pat_\w{22,255}|glpat-[\w-]{20,64}"
            r"|xox[abeoprs]-[\w-]{10,255}|AIza[\w-]{35}|[rs]k_(?:live|test)_\w{10,255}"
            r"|sk-[\w-]{20,255}|npm_[A-Za-z0-9]{36}|hooks\.slack\.com/services/[\w/]{10,255}"
            r"|(?<![\w.-])eyJ[\w-]{8,4096}\.[\w-]{8,8192}\.[\w-]{0,2048})",
            re.ASCII,
        ),
        "<token>",
    ),
    MaskingRule(
        Secret.PASSWORD,
        _SECRET_HINTS,
        re.compile(
            rf"({_KEYWORD}{_ASSIGNED}){_NO_ORDINARY_WORD}(?:{_QUOTED}|{_UNQUOTED})",
            re.IGNORECASE,
        ),
        r"\1<password>",
    ),
    MaskingRule(
        Secret.PASSWORD,
        _SECRET_HINTS,
        re.compile(
            rf"({_KEYWORD}\s{{1,3}}(?:is|was|ist|lautet)\s{{0,3}}:?\s{{1,3}})"
            r"(?=\S{0,64}\d)(?=\S{0,64}[^\W\d])[^\s<>]{4,256}",
            re.IGNORECASE,
        ),
        r"\1<password>",
    ),
    MaskingRule(
        Secret.PASSWORD,
        ("--pass", "--pwd", "--token", "--secret"),
        re.compile(r"(--(?:password|passwd|pass|pwd|token|secret)[ =])[^\s<>]{1,256}"),
        r"\1<password>",
    ),
    MaskingRule(
        Secret.PASSWORD,
        ("</",),
        re.compile(
            rf"(<(?:\w{{1,30}}:)?{_KEYWORD}(?:\s[^<>]{{0,100}})?>)[^<]{{1,256}}(?=</)",
            re.IGNORECASE,
        ),
        r"\1<password>",
    ),
    MaskingRule(
        Secret.TOKEN,
        ("token", "secret", "key", "sig="),
        re.compile(
            r"((?:token|secret|api[_ -]?key|access[_ -]?key|auth[_ -]?key|account[_-]?key|\bsig)"
            rf"{_ASSIGNED}(?:[\"'])?)(?=[^\s\"']{{0,64}}\d)[\w./+=~%-]{{8,8192}}",
            re.IGNORECASE,
        ),
        r"\1<token>",
    ),
    MaskingRule(
        Secret.EMAIL,
        ("@",),
        re.compile(r"[\w.%+-]{1,64}@(?:[\w-]{1,63}\.){1,8}[A-Za-z]{2,24}\b"),
        "<email>",
    ),
    MaskingRule(
        Secret.IP,
        (":",),
        re.compile(
            r"(?<![\w:.])(?:[0-9a-fA-F]{1,4})?(?::[0-9a-fA-F]{0,4}){2,8}(?:(?:\.\d{1,3}){3})?"
            r"(?![\w:]|\.\d)"
        ),
        _mask_ipv6,
    ),
    MaskingRule(
        Secret.IP,
        _DIGITS,
        re.compile(rf"(?<![\w.])(?:{_OCTET}\.){{3}}{_OCTET}(?!\w|\.\d)", re.ASCII),
        _mask_unless_version,
    ),
    MaskingRule(
        Secret.CARD,
        _DIGITS,
        re.compile(
            r"(?<![\w.+-])(?:4\d{3}|5[1-5]\d\d|2[2-7]\d\d|3[04-9]\d\d|6\d{3})(?:[ -]?\d){9,15}"
            r"(?![\w-]|\.\d)",
            re.ASCII,
        ),
        _mask_card,
    ),
    MaskingRule(
        Secret.PHONE,
        ("+",),
        re.compile(r"(?<![\w+.])\+[1-9](?:[ ./()-]{0,3}\d){7,14}(?!\d)", re.ASCII),
        "<phone>",
    ),
    MaskingRule(
        Secret.PHONE,
        _DIGITS,
        re.compile(
            r"(?<![\w.+-])(?:1[-. ])?(?:\([2-9]\d\d\) ?|[2-9]\d\d([-.]))[2-9]\d\d"
            r"(?(1)\1|[-. ])\d{4}(?![\w-]|\.\d)",
            re.ASCII,
        ),
        "<phone>",
    ),
    MaskingRule(
        Secret.PHONE,
        ("tel", "phone", "fax", "mobil", "cell", "handy"),
        re.compile(
            r"(\b(?:tel(?:ephone|efon)?|phone|fax|mobile?|cell|handy)\.?"
            r"(?:\s?(?:no|nr|number|nummer|#)\.?)?\s{0,2}[:=]?\s{0,2})"
            r"(?!\d{1,4}[-./]\d{1,2}[-./]\d{1,4}\b)\(?\d(?:[ ()/.-]{0,3}\d){6,14}(?!\w)",
            re.IGNORECASE,
        ),
        r"\1<phone>",
    ),
)
