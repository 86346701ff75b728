"""Questions about the customer's own order, parcel, refund or repair: no document answers them.

"Where is my parcel?" reads like a question about delivery, and the rules on delivery seem to answer
it. Only somebody who can look into the shop's systems can; the same question with "how do I see" or
"how long does it take" is one about the rules. "When will it come" is left to the evidence: a rule
often answers it.
"""

from __future__ import annotations

import re

from knowledge.language import simplify

THING = (
    r"(?:my|our|the)\s+(?:\w+\s+){0,2}?"
    r"(?:orders?|parcels?|packages?|deliver(?:y|ies)|shipments?|refunds?|money|returns?|repairs?|"
    r"exchange|replacement|invoice|kettle|tea|stuff|things|purchase|points|gift\s?card|coupon)"
)
NUMBER = r"(?:#\s?\d{4,12}|[A-Z]{2}\d{9,15})"
STATE = (
    r"(?:shipp?ed|sent|dispatched|posted|delivered|arriv\w*|here|out|on (?:its|the) way|processed|"
    r"approved|paid(?: out)?|refunded|repaired|done|ready|come|coming|get here|be)"
)
ENGLISH = re.compile(
    rf"\bwhere(?:'s|\s+is|\s+are|\s+the\s+hell\s+is)\s+(?:{THING}|order\s+{NUMBER})"
    rf"(?:\s+(?:now|right now|at|{NUMBER}))?\s*(?:[?!.,]|$)"
    rf"|\b(?:status|whereabouts)\s+(?:of|on|for)\s+(?:{THING}|order|{NUMBER})"
    rf"|\b(?:my|the)\s+(?:order|refund|repair|return|delivery|parcel)\s+status\b"
    rf"|(?:^|[.,;:!?]\s*|\b(?:and|so|but|or|hi|hello)\s+)(?:has|have|is|are)\s+{THING}(?:\s+{NUMBER})?\s+(?:been\s+|already\s+|yet\s+)*{STATE}\b"
    r"|\b(?:can|could|would|will)\s+(?:you|someone|somebody|u)\s+(?:please\s+|pls\s+)?"
    rf"(?:check|look\s+up|look\s+into|look\s+for|find|track|trace|see)\s+(?:on\s+|where\s+|if\s+|"
    rf"whether\s+)?(?:{THING}|order\b|{NUMBER})"
    rf"|^\W*(?:please\s+|pls\s+)?(?:check|track|trace|look\s+up)\s+(?:on\s+)?(?:{THING}|order\b|{NUMBER})"
    r"|\bhow\s+many\s+points\s+(?:do|have)\s+i\s+(?:have|got|collected)\b"
    r"|\bwhat(?:'s|\s+is)\s+(?:my|the)\s+(?:balance|points balance|tracking number|order number)\b",
    re.IGNORECASE,
)
AFFAIR = r"(?:快递|包裹|快件|订单|单子|物流|东西|货|退款|钱|维修|换货|退货|发票|壶|茶叶?|补发的?)"
CHINESE = re.compile(
    rf"(?:我的?|这个|这单|那个|我买的|我订的|我下的|[A-Z]{{2}}\d{{9,15}})\S{{0,8}}?{AFFAIR}?(?:现在|目前|今天)?"
    r"(?:到哪里?儿?了|在哪里?儿?了|走到哪|送到哪|寄到哪里?儿?了|到没到|发货了?(?:吗|没|么)|"
    r"发了(?:吗|没|么)|寄出了?(?:吗|没|么)|到了(?:吗|没|么)|退了(?:吗|没|么)|修好了?(?:吗|没|么))"
    rf"|^\W*{AFFAIR}(?:现在|目前)?(?:到哪里?儿?了|在哪里?儿?了|走到哪|送到哪|到没到|发了没|发货了?没)"
    rf"|(?:帮我|帮忙|麻烦|请|能不能|能|可以)\S{{0,4}}(?:查|看|跟进|催)(?:一下|一查|下|看|查)?\S{{0,8}}?"
    rf"(?:{AFFAIR}|积分|余额|[A-Z]{{2}}\d{{9,15}})(?:到哪|在哪|状态|进度|情况|还有多少|$|[，。？?！!吗呢])"
    rf"|我\S{{0,3}}(?:还有|有)(?:多少|几)(?:个)?积分|我的?积分(?:还有|有|是)多少"
)
ALONE = re.compile(  # an order number and nothing else: it is to be looked up
    r"\W*(?:(?:my |the )?(?:order|tracking)(?: number| no\.?)?(?: is)?"
    r"|(?:我的)?(?:订单|快递|运)单?号?(?:是)?)?"
    rf"\W*{NUMBER}\W*",
    re.IGNORECASE,
)
RULES = re.compile(  # how it is seen, or what the rule is
    r"\bhow\s+(?:do|can|could|should|would|to)\b|\bwhere\s+(?:do|can|could|should)\b"
    r"|怎么(?:查|看|知道|跟踪|追踪|办)|如何|在哪里?儿?(?:查|看|能查|能看|可以)|哪里(?:查|看|能|可以)|从哪里?查"
    r"|一般|通常|大概要|正常",
    re.IGNORECASE,
)


def about_own(question: str) -> bool:
    """Whether somebody must look into the customer's own affairs to answer."""
    text = simplify(question)
    if ALONE.fullmatch(text):
        return True
    if RULES.search(text):
        return False
    return bool(ENGLISH.search(text) or CHINESE.search(text))
