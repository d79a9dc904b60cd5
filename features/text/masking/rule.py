"""A rule of masking: a pattern, and the hints that a text must contain before it is searched."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from features.text.masking.kinds import Secret

# The hint of a rule whose gate is enough: every text contains it.
NO_HINT = ("",)

_SHORTEST_LONG_WORD = 16
_NUMBER = re.compile(
    # Dates are the most common numbers with separators, and none of these.
    r"[(0-9](?<![\w./-].)(?!\d{3}-\d\d-\d\d|\d?[-./]\d\d?[-./]\d{2,4}\b(?![-./]\d))"
    r"(?:[ ./()-]{0,3}\d){5}[ ./()-]{0,3}[0-9AB]"
)
_LETTER_BEFORE_DIGITS = re.compile("[A-Z][ -]?[0-9]{2}[0-9A-Z -]{4}")
_NUMBER_ANYWHERE = re.compile(r"\d(?:[ ./()-]{0,3}[0-9A-Z]){6}")

_COUNTED_AFTER = re.compile(
    r"\s?(?:%|(?:rows?|records?|lines?|entries|items?|messages?|requests?|events?|files?|bytes?"
    r"|times|zeilen|datensätze|einträge|lignes|enregistrements|filas|registros"
    r"|[kmgt]i?b|ms|ns|µs|us|s|sec(?:onds)?)\b)",
    re.IGNORECASE,
)
_REFERENCE_BEFORE = re.compile(
    r"(?:\b(?:order|invoice|ticket|case|part|serial|sku|asset|article|item|material|delivery"
    r"|shipment|tracking|parcel|package|batch|lot|transaction|customer|reference|ref|isbn|issn|ean"
    r"|gtin|upc|imei|build|job|request|trace|span|sequence|offset|count|rows?|po|sn|s/n)"
    r"|(?:bestell|auftrags?|rechnungs?|kunden|liefer|artikel|sendungs?|vorgangs?|serien|material"
    r"|chargen|beleg|vertrags?)(?:ung|nummer|nr)?|auftrag|rechnung|sendung|lieferung"
    r"|commande|facture|colis|pedido|factura|envío|ordine|fattura)"
    r"(?:[ _-]?(?:no|nr|num(?:ber|mer|ero|éro)?|n[°º]|id|de|code|count|key))?\.?"
    r"[\s\"']{0,2}[:=#]?[\s\"'#]{0,2}$",
    re.IGNORECASE,
)
_LONGEST_REFERENCE = 40


@dataclass(frozen=True, slots=True)
class MaskingRule:
    """A pattern for one kind of data; only texts that contain a lower-case hint are searched.

    A pattern with `at_hint` begins with a hint, so it is tried only there. That is many times
    quicker than a search for a choice of words.
    """

    secret: Secret
    hints: tuple[str, ...]
    pattern: re.Pattern[str]
    replacement: str | Callable[[re.Match[str]], str]
    at_hint: bool = False

    def mask(self, text: str, lowered: str) -> str:
        """Return the text with what the pattern matches replaced; `lowered` is it in lower case."""
        if not self.at_hint:
            return self.pattern.sub(self.replacement, text)
        parts, end = [], 0
        for start in sorted(self._starts(lowered)):
            if start >= end and (match := self.pattern.match(text, start)) is not None:
                parts += [text[end:start], self._replace(match)]
                end = match.end()
        return "".join([*parts, text[end:]]) if parts else text

    def _starts(self, lowered: str) -> set[int]:
        starts = set()
        for hint in self.hints:
            start = lowered.find(hint)
            while start >= 0:
                starts.add(start)
                start = lowered.find(hint, start + 1)
        return starts

    def _replace(self, match: re.Match[str]) -> str:
        if isinstance(self.replacement, str):
            return match.expand(self.replacement)
        return self.replacement(match)


@dataclass(frozen=True, slots=True)
class RuleGroup:
    """Rules that are tried only if a cheap test of the whole text, the gate, passes."""

    gate: Callable[[str], object]
    rules: tuple[MaskingRule, ...]


def has_digit(text: str) -> bool:
    """Return whether a text has a digit."""
    # This is ten times quicker than the search for a set of characters.
    return any(map(text.__contains__, "0123456789"))


def has_long_word(text: str) -> bool:
    """Return whether a word of a text is as long as a token."""
    return max(map(len, text.split()), default=0) >= _SHORTEST_LONG_WORD


def has_number(text: str) -> bool:
    """Return whether a text has a number of seven or more digits that is no date."""
    return has_digit(text) and _NUMBER.search(text) is not None


def has_number_anywhere(text: str) -> bool:
    """Return whether a text has seven or more digits in a row, also within a word."""
    return has_digit(text) and _NUMBER_ANYWHERE.search(text) is not None


def has_letter_before_digits(text: str) -> bool:
    """Return whether a capital letter stands before a number in a text."""
    return has_digit(text) and _LETTER_BEFORE_DIGITS.search(text) is not None


def always(_text: str) -> bool:
    """Return true: the hints of the rules are enough."""
    return True


def lower(text: str) -> str:
    """Return a text in lower case and of the same length.

    >>> len(lower("İzmir"))
    5
    """
    # This is the only letter whose lower case has two characters.
    return text.replace("İ", "i").lower()


def is_count_or_reference(match: re.Match[str]) -> bool:
    """Return whether a number is an amount, or the number of an order, an invoice or a parcel."""
    text, start = match.string, match.start()
    return (
        _COUNTED_AFTER.match(text, match.end()) is not None
        or _REFERENCE_BEFORE.search(text[max(0, start - _LONGEST_REFERENCE) : start]) is not None
    )
