"""What kind of value a question asks for, and what kinds a sentence holds.

The classic expected-answer-type of question answering (Li & Roth 2002), for the kinds that
support questions ask for. A price question is not answered by a sentence without a price.
"""

from __future__ import annotations

import re
from functools import cache

NUMBER = r"(?:\d[\d,.]*|[一二两三四五六七八九十百千半]+|one|two|three|four|five|six|seven|eight|nine|ten)"
HELD = {
    "money": r"[¥$€£]\s?\d|\d[\d,.]*\s?(?:元|块|rmb|cny|usd|eur|dollars?|euros?|yuan)|free of charge|for free|\bfree\b|免费|包邮",
    "percent": r"\d\s?%|百分之|\d\s?折|\d\.?\d?\s?percent|% off",
    "duration": NUMBER
    + r"[\s-]?(?:to\s\d+\s)?(?:个)?(?:working |business |calendar |full )?(?:秒|分钟|小时|工作日|自然日|天|日内|周|星期|个月|月|年|seconds?|secs?|minutes?|mins?"
    r"|hours?|hrs?|days?|weeks?|months?|years?)|next day|same day|次日|当天|隔日|immediately|at once|no limit|即时",
    "date": r"\d{1,2}\s?月\s?\d{0,2}|\d{4}-\d{2}|\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.? ?\d{0,2}\b|周[一二三四五六日末]"
    r"|(?:mon|tues|wednes|thurs|fri|satur|sun)days?|\d{1,2}:\d{2}|次年|每月|工作日|\d{4}年|\d+(?:st|nd|rd|th)\b",
    "temperature": r"\d\s?°|\d\s?℃|\d\s?度|degrees",
    "weight": r"\d\s?(?:kg|g|公斤|千克|克|斤)\b|\d\s?(?:公斤|千克|克|斤)",
    "volume": r"\d\s?(?:ml|l|litres?|liters?)\b|\d\s?(?:毫升|升)",
    "power": r"\d\s?(?:w|v|hz|瓦|伏)\b|\d\s?(?:瓦|伏)",
    "length": r"\d\s?(?:mm|cm|m|inch(?:es)?|厘米|毫米|米)\b|\d\s?(?:厘米|毫米|米)(?!\w)",
    "sound": r"\bdb\b|decibel|分贝",
    "number": r"\d|[一二两三四五六七八九十]+\s?(?:次|个|件|张|只|片|级|种|人|位|字|倍|遍|款)|\b(?:one|two|three|four|five|once|twice)\b",
    "place": r"路\s?\d|街\s?\d|\d+号|street|road|warehouse|store|门店|仓|城区|countries|国家|地区|省",
    "contact": r"@|\d{3}-\d{3}|电话|phone|e-?mail|邮箱",
    "colour": r"黑|白|青瓷|black|white|celadon",
}
# Only wh-questions ask for a value; "can I", "is there", 吗 and 能不能 ask for a yes or no.
ASKED = {
    "money": r"how much (?:is|are|does|do|did|would|will|to|for|it|shipping|postage|money|more|extra)"
    r"|what(?:'s| is| are| does| do| would| will)?\b[^?,.]{0,40}\b(?:prices?|costs?|fees?|postage)\b|\bhow expensive"
    r"|多少钱|多少元|几块|几元|什么价|(?:价格|价钱|费用|运费|邮费)(?:是|要|怎么|多少|几)|多少运费|多少邮费",
    "percent": r"(?:how much|how big|what|which)\b[^?,.]{0,30}(?:discount|percent|% ?off)|how much off|几折|(?:优惠|折扣|便宜)(?:是)?多少|百分之几|多少折",
    "duration": r"how long(?! is the (?:cable|cord|lead))|how (?:many|much) (?:minutes|hours|days|weeks|months|years|time|longer)|how (?:soon|fast|quick)"
    r"|多久|多长时间|几天|几个?小时|几分钟|几个月|几年|多少天|几日|多少年|多少小时|多少分钟|how often|几秒",
    "date": r"^(?:and |so |but |ok |hi,? )?(?:when|until when|by when|since when)\b|(?:what|which) (?:time|date|day|month)|until when|by when|什么时候|何时|啥时候|几点|几号|几月|哪天|哪一天|周几|星期几",
    "temperature": r"(?:what|which|how many)\b[^?,.]{0,30}(?:temperature|degrees)|how hot|多少度|多高的?水温|什么温度|几度|多热",
    "weight": r"how heavy|how much\b[^?,.]{0,20}\bweigh|how many (?:grams|kilos|kg|g)\b|how much (?:tea|leaf|citric)|多重|多少克|几克|多少公斤|几公斤",
    "volume": r"(?:what|which)\b[^?,.]{0,20}capacity|how (?:much water|many (?:ml|litres|liters|cups))|how big is (?:the|a) (?:kettle|gaiwan|pot|pitcher)|多大容量|容量(?:是|有)?多|多少毫升|几升|多少升",
    "power": r"how many watts?|what\b[^?,.]{0,20}(?:wattage|voltage|power rating)|how (?:many|much) (?:volts|power)|多少瓦|几伏|多大功率|功率(?:是)?多",
    "length": r"how long is the (?:cable|cord|lead)|how (?:tall|wide|high)\b|how many (?:cm|inch|mm)|what\b[^?,.]{0,20}(?:dimensions|diameter|height)|多长的?线|线.{0,4}多长|多高|多宽|直径(?:是)?多|多少厘米",
    "sound": r"how (?:loud|noisy|quiet)|how many (?:db|decibels)|多少分贝|声音(?:有)?多大|噪音(?:有)?多",
    "number": r"how many|maximum number|多少个|几个(?!月|小时)|几次|几件|几张|几人|几种|几把|几位|几遍|多少次|多少人|多少件|最多(?:能|可以)?(?:几|多少|买)",
    "contact": r"(?:what|which)\b[^?,.]{0,30}(?:phone number|e-?mail address)|(?:phone|tel)\w* (?:number )?(?:of|for) the|电话(?:号码)?(?:是)?(?:多少|几)|邮箱(?:是)?(?:多少|什么|哪)",
    "colour": r"(?:what|which) colou?rs?\b|(?:哪些|什么|哪几种|几种|几个)颜色|颜色(?:有)?(?:哪|几)",
}


@cache
def _patterns(asked: bool) -> dict[str, re.Pattern[str]]:
    table = ASKED if asked else HELD
    return {kind: re.compile(pattern, re.IGNORECASE) for kind, pattern in table.items()}


def asked(question: str) -> frozenset[str]:
    """The kinds of value that would answer, most often none or one; empty: no special kind."""
    kinds = {kind for kind, pattern in _patterns(True).items() if pattern.search(question)}
    if len(kinds) > 1:
        kinds.discard("number")  # a price or a duration says more than "how many"
    return frozenset(kinds)


# Held kinds that answer a kind asked for besides itself: "how much deposit": 20 %.
ALSO = {"money": {"percent"}, "date": {"duration"}, "duration": {"date"}}


def answers(question_kinds: frozenset[str], sentence: str) -> bool:
    """Whether the sentence holds a value of a kind asked for."""
    wanted = set(question_kinds).union(*(ALSO.get(kind, set()) for kind in question_kinds))
    return bool(wanted & held(sentence))


def held(sentence: str) -> frozenset[str]:
    """The kinds of value that stand in a sentence."""
    return frozenset(kind for kind, pattern in _patterns(False).items() if pattern.search(sentence))
