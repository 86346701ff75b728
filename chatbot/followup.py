"""The search query for a turn that leans on earlier ones."""

from __future__ import annotations

import re
from collections.abc import Sequence

from chatbot.types import Message
from knowledge.language import simplify

LEANING = re.compile(
    r"^(?:那|那么|那麼|它|他|这个|這個|那个|那個|这|這|然后|還有|还有|如果是|换成|換成|要是|呢)"
    r"|(?:呢|的话呢)[？?]?$"
    r"|^(?:and|but|so|or|then|what about|how about|what if|it|its|they|them|that|those|this|these"
    r"|same|also|is it|does it|can it|is that|does that|and if|even)\b"
    r"|\b(?:that one|the other one|the same|instead|as well)\b",
    re.IGNORECASE,
)
SHORT = {"zh": 5, "latin": 3}  # characters or words; a turn this short rarely stands alone
CJK = re.compile(r"[\u3400-\u9fff]")

CLAUSE = re.compile(r"[^,，;；.。!！?？\n]*[,，;；.。!！?？\n]*")
INTRODUCED = re.compile(  # "my number is [PHONE_1]": whose it is does not matter for the answer
    r"\s*(?:(?:hi|hello|hey|您好|你好)\s*)?(?:my|the|this is|i am|i'm|here is|我的?|这是)?\s*"
    r"(?:(?:phone|mobile|card|id|order|account|tracking)?\s*(?:number|no\.?|e-?mail|address|name)?"
    r"|手机号?码?|电话号?码?|号码|邮箱|订单号?|姓名|名字|身份证号?|卡号|地址)\s*(?:is|are|:|：|是|为)?\s*"
    r"(?:\[[A-Z_]+_\d+\]\s*(?:and|和|、)?\s*)+[,，;；.。!！?？\s]*",
    re.IGNORECASE,
)


def without_introductions(masked: str) -> str:
    """The masked question without clauses that only give personal data, if anything is left."""
    kept = "".join(c for c in CLAUSE.findall(masked) if not INTRODUCED.fullmatch(c)).strip()
    return kept or masked


def context(question: str, history: Sequence[Message]) -> str:
    """The previous user turn when the question leans on it, else nothing.

    Search gets both, so that "and for the K1?" finds the K1; the evidence is judged by the
    question alone, or the previous question's answer would pass for this one's.
    """
    previous = next((m.text for m in reversed(history) if m.role == "user"), "")
    return previous if previous and leans(question) else ""


BEFORE = 0.15  # weight in search of the turn before, and of the answer to it
LEANING_BEFORE = 0.25  # the same for a question that can hardly be understood alone
ANSWER = 300  # characters of the answer before


def before(question: str, history: Sequence[Message]) -> tuple[tuple[str, float], ...]:
    """What was said before, with the question after it, and how much that weighs in the search.

    Every later turn gets a little of it, as most are about the same thing without saying so.
    """
    weight = LEANING_BEFORE if leans(question) else BEFORE
    asked = next((m.text for m in reversed(history) if m.role == "user"), "")
    answered = next((m.text for m in reversed(history) if m.role != "user"), "")
    said = (text for text in (asked, answered[:ANSWER]) if text.strip())
    return tuple((simplify(f"{text} {question}"), weight) for text in said)


def leans(question: str) -> bool:
    """Whether the turn can hardly be understood alone."""
    text = question.strip()
    characters = len(CJK.findall(text))
    words = len(re.findall(r"[A-Za-z0-9]+", text))
    # K2显示E3怎么办 names what it is about, with few characters
    short = characters + 2 * words <= SHORT["zh"] if characters else words <= SHORT["latin"]
    return short or bool(LEANING.search(text))
