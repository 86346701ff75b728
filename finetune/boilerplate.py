"""Greetings, signatures, quoted mail, and the lines that agents keep repeating."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace

from finetune.duplicates import normalised
from finetune.transcripts.conversation import Conversation, Turn

REPEATED = 0.05  # share of an agent's or of a language's conversations
REPEATED_AT_LEAST = 3  # conversations: 5 % of a small export is a single one
ENDS = 2  # turns of an agent, from the first and from the last, in which the rule per agent looks
Stock = dict[str, frozenset[str]]

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


def trim(conversations: list[Conversation]) -> tuple[int, int, int]:
    """Trim agents' turns in place; returns characters before, after, and the number of phrases.

    A sentence without a digit is boilerplate when it opens or closes agents' messages in more
    than 5 % of the conversations of its language, or one agent's first or last two messages in
    more than 5 % of that agent's: this finds signatures and stock phrases that no list has.
    Sentences with numbers carry policy and stay.
    """
    before = sum(len(t.text) for c in conversations for t in c.turns)
    by_language, by_agent = _stock(conversations)
    for at, conversation in enumerate(conversations):
        general = by_language.get(conversation.language, frozenset())
        turns = [_trimmed(turn, general, by_agent) for turn in conversation.turns]
        conversations[at] = replace(conversation, turns=tuple(t for t in turns if t.text))
    after = sum(len(t.text) for c in conversations for t in c.turns)
    phrases = frozenset().union(*by_language.values(), *by_agent.values())
    return before, after, len(phrases)


def _trimmed(turn: Turn, general: frozenset[str], by_agent: Stock) -> Turn:
    if turn.speaker != "agent":
        return turn
    stock = general | by_agent.get(turn.person, frozenset())
    # Merged messages stand on lines of their own, each with its own beginning and end.
    lines = (_peeled(line, stock) for line in turn.text.splitlines())
    return replace(turn, text="\n".join(line for line in lines if line))


def unquoted(text: str) -> str:
    """A message without quoted mail and everything from its signature's first line on."""
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


def _stock(conversations: Sequence[Conversation]) -> tuple[Stock, Stock]:
    """What opens or closes messages in too many conversations: per language, per agent."""
    languages: defaultdict[str, Counter[str]] = defaultdict(Counter)
    agents: defaultdict[str, Counter[str]] = defaultdict(Counter)
    of_language: Counter[str] = Counter(c.language for c in conversations)
    of_agent: Counter[str] = Counter()
    for conversation in conversations:
        turns = [turn for turn in conversation.turns if turn.speaker == "agent"]
        languages[conversation.language].update({key for turn in turns for key in _ends(turn.text)})
        outer = turns[:ENDS] + turns[-ENDS:]
        for person in {turn.person for turn in turns if turn.person}:
            of_agent[person] += 1
            mine = (turn for turn in outer if turn.person == person)
            agents[person].update({key for turn in mine for key in _ends(turn.text)})
    return _frequent(languages, of_language), _frequent(agents, of_agent)


def _ends(text: str) -> set[str]:
    found: set[str] = set()
    for line in text.splitlines():
        parts = pieces(line)
        found |= {_key(part) for part in (*parts[:2], *parts[-2:])}
    return found


def _frequent(used: dict[str, Counter[str]], total: Counter[str]) -> Stock:
    return {
        owner: frozenset(
            key
            for key, count in counts.items()
            if count >= max(REPEATED_AT_LEAST, math.floor(REPEATED * total[owner]) + 1)
            and key
            and not re.search(r"\d", key)
        )
        for owner, counts in used.items()
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
