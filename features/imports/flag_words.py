"""The words for yes and no in the exports of several languages."""

from collections.abc import Sequence

from features.text.parsing import is_missing

# The words of a yes and of a no, then what reports of target times say.
_YES = frozenset(
    (
        *("true", "t", "1", "yes", "y", "ja", "j", "oui", "o", "si", "sí", "s", "sim", "tak"),
        *("да", "igen", "ano", "kyllä", "evet", "はい", "是", "예"),
        *("met", "ok", "achieved", "within", "eingehalten", "erfüllt", "respecté", "cumplido"),
    )
)
_NO = frozenset(
    (
        *("false", "f", "0", "no", "n", "nein", "non", "nie", "não", "nao", "нет", "nem", "ne"),
        *("ei", "hayır", "いいえ", "否", "아니요"),  # noqa: RUF001
        *("missed", "breached", "violated", "failed", "verletzt", "verfehlt", "incumplido"),
    )
)


def read_flag(value: str) -> bool | None:
    """Return whether a cell says yes or no; None if it says neither.

    >>> [read_flag(value) for value in ("True", "0", "Ja", "não", "?", "perhaps", "1.0")]
    [True, False, True, False, None, None, True]
    """
    word = value.strip().casefold().removesuffix(".0")
    if word in _YES:
        return True
    return False if word in _NO else None


def read_flags(
    values: Sequence[str], column: str, *, negated: bool = False
) -> tuple[list[bool | None], list[str]]:
    """Return what each cell says, and a warning if some say neither yes nor no.

    With `negated`, yes and no change places.
    """
    flags = [read_flag(value) for value in values]
    unread = [
        value for value, flag in zip(values, flags, strict=True) if flag is None and value.strip()
    ]
    return [None if flag is None else flag is not negated for flag in flags], _warn(unread, column)


def read_counts(values: Sequence[str], column: str) -> tuple[list[bool | None], list[str]]:
    """Return for each cell whether its number is above 0, or else whether it says yes or no.

    >>> read_counts(["0", "3", "", "no"], "reassignment_count")
    ([False, True, None, False], [])
    """
    flags = [_is_positive(value) for value in values]
    unread = [
        value for value, flag in zip(values, flags, strict=True) if flag is None and value.strip()
    ]
    return flags, _warn(unread, column)


def _is_positive(value: str) -> bool | None:
    try:
        number = float(value)
    except ValueError:
        return read_flag(value)
    return None if number != number else number > 0


def _warn(unread: Sequence[str], column: str) -> list[str]:
    strange = [value for value in unread if not is_missing(value)]
    if not strange:
        return []
    return [f"{column}: {len(strange)} values say neither yes nor no, such as {strange[0][:40]!r}"]
