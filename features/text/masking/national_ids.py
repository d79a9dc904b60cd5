"""Rules for national identity numbers, told from others by a keyword or by check digits."""

import re
from collections.abc import Callable

from features.text.masking.check_digits import (
    is_french_social_security_number,
    is_german_pension_number,
    is_german_tax_id,
    is_nhs_number,
    is_spanish_identity_number,
)
from features.text.masking.kinds import Secret
from features.text.masking.rule import NO_HINT, MaskingRule, is_count_or_reference

_ASSIGNED = r"(?:\W{0,3}(?:no|nr|num(?:ber|mer|éro|ero)?|n°|#|is|ist|est|es|lautet|id)\b)?\W{0,4}"


# Each form is its first character and the rest; what must not precede it is checked in between.
_NOT_INSIDE = r"(?<![\w.+/-].)"
_NIR = (
    r"[1-478]",
    r"(?:[ .]?\d){2}[ .]?(?:0[1-9]|1[0-2]|[2-9]\d)[ .]?(?:\d\d|2[AB])(?:[ .]?\d){6}",
)
_NIR_WITH_KEY = (_NIR[0], rf"{_NIR[1]}[ ./-]?\d\d(?!\w)")
_PENSION = (
    r"\d",
    r"\d[ ./-]?[0-3]\d[ ./-]?[01]\d[ ./-]?\d{2}[ ./-]?[A-Z][ ./-]?\d{2}[ ]?\d(?!\w)",
)
_NINO = (
    r"[A-CEGHJ-PR-TW-Z]",
    r"[A-CEGHJ-NPR-TW-Z](?<!BG)(?<!GB)(?<!NK)(?<!KN)(?<!TN)(?<!NT)(?<!ZZ)"
    r"[ -]?\d\d[ -]?\d\d[ -]?\d\d[ -]?[A-D](?!\w)",
)


def _replacement(
    is_valid: Callable[[str], bool], *, has_keyword: bool
) -> Callable[[re.Match[str]], str]:
    """Return a function that masks valid numbers, which end the match."""

    def replace(match: re.Match[str]) -> str:
        number = match["id"]
        compact = "".join(filter(str.isalnum, number)).upper()
        if not is_valid(compact) or (not has_keyword and is_count_or_reference(match)):
            return match[0]
        return f"{match[0].removesuffix(number)}<national_id>"

    return replace


def _after(
    hints: tuple[str, ...], keyword: str, number: str, is_valid: Callable[[str], bool] = bool
) -> MaskingRule:
    """Return a rule for a number after a keyword, which begins with a hint."""
    pattern = re.compile(rf"{keyword}{_ASSIGNED}(?P<id>{number})(?!\w)", re.IGNORECASE)
    replacement = _replacement(is_valid, has_keyword=True)
    return MaskingRule(Secret.NATIONAL_ID, hints, pattern, replacement, at_hint=True)


def _alone(number: str, is_valid: Callable[[str], bool] = bool) -> MaskingRule:
    """Return a rule for a number whose form is unmistakable."""
    pattern = re.compile(rf"(?P<id>{number})(?![\w-]|[ .]\d)", re.ASCII)
    replacement = _replacement(is_valid, has_keyword=False)
    return MaskingRule(Secret.NATIONAL_ID, NO_HINT, pattern, replacement)


IDS_AFTER_KEYWORDS: tuple[MaskingRule, ...] = (
    # United States: social security number.
    _after(
        ("ssn", "itin", "social security"),
        r"(?<![^\W_])(?:ssn|itin|social security)(?: number)?",
        r"\d{3}[ -]?\d\d[ -]?\d{4}",
    ),
    # United Kingdom: National Insurance number, NHS number.
    _after(
        ("nino", "national insurance", "ni n"),
        r"(?<![^\W_])(?:nino|national insurance(?: number)?|ni n(?:o|umber)\.?)",
        r"[A-Z]{2}[ -]?\d\d[ -]?\d\d[ -]?\d\d[ -]?[A-D]",
    ),
    _after(
        ("nhs",),
        r"(?<![^\W_])nhs(?:[ _-]?(?:patient|number|id))?",
        r"\d{3}[ -]?\d{3}[ -]?\d{4}",
        is_nhs_number,
    ),
    # Germany: tax id, social insurance number, identity card and passport.
    _after(
        ("steuer", "idnr", "identifikationsnummer", "tin", "tax id", "tax_id"),
        r"(?:steuer[\w-]{0,30}|idnr\.?|identifikationsnummer|(?<![^\W_])tin|tax[ _]id)",
        r"\d(?:[ /]?\d){10}",
        is_german_tax_id,
    ),
    _after(
        ("versicherung", "sv-n", "svnr", "sv n", "svn", "rvnr", "rv-n"),
        r"(?:versicherungs?-?(?:nummer|nr)\.?|(?<![^\W_])[sr]v-?\s?(?:nummer|nr)\.?|svn)",
        rf"{''.join(_PENSION)}|\d{{4}} ?\d{{6}}|[A-Z]\d{{9}}",
    ),
    _after(
        ("ausweis", "passport", "passeport", "pasaporte", "reisepass", "identity card", "id card"),
        r"(?:ausweis(?:-?(?:nummer|nr))?|passport|passeport|pasaporte|reisepass(?:-?(?:nummer|nr))?"
        r"|identity card|id card)\.?",
        r"(?=[A-Z]{0,4}\d)(?=\w{0,6}\d\w{0,3}\d)[A-Z0-9]{7,11}",
    ),
    # France: numéro d'inscription au répertoire.
    _after(
        ("nir", "sécurité sociale", "securite sociale", "insee", "n° ss", "n°ss"),
        r"(?<![^\W_])(?:nir|s[ée]curit[ée] sociale|insee|n° ?ss)",
        rf"{''.join(_NIR_WITH_KEY)}|{''.join(_NIR)}",
    ),
)
NATIONAL_IDS: tuple[MaskingRule, ...] = (
    _alone(rf"[0-8]{_NOT_INSIDE}\d\d-(?<!000-|666-)(?!00)\d\d-(?!0000)\d{{4}}"),
    _alone(rf"\d{_NOT_INSIDE}\d\d \d{{3}} \d{{4}}", is_nhs_number),
    _alone(rf"[1-9]{_NOT_INSIDE}\d \d{{3}} \d{{3}} \d{{3}}", is_german_tax_id),
    _alone(_NOT_INSIDE.join(_PENSION), is_german_pension_number),
    _alone(_NOT_INSIDE.join(_NIR_WITH_KEY), is_french_social_security_number),
    # Switzerland: AHV number.
    _alone(rf"7{_NOT_INSIDE}56\.\d{{4}}\.\d{{4}}\.\d\d"),
    # Spain: DNI.
    _alone(rf"\d{_NOT_INSIDE}\d{{7}}-?[A-HJ-NP-TV-Z]", is_spanish_identity_number),
)
IDS_AFTER_LETTERS: tuple[MaskingRule, ...] = (
    _alone(r"(?<![A-Za-z0-9_-].)".join(_NINO)),
    # Italy: codice fiscale. Spain: NIE.
    _alone(r"[A-Z]{6}(?<!\w.{6})\d\d[A-EHLMPRST]\d\d[A-Z]\d{3}[A-Z]"),
    _alone(rf"[XYZ]{_NOT_INSIDE}-?\d{{7}}-?[A-HJ-NP-TV-Z]", is_spanish_identity_number),
)
