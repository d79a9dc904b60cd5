"""Rules for phone numbers and dates of birth."""

import re

from features.text.masking.kinds import Secret
from features.text.masking.rule import NO_HINT, MaskingRule, is_count_or_reference

_FEWEST_DIGITS, _MOST_DIGITS = 9, 12
_NOT_INSIDE = r"(?<![\w.+/-].)"
_END = r"(?![\w-]|[.,/]\d| \d)"
# The first digit, and the rest of what is written only for phone numbers.
_NATIONAL_FORMS: tuple[tuple[str, str], ...] = (
    # Germany, Austria: mobile numbers; an area code before a slash, in brackets or before a dash.
    (r"0", r"(?:15\d|16[023]|17\d|6[5-9]\d)\d?(?:[ /-]{1,3}\d{2,8}(?:[ -]\d{2,6}){0,4}|\d{7,8})"),
    (r"0", r"[1-9]\d{1,3} ?/ ?\d{2,}(?:[ -]\d{1,6}){0,4}"),
    (r"0", r"[1-9]\d{1,3}-\d{5,9}(?:-\d{1,4})?"),
    # France, Belgium: pairs of digits. United Kingdom, Germany, Switzerland: groups of digits.
    (r"0", r"[1-9](?:([ .-])\d\d(?:\1\d\d){3}|(?<=0[67])\d{8})"),
    (r"0", r"[1-9]\d{0,4}(?: \d{2,9}){1,4}"),
    (r"0", r"7\d{3} ?\d{3} ?\d{3}"),
    # With the prefix of a call abroad.
    (
        r"0",
        r"0(?:1|2[07]|3[0-469]|3[57]\d|4[013-9]|42\d|6[0-6]|7|8[126]|9[0-58])"
        r"[ /-]?(?:\(0\) ?)?\d(?:[ /-]?\d){7,11}",
    ),
    # Spain
    (r"[6789]", r"\d\d \d\d \d\d \d\d"),
    (r"[89]", r"\d \d{3} \d\d \d\d"),
)
_BRACKETED = r"\((?<!\w\()0\d{1,5}\) ?\d{2,}(?:[ /-]\d{1,6}){0,4}"
# The words begin with the hints.
_PHONE_HINTS = (
    *("tel", "tél", "phone", "fax", "mobil", "móvil", "movil", "cell", "handy", "portable"),
    *("whatsapp", "sms", "pager", "durchwahl", "rufnummer"),
)
_PHONE_WORD = (
    r"(?:tel(?:ephone|efon|efono|éfono|efoon|éphone)?|t[ée]l(?:éphone)?|(?<=tele)phone|phone|fax"
    r"|mobil(?:e|telefon|funk)?|m[oó]vil|cell(?:ulare)?|handy|portable|whatsapp|sms|pager|durchwahl"
    r"|rufnummer)(?:-?(?:nummer|nr)\.?)?\.?"
)
_CALL_HINTS = (
    *("call", "ring", "dial", "reach", "text", "contact", "rückruf", "ruckruf", "anruf"),
    *("erreichbar", "joignable", "appel", "rappel", "llam", "chiamare", "bellen"),
)
_CALL_WORD = (
    r"(?:call(?:ed|ing)?|ring|dial(?:ed|led)?|reach(?:able|ed)?|text(?:ed)?|contact|r[üu]ckruf"
    r"|anruf(?:en)?|erreichbar|joignable|r?appel(?:er|ez)?|llam(?:ar|e|en|ada)|chiamare|bellen)"
    r"(?:\s(?:me|him|her|us|them|back|bitte|la|le|al))?(?:\s(?:at|on|under|unter|au|al|a|op))?"
)
_DATE = (
    r"(?:\d{1,2}[-./ ]\d{1,2}[-./ ](?:19|20)?\d\d|(?:19|20)\d\d[-./ ]?\d{1,2}[-./ ]?\d{1,2}"
    r"|\d{1,2}(?:st|nd|rd|th|er|\.)?[ -](?:de |of )?[^\W\d_]{3,10}\.?,?[ -]"
    r"(?:de |del )?(?:19|20)?\d\d"
    r"|[^\W\d_]{3,10}\.? \d{1,2}(?:st|nd|rd|th)?,? (?:19|20)\d\d"
    r"|(?:0[1-9]|[12]\d|3[01])(?:0[1-9]|1[0-2])(?:19|20)\d\d)(?!\d|[-./]\d)"
)
_BIRTH_HINTS = (
    *("birth", "dob", "d.o.b", "bday", "born", "geb", "né", "naissance", "nac", "nato il"),
    *("nata il", "nasc", "födelsedatum", "fødselsdato", "urodzenia"),
)
_BIRTH_WORD = (
    r"(?:(?:birth|geburts)(?:[ _-]?(?:date|day|datum|tag))?|(?<![^\W_])(?:d\.?o\.?b\.?|bday|born"
    r"|geb(?:\.|oren|oortedatum|urts(?:datum|tag))?|née?(?:\(e\))? le|naissance"
    r"|nac(?:id[oa]|imiento|\.)|nat[oa] il|nasc(?:ita|imento|id[oa])"
    r"|födelsedatum|fødselsdato|urodzenia))"
)


def _mask_phone(match: re.Match[str]) -> str:
    digits = sum(map(str.isdigit, match[0]))
    is_phone = _FEWEST_DIGITS <= digits <= _MOST_DIGITS + match[0].startswith("00") * 3
    return "<phone>" if is_phone and not is_count_or_reference(match) else match[0]


def _mask_called(match: re.Match[str]) -> str:
    return match[0] if is_count_or_reference(match) else f"{match[1]}<phone>"


def _mask_bracketed(match: re.Match[str]) -> str:
    return "<phone>" if sum(map(str.isdigit, match[0])) >= 7 else match[0]


_NO_DATE = r"(?!\d{1,4}[-./]\d{1,2}[-./]\d{1,4}\b(?![-./]\d))"
BIRTH_DATE_RULE = MaskingRule(
    Secret.BIRTH_DATE,
    _BIRTH_HINTS,
    re.compile(
        rf"({_BIRTH_WORD}[\"']?(?:\s?(?:is|was|ist|am|on|est|le|el|il|es|op|em|\W)){{0,3}}"
        rf"\s{{0,2}}[\"']?){_DATE}",
        re.IGNORECASE,
    ),
    r"\1<birth_date>",
    at_hint=True,
)
PHONES_AFTER_KEYWORDS: tuple[MaskingRule, ...] = (
    MaskingRule(
        Secret.PHONE,
        ("+",),
        re.compile(r"\+(?<![\w+.].)[1-9](?:[ ./()-]{0,3}\d){7,14}(?!\d)", re.ASCII),
        "<phone>",
    ),
    MaskingRule(
        Secret.PHONE,
        _PHONE_HINTS,
        re.compile(
            rf"((?<![^\W_]){_PHONE_WORD}(?:\s?-?(?:no|nr|number|nummer|n°|#)\.?)?[\"']?"
            rf"\s{{0,2}}[:=]?\s{{0,2}}[\"']?){_NO_DATE}\(?\d(?:[ ()/.-]{{0,3}}\d){{6,14}}(?!\w)",
            re.IGNORECASE,
        ),
        r"\1<phone>",
        at_hint=True,
    ),
    MaskingRule(
        Secret.PHONE,
        _CALL_HINTS,
        re.compile(
            rf"((?<![^\W_]){_CALL_WORD}:?\s{{1,2}})(?P<number>{_NO_DATE}"
            r"\(?\d(?:[ ()/.-]{0,3}\d){8,12})(?![\w-]|[ .,]\d)",
            re.IGNORECASE,
        ),
        _mask_called,
        at_hint=True,
    ),
)
NATIONAL_PHONES: tuple[MaskingRule, ...] = (
    # North America
    MaskingRule(
        Secret.PHONE,
        NO_HINT,
        re.compile(
            r"[(12-9](?<![\w.+/-].)"
            r"(?:(?<=1)[-. ]\(?[2-9]\d\d\)?|(?<=\()[2-9]\d\d\)|(?<=[2-9])\d\d)"
            r"(?:([-.])[2-9]\d\d\1|(?<=\)) ?[2-9]\d\d[-. ]| [2-9]\d\d[- ])\d{4}"
            r"(?![\w-]|\.\d| \d)",
            re.ASCII,
        ),
        _mask_phone,
    ),
    *(
        MaskingRule(
            Secret.PHONE,
            NO_HINT,
            re.compile(f"{first}{_NOT_INSIDE}{rest}{_END}", re.ASCII),
            _mask_phone,
        )
        for first, rest in _NATIONAL_FORMS
    ),
    MaskingRule(Secret.PHONE, ("(0",), re.compile(_BRACKETED + _END, re.ASCII), _mask_bracketed),
)
