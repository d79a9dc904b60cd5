"""Reads samples as Prometheus writes them, in compiled code: large answers hold 500,000 of them."""

import numpy as np
from numpy.typing import NDArray

from features.timeseries.jit import compiled
from features.timeseries.state import LARGEST

_MOST_DIGITS = 18
_EXACT_POWERS = 22
_SPLIT = 134_217_729.0
_POWERS = np.array([10.0**power for power in range(_EXACT_POWERS + 1)])

_OPEN, _CLOSE, _COMMA, _QUOTE = ord("["), ord("]"), ord(","), ord('"')
_PLUS, _MINUS, _POINT, _ZERO, _NINE = ord("+"), ord("-"), ord("."), ord("0"), ord("9")
_EXPONENTS, _NAMES = (ord("e"), ord("E")), (ord("N"), ord("I"))

Text = NDArray[np.uint8]
Places = NDArray[np.int64]


@compiled
def read_samples(
    text: Text, begins: Places, times: Places, step: int, values: NDArray[np.float64]
) -> Places:
    """Read `[[time,"value"],...]` at each of the places into a row of `values`; return the ends.

    After the last number the text must go on with something else. An end is -1 if the text has
    another form, or a time outside of `times`, the slots of the columns. A slot holds its last
    sample, and NaN for what is not finite or at least 1e30. Numbers of up to 18 digits and with
    powers of ten up to 22 are read as exactly as Python does it (after Dekker, "A floating-point
    technique for extending the available precision", 1971); others may differ in the last digit.

    >>> text = b'[[60,"1.5"],[120,"NaN"],[180,"-2e3"]]'
    >>> values, times = np.full((1, 3), np.nan), 60 * np.arange(1, 4)
    >>> buffer = np.frombuffer(bytearray(text + bytes(8)), np.uint8)
    >>> int(read_samples(buffer, np.zeros(1, np.int64), times, 60, values)[0]) == len(text)
    True
    >>> values.tolist()
    [[1.5, nan, -2000.0]]
    """
    ends = np.empty(len(begins), np.int64)
    for row in range(len(begins)):
        ends[row] = _read_row(text, begins[row], times, step, values[row])
    return ends


@compiled
def _read_row(text: Text, begin: int, times: Places, step: int, values: NDArray[np.float64]) -> int:
    place = begin
    if text[place] != _OPEN:
        return -1
    while True:
        if text[place + 1] != _OPEN:
            return -1
        time, place = _read_number(text, place + 2)
        if place < 0 or text[place] != _COMMA or text[place + 1] != _QUOTE:
            return -1
        value, place = _read_number(text, place + 2)
        if place < 0 or text[place] != _QUOTE or text[place + 1] != _CLOSE:
            return -1
        if not times[0] - step < time <= times[-1]:
            return -1
        slot = max(0, int(np.ceil((time - times[0]) / step - 1e-6)))
        values[slot] = value if abs(value) < LARGEST else np.nan
        place += 2
        if text[place] == _CLOSE:
            return place + 1
        if text[place] != _COMMA:
            return -1


@compiled
def _read_number(text: Text, begin: int) -> tuple[float, int]:
    """Return the number at a place, and the place after it; -1 if there is none."""
    place, sign = begin, 1.0
    if text[place] == _MINUS or text[place] == _PLUS:
        sign = -1.0 if text[place] == _MINUS else 1.0
        place += 1
    if text[place] in _NAMES:
        return np.nan, place + 3
    digits, power, count, seen, is_fraction = 0, 0, 0, 0, False
    while _ZERO <= text[place] <= _NINE or (text[place] == _POINT and not is_fraction):
        if text[place] == _POINT:
            is_fraction = True
        else:
            seen += 1
            if count < _MOST_DIGITS:
                digits = 10 * digits + int(text[place]) - _ZERO
                count += digits > 0
                power -= is_fraction
            else:
                power += not is_fraction
        place += 1
    if seen == 0:
        return np.nan, -1
    if text[place] in _EXPONENTS:
        exponent, place = _read_exponent(text, place + 1)
        power += exponent
        if place < 0:
            return np.nan, -1
    return sign * _scaled(digits, power), place


@compiled
def _read_exponent(text: Text, begin: int) -> tuple[int, int]:
    place = begin
    is_negative = text[place] == _MINUS
    if is_negative or text[place] == _PLUS:
        place += 1
    first, exponent = place, 0
    while _ZERO <= text[place] <= _NINE:
        exponent = min(10 * exponent + int(text[place]) - _ZERO, 9_999)
        place += 1
    return (-exponent if is_negative else exponent), (place if place > first else -1)


@compiled
def _scaled(digits: int, power: int) -> float:
    """Return digits times a power of ten, with the rounding error of the first step added back."""
    high = float(digits)
    low = float(digits - int(high))
    if abs(power) > _EXACT_POWERS:
        return float(high * 10.0**power)
    scale = float(_POWERS[abs(power)])
    if power >= 0:
        product, error = _product(high, scale)
        return product + (error + low * scale)
    quotient = high / scale
    product, error = _product(quotient, scale)
    return quotient + (((high - product) - error) + low) / scale


@compiled
def _product(first: float, second: float) -> tuple[float, float]:
    """Return a product and its rounding error."""
    product = first * second
    part = _SPLIT * first
    first_high = part - (part - first)
    first_low = first - first_high
    part = _SPLIT * second
    second_high = part - (part - second)
    second_low = second - second_high
    error = first_high * second_high - product
    error += first_high * second_low + first_low * second_high
    return product, error + first_low * second_low
