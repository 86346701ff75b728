"""Which passage supports which sentence; numbers, links and negations that must match."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from chatbot.types import Support
from knowledge.faq import negated
from knowledge.keywords import query_terms, terms
from knowledge.split import sentences
from knowledge.types import Passage

FLOOR = 0.7  # share of a sentence's content terms that must stand in one place of a passage
# A range is one figure: "1 day" is not supported by "1–3 days".
NUMBER = re.compile(r"\d+(?:[.,]\d+)*(?:\s?[-–—~～]\s?\d+(?:[.,]\d+)*)?")
DASH = re.compile(r"\s?[-–—~～]\s?")
LINK = re.compile(r"https?://\S+|www\.\S+|[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
WORDS = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8,
    "nine": 9, "ten": 10, "eleven": 11, "twelve": 12, "fourteen": 14, "fifteen": 15,
    "eighteen": 18, "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60,
    "ninety": 90,
    "一": 1, "二": 2, "两": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9,
    "十": 10, "百": 100, "千": 1000,
}  # fmt: skip
NUMBER_WORD = re.compile(
    r"\b(?:(?:twenty|thirty|forty|fifty|sixty|ninety)[- ])?"
    r"(?:" + "|".join(w for w in WORDS if w.isascii()) + r")\b"
    r"|[一二两三四五六七八九十百千]+(?=[天个次年月周件张小分元块倍])",
    re.IGNORECASE,
)
OPPOSITES = tuple(
    (re.compile(one, re.IGNORECASE), re.compile(other, re.IGNORECASE))
    for one, other in (
        (r"\bbefore\b", r"\bafter\b"),
        (r"\bwithin\b", r"\b(?:beyond|later than)\b"),
        (r"\b(?:at least|minimum|or more|more than|over|above)\b",
         r"\b(?:at most|maximum|or less|less than|under|below|up to)\b"),
        (r"\bonly\b", r"\b(?:also|any|every|all)\b"),
        (r"\b(?:includes?|including|included)\b", r"\b(?:excludes?|excluding|excluded|except)\b"),
        (r"\bif\b", r"\bunless\b"),
        (r"\b(?:free|free of charge)\b", r"\b(?:charged|at your cost|paid)\b"),
        (r"\bopened\b", r"\bunopened\b"),
        (r"之前|以前|(?<![提目])前(?!台|往|提)", r"之后|以后|(?<![售])后(?!台|续)"),
        (r"以内|之内|(?<=[天日时月年周分])内", r"以外|之外|(?<=[天日时月年周分])外"),
        (r"至少|最少|不少于|以上|超过|满", r"至多|最多|不超过|以下|不满|不足|少于"),
        (r"仅限|只限|仅|只有", r"不限|都可以|均可|所有"),
        (r"包含|包括|含", r"不含|不包括|除外|除了"),
        (r"免费|包邮|免运费", r"收费|自付|自理|到付|不包邮"),
        (r"未拆|未开封|未使用", r"已拆|已开封|已使用|拆封后|开封后"),
    )
)  # fmt: skip
CLAIM = re.compile(
    r"\bI(?:'ve| have)(?: just| already)? (?:refunded|cancell?ed|sent|shipped|changed|updated|booked|issued|arranged)"
    r"|\bI(?:'ve| have)?(?: just)? (?:checked|looked into) your order"
    r"|(?:已经?|刚刚?)(?:为您|帮您|给您)(?:退款|取消|发出|发货|修改|更改|安排|办理|登记)",
    re.IGNORECASE,
)
ABSTAINS = re.compile(
    r"\bI (?:do not|don't) (?:know|have)\b|\bnot (?:sure|able to find)\b|couldn't find|不知道|不清楚|没有找到|无法确定",
    re.IGNORECASE,
)


def check(sentence: str, passages: Sequence[Passage]) -> Support:
    """The passage that supports the sentence best, and what is wrong if none does."""
    if CLAIM.search(sentence):
        return Support(sentence, None, 0.0, "claims an action that was not taken")
    found = [(*_compared(sentence, p.title, p.heading, p.text), p.id) for p in passages]
    if not found:
        return Support(sentence, None, 0.0, "there is no passage")
    share, problem, passage = max(found, key=lambda one: (one[1] is None, one[0]))
    return Support(sentence, None if problem else passage, share, problem)


def supports(sentence: str, title: str, heading: str, text: str) -> bool:
    """Whether this one passage supports the sentence."""
    problem = _compared(sentence, title, heading, text)[1]
    return not CLAIM.search(sentence) and problem is None


def _compared(sentence: str, title: str, heading: str, text: str) -> tuple[float, str | None]:
    """Share of its content terms, 0..1, and the problem, with the part that fits best.

    A part is one sentence or two in a row: a sentence mixed from all over a passage can have
    every word of it and still be wrong.
    """
    wanted = set(query_terms(sentence)) or set(terms(sentence))
    if not wanted:
        return 0.0, "says nothing that could be supported"
    parts = sentences(text)
    windows = parts + [f"{a} {b}" for a, b in pairwise(parts)] or [text]
    compared = []
    for window in windows:
        around = f"{title} {heading} {window}"
        share = len(wanted & set(terms(around))) / len(wanted)
        compared.append((share, _problem(sentence, share, around, window)))
    return max(compared, key=lambda one: (one[1] is None, one[0]))


def _problem(sentence: str, share: float, around: str, window: str) -> str | None:
    missing = sorted(figures(sentence) - figures(around))
    if missing:
        return f"{missing[0]} is not in the passage"
    if share < FLOOR:
        return f"only {share:.0%} of its words are in one place of a passage"
    if negated(sentence) != negated(window):
        return "negates where the passage does not, or the reverse"
    return turned(sentence, window) or None


def turned(sentence: str, window: str) -> str:
    """ "" or the condition that one has and the other has the opposite of."""
    for one, other in OPPOSITES:
        for mine, theirs in ((one, other), (other, one)):
            said = mine.search(sentence) and not theirs.search(sentence)
            if said and theirs.search(window) and not mine.search(window):
                return "turns a condition round"
    return ""


def nearest_sentence(sentence: str, text: str) -> str:
    """The passage's sentence that shares most with this one: what a citation highlights."""
    wanted = set(terms(sentence))

    def overlap(candidate: str) -> float:
        own = set(terms(candidate))
        return len(wanted & own) / (len(wanted | own) or 1)

    return max(sentences(text), key=overlap, default=text)


def figures(text: str) -> frozenset[str]:
    """Numbers (words as digits, no thousands separators), links and addresses of a text."""
    found = NUMBER.findall(LINK.sub(" ", digits(text)))
    numbers = {DASH.sub("-", m.replace(",", "").rstrip(".")) for m in found}
    return frozenset(numbers | {m.rstrip(".,)") for m in LINK.findall(text)})


def digits(text: str) -> str:
    """The text with its number words as digits."""
    return NUMBER_WORD.sub(lambda m: f" {_digits(m[0])} ", text)


def _digits(word: str) -> str:
    """twenty-four and 二十四 are 24; a lone "one" or 一 is mostly an article and no figure."""
    total = last = 0
    for part in re.findall(r"[a-z]+|[^a-z\s-]", word.lower()):
        if part in "十百千":
            total, last = total + (last or 1) * WORDS[part], 0
        else:
            total, last = total + last, WORDS[part]
    return str(total + last) if total + last > 1 else word


def abstains(sentence: str) -> bool:
    """Whether the generator says that it does not know."""
    return bool(ABSTAINS.search(sentence))
