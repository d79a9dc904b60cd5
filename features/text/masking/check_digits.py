"""Check digits of card, account and national identity numbers."""

from string import ascii_uppercase

_VALUES = {mark: value for value, mark in enumerate("0123456789" + ascii_uppercase)}
_SPANISH_LETTERS = "TRWAGMYFPDXBNJZSQVHLCKE"


def passes_luhn(digits: str) -> bool:
    """Return whether a card number has the right check digit (ISO/IEC 7812-1).

    >>> passes_luhn("4111111111111111"), passes_luhn("4111111111111112")
    (True, False)
    """
    doubled = (sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    return (sum(map(int, digits[-1::-2])) + sum(doubled)) % 10 == 0


def is_iban(compact: str) -> bool:
    """Return whether an IBAN without spaces has the right check digits (ISO 13616, modulo 97).

    >>> is_iban("DE89370400440532013000"), is_iban("DE88370400440532013000")
    (True, False)
    """
    return int("".join(str(_VALUES[mark]) for mark in compact[4:] + compact[:4])) % 97 == 1


def is_nhs_number(digits: str) -> bool:
    """Return whether ten digits are a number of the British NHS (modulo 11).

    >>> is_nhs_number("9434765919"), is_nhs_number("9434765918")
    (True, False)
    """
    weights = range(10, 1, -1)
    weighted = sum(int(digit) * weight for digit, weight in zip(digits[:9], weights, strict=True))
    return (11 - weighted % 11) % 11 == int(digits[9])


def is_german_tax_id(digits: str) -> bool:
    """Return whether eleven digits are a German tax id (ISO/IEC 7064, modulo 11 and 10).

    >>> is_german_tax_id("86095742719"), is_german_tax_id("86095742718")
    (True, False)
    """
    if digits[0] == "0" or len(set(digits[:10])) == 10:
        return False
    product = 10
    for digit in digits[:10]:
        product = ((int(digit) + product) % 10 or 10) * 2 % 11
    return (11 - product) % 10 == int(digits[10])


def is_german_pension_number(compact: str) -> bool:
    """Return whether a German social insurance number has the right check digit.

    >>> is_german_pension_number("15070649C103"), is_german_pension_number("15070649C104")
    (True, False)
    """
    digits = f"{compact[:8]}{ord(compact[8]) - ord('A') + 1:02d}{compact[9:11]}"
    weights = (2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1)
    products = (int(digit) * weight for digit, weight in zip(digits, weights, strict=True))
    return sum(sum(divmod(product, 10)) for product in products) % 10 == int(compact[11])


def is_french_social_security_number(compact: str) -> bool:
    """Return whether a French NIR of 15 characters has the right key (modulo 97).

    >>> is_french_social_security_number("255081416802538")
    True
    """
    corsica = compact.replace("2A", "19").replace("2B", "18")
    return corsica.isdigit() and 97 - int(corsica[:13]) % 97 == int(corsica[13:])


def is_spanish_identity_number(compact: str) -> bool:
    """Return whether a Spanish DNI or NIE has the right letter (modulo 23).

    >>> is_spanish_identity_number("12345678Z"), is_spanish_identity_number("X1234567L")
    (True, True)
    """
    digits = compact[:8].translate(str.maketrans("XYZ", "012"))
    return _SPANISH_LETTERS[int(digits) % 23] == compact[8]
