"""What a customer mentioned that an agent looks up: order numbers, amounts, dates, masked data."""

from __future__ import annotations

import re
from collections.abc import Iterable

from chatbot.safety import ORDER
from chatbot.types import Entity

# Lookarounds instead of \b: Chinese letters are word characters, so \b never holds beside them.
AMOUNT = re.compile(
    r"(?:[$€£¥￥]\s?\d[\d,]*(?:\.\d{1,2})?)"
    r"|(?<![\d.])\d[\d,]*(?:\.\d{1,2})?\s?(?:元|块钱|塊錢|dollars?|USD|CNY|RMB|EUR)(?![A-Za-z])",
    re.IGNORECASE,
)
DATE = re.compile(
    r"(?<!\d)\d{4}[-/年]\d{1,2}[-/月]\d{1,2}日?(?!\d)|(?<!\d)\d{1,2}月\d{1,2}[日号號]"
    r"|(?<![A-Za-z])(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]* \d{1,2}(?!\d)"
)
MASKED = re.compile(r"\[([A-Z]+)_\d+\]")  # of chatbot/safety.py


def entities(texts: Iterable[str]) -> tuple[Entity, ...]:
    """What masked texts mention, each value once, in the order of appearance per kind.

    Personal data stays as its placeholder, e.g. kind "phone", value "[PHONE_1]".
    """
    found: dict[tuple[str, str], Entity] = {}
    for text in texts:
        for kind, pattern in (("order_number", ORDER), ("amount", AMOUNT), ("date", DATE)):
            for match in pattern.finditer(text):
                value = re.sub(r"[\s,]", "", match.group())
                found.setdefault((kind, value), Entity(kind, match.group(), value))
        for match in MASKED.finditer(text):
            value = match.group()
            found.setdefault(("", value), Entity(match.group(1).lower(), value, value))
    return tuple(found.values())
