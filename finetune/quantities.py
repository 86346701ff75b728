"""Amounts with their units in a sentence: what can be told to contradict another amount."""

from __future__ import annotations

import re
from dataclasses import dataclass

from chatbot.grounding import digits

FIGURE = r"\d+(?:[.,]\d+)*"
SPAN = rf"({FIGURE})(?:\s*(?:[-–—~～至到]|to|and|or|或)\s*({FIGURE}))?"
# Unit, what stands before the figure, what stands after it, and what one of it is in the
# unit's smallest sister: 1 week = 7 days is the same amount. First come, first served.
UNITS: tuple[tuple[str, str, str, float], ...] = (
    ("HK$", r"(?:HK\$|港币|港元)\s*", "", 1),
    ("HK$", "", r"\s*(?:HKD\b|港币|港元)", 1),
    ("$", r"(?:US)?\$\s*", "", 1),
    ("$", "", r"\s*(?:dollars?|USD)\b", 1),
    ("$", "", r"\s*美元", 1),
    ("€", r"€\s*", "", 1),
    ("€", "", r"\s*(?:€|euros?\b|EUR\b|欧元)", 1),
    ("£", r"£\s*", "", 1),
    ("£", "", r"\s*(?:pounds?|GBP)\b", 1),
    ("¥", r"(?:[¥￥]|RMB|CNY)\s*", "", 1),
    ("¥", "", r"\s*(?:元|块钱?|人民币|(?:yuan|RMB|CNY)\b)", 1),
    ("%", "", r"\s*(?:%|％|per ?cent\b)", 1),
    ("%", r"百分之\s*", "", 1),
    ("working days", "", r"[\s-]*(?:(?:working|business)[\s-]days?\b|个?工作日)", 1),
    ("minutes", "", r"[\s-]*(?:minutes?\b|mins?\b|分钟)", 1),
    ("hours", "", r"[\s-]*(?:hours?\b|hrs?\b|h\b|个?小时|个?钟头)", 60),
    ("days", "", r"[\s-]*(?:(?:calendar |full )?days?\b|个?自然日|天|日(?!元))", 1440),
    ("weeks", "", r"[\s-]*(?:weeks?\b|个?星期|周(?!年)|个?礼拜)", 10080),
    ("seconds", "", r"[\s-]*(?:seconds?\b|secs?\b|s\b|秒)", 1 / 60),
    ("months", "", r"[\s-]*(?:months?\b|个月)", 1),
    ("years", "", r"[\s-]*(?:years?\b|年(?!\s*\d))", 12),
    ("°C", "", r"\s*(?:°\s*C?\b|℃|degrees?\b|度)", 1),
    ("kg", "", r"\s*(?:kg\b|kilos?\b|公斤|千克)", 1000),
    ("g", "", r"\s*(?:g\b|grams?\b|克)", 1),
    ("ml", "", r"\s*(?:ml\b|毫升)", 1),
    ("l", "", r"\s*(?:l\b|lit(?:er|re)s?\b|升)", 1000),
    ("W", "", r"\s*(?:W\b|watts?\b|瓦)", 1),
    ("mm", "", r"\s*(?:mm\b|毫米)", 1),
    ("cm", "", r"\s*(?:cm\b|厘米)", 10),
    ("m", "", r"\s*(?:m\b|met(?:er|re)s?\b|米)", 1000),
    ("points", "", r"\s*(?:points?\b|积分)", 1),
    ("折", "", r"\s*折", 1),
)
SISTERS = {  # units whose amounts can be equal
    "minutes": "time", "hours": "time", "days": "time", "weeks": "time", "seconds": "time",
    "months": "months", "years": "months", "kg": "weight", "g": "weight", "ml": "volume",
    "l": "volume", "mm": "length", "cm": "length", "m": "length",
}  # fmt: skip
_PATTERNS = tuple(
    (unit, re.compile(rf"(?<![\d.,]){before}{SPAN}{after}", re.IGNORECASE), factor)
    for unit, before, after, factor in UNITS
)
_CALENDAR = re.compile(r"\b(?:19|20)\d\d\s*年|\d{1,2}\s*月\s*\d{1,2}\s*[日号]")  # no amounts


@dataclass(frozen=True, slots=True)
class Quantity:
    """An amount or a range of amounts, low ≤ high, in the smallest unit of its kind."""

    unit: str  # as it was written
    kind: str  # what it can be compared with
    low: float
    high: float
    text: str  # as it was written

    def within(self, other: Quantity) -> bool:
        """Whether it says nothing else than `other`: the same, or a part of its range."""
        same = self.kind == other.kind
        return same and other.low - 1e-6 <= self.low and self.high <= other.high + 1e-6


def quantities(text: str) -> list[Quantity]:
    """All of a text, in order; number words count, dates and bare numbers do not."""
    left = _CALENDAR.sub(lambda m: "#" * len(m[0]), digits(text))
    found: list[tuple[int, Quantity]] = []
    for unit, pattern, factor in _PATTERNS:
        for match in list(pattern.finditer(left)):
            low = _number(match[1]) * factor
            high = _number(match[2]) * factor if match[2] else low
            kind = SISTERS.get(unit, unit)
            low, high = min(low, high), max(low, high)
            found.append((match.start(), Quantity(unit, kind, low, high, match[0].strip())))
            # Its place is taken: 工作日 is not also 日.
            left = left[: match.start()] + "#" * len(match[0]) + left[match.end() :]
    return [quantity for _, quantity in sorted(found, key=lambda one: one[0])]


def _number(text: str) -> float:
    """6,90 is 6.9 and 1,299 is 1299."""
    if re.fullmatch(r"\d+,\d{2}", text):
        text = text.replace(",", ".")
    return float(text.replace(",", "")) if text.count(".") < 2 else float(text.replace(".", ""))
