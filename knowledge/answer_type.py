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
    r"|(?:mon|tues|wednes|thurs|fri|satur|sun)days?|\d{1,2}:\d{2}|次年|每月|工作日|\d{4}年",
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
ASKED = {
    "money": r"how much (?:is|are|does|do|would|will|to|for|it|shipping|postage|money)|\bprices?\b|\bcosts?\b|\bfees?\b|charge|expensive|\bpay(?:ing)? (?:for|to)|多少钱|价格|价钱"
    r"|运费|邮费|费用|收费|贵|要钱|花多少|几块|几元|多少元|免费吗|押金多少|定金多少",
    "percent": r"discount|percent|% ?off|how much off|折扣|几折|打折|优惠多少|百分之",
    "duration": r"how long|how (?:many|much) (?:minutes|hours|days|weeks|months|years|time|longer)|how (?:soon|fast|quick)|by when|多久|多长时间|几天|几个?小时|几分钟|几个月|几年|多少天|什么时候能?到"
    r"|几日|时效|期限|多少年|保多久|how often|多久一次",
    "date": r"\bwhen\b|what (?:time|date|day)|which (?:day|month)|until when|deadline|opening hours|\bopen (?:on|at|till|until)|什么时候|何时|几点|几号|几月|哪天|哪一天|截止|营业时间|周几|星期几",
    "temperature": r"temperature|how hot|degrees|多少度|水温|温度|几度",
    "weight": r"how heavy|weigh|how many (?:grams|kilos|kg|g)\b|how much (?:tea|leaf|citric)|多重|多少克|几克|多少公斤|重量|几公斤",
    "volume": r"capacity|how (?:much water|big|many (?:ml|litres|liters))|volume|容量|多大容量|多少毫升|几升|多少水|多少升",
    "power": r"\bwatt|wattage|voltage|\bpower\b (?:rating|consumption)|功率|多少瓦|电压|几伏",
    "length": r"how (?:long is the (?:cable|cord|lead)|tall|wide|high)|dimension|\bheight\b|diameter|cable length|cord length|多长的?线|线.{0,4}多长|多高|尺寸|直径|多宽",
    "sound": r"\bloud|noise|noisy|decibel|\bdb\b|噪音|分贝|吵|声音大",
    "number": r"how many|how much|number of|maximum|minimum|at most|at least|limit|多少|几个|几次|几件|几张|几人|最多|最少|上限|几种|几把|几位|几遍",
    "place": r"\bwhere\b|which (?:country|countries|city|store|shop|warehouse)|address|哪里|哪儿|在哪|地址|哪个城市|哪些国家|哪些地区|什么地方",
    "contact": r"phone number|e-?mail address|contact|how (?:do|can) i reach|call you|电话多少|客服电话|怎么联系|联系方式|邮箱是",
    "colour": r"\bcolou?rs?\b|颜色|什么色|几种色",
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


def held(sentence: str) -> frozenset[str]:
    """The kinds of value that stand in a sentence."""
    return frozenset(kind for kind, pattern in _patterns(False).items() if pattern.search(sentence))
