"""Hand-overs as rows: what a conversation's own transactions need of them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlite_utils import Database as Sqlite
from sqlite_utils import Migrations

from chatbot.errors import NotFound
from chatbot.packet import Packet, summarise
from chatbot.states import OPEN, Event, State, after
from chatbot.types import HandoffReason, Noticing

migrations = Migrations("handovers")


@migrations()
def m001_agents(db: Sqlite) -> None:
    """Who took a hand-over and how it ended; the store's first migration made the table."""
    for column in ("agent", "taken", "outcome", "packet"):
        db.execute(f"ALTER TABLE handoffs ADD COLUMN {column} TEXT")
    # `until`: number of the last message when it ended; the assistant's memory begins after it.
    db.execute("ALTER TABLE handoffs ADD COLUMN until INTEGER")
    db.execute("CREATE UNIQUE INDEX one_open ON handoffs (session_id) WHERE closed IS NULL")
    db.execute("CREATE INDEX handoffs_closed ON handoffs (closed)")
    db.execute(
        """CREATE TABLE contacts (handoff_id TEXT PRIMARY KEY REFERENCES handoffs(id),
            text TEXT NOT NULL, created TEXT NOT NULL) STRICT"""
    )
    db.execute("CREATE TABLE agents (account TEXT PRIMARY KEY, name TEXT NOT NULL) STRICT")


def now() -> str:
    """ISO 8601, UTC, milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def state(db: Sqlite, session_id: str) -> State:
    """The state, read inside the caller's transaction. Raises NotFound."""
    row = _row(db, "SELECT state FROM sessions WHERE id = ?", session_id)
    if row is None:
        raise NotFound(f"There is no conversation {session_id!r}.")
    found: State = row["state"]
    return found


def move(db: Sqlite, session_id: str, event: Event) -> State:
    """Let the event happen; the state before it. Raises NotFound, WrongState."""
    before = state(db, session_id)
    following = after(before, event)
    if following != before:
        db.table("sessions").update(session_id, {"state": following})
    return before


def wrote(db: Sqlite, session_id: str) -> None:
    """The customer wrote: a closed conversation is the assistant's again."""
    db.execute(
        "UPDATE sessions SET state = ? WHERE id = ? AND state = 'closed'",
        [after("closed", Event.WRITE), session_id],
    )


def call(
    db: Sqlite,
    id_: str,
    session_id: str,
    reason: HandoffReason,
    note: str,
    noticing: Noticing,
) -> None:
    """A person is called; while one waits or is there, nothing changes. `noticing`: what
    its packet knows of the messages."""
    if move(db, session_id, Event.CALL) in OPEN:
        return
    made = _packet(db, session_id, reason, note, noticing)
    db.table("handoffs").insert(
        {
            "id": id_,
            "session_id": session_id,
            "reason": reason.value,
            "note": note,
            "created": made.since,
            "packet": made.to_json(),
        }
    )


def memory(db: Sqlite, session_id: str) -> int:
    """Number of the message after which the assistant remembers: the last one before a solution."""
    row = _row(db, "SELECT MAX(until) AS until FROM handoffs WHERE session_id = ?", session_id)
    return int(row["until"] or 0) if row else 0


def _packet(
    db: Sqlite, session_id: str, reason: HandoffReason, note: str, noticing: Noticing
) -> Packet:
    begin = memory(db, session_id)
    said = db.query(
        "SELECT id, text FROM messages WHERE session_id = ? AND role = 'user' AND number > ? "
        "ORDER BY number",
        [session_id, begin],
    )
    replies = db.query(
        "SELECT r.question_id, r.action, r.confidence, r.found FROM replies r JOIN messages m "
        "ON m.id = r.id WHERE r.session_id = ? AND m.number > ? ORDER BY m.number",
        [session_id, begin],
    )
    session = _row(db, "SELECT language FROM sessions WHERE id = ?", session_id)
    language = session["language"] if session else None
    return summarise(list(said), list(replies), reason, now(), language, note, noticing)


def _row(db: Sqlite, sql: str, *values: object) -> dict[str, Any] | None:
    return next(iter(db.query(sql, values)), None)
