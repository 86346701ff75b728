"""Plain chat logs: "[12:03] Anna: …", and WeChat's "张三 2024/05/01 12:03" with text below."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta

from finetune.transcripts import text_file
from finetune.transcripts.conversation import (
    BadRow,
    Conversation,
    Report,
    RowError,
    Source,
    Talk,
    Turn,
    conversation,
)
from finetune.transcripts.speakers import SPEAKERS, WORDS, Speaker
from finetune.transcripts.times import moment, parsed

CLOCK = r"\d{1,2}:\d{2}(?::\d{2})?(?: ?[AaPp][Mm])?"
DATE = r"(?:\d{4}[-/.年]\d{1,2}[-/.月]\d{1,2}日?|\d{1,2}[./]\d{1,2}[./]\d{2,4})"
TIME = rf"(?:{DATE}[, T]*)?{CLOCK}(?:Z|[+-]\d{{2}}:?\d{{2}})?"
NAME = r"[^\s\[\]:：][^\[\]:：\n]{0,39}?"
# A message on one line, after its time and its writer's name.
ONE_LINE = re.compile(rf"^\s*(?:\[({TIME})\]|({TIME})(?: -)?)\s*({NAME})\s*[:：]\s*(.*)$")
# A line of its own with name and time; what follows is the message (WeChat, QQ).
NAME_FIRST = re.compile(rf"^\s*({NAME})(?:\(\d+\))?\s+({DATE}[, T]*{CLOCK})\s*$")
TIME_FIRST = re.compile(rf"^\s*({DATE}[, T]*{CLOCK})\s+({NAME})(?:\(\d+\))?\s*$")
NAMED = re.compile(rf"^\s*({NAME})\s*[:：]\s*(\S.*)$")
BREAK = re.compile(r"^\s*(?:[-=*_]{3,}|#+ .*|(?:Chat|Conversation|Ticket|会话|工单) ?#?[\w-]+)\s*$")
GAP = timedelta(hours=12)  # of silence: another contact
LOOKED_AT = 60  # lines of the head


def matches(source: Source) -> bool:
    """Whether the head has at least two messages, and two people write them."""
    head = text_file.head(source.path)
    if "\x00" in head:
        return False
    lines = [line for line in head.splitlines() if line.strip()][:LOOKED_AT]
    timed = [found for line in lines if (found := _opening(line)) is not None]
    if len(timed) >= 2:
        return len({name for _, name, _ in timed}) >= 2
    # Without times every line must name its speaker by a word that is known for that.
    named = [m[1].strip() for line in lines if (m := NAMED.match(line))]
    roles = {_known(name) for name in named}
    return len(named) >= max(2, len(lines) / 2) and {"customer", "agent"} <= roles


def _opening(line: str) -> tuple[str, str, str] | None:
    """(time, name, text) of a line that opens a message; None for one that goes on."""
    if match := ONE_LINE.match(line):
        return match[1] or match[2], match[3].strip(), match[4]
    if match := NAME_FIRST.match(line):
        return match[2], match[1].strip(), ""
    if match := TIME_FIRST.match(line):
        return match[1], match[2].strip(), ""
    return None


Message = tuple[int, str, str, str]  # line, time, name, text


def read(source: Source, report: Report, given: Mapping[str, str]) -> Iterator[Conversation]:
    """Conversations end at a line of dashes, a heading, or 12 hours of silence.

    `given` names the people: {"agent": "Lin, Tom"}. A name that no word gives away is the
    customer's when it writes first in its conversation, else an agent's.
    """
    people = {
        name.strip(): SPEAKERS[who]
        for who, names in given.items()
        for name in names.split(",")
        if who in WORDS
    }
    for number, messages in enumerate(_conversations(source, report), 1):
        try:
            turns = _turns(messages, people)
            yield conversation(Talk(f"{source.name}:{number}", turns), source.name)
        except RowError as error:
            report(BadRow(source.name, messages[0][0], str(error)))


def _conversations(source: Source, report: Report) -> Iterator[list[Message]]:
    current: list[Message] = []
    for message in _messages(source, report):
        if message is None or (current and _silent(current[-1][1], message[1])):
            if current:
                yield current
            current = []
        if message is not None:
            current.append(message)
    if current:
        yield current


def _silent(before: str, now: str) -> bool:
    first, second = parsed(before), parsed(now)
    return first is not None and second is not None and second - first > GAP


def _messages(source: Source, report: Report) -> Iterator[Message | None]:
    """Messages in order; None where a new conversation begins."""
    current: Message | None = None
    with text_file.text(source.path, source.seen) as file:
        for number, raw in enumerate(file, 1):
            line = raw.rstrip()
            opening = _opening(line) or _untimed(line)
            if opening is None and current is not None and not BREAK.match(line):
                at, time, name, text = current
                current = (at, time, name, f"{text}\n{line}".strip("\n"))
                continue
            if current is not None:
                yield current
            current = None
            if opening is not None:
                time, name, text = opening
                current = (number, moment(time), name, text)
            elif BREAK.match(line):
                yield None
            elif line.strip():
                report(BadRow(source.name, number, "text before the first message"))
    if current is not None:
        yield current


def _untimed(line: str) -> tuple[str, str, str] | None:
    match = NAMED.match(line)
    return ("", match[1].strip(), match[2]) if match and _known(match[1].strip()) else None


def _known(name: str) -> Speaker | None:
    """Who a name belongs to by its words: 客服小禾, Support (Maya), Agent 2."""
    folded = name.lower()
    if folded in SPEAKERS:
        return SPEAKERS[folded]
    words = set(re.findall(r"[a-z]+", folded))
    for speaker in ("bot", "agent", "customer", "note"):
        for word in WORDS[SPEAKERS[speaker]]:
            if word in words or (not word.isascii() and word in folded):
                return SPEAKERS[speaker]
    return None


def _turns(messages: Sequence[Message], people: Mapping[str, Speaker]) -> list[Turn]:
    roles: dict[str, Speaker] = {}
    for _, _, name, _ in messages:
        if name not in roles:
            known = people.get(name) or _known(name)
            customer_missing = "customer" not in (*roles.values(), *_named(messages, people))
            roles[name] = known or ("customer" if customer_missing else "agent")
    return [
        Turn(roles[name], text.strip(), time, "" if name.lower() in SPEAKERS else name, name)
        for _, time, name, text in messages
    ]


def _named(messages: Sequence[Message], people: Mapping[str, Speaker]) -> set[Speaker | None]:
    return {people.get(name) or _known(name) for _, _, name, _ in messages}
