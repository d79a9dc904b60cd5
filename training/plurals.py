"""Numbers of things, in words that a person reads."""


def counted(number: int, thing: str) -> str:
    """Return a number with what it counts, in the plural unless it is one.

    >>> counted(1, "label"), counted(1200, "label")
    ('1 label', '1,200 labels')
    """
    return f"{number:,} {thing}{'' if number == 1 else 's'}"
