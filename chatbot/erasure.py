"""Everything that is stored of one visitor: exported, or erased so that no byte of it stays.

Which rows belong to a visitor is read from the tables themselves: a column of OWNERS says whose a
row is, so a table that is added later is covered without a line here.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlite_utils import Database as Sqlite

from chatbot.errors import NotFound
from chatbot.golden import Golden, case_id
from chatbot.store import Store
from chatbot.types import Reply
from knowledge.database import Database

log = logging.getLogger(__name__)

# Columns that name an owner, and the table whose `id` they hold; the first that a table has counts.
OWNERS = {
    "session_id": "sessions",
    "conversation_id": "sessions",
    "reply_id": "replies",
    "message_id": "messages",
    "question_id": "messages",
    "handoff_id": "handoffs",
    "call_id": "handoffs",
}
TRIES = 20  # for the log to be emptied, which waits for readers
PAUSE = 0.25  # seconds between two of them
FORMAT = "zhike-visitor-1"


@dataclass(frozen=True, slots=True)
class Erased:
    """What was erased."""

    sessions: int
    rows: int  # of all tables


class Erasure:
    """Exports and erases what is stored of visitors."""

    def __init__(self, database: Database, store: Store, golden: Golden) -> None:
        self._db = database
        self._store = store
        self._golden = golden
        # Called with the sessions before they go: for copies that are kept outside the database.
        self.listeners: list[Callable[[Sequence[str]], object]] = []

    def sessions(self, visitor: str) -> list[str]:
        """Ids of the visitor's conversations in all channels, oldest first."""
        sql = "SELECT id FROM sessions WHERE visitor = ? ORDER BY created, rowid"
        return [row["id"] for row in self._db.rows(sql, visitor)]

    def export(self, visitor: str) -> dict[str, Any]:
        """All that is stored of the visitor, as JSON can hold it; masked data as it was written.

        Notes that agents wrote for each other are left out: they are the team's. Texts of the
        assistant say so ("generated_by").
        """
        originals = self._rows_of("originals", self.sessions(visitor))
        return {
            "format": FORMAT,
            "visitor": visitor,
            "exported": datetime.now(UTC).isoformat(timespec="seconds"),
            "conversations": [self._conversation(id_, visitor) for id_ in self.sessions(visitor)],
            "personal_data": [
                {key: row[key] for key in ("session_id", "placeholder", "kind", "value", "created")}
                for row in originals
            ],
        }

    def erase(self, visitor: str) -> Erased:
        """Erase all of the visitor's conversations and what hangs on them.

        Raises NotFound when nothing is stored of this visitor; ChatbotError when the golden file
        cannot be written, and nothing is erased then.
        """
        sessions = self.sessions(visitor)
        with self._without_cases(sessions), self._db.write() as db:
            rows = _delete(db, sessions) + _delete_of_visitor(db, visitor)
        if not rows:
            raise NotFound(f"Nothing is stored of the visitor {visitor!r}.")
        self._wipe()
        return Erased(len(sessions), rows)

    def expire(self, days: int, now: datetime | None = None) -> Erased:
        """Erase the conversations in which nothing was said for `days` days; 0 keeps all."""
        if days <= 0:
            return Erased(0, 0)
        oldest = (now or datetime.now(UTC)) - timedelta(days=days)
        sql = (
            "SELECT id FROM sessions s WHERE created < ? AND NOT EXISTS "
            "(SELECT 1 FROM messages WHERE session_id = s.id AND created >= ?)"
        )
        since = oldest.isoformat(timespec="milliseconds")
        sessions = [row["id"] for row in self._db.rows(sql, since, since)]
        if not sessions:
            return Erased(0, 0)
        with self._without_cases(sessions), self._db.write() as db:
            rows = _delete(db, sessions)
        self._wipe()
        return Erased(len(sessions), rows)

    @contextmanager
    def _without_cases(self, sessions: Sequence[str]) -> Iterator[None]:
        """Without the copies outside the database: golden cases, and what listeners keep.

        First, so that a crash in between leaves conversations that can be erased again.
        """
        for listener in self.listeners:
            listener(sessions)
        with self._golden.locked():
            self._golden.drop({case_id(row["id"]) for row in self._rows_of("replies", sessions)})
            yield

    def _conversation(self, session_id: str, visitor: str) -> dict[str, Any]:
        session = self._store.session(session_id, visitor)
        calls = self._rows_of("handoffs", [session_id])
        contacts = {row["handoff_id"]: row["text"] for row in self._contacts(session_id)}
        return {
            "session_id": session.id,
            "channel": session.channel,
            "language": session.language,
            "state": session.state,
            "created": session.created,
            "messages": [
                {
                    "role": turn.message.role,
                    "author": turn.message.author or None,
                    "text": turn.message.text,
                    "created": turn.message.created,
                    **(_reply(turn.reply) if turn.reply else {}),
                    **({"rating": turn.rating, "why": turn.rating_reason} if turn.rating else {}),
                }
                for turn in self._store.transcript(session_id, visitor)
            ],
            "calls_for_a_person": [
                {
                    "reason": call["reason"],
                    "note": call["note"],
                    "created": call["created"],
                    "closed": call["closed"],
                    "contact": contacts.get(call["id"]),
                }
                for call in calls
            ],
        }

    def _contacts(self, session_id: str) -> list[dict[str, Any]]:
        return self._db.rows(
            "SELECT c.* FROM contacts c JOIN handoffs h ON h.id = c.handoff_id "
            "WHERE h.session_id = ?",
            session_id,
        )

    def _rows_of(self, table: str, sessions: Sequence[str]) -> list[dict[str, Any]]:
        sql = f"SELECT * FROM {table} WHERE session_id IN (SELECT value FROM json_each(?))"
        return self._db.rows(sql, json.dumps(list(sessions)))

    def _wipe(self) -> None:
        """Leave no byte of deleted rows in the files of the database.

        secure_delete clears a deleted cell, not what moving cells between pages left behind in
        their gaps; VACUUM writes every page anew. The log is emptied last.
        """
        self._db.vacuum()
        for _ in range(TRIES):
            busy = self._db.here.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
            if not busy:
                return
            time.sleep(PAUSE)  # a reader still needs the old pages
        log.warning("The log of the database is in use; it is emptied when the server stops.")


def _reply(reply: Reply) -> dict[str, Any]:
    return {
        "generated_by": "AI",
        "engine": reply.engine,
        "action": reply.action.value,
        "sources": [
            {"document": c.document, "heading": c.heading, "sentence": c.sentence}
            for c in reply.citations
        ],
    }


def _delete(db: Sqlite, sessions: Sequence[str]) -> int:
    """Delete these conversations with every row that hangs on them; how many rows."""
    # Owned tables point at each other in any order: checked when the transaction ends.
    db.execute("PRAGMA defer_foreign_keys=ON")
    ids = {"sessions": json.dumps(list(sessions))}
    within = "IN (SELECT value FROM json_each(?))"
    for table in ("replies", "messages", "handoffs"):
        sql = f"SELECT id FROM {table} WHERE session_id {within}"
        ids[table] = json.dumps([row["id"] for row in db.query(sql, [ids["sessions"]])])
    gone = 0
    for table, column in owned(db).items():
        sql = f'DELETE FROM "{table}" WHERE "{column}" {within}'
        gone += db.execute(sql, [ids[OWNERS[column]]]).rowcount
    return gone + int(
        db.execute(f"DELETE FROM sessions WHERE id {within}", [ids["sessions"]]).rowcount
    )


def _delete_of_visitor(db: Sqlite, visitor: str) -> int:
    """Rows of the visitor that hang on no conversation."""
    tables = [name for name, columns in _tables(db).items() if "visitor" in columns]
    return sum(
        int(db.execute(f'DELETE FROM "{name}" WHERE visitor = ?', [visitor]).rowcount)
        for name in tables
    )


def owned(db: Sqlite) -> dict[str, str]:
    """Tables whose rows belong to a conversation, with the column that says to which."""
    found = {}
    for name, columns in _tables(db).items():
        if column := next((column for column in OWNERS if column in columns), None):
            found[name] = column
    return found


def _tables(db: Sqlite) -> dict[str, set[str]]:
    """Tables and full-text indexes with their columns; not what SQLite keeps behind an index."""
    rows = list(db.query("SELECT name, type FROM pragma_table_list WHERE schema = 'main'"))
    return {
        row["name"]: {
            c["name"] for c in db.query("SELECT name FROM pragma_table_info(?)", [row["name"]])
        }
        for row in rows
        if row["type"] in ("table", "virtual") and not row["name"].startswith("sqlite_")
    }
