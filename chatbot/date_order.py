"""Dates of digits alone, such as 03/04/2026 or 12/24: which number is the day.

A day above 12 decides, also for the others of its message; else the order that the deployment sets;
else the language: Simplified Chinese writes month before day, and the year before both. Otherwise
every reading counts: 03/04 is April to most of the world and March to Americans, and Traditional
Chinese is written both ways (Hong Kong, Taiwan).
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Literal

DateOrder = Literal["", "day-month", "month-day"]
BEHIND, AHEAD = 10, 5  # years around today's in which a year of two digits lies
# Not within numbers, paths, versions and addresses; from one to another with a hyphen between.
_START, _END = r"(?<![A-Za-z0-9_/.,#:+-])", r"(?![A-Za-z0-9_/#+]|[.,:-]\d)"
_FROM, _TO = r"(?<![A-Za-z0-9_/.,#:+])", r"(?![A-Za-z0-9_/#+]|[.,:]\d)"
FULL = re.compile(
    rf"{_FROM}(\d{{1,2}})/(\d{{1,2}})/(\d{{4}}|\d{{1,2}}){_TO}"
    rf"|{_START}(?:(\d{{1,2}})-(\d{{1,2}})-(\d{{4}})"
    rf"|(\d{{1,2}})\.(\d{{1,2}})\.(\d{{4}})|(\d\d)\.(\d\d)\.(\d\d)){_END}"
)
SHORT = re.compile(
    rf"{_FROM}(\d{{1,2}})/(\d{{1,2}}){_TO}(?!\s?(?:of|cups?|inch|inches|litres?|stars?)\b)"
)
# 3/4 may be a share or a score: it is a date only beside a word that says so.
BEFORE = re.compile(
    r"(?:\b(?:on|by|before|after|since|from|until|till|dated|due|between)(?: the)?"
    r"|[于於在到至自从從]|截[至止])\s?$",
    re.IGNORECASE,
)
AFTER = re.compile(
    r"\s?(?:之前|以前|前|之后|之後|以后|以後|后|後|起|号|號|日|那天|当天|當天|到|至|[下签簽]单|下單|收到|"
    r"买的|買的|发货|發貨|送到)"
)
LINK = re.compile(r"\s?(?:to|until|till|and|or|[-到至或–~～])\s?", re.IGNORECASE)
ALWAYS = (24, 7)  # round the clock
MONTHS = 12


def nearest(month: int, day: int, today: date) -> date:
    """In the year in which it lies nearest. Raises ValueError for no day of any."""
    years = (today.year + k for k in (-1, 0, 1))
    days = [date(y, month, day) for y in years if day <= monthrange(y, month)[1]]
    return min(days, key=lambda d: abs((d - today).days))


def digits(
    text: str, today: date, language: str | None = None, order: DateOrder = ""
) -> Iterator[tuple[re.Match[str], tuple[date, ...]]]:
    """Each date of digits alone with its readings, the earliest day first; one where it is sure."""
    full = [(match, _parts(match)) for match in FULL.finditer(text)]
    short = [(match, _parts(match)) for match in _told(text)]
    habit = _habit([parts for _, parts in (*full, *short) if len(parts) == 2 or len(parts[2]) == 4])
    sure = habit or order
    for match, parts in full:
        if found := _full(parts, today, language, sure):
            yield match, found
    sure = sure or ("month-day" if language == "zh-Hans" else "")
    for match, (a, b) in short:
        if found := _sorted(_readings(int(a), int(b), sure, today)):
            yield match, found


def _parts(match: re.Match[str]) -> list[str]:
    return [part for part in match.groups() if part]


def _told(text: str) -> Iterator[re.Match[str]]:
    """Those without a year that a word beside them makes a date, or a date before them."""
    last = 0  # its end
    for match in SHORT.finditer(text):
        if (int(match[1]), int(match[2])) == ALWAYS:
            continue
        linked = last and LINK.fullmatch(text, last, match.start())
        if linked or BEFORE.search(text, 0, match.start()) or AFTER.match(text, match.end()):
            last = match.end()
            yield match


def _habit(dates: Iterable[list[str]]) -> DateOrder:
    """How this text writes dates, where a day above 12 shows it."""
    shown: set[DateOrder] = set()
    for first, second in ((int(parts[0]), int(parts[1])) for parts in dates):
        if first > MONTHS >= second:
            shown.add("day-month")
        elif second > MONTHS >= first:
            shown.add("month-day")
    return shown.pop() if len(shown) == 1 else ""


def _full(
    parts: list[str], today: date, language: str | None, order: DateOrder
) -> tuple[date, ...]:
    """Of day, month and year; the year comes first in Chinese where it has two digits as well."""
    a, b, c = map(int, parts)
    short = len(parts[2]) < 4
    last = c if not short else _year(c, today) if len(parts[2]) == 2 else 0
    found = list(_readings(a, b, order, today, last)) if last else []
    if short and len(parts[0]) == 2 and language != "en" and not order:
        first = _year(a, today)
        year_first = list(_valid([(b, c)], today, first)) if first else []
        if language == "zh-Hans" and year_first:
            return tuple(year_first)
        found += year_first
    return _sorted(found)


def _year(two: int, today: date) -> int:
    """Of two digits; 0 when it is not near."""
    year = today.year - today.year % 100 + two
    return year if -BEHIND <= year - today.year <= AHEAD else 0


def _readings(
    a: int, b: int, order: DateOrder, today: date, year: int | None = None
) -> Iterator[date]:
    """As month and day, as day and month; only as `order` says where that is a date."""
    pairs = {"month-day": (a, b), "day-month": (b, a)}
    sure = list(_valid([pairs[order]], today, year)) if order else []
    yield from sure or _valid(pairs.values(), today, year)


def _valid(pairs: Iterable[tuple[int, int]], today: date, year: int | None) -> Iterator[date]:
    """The (month, day) that there are."""
    for month, day in pairs:
        try:
            yield date(year, month, day) if year else nearest(month, day, today)
        except ValueError:  # no 13th month, no 31 February
            continue


def _sorted(days: Iterable[date]) -> tuple[date, ...]:
    return tuple(sorted(set(days)))
