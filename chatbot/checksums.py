"""Whether a number can be what it looks like: check digits, dates and prefixes."""

from __future__ import annotations

import re
from datetime import date

from knowledge.words import words

# GB/T 2260: the first two digits of a resident ID.
PROVINCES = words("""
    11 12 13 14 15 21 22 23 31 32 33 34 35 36 37 41 42 43 44 45 46 50 51 52 53 54 61 62 63 64 65
    71 81 82 83
""")
ISSUERS = re.compile(  # ISO/IEC 7812 prefixes with their lengths
    r"4(?:\d{15}|\d{18})|(?:5[1-5]\d{14}|(?:222[1-9]|22[3-9]\d|2[3-6]\d\d|27[01]\d|2720)\d{12})"
    r"|3[47]\d{13}|3(?:0[0-5]|[68]\d)\d{11}|6(?:011|5\d\d|4[4-9]\d)\d{12}|35(?:2[89]|[3-8]\d)\d{12}"
    r"|(?:2131|1800)\d{11}|62\d{14,17}|9\d{15,18}|60\d{17}|(?:5[06-8]|6[1-9])\d{14,17}"
)

IBAN_LENGTHS = {  # SWIFT IBAN registry
    country: length
    for length, countries in (
        (15, "NO"),
        (16, "BE"),
        (18, "DK FI FO GL NL SD"),
        (19, "MK SI"),
        (20, "AT BA EE KZ LT LU MN XK"),
        (21, "CH CR HR LI LV"),
        (22, "BG BH DE GB GE IE ME RS VA"),
        (23, "AE GI IL IQ OM SO TL"),
        (24, "AD CZ ES MD PK RO SA SE SK TN VG"),
        (25, "LY PT ST"),
        (26, "IS TR"),
        (27, "BI DJ FR GR IT MC MR SM"),
        (28, "AL AZ BY CY DO GT HN HU LB NI PL SV"),
        (29, "BR EG PS QA UA"),
        (30, "JO KW MU YE"),
        (31, "MT SC"),
        (32, "LC"),
        (33, "RU"),
    )
    for country in countries.split()
}


def digits(value: str) -> str:
    """Only the digits."""
    return "".join(c for c in value if c.isdigit())


def luhn(value: str) -> bool:
    """ISO/IEC 7812-1; one digit repeated is no number."""
    numbers = [int(c) for c in digits(value)]
    doubled = [d if i % 2 == 0 else d * 2 - 9 * (d > 4) for i, d in enumerate(reversed(numbers))]
    return len(set(numbers)) > 1 and sum(doubled) % 10 == 0


def card(value: str) -> bool:
    """Luhn, and a prefix and length that an issuer gives: order numbers pass Luhn one in ten."""
    return luhn(value) and ISSUERS.fullmatch(digits(value)) is not None


def resident_id(value: str) -> bool:
    """GB 11643: province, date of birth, and ISO 7064 MOD 11-2 over the first 17 digits."""
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    total = sum(int(d) * w for d, w in zip(value[:17], weights, strict=True))
    return (
        value[:2] in PROVINCES
        and born(value[6:14])
        and "10X98765432"[total % 11] == value[17].upper()
    )


def old_resident_id(value: str) -> bool:
    """The 15 digits of before 1999: no check digit, a two-digit year."""
    return value[:2] in PROVINCES and born("19" + value[6:12])


def born(value: str) -> bool:
    """A day from 1900 until now, as YYYYMMDD."""
    try:
        day = date(int(value[:4]), int(value[4:6]), int(value[6:]))
    except ValueError:
        return False
    return date(1900, 1, 1) <= day <= date.today()


def hong_kong_id(value: str) -> bool:
    """A123456(7): weights 9 to 1, letters from 10, a blank 36; the sum is a multiple of 11."""
    flat = re.sub(r"[()\s]", "", value).upper().rjust(9)
    numbers = [36 if c == " " else int(c, 36) for c in flat[:8]]
    check = 10 if flat[8] == "A" else int(flat[8], 36)
    return (sum(n * w for n, w in zip(numbers, range(9, 1, -1), strict=True)) + check) % 11 == 0


def taiwan_id(value: str) -> bool:
    """A123456789: the letter as two digits, weights 1 9 8 … 1 1, a multiple of 10."""
    order = "ABCDEFGHJKLMNPQRSTUVXYWZIO".index(value[0].upper()) + 10
    numbers = [order // 10, order % 10, *map(int, value[1:])]
    weights = (1, 9, 8, 7, 6, 5, 4, 3, 2, 1, 1)
    return sum(n * w for n, w in zip(numbers, weights, strict=True)) % 10 == 0


def iban(value: str) -> bool:
    """ISO 13616: the country's length, and MOD 97-10 of the rearranged number is 1."""
    flat = re.sub(r"[\s-]", "", value).upper()
    return len(flat) == IBAN_LENGTHS.get(flat[:2]) and (
        int("".join(str(int(c, 36)) for c in flat[4:] + flat[:4])) % 97 == 1
    )
