"""Conversations as exported → conversations fit to learn from, with a count for every step."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from chatbot.masking import Masker
from chatbot.personal_data import Links
from finetune.duplicates import normalised
from finetune.transcripts.conversation import Conversation, Turn

UNHAPPY = 2.0  # csat, 1..5: a conversation rated this or lower teaches nothing good
REPEATED = 0.05  # share of a language's conversations from which on a line is boilerplate
REPEATED_AT_LEAST = 3  # conversations: 5 % of a small export is a single one


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the funnel: what a step left and what it took away."""

    name: str
    kept: int
    removed: int
    unit: str  # what is counted: conversations, turns, replies, …
    reason: str


@dataclass(frozen=True, slots=True)
class Cleaned:
    """What all steps left, and how it came to that."""

    conversations: tuple[Conversation, ...]
    funnel: tuple[Step, ...]


def clean(conversations: Iterable[Conversation], languages: frozenset[str] | None) -> Cleaned:
    """Run every step in order; `languages` None keeps all.

    Personal data goes first of what changes text, so no later step sees it; lines are trimmed
    before turns are merged, because boilerplate is recognised at the ends of single messages.
    """
    current: Sequence[Conversation] = tuple(conversations)
    funnel = [Step("read", len(current), 0, "conversations", "as exported")]
    steps = (
        lambda c: in_languages(c, languages),
        happy,
        without_notes,
        masked,
        trimmed,
        merged,
        answered,
    )
    for step in steps:
        current, line = step(current)
        funnel.append(line)
    return Cleaned(tuple(current), tuple(funnel))


Kept = tuple[list[Conversation], Step]


def in_languages(conversations: Sequence[Conversation], languages: frozenset[str] | None) -> Kept:
    """Those in a language that the base model speaks; what it cannot read it would unlearn by."""
    kept = [c for c in conversations if languages is None or c.language in languages]
    spoken = ", ".join(sorted(languages)) if languages is not None else "all"
    removed = len(conversations) - len(kept)
    return kept, Step("language", len(kept), removed, "conversations", f"not in {spoken}")


def happy(conversations: Sequence[Conversation]) -> Kept:
    """Without those that the customer rated 2 or lower; unrated ones stay."""
    kept = [c for c in conversations if c.csat is None or c.csat > UNHAPPY]
    removed = len(conversations) - len(kept)
    return kept, Step("satisfaction", len(kept), removed, "conversations", "rated 2 or lower")


def without_notes(conversations: Sequence[Conversation]) -> Kept:
    """Without what the help desk itself wrote."""
    kept = [_with(c, [t for t in c.turns if t.speaker != "note"]) for c in conversations]
    return kept, _turns("notes", conversations, kept, "said by the help desk, not by a person")


def masked(conversations: Sequence[Conversation]) -> Kept:
    """Personal data → [PHONE_1]: the same value has the same placeholder in a conversation."""
    found: Counter[str] = Counter()
    kept = [_masked(conversation, found) for conversation in conversations]
    kinds = ", ".join(f"{kind} {count}" for kind, count in sorted(found.items())) or "none"
    total = sum(found.values())
    return kept, Step("personal data", _count(kept), total, "places masked", f"masked: {kinds}")


def _masked(conversation: Conversation, found: Counter[str]) -> Conversation:
    masker, names = Masker(), _Names(conversation)
    turns = []
    for turn in conversation.turns:
        # An agent's links lead to the shop's pages; replies must go on naming them.
        links: Links = "secret" if turn.speaker == "agent" else "all"
        text = names.mask(masker.mask(turn.text, links))
        turns.append(replace(turn, text=text, author=""))
    found.update(masker.found)
    found["name"] += names.count
    return _with(conversation, turns)


class _Names:
    """Names of the writers, known from the export and so masked even in free text."""

    def __init__(self, conversation: Conversation) -> None:
        self.count = 0
        self._placeholders: dict[str, str] = {}
        for speaker, kind in (("customer", "CUSTOMER"), ("agent", "AGENT")):
            authors = dict.fromkeys(
                t.author for t in conversation.turns if t.speaker == speaker and t.author
            )
            for number, author in enumerate(authors, 1):
                for part in (author, *author.split()):
                    if len(part) > 1:
                        self._placeholders.setdefault(part, f"[{kind}_{number}]")
        names = sorted(self._placeholders, key=len, reverse=True)
        # A Latin name only as a word of its own; Chinese names stand between other letters.
        words = [re.escape(n) if not n.isascii() else rf"\b{re.escape(n)}\b" for n in names]
        self._pattern = re.compile("|".join(words)) if words else None

    def mask(self, text: str) -> str:
        if self._pattern is None:
            return text
        masked, count = self._pattern.subn(lambda m: self._placeholders[m.group()], text)
        self.count += count
        return masked


QUOTED = re.compile(
    r"^\s*>|^\s*On .{4,80} wrote:?\s*$|^\s*-+ ?Original Message ?-+|^\s*-+ ?原始邮件 ?-+"
    r"|^\s*在.{4,60}写道[:：]\s*$"
)
REST_IS_QUOTED = re.compile(r"^\s*-+ ?(?:Original Message|原始邮件) ?-+|^\s*在.{4,60}写道[:：]\s*$")
SIGNATURE = re.compile(
    r"^\s*(?:--\s*$|Sent from my\b|发自我的|(?:Kind|Best|Warm) regards\b|Regards,?\s*$"
    r"|(?:Yours )?[Ss]incerely\b|Best(?: wishes)?,|Cheers,?\s*$|此致|敬礼|祝好"
    r"|【[^】]{2,20}】\s*$)",
    re.IGNORECASE,
)
GREETING = re.compile(
    r"^(?:(?:Hi|Hello|Hey|Dear|Good (?:morning|afternoon|evening))(?: there| again)?"
    r"(?:,? (?:\[[A-Z]+_\d+\]|[A-Z][a-z]+|team))*[,!.]\s*"
    r"|(?:您好|你好|亲)+[呀啊哦~～]*[,，!！。~～]\s*)"
)
PIECE = re.compile(
    r"[^\n.!?。！？~～]*(?:\d\.\d[^\n.!?。！？~～]*)*[\n.!?。！？~～]+[\"”’)）\]】]*|[^\n]+$"
)


def trimmed(conversations: Sequence[Conversation]) -> Kept:
    """Without greetings, signatures, quoted mail and the lines that agents keep repeating.

    A sentence without a digit that opens or closes an agent's message in more than 5 % of the
    conversations of its language is boilerplate: this finds signatures and stock phrases that
    no list has. Sentences with numbers carry policy and stay.
    """
    before = sum(len(t.text) for c in conversations for t in c.turns)
    stripped = [
        _with(c, [replace(t, text=_unquoted(t.text)) for t in c.turns]) for c in conversations
    ]
    stock = _stock(stripped)
    kept = []
    for conversation in stripped:
        repeated = stock.get(conversation.language, frozenset())
        turns = [
            replace(t, text=_peeled(t.text, repeated)) if t.speaker == "agent" else t
            for t in conversation.turns
        ]
        kept.append(_with(conversation, [t for t in turns if t.text]))
    after = sum(len(t.text) for c in kept for t in c.turns)
    phrases = sum(len(s) for s in stock.values())
    reason = f"greetings, signatures, quoted mail, {phrases} stock phrases"
    return kept, Step("trimming", after, before - after, "characters", reason)


def _unquoted(text: str) -> str:
    """Without quoted mail and everything from the signature's first line on."""
    lines: list[str] = []
    for line in text.splitlines():
        if REST_IS_QUOTED.match(line) or (lines and SIGNATURE.match(line)):
            break
        if not QUOTED.match(line):
            lines.append(line)
    return "\n".join(lines).strip()


def pieces(text: str) -> list[str]:
    """Sentences and lines, each with what ends it; joined they are the text again."""
    return PIECE.findall(text)


def _stock(conversations: Sequence[Conversation]) -> dict[str, frozenset[str]]:
    """Per language: what opens or closes agents' messages in too many conversations."""
    used: dict[str, Counter[str]] = {}
    total: Counter[str] = Counter(c.language for c in conversations)
    for conversation in conversations:
        ends = set()
        for turn in conversation.turns:
            parts = pieces(turn.text) if turn.speaker == "agent" else []
            ends |= {_key(part) for part in (*parts[:2], *parts[-2:])}
        used.setdefault(conversation.language, Counter()).update(ends)
    return {
        language: frozenset(
            key
            for key, count in counts.items()
            if count >= max(REPEATED_AT_LEAST, math.floor(REPEATED * total[language]) + 1)
            and key
            and not re.search(r"\d", key)
        )
        for language, counts in used.items()
    }


def _key(piece: str) -> str:
    """How boilerplate is compared: names and placeholders make no difference."""
    return normalised(re.sub(r"\[[A-Z]+_\d+\]", " ", piece))


def _peeled(text: str, stock: frozenset[str]) -> str:
    """`text` without greetings and stock phrases at its ends, however many there are."""
    parts = pieces(text)
    while parts and _key(parts[-1]) in stock | {""}:
        parts.pop()
    while parts and (_key(parts[0]) in stock | {""} or not GREETING.sub("", parts[0]).strip()):
        parts.pop(0)
    rest = GREETING.sub("", "".join(parts).strip(), count=1)
    return rest[:1].upper() + rest[1:]


def merged(conversations: Sequence[Conversation]) -> Kept:
    """Consecutive turns of one speaker become one, a line each."""
    kept = [_with(c, _merged(c.turns)) for c in conversations]
    return kept, _turns("merging", conversations, kept, "joined to the same speaker's turn before")


def _merged(turns: Sequence[Turn]) -> list[Turn]:
    result: list[Turn] = []
    for turn in turns:
        if result and result[-1].speaker == turn.speaker:
            result[-1] = replace(result[-1], text=f"{result[-1].text}\n{turn.text}")
        else:
            result.append(turn)
    return result


def answered(conversations: Sequence[Conversation]) -> Kept:
    """Those in which an agent still answers a customer."""
    kept = [c for c in conversations if {"customer", "agent"} <= {t.speaker for t in c.turns}]
    removed = len(conversations) - len(kept)
    return kept, Step("answered", len(kept), removed, "conversations", "no reply of an agent left")


def _with(conversation: Conversation, turns: Sequence[Turn]) -> Conversation:
    return replace(conversation, turns=tuple(turns))


def _count(conversations: Sequence[Conversation]) -> int:
    return sum(len(c.turns) for c in conversations)


def _turns(
    name: str, before: Sequence[Conversation], after: Sequence[Conversation], reason: str
) -> Step:
    return Step(name, _count(after), _count(before) - _count(after), "turns", reason)
