"""A called conversation as an agent sees it at a glance: its line in a queue, and its packet."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from chatbot.handovers import Line
from chatbot.packet import Packet, Tried
from knowledge.types import Passage
from ui import render
from ui.texts import Texts

SHORT = 90  # characters of the customer's last message on a line
Find = Callable[[int], Passage | None]


def line(found: Line, words: Texts) -> str:
    """One conversation in two lines: how it stands, and the customer's last message."""
    facts = [
        _standing(found, words),
        words.named("reason", found.reason.value),
        found.language or "–",
    ]
    last = " ".join(render.clean(found.last_text).split())
    return " · ".join(facts) + "\n" + (last[:SHORT] + "…" if len(last) > SHORT else last or "–")


def _standing(found: Line, words: Texts) -> str:
    if found.outcome:
        return words.named("outcome", found.outcome)
    if found.state == "waiting":
        return words("inbox.since", minutes=minutes(found.created))
    return words.named("conversations", found.state)


def minutes(since: str) -> int:
    """Whole minutes from that time (ISO 8601) until now."""
    passed = datetime.now(UTC) - datetime.fromisoformat(since).astimezone(UTC)
    return max(0, int(passed.total_seconds() // 60))


def card(packet: Packet | None, contact: str, find: Find, words: Texts) -> str:
    """The packet on top of a conversation; `find` names the passages that were tried."""
    if packet is None:
        return f'<p class="hint">{render.plain(words("inbox.no_packet"))}</p>'
    rows = [
        (words("inbox.first"), packet.first),
        (words("inbox.last"), packet.last if packet.last != packet.first else ""),
        (words("inbox.said_note"), packet.note),
        (words("inbox.known"), _known(packet, words)),
        (words("inbox.contact"), contact),
    ]
    shown = "".join(
        f"<dt>{render.plain(name)}</dt><dd>{render.plain(value)}</dd>"
        for name, value in rows
        if value
    )
    return f'<div class="packet">{_tags(packet, words)}<dl>{shown}</dl></div>' + _tried(
        packet.tried, find, words
    )


def _tags(packet: Packet, words: Texts) -> str:
    time = packet.since[11:16]
    tags = [
        words.named("reason", packet.reason.value),
        words.named("mood", packet.mood),
        packet.language or "",
        words("inbox.called", time=time),
    ]
    spans = "".join(f"<span>{render.plain(tag)}</span>" for tag in dict.fromkeys(tags) if tag)
    return f'<div class="tags">{spans}</div>'


def _known(packet: Packet, words: Texts) -> str:
    return " · ".join(f"{words.named('entity', e.kind)} {e.value}" for e in packet.entities)


def _tried(tried: Sequence[Tried], find: Find, words: Texts) -> str:
    if not tried:
        return ""
    head = [words(f"inbox.{name}") for name in ("question", "did", "evidence", "found")]
    rows = [
        [
            t.question,
            words.named("action", t.action),
            f"{t.confidence:.2f}",
            "\n".join(f"{_name(find(id_), words)} {score:.2f}" for id_, score in t.found),
        ]
        for t in tried
    ]
    title = render.plain(words("inbox.tried"))
    table = render.table(head, rows, "tried")
    return f'<details class="trace"><summary>{title}</summary>{table}</details>'


def _name(passage: Passage | None, words: Texts) -> str:
    if passage is None:
        return words("inbox.gone")
    return " › ".join(part for part in (passage.document, passage.heading) if part)
