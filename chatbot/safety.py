"""The safety screen: personal data masked, injection and banned words named by rule."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import phonenumbers

from chatbot.types import Verdict

# Lookarounds instead of \b: Chinese letters are word characters, so \b never holds beside them.
START, END = r"(?<![0-9A-Za-z])", r"(?![0-9A-Za-z])"
EMAIL = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})+")
RESIDENT_ID = re.compile(START + r"\d{17}[\dXx]" + END)
CARD = re.compile(START + r"\d(?:[ -]?\d){12,18}" + END)
IBAN = re.compile(START + r"[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?" + END)
IP = re.compile(START + r"(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)" + END)
CN_MOBILE = re.compile(r"(?<![0-9A-Za-z])(?:\+?86[ -]?)?1[3-9]\d(?:[ -]?\d){8}" + END)
ORDER = re.compile(START + r"[A-Z]{2}\d{10}" + END)  # must survive: it is what people ask about
# The commonest surnames, about 90 % of people: 我是买家 and 我叫了快递 give no name.
SURNAME = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔"
    "钟谭陆汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤欧"
    "張劉陳楊黃趙吳孫馬羅鄭謝許韓馮鄧蕭蔣餘葉蘇魏呂盧鍾譚陸範賈韋鄒閆龍陶賀顧龔萬錢嚴湯歐"
)
NAME = re.compile(
    rf"(?:(?:(?<=我叫)|(?<=我是)|(?<=名字是))(?=[{SURNAME}])|(?<=姓名[:：])|(?<=收件人[:：]))"
    r"(?P<zh>[\u4e00-\u9fff]{2,3})"
    r"(?=[,，。.;；!！\s、]|$)"
    r"|(?:(?<=[Mm]y name is )|(?<=[Tt]his is )|(?<=Mr\. )|(?<=Mrs\. )|(?<=Ms\. ))"
    r"(?P<en>[A-Z][a-z]+(?: [A-Z][a-z]+)?)"
)
ADDRESS = re.compile(
    r"[\u4e00-\u9fff]{2,8}(?:省|市|区|县)[\u4e00-\u9fff0-9]{1,20}?(?:路|街|道|巷|村)[0-9]{1,5}(?:号|弄)"
    r"[\u4e00-\u9fff0-9A-Za-z-]{0,16}(?:室|楼|单元|栋)?"
    r"|\d{1,5} (?:[A-Z][a-z]+ ){1,3}(?:Street|St|Avenue|Ave|Road|Rd|Lane|Ln|Drive|Dr|Boulevard|Blvd)\b\.?"
)
NOT_NAMES = {"客服", "机器人", "会员", "新用户", "老客户", "老顾客", "谁", "学生", "金卡", "银卡"}


def screen(text: str) -> Verdict:
    """Mask personal data and name the rule, if any, that forbids an answer."""
    masker = Masker()
    masked = masker.mask(text)
    return Verdict(masked, tuple(masker.found), _rule(text))


class Masker:
    """Consistent placeholders for one conversation: the same phone is [PHONE_1] throughout."""

    def __init__(self) -> None:
        self.found: list[str] = []
        self._names: dict[tuple[str, str], str] = {}

    def mask(self, text: str) -> str:
        """`text` with personal data replaced; everything else unchanged."""
        spans = sorted(_personal(text), key=lambda s: (s.start, -s.end))
        parts, position = [], 0
        for span in spans:
            if span.start < position:
                continue
            parts += [text[position : span.start], self._name(span, text[span.start : span.end])]
            position = span.end
        return "".join([*parts, text[position:]])

    def _name(self, span: Span, value: str) -> str:
        self.found.append(span.kind)
        key = (span.kind, re.sub(r"[\s-]", "", value).lower())
        if key not in self._names:
            number = sum(kind == span.kind for kind, _ in self._names) + 1
            self._names[key] = f"[{span.kind.upper()}_{number}]"
        return self._names[key]


@dataclass(frozen=True, slots=True)
class Span:
    """Characters start..end of a text hold personal data of this kind."""

    kind: str
    start: int
    end: int


def _personal(text: str) -> Iterator[Span]:
    kept = [m.span() for m in ORDER.finditer(text)]
    for kind, pattern, valid in (
        ("email", EMAIL, None),
        ("id", RESIDENT_ID, _resident_id),
        ("iban", IBAN, _iban),
        ("card", CARD, _luhn),
        ("ip", IP, None),
        ("phone", CN_MOBILE, None),
        ("address", ADDRESS, None),
    ):
        for match in pattern.finditer(text):
            if valid is None or valid(match.group()):
                yield Span(kind, *match.span())
    for match in NAME.finditer(text):
        if match.group() not in NOT_NAMES:
            yield Span("name", *match.span())
    for phone in phonenumbers.PhoneNumberMatcher(text, "CN"):
        inside = any(start <= phone.start < end for start, end in kept)
        if not inside and (phone.raw_string.startswith("+") or _landline(phone.raw_string)):
            yield Span("phone", phone.start, phone.end)


def _landline(raw: str) -> bool:
    """Digits alone could be an amount; a national number starts with 0 and an area code."""
    return raw.startswith("0") and sum(c.isdigit() for c in raw) >= 10


def _resident_id(value: str) -> bool:
    """GB 11643: ISO 7064 MOD 11-2 over the first 17 digits."""
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    total = sum(int(d) * w for d, w in zip(value[:17], weights, strict=True))
    return "10X98765432"[total % 11] == value[17].upper()


def _luhn(value: str) -> bool:
    digits = [int(c) for c in value if c.isdigit()]
    doubled = [d if i % 2 == 0 else d * 2 - 9 * (d > 4) for i, d in enumerate(reversed(digits))]
    return len(set(digits)) > 1 and sum(doubled) % 10 == 0


def _iban(value: str) -> bool:
    """ISO 13616: MOD 97-10 of the rearranged number is 1."""
    flat = value.replace(" ", "")
    number = "".join(str(int(c, 36)) for c in flat[4:] + flat[:4])
    return 15 <= len(flat) <= 34 and int(number) % 97 == 1


@cache
def _rules() -> tuple[tuple[str, re.Pattern[str]], ...]:
    table = tomllib.loads((files("chatbot") / "data" / "rules.toml").read_text("utf-8"))
    return tuple(
        (name, re.compile("|".join(f"(?:{p})" for p in rule["patterns"]), re.IGNORECASE))
        for name, rule in table["blocked"].items()
    )


def _rule(text: str) -> str | None:
    flat = re.sub(r"[\u200b-\u200f\u202a-\u202e\u2060\ufeff]", "", text)
    return next((name for name, pattern in _rules() if pattern.search(flat)), None)
