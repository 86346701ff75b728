"""Closed lists: words that say nothing about a topic, abbreviations that end in a full stop."""

from __future__ import annotations


def words(text: str) -> frozenset[str]:
    """The words of a list written with blanks between them."""
    return frozenset(text.split())


STOP_WORDS = words("""
    a an and are as at be been but by can could did do does for from had has have how i if in into
    is it its me my of on or our shall should so that the their them then there these they this
    those to us was we were what when where which who why will with would you your am any please
    hi hello hey thanks thank
""")
STOP_PHRASES_CJK = sorted(
    words("""
        请问 什么 怎么 怎样 如何 多少 为什么 可以 能不能 可不可以 是不是 有没有 是否 能否 你们 我们
        您们 一下 这个 那个 一个 谢谢 你好 您好 麻烦
    """),
    key=len,
    reverse=True,  # 可不可以 before 可以
)
STOP_CHARACTERS = frozenset(
    "的了吗呢吧啊呀哦么我你您他她它们是在有和与或及就都也还被把给让对从到个这那请"
)

# Without these a question still asks the same; question words of manner, time, place, reason and
# person are not among them: "can I" and "how do I" have different answers.
FILLER_WORDS = (STOP_WORDS - words("how when where why who from with")) | words(
    "want need like get tell know way possible able there's i'm i'd one also just"
)
FILLERS_CJK = sorted(
    words("""
        请问 你好 您好 麻烦 谢谢 什么 可不可以 能不能 可以 可否 能否 是否 是不是 想要 我想 我要 需要
        你们 我们 您们 咱们 一下 这个 那个 操作 办理 的话 应该 应当 告诉 知道 想
    """),
    key=len,
    reverse=True,
)
FILLER_CHARACTERS = frozenset("的了吗呢吧啊呀哦么我你您请能会要去得地个把给")

ABBREVIATIONS = words("""
    mr mrs ms dr prof st no nos vs etc e.g i.e eg ie approx incl excl dept fig vol pp ca cf co inc
    ltd corp jan feb mar apr jun jul aug sep sept oct nov dec mon tue wed thu fri sat sun a.m p.m
    tel ext min max p ch sec art
""")
MAY_END = words("etc a.m p.m inc ltd co corp min max")  # abbreviations that also end a sentence
