"""Phone numbers of China and the world in running text."""

from __future__ import annotations

import re
from collections.abc import Iterator

import phonenumbers

from chatbot.checksums import digits

START, END = r"(?<![0-9A-Za-z])(?<![0-9][.-])", r"(?![0-9A-Za-z])(?![.-][0-9])"
CHINESE = re.compile(
    START + r"(?:(?:\+|00)?86[ -]?)?(?:1[3-9]\d[ .-]?\d{4}[ .-]?\d{4}|1[3-9]\d{2}[ -]\d{3}[ -]\d{4}"
    r"|1[ -][3-9](?:[ -]\d){9}|1[3-9]\d[ -]\d{3}[ -]\d{5})(?![0-9A-Za-z])"
    # landlines, with an extension; Taiwan's mobiles
    r"|(?<![0-9A-Za-z.-])(?:\(0\d{2,3}\)|0(?:10|2\d|[3-9]\d{2}))[ -]?[2-9]\d{2,3}[ -]?\d{4}"
    r"(?:(?: ?(?:转|分机|ext\.?|x) ?|-)\d{1,5})?(?![0-9A-Za-z])"
    r"|(?<![0-9A-Za-z.-])09\d{2}[ -]?\d{3}[ -]?\d{3}" + END
)
# 800 and 400 numbers are hotlines of companies.
AMERICAN = re.compile(
    START + r"(?:\+?1[ .-]?)?(?:\((?![48]00)[2-9]\d{2}\) ?|(?![48]00|8(?:33|44|55|66|77|88))"
    r"[2-9]\d{2}[ .-])\d{3}[ .-]\d{4}(?:(?: ?x| ext\.? ?)\d{1,5})?" + END
)
NATIONAL = re.compile(START + r"(?:\(0\d{1,4}\)|0\d{1,4})(?:[ ./-]\(?\d{2,4}\)?){2,4}" + END)
PAIRS = re.compile(START + r"\d{2}([-.])\d{2}\1\d{2}\1\d{2}(?:\1\d{2})?" + END)
INTERNATIONAL = re.compile(r"\+ ?\(?\d|(?<!\d)00[1-9]\d")
NUMBER = r"\+?\(?\d[\d ().\-/]{4,19}\d(?:(?: ?x| ext\.? ?|转)\d{1,5})?"
CALLED = re.compile(
    r"(?:\b(?:phone|mobile|cell|cellphone|tel|telephone|fax|call|text|whatsapp|desk|sms|ring|dial|registered"
    r"|answering at|messages? (?:at|on|to)|reach (?:me|us) (?:at|on))\b"
    r"|电话|手机|传真|致电|打给|拨打|联系方式|联系号码|whatsapp)"
    rf"(?P<gap>[^\d\n+(]{{0,24}}|[^\d\n+(]{{0,12}}\n)(?P<number>{NUMBER})" + END,
    re.IGNORECASE,
)
NO_CALL = re.compile(
    r"order|track|invoice|model|price|¥|\$|€|£|订单|单号|运单|元|型号|[.!?。！？;；]\s", re.I
)
SHORTEST, LONGEST = 7, 15  # digits; ITU-T E.164 allows 15


def find(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of every phone number; they may overlap.

    `text` has half-width digits. Numbers alone are found by their national form; others when
    a word such as "call" or 电话 stands before them.
    """
    for pattern in (CHINESE, AMERICAN, PAIRS):
        for match in pattern.finditer(text):
            yield match.span()
    for match in NATIONAL.finditer(text):
        if 9 <= len(digits(match.group())) <= 12:
            yield match.span()
    for match in CALLED.finditer(text):
        number = match["number"].strip()
        hotline = re.match(r"(?:1-)?[48]00", number)
        many = SHORTEST <= len(digits(number)) <= LONGEST
        if many and not hotline and not NO_CALL.search(match["gap"]):
            yield match.start("number"), match.start("number") + len(number)
    if INTERNATIONAL.search(text):
        for phone in phonenumbers.PhoneNumberMatcher(text, "CN", phonenumbers.Leniency.POSSIBLE):
            if phone.raw_string.startswith(("+", "00", "(+")):
                yield phone.start, phone.end
