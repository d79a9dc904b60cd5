"""What differs between incidents of one cause, masked for matching and never for display."""

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
# Kubernetes draws its random suffixes from these letters and digits.
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
_LONGEST_REMEMBERED = 64


def mask_emails(text: str) -> str:
    """Replace mail addresses."""
    return mask_text(text, _EMAILS) if "@" in text else text


def mask_home_folders(text: str) -> str:
    """Replace whose folder a path leads through; the rest of a path is worth matching."""
    return _HOME.sub(r"\1<user>", text) if "/" in text or "\\" in text else text


def mask_words_with_digits(text: str) -> str:
    """Apply the steps for words to the few that hold a digit."""
    return _WORD_WITH_DIGIT.sub(_mask_found_word, text)


def mask_ips(word: str) -> str:
    """Replace IP addresses."""
    return mask_text(word, _IPS)


def mask_hardware_addresses(word: str) -> str:
    """Replace the addresses of network cards."""
    return _HARDWARE.sub("<hardware>", word)


def drop_pod_suffixes(word: str) -> str:
    """Remove what Kubernetes appends to a workload's name: `basket-7d9f8b6c5-x2x4q`."""
    return _POD.sub("", word)


def mask_records(word: str) -> str:
    """Replace the ids of incidents, changes and issues: `INC0012345`, `SHOP-77`, `#4711`."""
    return _RECORD.sub("<record>", word)


def drop_counters(word: str) -> str:
    """Remove the number of one host among many: `srv-db-012` becomes `srv-db`."""
    return _COUNTER.sub(r"\1", word)


def mask_numbers(word: str) -> str:
    """Replace the remaining numbers, with a short unit."""
    return _NUMBER.sub("<number>", word)


TEXT_STEPS: tuple[Callable[[str], str], ...] = (
    keep_host_of_urls,
    mask_emails,
    mask_home_folders,
    mask_words_with_digits,
)
# An address or date is made of numbers, so it comes before them.
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
    """Apply every step in order.

    >>> mask_variables("10.0.0.7: srv-db-012 fails as in INC0012345, 98% of /home/mia/mail")
    '<ip>: srv-db fails as in <record>, <number>% of /home/<user>/mail'
    """
    for step in TEXT_STEPS:
        text = step(text)
    return text


def _mask_found_word(found: re.Match[str]) -> str:
    word = found[0]
    return _mask_once(word) if len(word) <= _LONGEST_REMEMBERED else _mask_word(word)


@cached(2**15)
def _mask_once(word: str) -> str:
    return _mask_word(word)


def _mask_word(word: str) -> str:
    for step in WORD_STEPS:
        word = step(word)
    return word
