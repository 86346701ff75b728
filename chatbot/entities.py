"""What a customer mentioned that an agent looks up: order numbers, amounts, dates, masked data."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import date

from chatbot.dates import mentions
from chatbot.types import Entity

# Lookarounds instead of \b: Chinese letters are word characters, so \b never holds beside them.
ORDER = re.compile(r"(?<![A-Za-z0-9])[A-Z]{2}\d{10}(?![A-Za-z0-9])")
CURRENCY = {
    "$": "USD", "us$": "USD", "usd": "USD", "dollar": "USD", "dollars": "USD", "美元": "USD",
    "€": "EUR", "eur": "EUR", "euro": "EUR", "euros": "EUR", "欧元": "EUR", "歐元": "EUR",
    "£": "GBP", "gbp": "GBP", "pound": "GBP", "pounds": "GBP", "英镑": "GBP",
    "¥": "CNY", "￥": "CNY", "rmb": "CNY", "cny": "CNY", "元": "CNY", "块": "CNY", "块钱": "CNY",
    "塊": "CNY", "塊錢": "CNY", "人民币": "CNY",
    "hk$": "HKD", "hkd": "HKD", "港币": "HKD", "港元": "HKD", "nt$": "TWD", "台币": "TWD",
}  # fmt: skip
_SIGNS = "|".join(sorted(map(re.escape, CURRENCY), key=len, reverse=True))
_SUM = r"\d{1,3}(?:,\d{3})+(?:\.\d{1,2})?|\d+(?:\.\d{1,2})?"
AMOUNT = re.compile(
    rf"(?P<before>(?:US|HK|NT)?\$|[€£¥￥])\s?(?P<first>{_SUM})(?![\d.]\d)"
    rf"|(?<![\d.,])(?P<second>{_SUM})\s?(?P<after>{_SIGNS})(?![A-Za-z])",
    re.IGNORECASE,
)
MASKED = re.compile(r"\[([A-Z_]+)_\d+\]")  # of chatbot/masking.py


def entities(texts: Iterable[str], today: date | None = None) -> tuple[Entity, ...]:
    """What masked texts mention, each value once, in the order of appearance per kind.

    Dates and spans become ISO 8601 by the clock of `today` (dates.py), amounts "CNY 99.50" by
    ISO 4217. Personal data stays as its placeholder, e.g. kind "phone", value "[PHONE_1]".
    """
    found: dict[tuple[str, str], Entity] = {}
    for text in texts:
        for kind, said, value in _found(text, today or date.today()):
            found.setdefault((kind, value), Entity(kind, said, value))
    return tuple(found.values())


def _found(text: str, today: date) -> Iterator[tuple[str, str, str]]:
    """(kind, as written, value)."""
    for match in ORDER.finditer(text):
        yield "order_number", match[0], match[0]
    for match in AMOUNT.finditer(text):
        sign = CURRENCY[(match["before"] or match["after"]).lower()]
        yield "amount", match[0], f"{sign} {(match['first'] or match['second']).replace(',', '')}"
    for mention in mentions(text, today):
        yield "date", mention.text, mention.value
    for match in MASKED.finditer(text):
        yield match[1].lower(), match[0], match[0]
