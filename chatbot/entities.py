"""What a customer mentioned that an agent looks up: order numbers, amounts, dates, masked data,
the team's own names and slots."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import date

from chatbot.date_order import DateOrder
from chatbot.dates import mentions
from chatbot.types import Entity, Naming

# Lookarounds instead of \b: Chinese letters are word characters, so \b never holds beside them.
ORDER = re.compile(r"(?<![A-Za-z0-9])(?:[A-Z]{2}\d{10}|#\d{4,12})(?![A-Za-z0-9])", re.IGNORECASE)
# Carriers: SF, JD, YT, ZTO … with 11 to 15 digits, UPS, and the Universal Postal Union's S10.
TRACKING = re.compile(
    r"(?<![A-Za-z0-9])(?:[A-Z]{2,4}\d{11,15}|1Z[0-9A-Z]{16}|[A-Z]{2}\d{9}[A-Z]{2})(?![A-Za-z0-9])",
    re.IGNORECASE,
)
CURRENCY = {
    "$": "USD", "us$": "USD", "usd": "USD", "dollar": "USD", "dollars": "USD", "美元": "USD",
    "€": "EUR", "eur": "EUR", "euro": "EUR", "euros": "EUR", "欧元": "EUR", "歐元": "EUR",
    "buck": "USD", "bucks": "USD",
    "£": "GBP", "gbp": "GBP", "pound": "GBP", "pounds": "GBP", "英镑": "GBP",
    "¥": "CNY", "￥": "CNY", "rmb": "CNY", "cny": "CNY", "元": "CNY", "块": "CNY", "块钱": "CNY",
    "塊": "CNY", "塊錢": "CNY", "人民币": "CNY",
    "hk$": "HKD", "hkd": "HKD", "港币": "HKD", "港元": "HKD", "nt$": "TWD", "台币": "TWD",
}  # fmt: skip
WRITTEN = re.compile(  # 一百块, 三千五百元, 两万元
    r"(?<![\d一二两三四五六七八九十百千万第])(?P<number>[一二两三四五六七八九十百千万零]{1,9})"
    r"(?:块钱|(?:块|元)(?=多|左右|以[上下]|起|的|够|包邮|吧|吗|呢|[\s,.!?，。！？；]|$))"
)
PLACES = {"十": 10, "百": 100, "千": 1_000, "万": 10_000}
MANY = {"万": 10_000, "萬": 10_000, "千": 1_000}
_SIGNS = "|".join(sorted(map(re.escape, CURRENCY), key=len, reverse=True))
_SUM = r"\d{1,3}(?:,\d{3})+(?:\.\d{1,2})?|\d+(?:\.\d{1,2})?"
AMOUNT = re.compile(
    rf"(?P<before>(?:US|HK|NT)?\$|[€£¥￥])\s?(?P<first>{_SUM})(?![\d.]\d)"
    rf"(?P<more>[万萬千])?"
    rf"|(?<![\d.,])(?P<second>{_SUM})(?P<many>[万萬千])?\s?(?P<after>{_SIGNS})"
    r"(?<!块)(?<!塊)(?![A-Za-z旦素宝])"  # 元旦, 元素, 元宝
    rf"|(?<![\d.,])(?P<third>{_SUM})\s?(?P<piece>块|塊)(?=多|左右|以[上下]|吧|吗|呢|[\s,.!?，。！？；]|$)",
    re.IGNORECASE,
)
MASKED = re.compile(r"\[([A-Z_]+)_\d+\]")  # of chatbot/masking.py


def entities(
    texts: Iterable[str],
    today: date | None = None,
    language: str | None = None,
    *,
    naming: Naming | None = None,
    slots: Naming | None = None,
    order: DateOrder = "",
) -> tuple[Entity, ...]:
    """What masked texts mention, each value once, in the order of appearance per kind.

    Dates and spans become ISO 8601 by the clock of `today` (dates.py), amounts "CNY 99.50" by
    ISO 4217. Personal data stays as its placeholder, e.g. kind "phone", value "[PHONE_1]".
    `naming` finds the products and places of the team's list, `slots` what its tagger was trained
    to mark; `language` and `order` tell how dates of digits alone are read.
    """
    found: dict[tuple[str, str], Entity] = {}
    for text in texts:
        for kind, said, value in _found(text, today or date.today(), language, order):
            found.setdefault((kind, value), Entity(kind, said, value))
        for finder in filter(None, (naming, slots)):
            for one in finder(text):
                found.setdefault((one.kind, one.value), one)
    return tuple(found.values())


def _found(
    text: str, today: date, language: str | None, order: DateOrder
) -> Iterator[tuple[str, str, str]]:
    """(kind, as written, value)."""
    for kind, pattern in (("order_number", ORDER), ("tracking_number", TRACKING)):
        for match in pattern.finditer(text):
            yield kind, match[0], match[0].upper()
    for match in AMOUNT.finditer(text):
        sign = CURRENCY[(match["before"] or match["after"] or match["piece"]).lower()]
        number = (match["first"] or match["second"] or match["third"]).replace(",", "")
        many = MANY.get(match["more"] or match["many"] or "", 1)
        yield "amount", match[0], f"{sign} {number if many == 1 else f'{float(number) * many:g}'}"
    for match in WRITTEN.finditer(text):
        yield "amount", match[0], f"CNY {_counted(match['number'])}"
    for mention in mentions(text, today, language, order):
        yield "date", mention.text, mention.value
    for match in MASKED.finditer(text):
        yield match[1].lower(), match[0], match[0]


def _counted(written: str) -> int:
    """三千五百 as 3500; the last digit without its place has the next lower one: 一百五 is 150."""
    total = part = digit = 0
    place = 10
    for c in written:
        if c == "万":
            total, part, digit, place = (total + part + digit) * 10_000, 0, 0, 10_000
        elif c in PLACES:
            place = PLACES[c]
            part, digit = part + (digit or 1) * place, 0
        else:
            digit = 2 if c == "两" else "零一二三四五六七八九".index(c)
            place = 10 if c == "零" else place
    return total + part + digit * (place // 10 if place > 10 and written[-2:-1] != "零" else 1)
