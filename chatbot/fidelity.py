"""What a translation must keep: numbers, amounts, dates, codes, links, placeholders.

Numbers are compared by value, so that "3月5日" and "March 5", "10万" and "100,000", "三天" and
"3 days", "下午3点" and "15:00", "9折" and "10% off" are the same. A number in words may stand for
one in digits; it is only asked for where it counts something.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from chatbot.entities import CURRENCY, entities
from chatbot.links import LINK
from chatbot.masking import PLACEHOLDER

WIDE = {ord("０") + n: str(n) for n in range(10)} | {ord("．"): ".", ord("＃"): "#", ord("％"): "%"}
MAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+", re.ASCII)
CODE = re.compile(  # SL2403150021, K2, #1234, 1Z…
    r"(?<![A-Za-z0-9])(?:#\d+|[A-Za-z][A-Za-z-]*\d[A-Za-z0-9-]*|1Z[0-9A-Z]{16})(?![A-Za-z0-9])"
)
DOTTED = re.compile(r"(\d{4})\.(\d{1,2})\.(\d{1,2})")
CLOCK = re.compile(
    r"(?P<late>下午|晚上|傍晚|中午|夜里|夜裡)?\s?(?P<hour>(?<!\d)\d{1,2})"
    r"(?:\s?[:：点點时時]\s?(?P<minute>\d{2}|半)?|(?=\s?[ap]\.?m\b))"
    r"\s?(?P<half>[ap]\.?m\b\.?)?",
    re.IGNORECASE,
)
NUMBER = re.compile(
    r"(?P<number>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)"
    r"\s?(?P<many>[万萬亿億]|百万|million\b|thousand\b|hundred\b|k\b)?",
    re.IGNORECASE,
)
MANY = {
    "万": 10**4, "萬": 10**4, "亿": 10**8, "億": 10**8, "百万": 10**6, "million": 10**6,
    "thousand": 10**3, "k": 10**3, "hundred": 100,
}  # fmt: skip
DIGITS = ("零〇", "一", "二两兩双雙", "三", "四", "五", "六", "七", "八", "九")
HAN = {c: value for value, written in enumerate(DIGITS) for c in written}
PLACES = {"十": 10, "百": 100, "千": 1_000, "万": 10_000, "萬": 10_000}
HAN_NUMBER = re.compile(f"[{''.join(HAN)}{''.join(PLACES)}]+")
COUNTED = re.compile(r"\s?[天日个個次年月周週件张張小块塊元倍人位盒包台瓶双雙]")
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
MONTH = re.compile(rf"\b({'|'.join(MONTHS)})[a-z]*", re.IGNORECASE)
UNITS = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    *("eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen"),
    "nineteen",
)
TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
ENGLISH = {word: n for n, word in enumerate(UNITS)}
ENGLISH |= {word: 10 * n for n, word in enumerate(TENS, 2)}
ALSO = {"first": 1, "once": 1, "second": 2, "twice": 2, "both": 2, "couple": 2, "pair": 2,
        "third": 3, "dozen": 12, "half": 30}  # fmt: skip
ENGLISH_NUMBER = re.compile(
    rf"\b(?P<ten>{'|'.join(TENS)})[- ](?P<one>{'|'.join(UNITS[1:10])})\b"
    rf"|\b(?P<word>{'|'.join([*ENGLISH, *ALSO])})\b(?P<many>\s(?:hundred|thousand|million)\b)?",
    re.IGNORECASE,
)
OFF = re.compile(r"(\d+(?:\.\d+)?)\s?%\s?(?:off|discount)", re.IGNORECASE)
FOLD = re.compile(r"(\d+(?:\.\d+)?)\s?折")


@dataclass(frozen=True, slots=True)
class Differences:
    """What a translation lost and what it brought in, as written; falsy when nothing."""

    missing: tuple[str, ...] = ()
    added: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.missing or self.added)


@dataclass(frozen=True, slots=True)
class Facts:
    """What a text says that must not change."""

    exact: dict[str, str]  # key → as written: placeholders, links, addresses, codes
    numbers: dict[float, str]  # value → as written; to be found again
    words: frozenset[float]  # values that may stand for a number of the other text
    money: dict[float, frozenset[str]]  # amount → ISO 4217 codes


def differences(source: str, translation: str) -> Differences:
    """What of `source` is not in `translation`, and the reverse."""
    one, other = _facts(source), _facts(translation)
    return Differences(_lost(one, other), _lost(other, one))


def _lost(one: Facts, other: Facts) -> tuple[str, ...]:
    exact = [said for key, said in one.exact.items() if key not in other.exact]
    known = other.words | other.numbers.keys()
    numbers = [said for value, said in one.numbers.items() if value not in known]
    money = [
        f"{' '.join(sorted(codes))} {value:g}"
        for value, codes in one.money.items()
        if value in other.money and not codes & other.money[value]
    ]
    return tuple(dict.fromkeys([*exact, *numbers, *money]))


def _facts(text: str) -> Facts:
    text = text.translate(WIDE)
    exact, rest = _exact(text)
    rest = DOTTED.sub(r"\1 \2 \3", rest)
    numbers: dict[float, str] = {}
    words: set[float] = set()
    for match in CLOCK.finditer(rest):
        numbers |= {value: match[0].strip() for value in _clock(match)}
    rest = CLOCK.sub(" ", rest)
    for match in NUMBER.finditer(rest):
        many = MANY[match["many"].lower()] if match["many"] else 1
        numbers[float(match["number"].replace(",", "")) * many] = match[0].strip()
    words |= {float(MONTHS.index(m[1].lower()) + 1) for m in MONTH.finditer(rest)}
    for match in OFF.finditer(rest):
        words |= {100 - float(match[1]), round((100 - float(match[1])) / 10, 4)}
    for match in FOLD.finditer(rest):
        rate = float(match[1]) * (10 if float(match[1]) < 10 else 1)
        words.add(round(100 - rate, 4))
    for value, said, counts in _in_words(rest):
        words.add(value)
        if counts:
            numbers.setdefault(value, said)
    return Facts(exact, numbers, frozenset(words), _money(text))


def _exact(text: str) -> tuple[dict[str, str], str]:
    """What must be there letter by letter, and the text without it."""
    found: dict[str, str] = {}
    for pattern in (PLACEHOLDER, MAIL, LINK, CODE):
        for match in pattern.finditer(text):
            said = match[0].rstrip(".,;:!?*_")
            if pattern is CODE and said.rstrip("0123456789").lower() in CURRENCY:  # RMB100
                continue
            found[said.rstrip("/").lower()] = said
        text = pattern.sub(
            lambda m: m[0] if m[0].rstrip("0123456789").lower() in CURRENCY else " ", text
        )
    return found, text


def _clock(match: re.Match[str]) -> Iterator[float]:
    """Hour of 24 and minutes, where these are not 00."""
    hour, minute = int(match["hour"]), match["minute"] or ""
    late = match["late"] or (match["half"] or "").lower().startswith("p")
    yield float(hour + 12 if late and hour < 12 else hour)
    if minute == "半":
        yield 30.0
    elif minute.strip("0"):
        yield float(minute)


def _in_words(text: str) -> Iterator[tuple[float, str, bool]]:
    """(value, as written, whether it counts something) of numbers without digits.

    One is no number: "一下", "this one". 十分 is "very".
    """
    for match in HAN_NUMBER.finditer(text):
        said, behind = match[0], text[match.end() :]
        values = _han(said)
        sure = len(values) == 1 and values[0] > 1 and bool(COUNTED.match(behind))
        yield from ((float(value), said, sure) for value in values)
    for match in ENGLISH_NUMBER.finditer(text):
        if match["ten"]:
            yield (
                float(ENGLISH[match["ten"].lower()] + ENGLISH[match["one"].lower()]),
                match[0],
                True,
            )
            continue
        word = match["word"].lower()
        many = MANY[match["many"].strip().lower()] if match["many"] else 1
        value = float((ENGLISH | ALSO)[word] * many)
        yield value, match[0], word in ENGLISH and value > 1


def _han(said: str) -> list[int]:
    """三千五百 is 3500, 二〇二六 2026, 三四 (天) 3 and 4."""
    if not any(c in PLACES for c in said):
        digits = [HAN[c] for c in said]
        return digits if len(digits) < 3 else [int("".join(map(str, digits)))]
    total = part = digit = 0
    for c in said:
        if c in "万萬":
            total, part, digit = (total + part + digit) * 10_000, 0, 0
        elif c in PLACES:
            part, digit = part + (digit or 1) * PLACES[c], 0
        else:
            digit = HAN[c]
    return [total + part + digit]


def _money(text: str) -> dict[float, frozenset[str]]:
    found: dict[float, frozenset[str]] = {}
    for entity in entities([re.sub(r"\byuan\b", "元", text, flags=re.IGNORECASE)]):
        if entity.kind == "amount":
            code, number = entity.value.split(" ")
            found[float(number)] = found.get(float(number), frozenset()) | {code}
    return found
