"""Conversations as programs list them: filtered, page by page."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Literal

from chatbot.states import State
from knowledge.database import Database

MOST = 200  # conversations on one page


@dataclass(frozen=True, slots=True)
class Filter:
    """Which conversations are meant; what is None does not count."""

    state: State | None = None
    language: str | None = None
    channel: str | None = None
    since: str | None = None  # begun at or after; ISO 8601, UTC
    until: str | None = None  # begun before
    rating: Literal["up", "down"] | None = None  # of any reply
    text: str | None = None  # stands in any message


@dataclass(frozen=True, slots=True)
class Conversation:
    """One of them; `last` grows with every message of any conversation."""

    id: str
    channel: str
    language: str | None
    state: State
    created: str  # ISO 8601, UTC
    turns: int  # messages of the customer
    last: int


CONDITIONS = {
    "state": "s.state = ?",
    "language": "s.language = ?",
    "channel": "s.channel = ?",
    "since": "s.created >= ?",
    "until": "s.created < ?",
    "rating": "EXISTS (SELECT 1 FROM ratings t JOIN replies r ON r.id = t.reply_id "
    "WHERE r.session_id = s.id AND t.value = ?)",
    "text": "EXISTS (SELECT 1 FROM messages x WHERE x.session_id = s.id "
    "AND instr(lower(x.text), lower(?)) > 0)",
}


def listed(
    database: Database, wanted: Filter, limit: int, before: int | None = None
) -> tuple[Conversation, ...]:
    """The latest first, at most `limit`; before: only those whose `last` is lower."""
    where, values = ["1 = 1"], list[Any]()
    for field in fields(wanted):
        value = getattr(wanted, field.name)
        if value is not None:
            where.append(CONDITIONS[field.name])
            values.append({"up": 1, "down": -1}[value] if field.name == "rating" else value)
    rows = database.rows(
        "SELECT s.id, s.channel, s.language, s.state, s.created, "
        "COUNT(*) FILTER (WHERE m.role = 'user') AS turns, MAX(m.number) AS last "
        f"FROM sessions s JOIN messages m ON m.session_id = s.id WHERE {' AND '.join(where)} "
        "GROUP BY s.id HAVING ? IS NULL OR last < ? ORDER BY last DESC LIMIT ?",
        *values,
        before,
        before,
        min(limit, MOST),
    )
    return tuple(Conversation(**row) for row in rows)


def visitor_of_reply(database: Database, reply_id: str) -> str | None:
    """Whose conversation a reply belongs to, for programs that rate on a customer's behalf."""
    row = database.row(
        "SELECT s.visitor FROM replies r JOIN sessions s ON s.id = r.session_id WHERE r.id = ?",
        reply_id,
    )
    return str(row["visitor"]) if row else None


def head(database: Database, id_: str) -> dict[str, Any] | None:
    """What is told of one conversation before its turns; without whose it is."""
    return database.row(
        "SELECT id, channel, language, state, created FROM sessions WHERE id = ?", id_
    )
