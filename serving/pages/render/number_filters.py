"""Numbers as the page writes them: shares, weights and measures."""

from features.formatting import figure


def percent(share: object) -> str:
    """Return a probability in percent; only 0 and 1 themselves are written as 0% and 100%.

    >>> percent(0.934), percent(0.999), percent(0.005), percent(1.0)
    ('93%', 'over 99%', 'under 1%', '100%')
    """
    if not isinstance(share, int | float):
        return ""
    if 0.995 <= share < 1:
        return "over 99%"
    if 0 < share <= 0.005:
        return "under 1%"
    return f"{share:.0%}"


def signed(weight: object) -> str:
    """Return a weight with its sign.

    >>> signed(1.234), signed(-0.3)
    ('+1.2', '-0.3')
    """
    return f"{weight:+.1f}" if isinstance(weight, int | float) else ""


def measure(value: object) -> str:
    """Return a measure of quality to three decimals; values of ten or more as `figure` does.

    >>> measure(0.9), measure(412.0)
    ('0.900', '412')
    """
    if not isinstance(value, int | float):
        return ""
    return f"{value:.3f}" if abs(value) < 10 else figure(value)


def gain(value: float) -> str:
    """Return a difference with its sign.

    >>> gain(0.0214), gain(-0.5)
    ('+0.021', '-0.500')
    """
    return f"{value:+.3f}"
