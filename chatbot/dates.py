"""Days and spans that a text mentions, in English and Chinese, as ISO 8601 by the text's own clock.

A day is "2026-11-28", a span "2026-11-01/2026-11-30" (both ends belong to it); with before or after
one end is open: "../2026-11-30", "2026-11-30/..". Weeks begin on Monday. What can be read in two
ways has both readings, "2026-03-04 | 2026-04-03" (date_order.py).
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from chatbot.date_order import DateOrder, digits, nearest

DIGITS = {c: i for i, c in enumerate("零一二三四五六七八九")} | {"两": 2, "兩": 2}
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september",
    "october", "november", "december",
)  # fmt: skip
NUMBERS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_DAY = "|".join(f"{day[:3]}(?:{day[3:]})?" for day in WEEKDAYS)
_MONTH = "|".join(f"{month[:3]}(?:{month[3:]})?" for month in MONTHS).replace("sep(", "sept?(")
_COUNT = rf"\d{{1,3}}|an?|{'|'.join(NUMBERS[1:])}"
_NUMBER = r"\d{1,3}|[一二两兩三四五六七八九十]{1,3}|半"
_FEW = r"\d{1,2}|[一二三四五六七八九十]{1,3}"
_TH = r"(?:st|nd|rd|th)"
_FROM, _TO = r"\b(between )?(?:from )?", r"\s?(?(1)and|(?:to|until|till|[-–]))\s?"
_WEEK = "(?:个|個)?(?:周|週|星期|礼拜|禮拜)"

JOINT = " | "  # between two readings
Span = tuple[date, date]
Rule = Callable[[re.Match[str], date], Span | None]


@dataclass(frozen=True, slots=True)
class Mention:
    """A day or span as written, and what it means."""

    start: int  # in the text
    end: int
    text: str
    value: str  # ISO 8601, see above


def mentions(
    text: str, today: date, language: str | None = None, order: DateOrder = ""
) -> list[Mention]:
    """In the order of appearance; of overlapping ones the longest. `language` and `order` tell how
    dates of digits alone are read."""
    every = [*_all(text, today)]
    for match, days in digits(text, today, language, order):
        every.append(_open(text, match, *map(_one, days)))
    found = sorted(every, key=lambda m: (m.start - m.end, m.start))
    kept: list[Mention] = []
    for one in found:
        if all(one.end <= other.start or one.start >= other.end for other in kept):
            kept.append(one)
    return sorted(kept, key=lambda m: m.start)


def _all(text: str, today: date) -> Iterator[Mention]:
    for pattern, rule in RULES:
        for match in pattern.finditer(text):
            try:
                span = rule(match, today)
            except (ValueError, OverflowError):  # 31 February, year 0
                continue
            if span is not None:
                yield _open(text, match, span)


def _open(text: str, match: re.Match[str], *readings: Span) -> Mention:
    """With "before", "after" … around it, which leave one end open."""
    start, end, word = *match.span(), ""
    if after := AFTER.match(text, end):
        end, word = after.end(), after[0]
    elif before := BEFORE.search(text, 0, start):
        start, word = before.start(), before[0]
    word = " ".join(word.lower().split())
    if word not in UNTIL and word not in SINCE:
        start, end = match.span()
    value = JOINT.join(_value(span, word) for span in readings)
    return Mention(start, end, text[start:end].strip(), value)


def _value(span: Span, word: str) -> str:
    if word in UNTIL:
        return f"../{span[1] if word not in EARLIER else span[0] - timedelta(1)}"
    if word in SINCE:
        return f"{span[0] if word not in LATER else span[1] + timedelta(1)}/.."
    return str(span[0]) if span[0] == span[1] else f"{span[0]}/{span[1]}"


BEFORE = re.compile(r"\b(?:before|by|until|till|after|since|from)\s+(?:the\s+)?$", re.IGNORECASE)
AFTER = re.compile(r"\s?(?:之前|以前|前|为止|為止|之后|之後|以后|以後|后|後|起|开始|開始)")
EARLIER = frozenset({"before", "之前", "以前", "前"})
UNTIL = EARLIER | {"by", "until", "till", "为止", "為止"} | {f"{w} the" for w in ("before", "by")}
LATER = frozenset({"after", "之后", "之後", "以后", "以後", "后", "後"})
SINCE = LATER | {"since", "from", "起", "开始", "開始"} | {f"{w} the" for w in ("after", "since")}


def _number(text: str) -> int:
    """12, 十二, two, a."""
    lower = text.lower()
    if lower.isdigit():
        return int(lower)
    if lower in ("a", "an"):
        return 1
    if lower in NUMBERS:
        return NUMBERS.index(lower)
    total, last = 0, 0
    for c in lower:
        if c == "十":
            total, last = (last or 1) * 10, 0
        else:
            last = DIGITS[c]
    return total + last


def _one(day: date) -> Span:
    return day, day


def _month(year: int, month: int) -> Span:
    return date(year, month, 1), date(year, month, monthrange(year, month)[1])


def _added(day: date, months: int) -> date:
    """So many months on; the last day of a month where the day is not in it."""
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def _moved(day: date, count: int, unit: str) -> date:
    kind = unit[0].lower()
    if kind in "年y":
        return _added(day, 12 * count)
    if kind in "月m" or "月" in unit:
        return _added(day, count)
    weeks = kind in "周週星礼禮w" or any(w in unit for w in ("周", "週", "星期", "礼拜", "禮拜"))
    return day + timedelta(count * (7 if weeks else 1))


def _exact(m: re.Match[str], _: date) -> Span:
    return _one(date(int(m[1]), int(m[2]), int(m[3])))


def _without_year(month: int, day: int, today: date) -> Span:
    """The year in which it lies nearest."""
    return _one(nearest(month, day, today))


def _between(months: tuple[int, int], days: tuple[int, int], year: str | None, today: date) -> Span:
    """From one day to another; without a year the one in which the first lies nearest."""
    if year:
        first = date(int(year), months[0], days[0])
    else:
        first = _without_year(months[0], days[0], today)[0]
    last = date(first.year + (months[1] < months[0]), months[1], days[1])
    if last < first:
        raise ValueError("the last day lies before the first")
    return first, last


def _named_month(name: str) -> int:
    return next(i for i, month in enumerate(MONTHS, 1) if month.startswith(name.lower()[:3]))


def _english_day(month: str, day: str, year: str | None, today: date) -> Span:
    number = _named_month(month)
    if year:
        return _one(date(int(year), number, int(day)))
    return _without_year(number, int(day), today)


def _weekday(offset: int, day: int, today: date) -> Span:
    monday = today - timedelta(today.weekday()) + timedelta(7 * offset)
    return _one(monday + timedelta(day))


def _coming(name: str, which: str, today: date) -> Span:
    day = next(i for i, weekday in enumerate(WEEKDAYS) if weekday.startswith(name.lower()[:3]))
    which = which.lower()
    if which == "last":
        return _one(today - timedelta((today.weekday() - day - 1) % 7 + 1))
    if which == "next":
        return _weekday(1, day, today)
    return _one(today + timedelta((day - today.weekday()) % 7))


def _period(offset: int, unit: str, today: date) -> Span:
    """The week, month, year or week-end so many on from this one."""
    unit = unit.lower()
    monday = today - timedelta(today.weekday()) + timedelta(7 * offset)
    if unit in ("weekend", "周末", "週末"):
        return monday + timedelta(5), monday + timedelta(6)
    if unit in ("month", "月"):
        first = _added(today.replace(day=1), offset)
        return _month(first.year, first.month)
    if unit in ("year", "年"):
        return date(today.year + offset, 1, 1), date(today.year + offset, 12, 31)
    return monday, monday + timedelta(6)


OFFSETS = {"last": -1, "this": 0, "next": 1, "上": -1, "这": 0, "這": 0, "本": 0, "下": 1}
NEAR = {"上上": -2, "下下": 2} | OFFSETS
DAYS = {
    "大前天": -3, "前天": -2, "昨天": -1, "昨日": -1, "今天": 0, "今日": 0, "明天": 1, "明日": 1,
    "后天": 2, "後天": 2, "大后天": 3, "大後天": 3, "yesterday": -1, "today": 0, "tonight": 0,
    "tomorrow": 1, "the day after tomorrow": 2, "the day before yesterday": -2,
}  # fmt: skip
YEARS = {"去年": -1, "今年": 0, "明年": 1}


def _within(m: re.Match[str], today: date) -> Span:
    return today, _moved(today, _number(m[1]), m[2])


def _calendar() -> Iterator[tuple[str, Rule]]:
    """Days and months by their number or name, and from one day to another."""
    yield r"(?<![\d/])(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})[日号號]?(?!\d)", _exact
    yield (
        r"(?<![\d年])(\d{1,2})月(\d{1,2})[日号號]?(?!\d)",
        lambda m, t: _without_year(int(m[1]), int(m[2]), t),
    )
    yield r"(?<!\d)(\d{4})年(\d{1,2})月(?!\d)", lambda m, t: _month(int(m[1]), int(m[2]))
    yield (
        r"(?<![\d月])(\d{1,2})[号號](?![店楼樓线線院])",
        lambda m, t: _one(t.replace(day=int(m[1]))),
    )
    yield (
        rf"(?<![\d年])({_FEW})月({_FEW})[日号號]?\s?(?:到|至|[-–~～—])\s?(?:({_FEW})月)?({_FEW})[日号號]?"
        rf"(?![\d一二三四五六七八九十月])",
        lambda m, t: _between(
            (_number(m[1]), _number(m[3] or m[1])), (_number(m[2]), _number(m[4])), None, t
        ),
    )
    yield (
        rf"(?<![\d年一二三四五六七八九十])({_FEW})月({_FEW})[日号號]",
        lambda m, t: _without_year(_number(m[1]), _number(m[2]), t),
    )
    yield (
        rf"{_FROM}(\d{{1,2}}){_TH}?(?: ({_MONTH})\.?)?"
        rf"{_TO}(\d{{1,2}}){_TH}? (?:of )?({_MONTH})\b\.?(?:,? (\d{{4}}))?",
        lambda m, t: _between(
            (_named_month(m[3] or m[5]), _named_month(m[5])), (int(m[2]), int(m[4])), m[6], t
        ),
    )
    yield (
        rf"{_FROM}({_MONTH})\.? (\d{{1,2}}){_TH}?"
        rf"{_TO}(?:({_MONTH})\.? )?(\d{{1,2}}){_TH}?\b(?:,? (\d{{4}}))?",
        lambda m, t: _between(
            (_named_month(m[2]), _named_month(m[4] or m[2])), (int(m[3]), int(m[5])), m[6], t
        ),
    )
    yield (
        rf"\b({_MONTH})\.? (\d{{1,2}})(?:st|nd|rd|th)?(?:,? (\d{{4}}))?\b",
        lambda m, t: _english_day(m[1], m[2], m[3], t),
    )
    yield (
        rf"\b(\d{{1,2}})(?:st|nd|rd|th)? (?:of )?({_MONTH})\b\.?(?:,? (\d{{4}}))?\b",
        lambda m, t: _english_day(m[2], m[1], m[3], t),
    )


def _near() -> Iterator[tuple[str, Rule]]:
    """Days of the week, and weeks, months and years beside this one."""
    yield (
        r"the day after tomorrow|the day before yesterday|\b(?:yesterday|today|tonight|tomorrow)\b"
        r"|大前天|大[后後]天|前天|昨[天日]|今[天日]|明[天日]|[后後]天",
        lambda m, t: _one(t + timedelta(DAYS[m[0].lower()])),
    )
    yield r"(去年|今年|明年)(?!\d)", lambda m, t: _period(YEARS[m[1]], "年", t)
    yield (
        rf"(上上|下下|上|下|这|這|本){_WEEK}([一二三四五六日天])",
        lambda m, t: _weekday(NEAR[m[1]], "一二三四五六日天".index(m[2].replace("天", "日")), t),
    )
    yield (
        r"(?<![上下这這本个個\d一二两三四五六七八九十])(?:周|週|星期|礼拜|禮拜)([一二三四五六日天])",
        lambda m, t: _coming(WEEKDAYS["一二三四五六日".index(m[1].replace("天", "日"))], "", t),
    )
    yield (
        rf"(上上|下下|上|下|这|這|本)(?:(周末|週末)|{_WEEK}(?![一二三四五六日天末])|(?:个|個)?(月))",
        lambda m, t: _period(NEAR[m[1]], m[2] or m[3] or "week", t),
    )
    yield (
        rf"\b(last|this|next) (?:(week|month|year|weekend)|({_DAY}))\b",
        lambda m, t: _coming(m[3], m[1], t) if m[3] else _period(OFFSETS[m[1].lower()], m[2], t),
    )
    yield rf"\bon ({_DAY})\b", lambda m, t: _coming(m[1], "", t)
    yield (
        rf"(?:(?<=\bby )|(?<=\bbefore )|(?<=\buntil )|(?<=\bafter ))({_DAY})\b",
        lambda m, t: _coming(m[1], "", t),
    )
    yield rf"(?<=\bsince )({_DAY})\b", lambda m, t: _coming(m[1], "last", t)


def _counted() -> Iterator[tuple[str, Rule]]:
    """So many days, weeks, months or years ago, from now, or within them."""
    yield (
        rf"\bin ({_COUNT}) (day|week|month|year)s?\b",
        lambda m, t: _one(_moved(t, _number(m[1]), m[2])),
    )
    yield (
        rf"\b({_COUNT}) (day|week|month|year)s? ago\b",
        lambda m, t: _one(_moved(t, -_number(m[1]), m[2])),
    )
    yield rf"\bwithin (?:the next )?({_COUNT}) (day|week|month|year)s?\b", _within
    units = r"天|日|周|週|(?:个|個)?(?:星期|礼拜|禮拜)|个?月|個月|年"
    yield (
        rf"({_NUMBER})({units})(?:之|以)?前",
        lambda m, t: _one(_moved(t, -_number(m[1]), m[2])) if m[1] != "半" else None,
    )
    yield (
        rf"({_NUMBER})({units})(?:之|以)?[后後]",
        lambda m, t: _one(_moved(t, _number(m[1]), m[2])) if m[1] != "半" else None,
    )
    yield (
        rf"({_NUMBER})({units})(?:之|以)?内",
        lambda m, t: _within(m, t) if m[1] != "半" else None,
    )


RULES = tuple(
    (re.compile(pattern, re.IGNORECASE), rule)
    for rules in (_calendar, _near, _counted)
    for pattern, rule in rules()
)
