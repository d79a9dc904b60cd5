"""Parses outside values into domain types, in the same way for exports and requests."""

import json
import re
import unicodedata
from collections.abc import Callable, Mapping, Sized
from datetime import UTC, date, datetime, time
from hashlib import sha256
from html import unescape
from html.entities import html5
from math import inf, isfinite
from typing import Annotated, TypeVar

import ftfy
from ftfy.badness import is_bad
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

from features.domain.report import IncidentReport
from features.text.masking import Masking, Secret, mask_text
from features.text.memo import cached

MAX_ID_LENGTH = 512
MAX_TEXT_LENGTH = 200_000

SizedType = TypeVar("SizedType", bound=Sized)

_MISSING = frozenset({"", "?", "-", "--", "null", "none", "nan", "n/a"})
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufeff\ud800-\udfff]")
_SECRET_NAME = re.compile(
    r"(?:\w+[_-])?(?:password|passwd|passphrase|pwd|secret|client_secret|api_?key|private_?key"
    r"|(?:access|auth|bearer)_?token)",
    re.IGNORECASE,
)
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_FOREIGN_PAIR = re.compile(r"[^\x00-\x7f]{2}")
# Only with its semicolon: `AT&T` and `?a=1&copy=2` are no entities. `&amp;` before the rest of an
# entity comes from text that was encoded twice.
_ENTITY = re.compile(
    r"&(?:(?:amp|#0*38|#[xX]0*26);)*(?P<entity>[A-Za-z][A-Za-z0-9]{1,30}|#\d{1,7}|#[xX][0-9A-Fa-f]{1,6});"
)
_MOST_ENCODINGS = 3
# The marks of masked names have letters only, because digits might be masked again.
_MARK_LETTERS = str.maketrans("0123456789abcdef", "abcdefghijklmnop")
_MARK_LENGTH = 12
_NEWLINE = re.compile(r"\r\n?|\u2028|\u2029")


def sanitise_text(text: str) -> str:
    r"""Decode HTML entities, drop control characters, repair mojibake, write newlines as `\n`.

    >>> sanitise_text("Stra\u00c3\u009fe\x00 gesperrt\r\n")
    'Straße gesperrt\n'
    """
    for _ in range(_MOST_ENCODINGS):
        text = _drop_unprintable(text)
        decoded = decode_entities(text)
        if decoded == text:
            break
        text = decoded
    return _drop_unprintable(text)


def decode_entities(text: str) -> str:
    """Return a text with its HTML entities decoded, also those that were encoded twice.

    >>> decode_entities("st&auml;ndig &amp;uuml;ber AT&T, a&b;c, 1 &lt; 2")
    'ständig über AT&T, a&b;c, 1 < 2'
    """
    return _ENTITY.sub(_decoded, text) if "&" in text else text


def _decoded(match: re.Match[str]) -> str:
    name = match["entity"]
    character = unescape(f"&{name};") if name.startswith("#") else html5.get(f"{name};")
    # A no-break space is written for the layout, and would keep rules for words from matching.
    return match[0] if character is None else character.replace("\xa0", " ")


def _drop_unprintable(text: str) -> str:
    if text.isascii() and text.isprintable():
        return text
    text = _NEWLINE.sub("\n", _drop_surrogates(text))
    if not text.isascii():
        text = unicodedata.normalize("NFC", _repair_mojibake(text))
    return _UNPRINTABLE.sub("", text)


def has_unprintable(text: str) -> bool:
    """Return whether sanitising removes control characters or lone surrogates from a text."""
    return not text.isprintable() and _UNPRINTABLE.search(text) is not None


def is_missing(value: str | None) -> bool:
    """Return whether a fact or label is missing, which includes `?`, `NULL` and `N/A`.

    >>> is_missing(" n/a "), is_missing("Network")
    (True, False)
    """
    return value is None or value.strip().lower() in _MISSING


def as_utc(moment: datetime) -> datetime:
    """Return a time as aware UTC; a naive time is taken as UTC."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def parse_latest_moment(value: str) -> datetime:
    """Return the latest moment that a date or time in ISO 8601 covers: for a date, its end.

    A time without a zone is taken as UTC. Raises `ValueError` for any other text.

    >>> parse_latest_moment("2026-03-03").isoformat()
    '2026-03-03T23:59:59.999999+00:00'
    >>> parse_latest_moment("2026-03-03T10:00").isoformat()
    '2026-03-03T10:00:00+00:00'
    """
    text = value.strip()
    try:
        return datetime.combine(date.fromisoformat(text), time.max, UTC)
    except ValueError:
        moment = datetime.fromisoformat(text)
    try:
        return as_utc(moment)
    except OverflowError as error:
        raise ValueError(f"{value!r} is outside the range of times in UTC") from error


def parse_text(text: str | None, masking: Masking) -> str:
    """Return free text, sanitised, masked and stripped; missing text is empty."""
    return mask_text(sanitise_text(text), masking).strip() if text else ""


def parse_name(name: str) -> str:
    r"""Return an id or a field's name, sanitised and on one line, with single spaces.

    >>> parse_name(" INC\r\n1 ")
    'INC 1'
    """
    return " ".join(sanitise_text(name).split())


@cached(8_192)
def parse_masked_name(name: str, masking: Masking) -> str:
    """Return an id or a field's name as `parse_name` does, masked.

    Equal names give equal results, and different names different ones, so that an incident is
    found again by the id that was sent.

    >>> parse_masked_name("INC 1", Masking())
    'INC 1'
    >>> parse_masked_name("bob@example.com", Masking())
    '<email>-fppigalpbbja'
    """
    return _mask_apart(parse_name(name), masking)


def parse_named_text(name: str, value: str, masking: Masking) -> str:
    """Return a text, sanitised, masked and stripped; masked whole if its name says it is secret.

    >>> parse_named_text("password", "hunter2", Masking()), parse_named_text("pod", "-", Masking())
    ('<password>', '-')
    """
    is_secret = _SECRET_NAME.fullmatch(name.strip()) is not None
    if is_secret and Secret.PASSWORD in masking.secrets and value.strip():
        return "<password>"
    return mask_text(sanitise_text(value), masking).strip()


@cached(8_192)
def parse_fact(value: str | None, masking: Masking) -> str | None:
    """Return a fact, sanitised, masked and stripped; None if it is missing."""
    if value is None or is_missing(value):
        return None
    return mask_text(sanitise_text(value), masking).strip() or None


@cached(8_192)
def parse_label(value: str | None, masking: Masking) -> str | None:
    """Return a label, sanitised, stripped and masked; None if it is missing.

    Different labels stay different when they are masked.
    """
    if value is None or is_missing(value):
        return None
    return _mask_apart(sanitise_text(value).strip(), masking) or None


def parse_report(
    *,
    id: str,  # noqa: A002  # the name of the field
    masking: Masking,
    opened_at: datetime | None = None,
    title: str | None = None,
    description: str | None = None,
    service: str | None = None,
    source: str | None = None,
    attributes: Mapping[str, str | None] | None = None,
) -> IncidentReport:
    """Return a report built from outside values; equal values give equal reports.

    >>> parse_report(id="1", title="Call +43 316 1234567", service="?", masking=Masking()).title
    'Call <phone>'
    """
    facts = (
        (parse_masked_name(name, masking), parse_fact(value, masking))
        for name, value in (attributes or {}).items()
    )
    return IncidentReport(
        id=parse_masked_name(id, masking),
        opened_at=None if opened_at is None else as_utc(opened_at),
        title=parse_text(title, masking),
        description=parse_text(description, masking),
        service=parse_fact(service, masking),
        source=parse_fact(source, masking),
        attributes={name: fact for name, fact in facts if fact is not None},
    )


def _mask_apart(name: str, masking: Masking) -> str:
    """Mask a name, and append a mark of its hash where that changes it.

    A name of digits only is the number of a record.
    """
    if name.isdigit():
        return name
    masked = mask_text(name, masking)
    if masked == name:
        return name
    mark = sha256(name.encode()).hexdigest()[:_MARK_LENGTH].translate(_MARK_LETTERS)
    return f"{masked[: MAX_ID_LENGTH - _MARK_LENGTH - 1]}-{mark}"


def _drop_surrogates(text: str) -> str:
    """Join surrogate pairs to the characters that they encode, and drop lone surrogates."""
    if _SURROGATE.search(text) is None:
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "ignore")


def _repair_mojibake(text: str) -> str:
    # UTF-8 that was decoded as another encoding always has two non-ASCII characters in a row.
    return ftfy.fix_encoding(text) if _FOREIGN_PAIR.search(text) and is_bad(text) else text


def within(
    limit: str, unit: str, usual: float = inf
) -> Callable[[SizedType, ValidationInfo], SizedType]:
    """Return a validator of length; the context's value for the key `limit` replaces `usual`.

    >>> ReportFields.model_validate({"id": "1"}, context={"max_text_characters": 9}).id
    '1'
    """

    def check(value: SizedType, info: ValidationInfo) -> SizedType:
        allowed = (info.context or {}).get(limit, usual)
        if len(value) > allowed:
            message = "{found} {unit} are too many; at most {max_length} are accepted"
            facts = {"found": len(value), "unit": unit, "max_length": allowed}
            raise PydanticCustomError("too_long", message, facts)
        return value

    return check


def _sanitise_name(value: object) -> object:
    # This runs before pydantic's check of length, which refuses texts with lone surrogates. The
    # limit applies to the text as sent, so a longer text is left unchanged for pydantic to refuse.
    if isinstance(value, str) and len(value) <= MAX_ID_LENGTH:
        return parse_name(value)
    return value


def _parse_moment(value: object) -> datetime:
    if isinstance(value, datetime):
        return as_utc(value)
    try:
        return as_utc(datetime.fromisoformat(value.strip()))  # type: ignore[attr-defined]
    except (AttributeError, ValueError, OverflowError):
        raise PydanticCustomError(
            "moment", "write a time as ISO 8601, such as 2026-03-02T08:30:00Z"
        ) from None


def _attribute_text(value: object) -> object:
    if value is None or isinstance(value, str):
        return value
    # The import of a JSON export writes numbers in the same way.
    if isinstance(value, int) or (isinstance(value, float) and isfinite(value)):
        return json.dumps(value)
    raise PydanticCustomError("attribute", "give text, a number, true, false or null")


Text = Annotated[str, AfterValidator(within("max_text_characters", "characters", MAX_TEXT_LENGTH))]
Name = Annotated[str, BeforeValidator(_sanitise_name), Field(max_length=MAX_ID_LENGTH)]
Moment = Annotated[datetime, BeforeValidator(_parse_moment)]
AttributeValue = Annotated[
    Text | None,
    BeforeValidator(_attribute_text),
    WithJsonSchema({"type": ["string", "number", "boolean", "null"]}),
]


class ReportFields(BaseModel):
    """The fields of a report from outside, checked against their limits; null means absent."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    id: Annotated[Name, Field(min_length=1)]
    title: Text | None = None
    description: Text | None = None
    service: Text | None = None
    source: Text | None = None
    opened_at: Moment | None = Field(None, description="ISO 8601; without a zone it is UTC")
    attributes: dict[Name, AttributeValue] | None = None

    def parse(self, masking: Masking) -> IncidentReport:
        """Return the report, sanitised and masked."""
        return parse_report(
            id=self.id,
            masking=masking,
            opened_at=self.opened_at,
            title=self.title,
            description=self.description,
            service=self.service,
            source=self.source,
            attributes=self.attributes,
        )
