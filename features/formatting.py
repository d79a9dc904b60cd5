"""Formats numbers and texts for people: on the command line, in reasons and on the page."""


def counted(number: int, thing: str) -> str:
    """Return a number with its noun, in the plural unless the number is 1.

    >>> counted(1, "label"), counted(1200, "label")
    ('1 label', '1,200 labels')
    """
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def figure(value: float) -> str:
    """Return a value with three significant digits; from 1,000 to 1e15 as a whole number.

    >>> figure(0.88712), figure(106_212.3), figure(1e21)
    ('0.887', '106,212', '1e+21')
    """
    return f"{value:,.0f}" if 1_000 <= abs(value) < 1e15 else f"{value:.3g}"


def interval(low: float, high: float, form: str = ".3f") -> str:
    """Return an interval as text.

    >>> interval(0.85, 0.9321), interval(-0.01, 0.02, "+.2f")
    ('0.850 to 0.932', '-0.01 to +0.02')
    """
    return f"{low:{form}} to {high:{form}}"


def one_line(text: str) -> str:
    r"""Return a text on one line, with single spaces.

    >>> one_line("first\n  second")
    'first second'
    """
    return " ".join(text.split())


def cut_short(text: str, limit: int) -> str:
    """Return a text cut to at most `limit` characters; an ellipsis marks the cut.

    >>> cut_short("mail is slow", 6), cut_short("mail", 6)
    ('mail…', 'mail')
    """
    return text if len(text) <= limit else f"{text[: limit - 1].rstrip()}…"
