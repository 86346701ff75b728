"""Sessions, messages, replies with their citations and traces, ratings: in SQLite."""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from typing import Any, Literal

from sqlite_utils import Database as Sqlite
from sqlite_utils import Migrations

from chatbot import calls, drafts, offers, translated
from chatbot.entities import entities
from chatbot.errors import NotFound
from chatbot.types import (
    Action,
    Citation,
    HandoffReason,
    Intent,
    Message,
    Noticing,
    Reply,
    Role,
    Session,
    Step,
)
from knowledge.curation import hit
from knowledge.database import Database

migrations = Migrations("chatbot")
READABLE = timedelta(hours=48)  # within it a return counts as the same matter


@migrations()
def m001_conversations(db: Sqlite) -> None:
    """Every row knows its owner: session → visitor, message → session, reply → session."""
    db.table("sessions").create(
        {"id": str, "visitor": str, "channel": str, "language": str, "state": str, "created": str},
        pk="id",
        not_null={"visitor", "channel", "state", "created"},
        strict=True,
    )
    db.table("sessions").create_index(["visitor"])
    db.table("messages").create(
        {"number": int, "id": str, "session_id": str, "role": str, "text": str, "created": str},
        pk="number",
        not_null={"id", "session_id", "role", "text", "created"},
        foreign_keys=[("session_id", "sessions", "id")],
        strict=True,
    )
    db.table("messages").create_index(["id"], unique=True)
    db.table("messages").create_index(["session_id"])
    db.table("replies").create(
        {
            "id": str,
            "session_id": str,
            "question_id": str,
            "action": str,
            "language": str,
            "intent": str,
            "intent_score": float,
            "intent_route": str,
            "confidence": float,
            "escalate": int,
            "reason": str,
            "engine": str,
            "adapter": str,
            "index_name": str,
            "prompt_hash": str,
            "found": str,
            "trace": str,
        },
        pk="id",
        foreign_keys=[("session_id", "sessions", "id")],
        strict=True,
    )
    db.table("replies").create_index(["session_id"])
    db.table("citations").create(
        {
            "reply_id": str,
            "position": int,
            "passage_id": int,
            "document_id": str,
            "collection": str,
            "document": str,
            "title": str,
            "heading": str,
            "text": str,
            "sentence": str,
            "score": float,
        },
        pk=("reply_id", "position"),
        foreign_keys=[("reply_id", "replies", "id")],
        strict=True,
    )
    db.table("ratings").create(
        {"reply_id": str, "value": int, "reason": str, "created": str},
        pk="reply_id",
        foreign_keys=[("reply_id", "replies", "id")],
        strict=True,
    )
    db.table("handoffs").create(
        {"id": str, "session_id": str, "reason": str, "note": str, "created": str, "closed": str},
        pk="id",
        foreign_keys=[("session_id", "sessions", "id")],
        strict=True,
    )
    db.table("handoffs").create_index(["session_id"])


@migrations()
def m002_authors(db: Sqlite) -> None:
    """The name under which a person wrote a message."""
    db.execute("ALTER TABLE messages ADD COLUMN author TEXT NOT NULL DEFAULT ''")


@dataclass(frozen=True, slots=True)
class Provenance:
    """What a reply was made from, so that it can be replayed."""

    question_id: str
    index: str  # name of the index file that was searched
    prompt_hash: str  # SHA-256 of the rendered prompt; empty when no model wrote
    found: tuple[tuple[int, float], ...] = ()  # (passage id, score) of everything found
    approved: str = ""  # id of the approved answer that a customer was given, to be counted


@dataclass(frozen=True, slots=True)
class Turn:
    """A stored message; `reply` when the bot wrote it."""

    message: Message
    reply: Reply | None = None
    rating: Literal[-1, 0, 1] = 0
    rating_reason: str = ""
    translated: bool = False  # by a machine, from what an agent wrote


@dataclass(frozen=True, slots=True)
class SessionSummary:
    """A line of the list of conversations."""

    id: str
    channel: str
    language: str | None
    state: str
    created: str
    turns: int  # messages of the customer
    last_text: str
    waiting: bool  # a person was called and has not come yet


class Store:
    """Every method is one transaction and safe from any thread."""

    def __init__(self, database: Database, noticing: Noticing = entities) -> None:
        self._db, self.noticing = database, noticing
        for own in (migrations, *(m.migrations for m in (calls, offers, translated, drafts))):
            database.migrate(own)

    def open_session(
        self, visitor: str, channel: str, session_id: str | None = None, language: str | None = None
    ) -> Session:
        """A new session, or the visitor's own of that id; NotFound when it is somebody else's."""
        if session_id is not None:
            return self.session(session_id, visitor)
        session = Session(new_id(), visitor, channel, language, "bot", calls.now())
        with self._db.write() as db:
            db.table("sessions").insert(asdict(session))
        return session

    def session(self, session_id: str, visitor: str) -> Session:
        row = self._db.row(
            "SELECT * FROM sessions WHERE id = ? AND visitor = ?", session_id, visitor
        )
        if row is None:
            raise NotFound(f"There is no conversation {session_id!r} of this visitor.")
        return Session(**row)

    def latest_session(self, visitor: str, channel: str) -> Session | None:
        """The visitor's newest session, to go on after a reload.

        One that an agent closed counts for READABLE: its customer may not have read the end.
        """
        row = self._db.row(
            "SELECT * FROM sessions s WHERE visitor = ? AND channel = ? AND (state != 'closed' OR "
            "EXISTS (SELECT 1 FROM handoffs WHERE session_id = s.id AND closed > ?)) "
            "ORDER BY created DESC, rowid DESC LIMIT 1",
            visitor,
            channel,
            (datetime.now(UTC) - READABLE).isoformat(timespec="milliseconds"),
        )
        return Session(**row) if row else None

    def add_message(self, session_id: str, role: Role, text: str, author: str = "") -> Message:
        """Store an utterance; a closed conversation is open again when the customer writes."""
        message = Message(role, text, new_id(), calls.now(), author)
        with self._db.write() as db:
            if role == "user":
                calls.wrote(db, session_id)
            db.table("messages").insert({**asdict(message), "session_id": session_id})
        return message

    def history(self, session_id: str, limit: int = 20) -> tuple[Message, ...]:
        """What the assistant remembers: the latest messages since the last solution, oldest first.

        Notes are left out: a generator would repeat them to the customer.
        """
        rows = self._db.rows(
            "SELECT role, text, id, created, author FROM messages WHERE session_id = ? "
            "AND role != 'note' AND number > ? ORDER BY number DESC LIMIT ?",
            session_id,
            calls.memory(self._db.here, session_id),
            limit,
        )
        return tuple(Message(**row) for row in reversed(rows))

    def add_reply(self, reply: Reply, provenance: Provenance) -> Reply:
        """Store the reply with its message, citations, hand-over and language at once.

        Returns what was stored: silence when a person took the conversation meanwhile.
        """
        with self._db.write() as db:
            if calls.state(db, reply.session_id) == "person":
                reply = replace(reply, text="", action=Action.WAIT, citations=(), reason=None)
            message = Message("assistant", reply.text, reply.id, calls.now())
            if reply.action is not Action.WAIT:
                db.table("messages").insert({**asdict(message), "session_id": reply.session_id})
            db.table("replies").insert(_reply_row(reply, provenance))
            db.table("citations").insert_all(_citation_rows(reply))
            offers.keep(db, reply)
            db.table("sessions").update(reply.session_id, {"language": reply.language})
            if reply.action is Action.HAND_OVER and reply.reason is not None:
                calls.call(db, new_id(), reply.session_id, reply.reason, "", self.noticing)
            if provenance.approved and reply.action is not Action.WAIT:
                hit(db, provenance.approved, message.created)
        return reply

    def misses(self, session_id: str) -> int:
        """Replies without evidence since the last solution, in a row at the end."""
        last = self._last_replies(session_id, 3)
        refused = (row["action"] == Action.REFUSE.value and row["escalate"] for row in last)
        return len(list(takewhile(bool, refused)))

    def asked_back(self, session_id: str) -> bool:
        """Whether the last reply was a question back."""
        return [r["action"] for r in self._last_replies(session_id, 1)] == [Action.CLARIFY.value]

    def _last_replies(self, session_id: str, limit: int) -> list[dict[str, Any]]:
        return self._db.rows(
            "SELECT r.action, r.escalate FROM replies r JOIN messages m ON m.id = r.id "
            "WHERE r.session_id = ? AND m.number > ? ORDER BY m.number DESC LIMIT ?",
            session_id,
            calls.memory(self._db.here, session_id),
            limit,
        )

    def reply(self, reply_id: str, visitor: str) -> Reply:
        """A reply of one of the visitor's own sessions; NotFound otherwise."""
        row = self._db.row(
            "SELECT r.*, m.text FROM replies r JOIN sessions s ON s.id = r.session_id "
            "LEFT JOIN messages m ON m.id = r.id WHERE r.id = ? AND s.visitor = ?",
            reply_id,
            visitor,
        )
        if row is None:
            raise NotFound(f"There is no reply {reply_id!r} of this visitor.")
        return self._reply(row)

    def rate(self, reply_id: str, visitor: str, value: Literal[1, -1], reason: str = "") -> None:
        """Thumb up or down; the last one counts."""
        self.reply(reply_id, visitor)
        rating = {"reply_id": reply_id, "value": value, "reason": reason[:500]}
        with self._db.write() as db:
            db.table("ratings").insert({**rating, "created": calls.now()}, replace=True)

    def transcript(self, session_id: str, visitor: str) -> tuple[Turn, ...]:
        """The conversation as its owner may see it."""
        self.session(session_id, visitor)
        return tuple(turn for turn in self.turns(session_id) if turn.message.role != "note")

    def messages(
        self, session_id: str, visitor: str, after: str | None = None, limit: int = 100
    ) -> tuple[Message, ...]:
        """What its owner may read, oldest first, behind the message of the id `after`."""
        self.session(session_id, visitor)
        begin = 0
        if after is not None:
            row = self._db.row(
                "SELECT number FROM messages WHERE id = ? AND session_id = ? AND role != 'note'",
                after,
                session_id,
            )
            if row is None:
                raise NotFound(f"There is no message {after!r} in this conversation.")
            begin = row["number"]
        rows = self._db.rows(
            "SELECT role, text, id, created, author FROM messages WHERE session_id = ? "
            "AND number > ? AND role != 'note' ORDER BY number LIMIT ?",
            session_id,
            begin,
            limit,
        )
        return tuple(Message(**row) for row in rows)

    def turns(self, session_id: str) -> tuple[Turn, ...]:
        """The whole conversation, for staff."""
        rows = self._db.rows(
            "SELECT m.role, m.text, m.id AS message_id, m.created, m.author, r.*, "
            "t.value AS rating, t.reason AS rating_reason, m.role = 'agent' AND EXISTS "
            "(SELECT 1 FROM translated WHERE message_id = m.id) AS translated FROM messages m "
            "LEFT JOIN replies r ON r.id = m.id LEFT JOIN ratings t ON t.reply_id = m.id "
            "WHERE m.session_id = ? ORDER BY m.number",
            session_id,
        )
        return tuple(
            Turn(
                Message(row["role"], row["text"], row["message_id"], row["created"], row["author"]),
                self._reply(row) if row["id"] else None,
                row["rating"] or 0,
                row["rating_reason"] or "",
                bool(row["translated"]),
            )
            for row in rows
        )

    def sessions(self, limit: int = 50, offset: int = 0) -> tuple[SessionSummary, ...]:
        """Newest first, for staff; sessions without a message are left out."""
        rows = self._db.rows(
            "SELECT s.id, s.channel, s.language, s.state, s.created, COUNT(m.number) AS turns, "
            "(SELECT text FROM messages WHERE session_id = s.id ORDER BY number DESC LIMIT 1) "
            "AS last_text, s.state = 'waiting' AS waiting FROM sessions s JOIN messages m "
            "ON m.session_id = s.id AND m.role = 'user' GROUP BY s.id "
            "ORDER BY MAX(m.number) DESC LIMIT ? OFFSET ?",
            limit,
            offset,
        )
        return tuple(SessionSummary(**{**row, "waiting": bool(row["waiting"])}) for row in rows)

    def _reply(self, row: dict[str, Any]) -> Reply:
        names = ", ".join(f.name for f in fields(Citation) if f.name != "id")
        cited = self._db.rows(
            f"SELECT passage_id AS id, {names} FROM citations WHERE reply_id = ? ORDER BY position",
            row["id"],
        )
        return Reply(
            id=row["id"],
            session_id=row["session_id"],
            text=row["text"] or "",
            action=Action(row["action"]),
            language=row["language"],
            intent=Intent(row["intent"], row["intent_score"], row["intent_route"]),
            citations=tuple(Citation(**c) for c in cited),
            confidence=row["confidence"],
            escalate=bool(row["escalate"]),
            reason=HandoffReason(row["reason"]) if row["reason"] else None,
            engine=row["engine"],
            adapter=row["adapter"],
            trace=tuple(Step(**step) for step in json.loads(row["trace"])),
            **offers.of(self._db.here, row["id"]),
        )


def _reply_row(reply: Reply, provenance: Provenance) -> dict[str, Any]:
    return {
        "id": reply.id,
        "session_id": reply.session_id,
        "question_id": provenance.question_id,
        "action": reply.action.value,
        "language": reply.language,
        "intent": reply.intent.name,
        "intent_score": reply.intent.score,
        "intent_route": reply.intent.route,
        "confidence": reply.confidence,
        "escalate": int(reply.escalate),
        "reason": reply.reason.value if reply.reason else None,
        "engine": reply.engine,
        "adapter": reply.adapter,
        "index_name": provenance.index,
        "prompt_hash": provenance.prompt_hash,
        "found": json.dumps(provenance.found),
        "trace": json.dumps([asdict(step) for step in reply.trace], ensure_ascii=False),
    }


def _citation_rows(reply: Reply) -> Sequence[dict[str, Any]]:
    return [
        {"reply_id": reply.id, "position": position, "passage_id": row.pop("id"), **row}
        for position, row in enumerate(map(asdict, reply.citations))
    ]


def new_id() -> str:
    """128 random bits, hex."""
    return secrets.token_hex(16)
