"""Masks what differs between incidents with the same cause, for matching and never for display."""

import re
from collections.abc import Callable

from features.text.cleaning import drop_moments, keep_host_of_urls, mask_identifiers
from features.text.masking import Masking, Secret, mask_text
from features.text.memo import cached

_EMAILS = Masking(frozenset({Secret.EMAIL}))
_IPS = Masking(frozenset({Secret.IP}))
_HOME = re.compile(
    r"(/home/|/Users/|\b[A-Z]:\\Users\\|\\Documents and Settings\\)[^\s/\\<>]{1,64}(?=[/\\])",
    re.IGNORECASE,
)
_WORD_WITH_DIGIT = re.compile(r"(?<!\S)[^\s\d]*+\d\S*+")
_HARDWARE = re.compile(r"(?<![\w:-])(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}(?![\w:-])", re.IGNORECASE)
# The random suffixes of Kubernetes consist of these letters and digits.
_POD = re.compile(
    r"(?<=[a-z0-9])(?:-[bcdf-hj-np-tv-xz0-9]{8,10})?"
    r"-(?=[a-z]{0,4}\d)[bcdf-hj-np-tv-xz2-9]{5}(?![\w-])"
)
_RECORD = re.compile(
    r"(?<![^\W_])(?:(?:INC|RITM|REQ|S?CTASK|TASK|CHG|PRB|CASE|TKT|SR|CS)[-_]?\d{4,18}"
    r"|[A-Z][A-Z0-9]{1,9}-\d{1,18}|#\d{1,18})(?![^\W_])"
)
_NAME_WITH_NUMBER = (
    r"(?:amd64|arm64|base64|db2|ec2|h264|http2|i[36]86|ipv[46]|log4|md5|[mo]365|oauth2|office365"
    r"|p[1-5]|s3|sha(?:1|256|512)|utf(?:8|16)|win(?:dows)?(?:7|10|11)|x64|x86)"
)
_COUNTER = re.compile(
    rf"(?<![^\W\d_])({_NAME_WITH_NUMBER}(?![^\W_]))"
    r"|(?<=[^\W\d_])(?:[-_]?\d++)+(?:\.\d++)*(?![^\W_])",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"(?<![^\W_])\d++(?:[.,:]\d++)*+[^\W\d_]{0,2}(?![^\W_])")
_LONGEST_CACHED = 64


def mask_emails(text: str) -> str:
    """Replace mail addresses by `<email>`."""
    return mask_text(text, _EMAILS) if "@" in text else text


def mask_home_folders(text: str) -> str:
    """Replace the user's name in a path to a home folder; the rest of the path is kept."""
    return _HOME.sub(r"\1<user>", text) if "/" in text or "\\" in text else text


def mask_words_with_digits(text: str) -> str:
    """Apply `WORD_STEPS` to each word that contains a digit."""
    return _WORD_WITH_DIGIT.sub(_mask_match, text)


def mask_ips(word: str) -> str:
    """Replace IP addresses by `<ip>`."""
    return mask_text(word, _IPS)


def mask_hardware_addresses(word: str) -> str:
    """Replace the addresses of network cards."""
    return _HARDWARE.sub("<hardware>", word)


def drop_pod_suffixes(word: str) -> str:
    """Remove the suffix that Kubernetes appends to a workload's name: `basket-7d9f8b6c5-x2x4q`."""
    return _POD.sub("", word)


def mask_records(word: str) -> str:
    """Replace the ids of incidents, changes and issues: `INC0012345`, `SHOP-77`, `#4711`."""
    return _RECORD.sub("<record>", word)


def drop_counters(word: str) -> str:
    """Remove the number after a name, such as a host's: `srv-db-012` becomes `srv-db`."""
    return _COUNTER.sub(r"\1", word)


def mask_numbers(word: str) -> str:
    """Replace the remaining numbers, together with a short unit."""
    return _NUMBER.sub("<number>", word)


TEXT_STEPS: tuple[Callable[[str], str], ...] = (
    keep_host_of_urls,
    mask_emails,
    mask_home_folders,
    mask_words_with_digits,
)
# Addresses and dates contain numbers, so their steps come before those of numbers.
WORD_STEPS: tuple[Callable[[str], str], ...] = (
    mask_ips,
    mask_hardware_addresses,
    drop_moments,
    drop_pod_suffixes,
    mask_identifiers,
    mask_records,
    drop_counters,
    mask_numbers,
)


def mask_variables(text: str) -> str:
    """Apply every masking step in order.

    >>> mask_variables("10.0.0.7: srv-db-012 fails as in INC0012345, 98% of /home/mia/mail")
    '<ip>: srv-db fails as in <record>, <number>% of /home/<user>/mail'
    """
    for step in TEXT_STEPS:
        text = step(text)
    return text


def _mask_match(match: re.Match[str]) -> str:
    word = match[0]
    return _mask_cached(word) if len(word) <= _LONGEST_CACHED else _mask_word(word)


@cached(2**15)
def _mask_cached(word: str) -> str:
    return _mask_word(word)


def _mask_word(word: str) -> str:
    for step in WORD_STEPS:
        word = step(word)
    return word
