"""Rules for numbers of bank accounts and payment cards, told from others by check digits."""

import re

from features.text.masking.check_digits import is_iban, passes_luhn
from features.text.masking.kinds import Secret
from features.text.masking.rule import NO_HINT, MaskingRule, is_count_or_reference

# The registry of IBANs: https://www.swift.com/standards/data-standards/iban-international-bank-account-number
_IBAN_LENGTHS = {
    15: "NO",
    16: "BE",
    18: "DK FI FO GL NL SD",
    19: "MK SI",
    20: "AT BA EE KZ LT LU MN XK",
    21: "CH HR LI LV",
    22: "BG BH CR DE GB GE IE ME RS VA",
    23: "AE GI IL IQ OM SO TL",
    24: "AD CZ ES MD PK RO SA SE SK TN VG",
    25: "LY PT ST",
    26: "IS TR",
    27: "BI DJ FR GR IT MC MR SM",
    28: "AL AZ BY CY DO GT HN HU LB NI PL SV",
    29: "BR EG PS QA UA",
    30: "JO KW MU",
    31: "MT SC",
    32: "LC",
    33: "RU",
}
# The country is looked up behind its two check digits, which begin the search with a letter.
_IBAN = "|".join(
    rf"(?<=(?:{countries.replace(' ', '|')})..)(?:[ -]?[A-Z0-9]){{{length - 4}}}"
    for length, countries in _IBAN_LENGTHS.items()
)
_CARD = re.compile(
    r"(?:4\d{3}|5[1-5]\d\d|2[2-7]\d\d|35(?:2[89]|[3-8]\d)|6(?:011|5\d\d|4[4-9]\d|2\d\d|7\d\d)"
    r"|50\d\d|5[6-9]\d\d)\d{12}|3[47]\d{13}|3(?:0[0-5]|[68]\d)\d{11}"
)
_LONG_CARD = re.compile(r"(?:4|6[0-9]|5[06-9])\d{17,18}")


def _mask_iban(match: re.Match[str]) -> str:
    return "<iban>" if is_iban("".join(filter(str.isalnum, match[0]))) else match[0]


def _mask_card(match: re.Match[str]) -> str:
    digits = "".join(filter(str.isdigit, match[0]))
    # Trace ids and sequence numbers have 18 or 19 digits too, but are not written in groups.
    is_grouped = len(digits) != len(match[0])
    is_form = _CARD.fullmatch(digits) or (is_grouped and _LONG_CARD.fullmatch(digits))
    is_card = is_form and passes_luhn(digits) and not is_count_or_reference(match)
    return "<card>" if is_card else match[0]


IBAN_RULE = MaskingRule(
    Secret.IBAN,
    NO_HINT,
    re.compile(rf"[A-Z]{{2}}\d\d(?<![A-Za-z0-9].{{4}})(?:{_IBAN})(?![A-Za-z0-9])"),
    _mask_iban,
)
CARD_RULE = MaskingRule(
    Secret.CARD,
    NO_HINT,
    re.compile(r"[2-6](?<![\w.+-].)\d{3}(?:[ -]?\d){10,15}(?![\w-]|\.\d)", re.ASCII),
    _mask_card,
)
