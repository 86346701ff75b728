"""Personal data in Chinese and English text: where it stands and of which kind it is."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from chatbot import addresses, checksums, names, phone_numbers
from knowledge.language import simplify

# Lookarounds instead of \b: Chinese letters are word characters, so \b never holds beside them.
START, END = r"(?<![0-9A-Za-z])", r"(?![0-9A-Za-z])"
URL = re.compile(
    r"(?:https?://|www\.)[^\s<>\"'，。；、！？（）【】《》\u4e00-\u9fff]+", re.IGNORECASE
)
SECRET = re.compile(  # a user, a token or a long random part in a link
    r"://[^/\s]*@|[?&#;](?:\w*(?:token|key|auth|sig|sign|session|sid|code|secret|password|pwd|email"
    r"|phone|mobile|user|uid|id))=|(?=[\w-]*\d)(?=[\w-]*[a-z])[\w-]{24,}",
    re.IGNORECASE,
)
EMAIL = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})+")
IBAN = re.compile(START + r"[A-Za-z]{2}\d{2}(?:[ -]?[A-Za-z0-9]){11,30}" + END)
RESIDENT_ID = re.compile(START + r"\d{6} ?\d{8} ?\d{3}[\dXx]" + END)
OLD_ID = re.compile(r"身份证\D{0,8}(\d{15})" + END)
HONG_KONG_ID = re.compile(START + r"[A-Za-z]{1,2}\d{6} ?\([0-9Aa]\)")
TAIWAN_ID = re.compile(START + r"[A-Za-z][12]\d{8}" + END)
US_SSN = re.compile(r"(?<![\w-])(?!000|666)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\w-])")
LICENCE = re.compile(
    r"driv(?:er|ing)(?:['’]?s)? licen[cs]e(?: (?:number|no\.?|is|was|id))*[ :#]+"
    r"(?=[A-Za-z -]*\d)([A-Za-z0-9](?:[ -]?[A-Za-z0-9]){4,17})"
    + END
    + r"|驾(?:驶证|照)(?:号码?)?[是为:： ]{0,3}(\d{12})"
    + END,
    re.IGNORECASE,
)
CARD = re.compile(START + r"\d(?:[ -]?\d){11,18}" + END)
LONG = re.compile(r"\d{14,}|\d{4}([ -])\d{4}\1\d{4}\1\d{1,4}(?:\1\d{1,3})?")
CARD_SAID = re.compile(
    r"卡|card\b|\bcc\b|credit|debit|visa|mastercard|amex|银联|账号|账户", re.IGNORECASE
)
CVV = re.compile(
    r"(?:\b(?:cvv|cvc|csc|cvn)2?|安全码|校验码|security code)"
    r"(?:[是为:： ]|code|number|is){0,4}(\d{3,4})" + END,
    re.IGNORECASE,
)
_PASS = r"(?:passport|护照|通行证)"
_PASS_NUMBER = r"(?:[A-Z]{1,2}\d{6,8}|\d{9}|[A-Z]\d{2}[A-Z0-9]{6})"
PASSPORT = re.compile(
    rf"{_PASS}[^\d\n。.!?！？]{{0,20}}?{START}({_PASS_NUMBER}){END}"
    rf"|{START}({_PASS_NUMBER}){END}[^\d\n。.!?！？]{{0,12}}{_PASS}",
    re.IGNORECASE,
)
_PROVINCE = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼使领"
PLATE = re.compile(
    rf"[{_PROVINCE}][A-HJ-NP-Za-hj-np-z][·•. -]?(?=[A-Za-z]*\d)[A-HJ-NP-Za-hj-np-z0-9]{{4,5}}"
    r"(?:[A-HJ-NP-Za-hj-np-z0-9]|[挂学警港澳])(?![0-9A-Za-z])"
    r"|(?:(?:license|licence|number|registration) plate|\bplates?|registration|车牌)"
    r"(?: number| no\.?)?(?:[是为:： ]| is| was)*"
    r"(?=[A-Z]*[ -]?[A-Z]*\d)([A-Z0-9]{2,4}[ -]?[A-Z0-9]{2,4})" + END
)
IP4 = re.compile(r"(?<![0-9A-Za-z.])\d{1,3}(?:\.\d{1,3}){3}(?![0-9A-Za-z])(?!\.\d)")
IP6 = re.compile(r"(?<![0-9A-Za-z:])(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4}(?![0-9A-Za-z:])")
VERSION = re.compile(r"(?:\bv|version|firmware|版本|固件|系统)[^\d\n]{0,6}$", re.IGNORECASE)
# What people ask about: numbers of orders, parcels, invoices stay, whatever their check digits.
ASKED = re.compile(
    r"(?:订单|单号|运单|快递单?|物流|流水|交易号|发票号|工单|order|tracking|invoice|ticket|case|parcel"
    r"|shipment|waybill|policy)(?:号码?|编号| (?:number|no\.?|id|code))?"
    r"(?:[是为:：# ]| is| was|){0,3}"
    r"((?!1[3-9]\d{9}(?!\d))[A-Za-z]{0,4}\d[\d-]{5,31})" + END,
    re.IGNORECASE,
)
INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060\ufeff\u00ad]")
# Full-width letters and digits as half-width; punctuation must go on ending Chinese sentences.
HALF = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F) if chr(code) not in "，：；！？"}
HALF |= {0x3000: 0x20, 0x00A0: 0x20}

Links = Literal["all", "secret"]


@dataclass(frozen=True, slots=True)
class Span:
    """Characters start..end of a text hold personal data of this kind."""

    kind: str
    start: int
    end: int


def find(text: str, links: Links = "all") -> tuple[Span, ...]:
    """Spans of personal data, in order, none overlapping.

    Kinds: url, email, iban, id, card, cvv, passport, plate, ip, phone, address, name. Numbers
    with a wrong check digit are none. `links` "secret" leaves links without a token.
    """
    flat, positions = _flat(text)
    taken: list[Span] = []
    for span in _candidates(flat, links):
        if all(span.end <= other.start or other.end <= span.start for other in taken):
            taken.append(span)
    found = (s for s in taken if s.kind != "kept")
    placed = (Span(s.kind, positions[s.start], positions[s.end - 1] + 1) for s in found)
    return tuple(sorted(placed, key=lambda s: s.start))


def _flat(text: str) -> tuple[str, range | list[int]]:
    """Half-width, Simplified, without invisible characters; and where each character stood."""
    positions: range | list[int] = range(len(text))
    if INVISIBLE.search(text):
        positions = [i for i, c in enumerate(text) if not INVISIBLE.match(c)]
        text = "".join(text[i] for i in positions)
    return simplify(text.translate(HALF)), positions


def _candidates(text: str, links: Links) -> Iterator[Span]:
    """Spans in the order of their certainty; an earlier one wins where two overlap."""
    yield from _links(text, links)
    yield from (Span("email", *m.span()) for m in EMAIL.finditer(text))
    if any(c.isdigit() for c in text):
        yield from _ibans(text)
        yield from _identities(text)
        yield from (Span("kept", *m.span(1)) for m in ASKED.finditer(text))
        yield from _cards(text)
        for kind, pattern in (("passport", PASSPORT), ("plate", PLATE)):
            yield from (_group(kind, match) for match in pattern.finditer(text))
        yield from _internet(text)
        yield from sorted(
            (Span("phone", *place) for place in phone_numbers.find(text)),
            key=lambda s: s.start - s.end,  # the longest first: an extension belongs to its number
        )
        yield from (Span("address", *place) for place in addresses.find(text))
    yield from (Span("name", *place) for place in names.find(text))


def _group(kind: str, match: re.Match[str]) -> Span:
    """The group that matched, or all of it when it has none."""
    return Span(kind, *match.span(match.lastindex or 0))


def _links(text: str, links: Links) -> Iterator[Span]:
    for match in URL.finditer(text):
        link = match.group().rstrip(".,;:!?)]}")
        if links == "all" or SECRET.search(link):
            yield Span("url", match.start(), match.start() + len(link))


def _ibans(text: str) -> Iterator[Span]:
    """The longest part that MOD 97 confirms; what only looks like one is kept as it is."""
    for match in IBAN.finditer(text):
        value = match.group()
        ends = [m.end() for m in re.finditer(r"[A-Za-z0-9]+", value)][::-1]
        valid = next((end for end in ends if checksums.iban(value[:end])), None)
        if valid is not None:
            yield Span("iban", match.start(), match.start() + valid)
        elif sum(c.isdigit() for c in value) > 9:
            yield Span("kept", *match.span())


def _identities(text: str) -> Iterator[Span]:
    for match in RESIDENT_ID.finditer(text):
        if checksums.resident_id(match.group().replace(" ", "")):
            yield Span("id", *match.span())
        elif not checksums.card(match.group()):
            yield Span("kept", *match.span())
    for match in OLD_ID.finditer(text):
        if checksums.old_resident_id(match[1]):
            yield Span("id", *match.span(1))
    for match in HONG_KONG_ID.finditer(text):
        if checksums.hong_kong_id(match.group()):
            yield Span("id", *match.span())
    for match in TAIWAN_ID.finditer(text):
        if "身" in text and checksums.taiwan_id(match.group()):
            yield Span("id", *match.span())
    yield from (Span("id", *m.span()) for m in US_SSN.finditer(text))
    yield from (_group("id", m) for m in LICENCE.finditer(text))


def _cards(text: str) -> Iterator[Span]:
    """By issuer and Luhn; with the word card before it, by Luhn alone."""
    for match in CARD.finditer(text):
        said = CARD_SAID.search(text[max(0, match.start() - 30) : match.start()])
        if checksums.card(match.group()) or (said and checksums.luhn(match.group())):
            yield Span("card", *match.span())
        elif LONG.fullmatch(match.group()) and not _dialled(text, match):
            yield Span("kept", *match.span())  # a number of an order, say: no part of it is a phone
    if CARD_SAID.search(text) or CARD.search(text):
        yield from (Span("cvv", *m.span(1)) for m in CVV.finditer(text))


def _dialled(text: str, match: re.Match[str]) -> bool:
    """+86 138 … and 0086 138 … are phone numbers, however long."""
    return text[match.start() - 1 : match.start()] in ("+", "(") or match.group().startswith("00")


def _internet(text: str) -> Iterator[Span]:
    for pattern in (IP4, IP6):
        for match in pattern.finditer(text):
            if VERSION.search(text[: match.start()]):
                yield Span("kept", *match.span())
                continue
            try:
                ipaddress.ip_address(match.group())
            except ValueError:
                continue
            yield Span("ip", *match.span())
