"""What an engine wrote, screened like what a customer wrote, before anybody sees it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from chatbot import personal_data
from chatbot.rules import Words, rule
from knowledge.language import simplify
from knowledge.types import Passage

DONE = (
    r"refunded|cancell?ed|sent|shipped|changed|updated|booked|issued|arranged|processed|replaced"
    r"|credited|escalated|reset"
)
# An assistant that only reads has done nothing and can promise nothing.
CLAIM = re.compile(
    rf"\b(?:i|we)(?:['’]ve| have)?(?: just| already| now)? (?:{DONE})\b"
    rf"|\byour (?:\S+ ){{1,5}}?(?:has been|have been|was|were|is now)"
    rf"(?: just| already)? (?:{DONE})\b"
    r"|已经?(?:为您|帮您|给您|替您)?(?:办理|申请|安排)?(?:退款|取消|补发|发货|修改|更改|登记|退换)"
    r"(?:成功|完成|给您|了)"
    r"|(?:刚刚?|已经?)(?:为您|帮您|给您|替您)(?:退款|取消|补发|发货|修改|更改|办理|登记|安排)",
    re.IGNORECASE,
)
PROMISE = re.compile(
    r"\b(?:i|we)(?:['’]ll| will| can)? (?:personally )?(?:guarantee|promise)\b"
    r"|\bi(?:['’]ll| will) (?:refund|cancel|send|ship|change|replace|compensate|arrange|issue)\b"
    r"|(?:我们?|本店)(?:向您)?(?:保证|承诺|担保)"
    r"|我(?:们)?(?:马上|立即|现在|这就|会|将)+(?:为您|帮您|给您|替您)"
    r"(?:退款|取消|补发|发货|修改|更改|赔偿|办理|安排)",
    re.IGNORECASE,
)
CONDITION = re.compile(
    r"\b(?:if|once|when|after|until|unless|before|that)\b|如果|若|一旦|假如|当", re.IGNORECASE
)
CLAUSE = re.compile(r"[后的前时]")  # 已退款的订单, 已发货后: no claim either
FILLING = re.compile(r"[\s.·-]")


def forbidden(sentence: str, evidence: Sequence[Passage], words: Words | None = None) -> str | None:
    """Why the sentence may not be shown, None when it may.

    A rule that forbids an answer to a customer forbids it of the assistant too. Personal data,
    links and a promise must stand in the evidence (the shop's own number, its own guarantee).
    """
    broken = rule(sentence, words)
    if broken:
        return f"breaks rule {broken}"
    there = FILLING.sub("", " ".join(f"{p.title} {p.heading} {p.text}" for p in evidence)).lower()
    for span in personal_data.find(sentence):
        value = FILLING.sub("", sentence[span.start : span.end]).lower()
        if value not in there:
            return f"a {span.kind} that is not in the evidence"
    return _promised(simplify(sentence), simplify(there))


def _promised(sentence: str, there: str) -> str | None:
    """`there`: the evidence without FILLING, in small letters. A condition is no claim."""
    for match in CLAIM.finditer(sentence):
        said = CONDITION.search(sentence[: match.start()])
        if not said and not CLAUSE.match(sentence[match.end() :]):
            return "claims an action that was not taken"
    for match in PROMISE.finditer(sentence):
        if FILLING.sub("", match[0]).lower() not in there:
            return "promises what the evidence does not"
    return None
