"""Rules for mail addresses, and for addresses of hosts and of network cards."""

import re
from ipaddress import AddressValueError, IPv4Address, IPv6Address

from features.text.masking.kinds import Secret
from features.text.masking.rule import NO_HINT, MaskingRule, RuleGroup, always

_HEX_PAIR = r"[0-9A-Fa-f]{2}"
# Not top-level domains: `user@1000.service`, `icon@2x.png`.
_NO_DOMAIN = re.compile(
    r"\.(?:service|socket|timer|target|slice|scope|mount|automount|device|swap|path|png|jpe?g|gif"
    r"|svg|webp|ico|js|mjs|ts|css|html?|json|ya?ml|so|dll|exe|jar|tgz|gz|zip|log|txt|py|local)$",
    re.IGNORECASE,
)
_REMOTE_COMMAND = re.compile(
    r"\b(?:ssh|scp|sftp|rsync|ssh-copy-id|mosh|autossh)\s(?:[^\s@]{1,64}\s){0,4}$", re.IGNORECASE
)
_PROMPT_AFTER = re.compile(r":(?:~|/|\\)|\s?[~/][\w/.-]{0,64}\]?[#$%>]")
_SERVICE_ACCOUNTS = frozenset({"git", "hg", "svn", "gitea", "gitlab"})
_VERSION_BEFORE = re.compile(
    r"(?:\b(?:v|ver|vers|versions?|release|rel|build|firmware|fw|bios|driver|patch|hotfix|revision"
    r"|rev|oid|extension|(?:up|down)graded?|aktualisiert|fassung|versión|versione)"
    r"(?:\s(?:is|was|to|from|of|auf|von|ist|à|de|a|number|no|nr))?\W{0,4}"
    # The other half of a change of versions: `3.0.2.1 to 3.0.13.0`.
    r"|\b\d{1,4}(?:\.\d{1,5}){1,4}\s?(?:to|->|=>|→|bis|auf|nach|vs\.?)\s?)$",
    re.IGNORECASE,
)
_PRODUCT_BEFORE = re.compile(
    r"\b(?:openssl|openjdk|jdk|jre|java|python|php|ruby|perl|tomcat|chrome|firefox|edge|outlook"
    r"|teams|zoom|android|ios|macos|kernel|glibc|curl|log4j|spring|plugin|package|module|library"
    r"|helm|chart|image|framework|sdk|app|\.net|dotnet|office|acrobat|reader)[ /-]$",
    re.IGNORECASE,
)
_VERSION_AFTER = re.compile(
    r"[-+~](?:snapshot|release|alpha|beta|rc|el\d|ubuntu|deb|build|dev|final|ga\b|\d{1,3}\.)"
    r"|\.(?:jar|war|rpm|deb|zip|tar|tgz|gz|whl|exe|msi|dll|so|nupkg)\b|\s?(?:->|=>|→)\s?\d",
    re.IGNORECASE,
)
_OID = re.compile(r"(?:1\.3\.6\.|1\.2\.8\d\d\.|2\.5\.(?:4|29)\.|2\.16\.8)")
# Loopback, unspecified, link-local and broadcast addresses, and netmasks, name no host.
_NO_HOST = re.compile(r"(?:127|0)\.|169\.254\.|255\.|(?:128|192|224|240|248|252|254)\.0\.0\.0$")
_LOOKED_BACK = 48


def _mask_email(match: re.Match[str]) -> str:
    text, start, end = match.string, match.start(), match.end()
    user = match[0].replace("%40", "@").split("@", 1)[0]
    is_no_address = (
        user.lower() in _SERVICE_ACCOUNTS
        or _NO_DOMAIN.search(match[0])
        or _PROMPT_AFTER.match(text, end)
        or _REMOTE_COMMAND.search(text[max(0, start - _LOOKED_BACK) : start])
    )
    return match[0] if is_no_address else "<email>"


def _mask_ipv4(match: re.Match[str]) -> str:
    address, text = match[0], match.string
    before = text[max(0, match.start() - _LOOKED_BACK) : match.start()]
    is_no_address = (
        any(int(octet) > 255 for octet in address.split("."))
        or _NO_HOST.match(address)
        or _OID.match(address)
        or _VERSION_BEFORE.search(before)
        or _VERSION_AFTER.match(text, match.end())
        # Few public addresses begin with so small a number, and nearly all versions do.
        or (address[1] == "." and _PRODUCT_BEFORE.search(before))
    )
    return address if is_no_address else "<ip>"


def _mask_ipv6(match: re.Match[str]) -> str:
    candidate, colon = match[0], ""
    if candidate.endswith(":") and not candidate.endswith("::"):
        candidate, colon = candidate[:-1], ":"
    try:
        address = IPv6Address(candidate)
    except AddressValueError:
        return match[0]
    mapped: IPv4Address | None = address.ipv4_mapped
    if address.is_loopback or (mapped is not None and mapped.is_loopback):
        return match[0]
    # `::` and `a::b` without digits may be names in C++.
    return f"<ip>{colon}" if any(mark.isdigit() for mark in candidate[:-1]) else match[0]


def _mask_mac(match: re.Match[str]) -> str:
    digits = {mark for mark in match[0].lower() if mark.isalnum()}
    return match[0] if digits in ({"0"}, {"f"}) else "<mac>"


# What the address needs, found several times quicker than the address.
_SIX_PAIRS = re.compile(r"([:-])..\1..\1..\1..\1")
_DOTTED_HEX = re.compile(r"\.[0-9A-Fa-f]{4}\.")
_COLONS = re.compile(r":(?::|[0-9a-fA-F]{1,4}:[0-9a-fA-F]{0,4}:)")
_DOTS = re.compile(r"\.\d{1,3}\.\d{1,3}\.")

NETWORK_GROUPS: tuple[RuleGroup, ...] = (
    RuleGroup(
        always,
        (
            MaskingRule(
                Secret.EMAIL,
                ("@", "%40"),
                re.compile(r"[\w.%+-]{1,64}(?:@|%40)(?:[\w-]{1,63}\.){1,8}[A-Za-z]{2,24}\b"),
                _mask_email,
            ),
            MaskingRule(
                Secret.MAC,
                ("mac",),
                re.compile(
                    r"((?<!\w)mac(?:[ _-]?addr(?:ess|esse)?)?[\"']?\s{0,2}[:=]?\s{0,2}[\"']?)"
                    r"[0-9A-F]{12}(?!\w)",
                    re.IGNORECASE,
                ),
                r"\1<mac>",
                at_hint=True,
            ),
        ),
    ),
    RuleGroup(
        _SIX_PAIRS.search,
        (
            MaskingRule(
                Secret.MAC,
                (":", "-"),
                re.compile(
                    rf"{_HEX_PAIR}(?<![\w:-]..)(?:(?::{_HEX_PAIR}){{5}}"
                    rf"|(?:-(?=[\w-]{{0,16}}[A-Fa-f]|..-..-..-..-..){_HEX_PAIR}){{5}})(?![\w:-])"
                ),
                _mask_mac,
            ),
        ),
    ),
    RuleGroup(
        _DOTTED_HEX.search,
        (
            MaskingRule(
                Secret.MAC,
                (".",),
                re.compile(
                    r"[0-9A-Fa-f]{4}(?<![\w.]....)\.[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}(?![\w.])"
                    r"(?<!\d{4}\.\d{4}\.\d{4})"
                ),
                _mask_mac,
            ),
        ),
    ),
    RuleGroup(
        _COLONS.search,
        (
            MaskingRule(
                Secret.IP,
                (":",),
                re.compile(
                    r"(?<![\w:.])(?:[0-9a-fA-F]{1,4})?(?::[0-9a-fA-F]{0,4}){2,8}(?:(?:\.\d{1,3}){3})?"
                    r"(?![\w:]|\.\d)"
                ),
                _mask_ipv6,
            ),
        ),
    ),
    RuleGroup(
        _DOTS.search,
        (
            MaskingRule(
                Secret.IP,
                NO_HINT,
                re.compile(r"[0-9](?<![\w.].)[0-9]{0,2}(?:\.[0-9]{1,3}){3}(?!\w|\.\d)"),
                _mask_ipv4,
            ),
        ),
    ),
)
