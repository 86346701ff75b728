"""Postal addresses in running text, Chinese and English."""

from __future__ import annotations

import re
from collections.abc import Iterator

HAN = r"[\u4e00-\u9fff]"
_NUMBER = r"[0-9A-Z一二三四五六七八九十百]{1,6}"
_AREA = rf"(?:{HAN}{{2,8}}?(?:特别行政区|自治区|自治州|自治县|街道|省|市|区|县|旗|镇|乡|村))"
_ROAD = (
    rf"(?:{HAN}{{1,9}}?(?:大道|大街|胡同|路|街|道|巷|弄|里)(?:东|西|南|北|中)?(?:[一二三四五]段)?)"
)
_HOUSE = rf"(?:{_NUMBER}(?:-\d{{1,4}})?(?:号|弄)(?:院|楼)?)"
_ESTATE = (
    rf"(?:{HAN}{{2,10}}?(?:小区|花园|公寓|大厦|广场|家园|佳苑|苑|新村|新城|中心|大楼|宿舍|园区"
    r"|校区))"
)
_UNIT = rf"(?:(?:{_NUMBER}(?:号楼|单元|栋|幢|座|楼|层|室|房|#)-?){{1,4}}(?:\d{{2,5}}(?:室|房)?)?)"
CHINESE = re.compile(
    rf"{_AREA}{{0,5}}{_ROAD}{_HOUSE}{_ESTATE}?{_UNIT}?"
    rf"|{_AREA}{{1,5}}{_ESTATE}{_HOUSE}?{_UNIT}|{_ESTATE}(?=[0-9A-Z]){_UNIT}"
)
# What comes before an address and is no part of it.
LEADING = re.compile(
    r"(?:我们?家?|请|麻烦|帮忙?|把|给|的|收货|收件|邮寄|新|旧|地址|货|包裹|快递|订单|退货|维修|现在|目前"
    r"|改成|改为|改到|换成|变成|更新为|应该|写错了?|不对|寄给|寄往|寄到|寄回|寄|发往|发到|发|送往|送到|送|填"
    r"|搬到了?|搬去|住在?|家住|家在|在|到|是|为|成(?!都)|了|和|跟|叫|你们|您|想|要|能|可以|去|也|就|上门|配送)+"
)
_BIG = (
    r"Street|St|Avenue|Ave|Road|Rd|Lane|Ln|Drive|Dr|Boulevard|Blvd|Court|Ct|Place|Pl|Square|Sq"
    r"|Terrace|Way|Close|Crescent|Highway|Hwy|Parkway|Circle|Trail|Row|Mews|Gardens|Grove"
)
_SMALL = r"street|avenue|road|lane|boulevard|terrace|crescent"
_CAPITAL = r"(?:[A-ZÀ-ÖØ-Þ][\w'.-]*|\d{1,3}(?:st|nd|rd|th))"
_WORD = (
    r"(?!(?:a|an|the|on|in|of|from|to|for|and|or|at|by|days?|weeks?|items?|x|pcs|more|is|was|my"
    r"|your)\b)[a-z][a-z'-]+"
)
_ROOM = (
    r"(?:Apt|Apartment|Suite|Ste|Unit|Flat|Floor|Fl|Room|Rm|apt|suite|unit|flat|#)\.? ?#?[\w-]{1,6}"
)
_TAIL = (
    rf"(?:,?\s{{1,3}}{_ROOM})?"
    r"(?:,?\s{1,3}[A-Z][a-z'-]+(?: [A-Z][a-z'-]+){0,2}(?=,?\s{1,3}(?:[A-Z]{2}\s)?[A-Z]{0,2}\d))?"
    r"(?:,?\s{1,3}[A-Z]{2}(?![A-Za-z0-9]))?"
    r"(?:,?\s{1,3}(?:\d{5}(?:-\d{4})?|[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}))?"
)
ENGLISH = re.compile(
    rf"(?<![\w$€£¥.,-])(?:{_ROOM},? )?\d{{1,5}}[A-Za-z]?(?:-\d{{1,5}})?,? (?:"
    rf"(?:(?:North|South|East|West|N|S|E|W)\.? )?{_CAPITAL}(?: {_CAPITAL}){{0,3}} (?:{_BIG})\b"
    r"(?:\.(?=,))?"
    rf"|{_WORD}(?: {_WORD}){{0,2}} (?:{_SMALL})\b"
    rf"){_TAIL}"
    r"|\b(?:P\.? ?O\.? ?Box|PSC \d{1,5}, Box|Unit \d{1,5} Box) \d{1,6}"
    r"(?:,?\s{1,3}(?:[DAF]PO )?[A-Z]{2} \d{5})?"
)

# Where a text says that an address follows, as streets in other languages stand: Rua Diadema 1903.
_PIECE = (
    r"(?:(?:St|Str|Ave|Av|Rd|Apt|Ste|No|ul|u|apt|st)\b\.?"
    r"|[^\W\d_a-zß-öø-ÿ][^\W_]*(?:['’-][^\W_]+)*|#?\d{1,5}[A-Za-z]?(?:[-/]\d{1,5})?"
    r"|(?:de|del|della|dei|di|da|do|dos|la|las|los|le|du|des|van|der|den|of)\b)"
)
_APART = r"(?:,? ?\n ?,? ?|,? |,)"
TOLD = re.compile(
    r"(?i:\baddress(?:es)?(?: (?:is|to|with|as|at|are))?(?: now)?[:,]?"
    r"|\b(?:office|restaurant|house|flat) is (?:at|on|in)|\blives? (?:at|on|in)|\bmoved to"
    r"|\b(?:meet (?:me|you) at)|\b(?:taxi|return|return it|new one|sent|send it|ship it|shipped"
    r"|deliver|delivered|deliver it) to|\bdrops you off at|\bside of)\s{1,3}"
    rf"(?P<told>{_PIECE}(?:{_APART}{_PIECE}){{1,14}})"
)
NUMBERED = re.compile(r"(?<![\w-])\d{1,5}(?![\w-])")
MEASURE = re.compile(  # deliver to Canada 2 kg
    r" ?(?:kg|g|lbs?|pounds?|ml|days?|weeks?|months?|hours?|minutes?|items?|pcs|pieces|box(?:es)?"
    r"|sets?|pots?|cups?|kettles?|people|times|x|%|am|pm|o['’]clock)\b|[%.,:]\d",
    re.IGNORECASE,
)
LETTERS = re.compile(r"[^\W\d_]{4,}")
OTHER = re.compile(
    r"\b(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*\b|\b(?:Order|Level|Gate|Version)\b"
)


def told(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of what follows such words and has both a number and a name."""
    for match in TOLD.finditer(text):
        place = match["told"].rstrip(" .,")
        if MEASURE.match(text, match.start("told") + len(place)):
            continue
        if NUMBERED.search(place) and LETTERS.search(place) and not OTHER.search(place):
            yield match.start("told"), match.start("told") + len(place)


def find(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of every address. `text` is simplified and has half-width digits."""
    for match in CHINESE.finditer(text):
        before = LEADING.match(match.group())
        start = match.start() + (before.end() if before else 0)
        yield start, match.end()
    spans = [*told(text), *(match.span() for match in ENGLISH.finditer(text))]
    yield from sorted(spans, key=lambda s: s[0] - s[1])  # the longest first
