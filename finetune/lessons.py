"""What the team's own conversations could teach: a work list of replies, each accepted or not.

A reply is proposed when a colleague wrote it, or when the customer thanked for it with a thumb up.
Nothing is learnt before somebody accepts it; who did, and when, stays with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlite_utils import Database as Sqlite
from sqlite_utils import Migrations

from chatbot.calls import now
from chatbot.errors import ChatbotError, NotFound
from chatbot.types import EVALUATION, Action
from finetune.transcripts.conversation import Conversation, Talk, Turn, conversation
from knowledge.database import Database

State = Literal["open", "accepted", "rejected", "retracted"]
STATES: tuple[State, ...] = ("open", "accepted", "rejected", "retracted")
SOURCE = "lessons"  # of our own conversations, where others have the name of a file
PREFIX = "zhike:"  # of the id of a conversation of our own, before the session's
MAX_NOTE = 500  # characters
migrations = Migrations("lessons")

PROPOSED = f"""
    SELECT m.id, m.session_id, m.number, m.text AS reply, m.created, s.language,
        CASE m.role WHEN 'agent' THEN 'agent' ELSE 'thumb' END AS kind,
        EXISTS (SELECT 1 FROM handoffs h WHERE h.session_id = m.session_id
            AND h.outcome = 'solved' AND h.until >= m.number) AS solved,
        (SELECT q.text FROM messages q WHERE q.session_id = m.session_id AND q.role = 'user'
            AND q.number < m.number ORDER BY q.number DESC LIMIT 1) AS question,
        coalesce(l.state, 'open') AS state, coalesce(l.account, '') AS account,
        coalesce(l.at, '') AS at, coalesce(l.note, '') AS note
    FROM messages m JOIN sessions s ON s.id = m.session_id
        LEFT JOIN replies r ON r.id = m.id LEFT JOIN ratings t ON t.reply_id = m.id
        LEFT JOIN lessons l ON l.message_id = m.id
    WHERE s.channel != '{EVALUATION}' AND (m.role = 'agent'
        OR (t.value = 1 AND r.action IN ('{Action.ANSWER.value}', '{Action.QUOTE.value}')))
"""


@migrations()
def m001_lessons(db: Sqlite) -> None:
    """What was decided about a reply; it goes with its conversation. And what was taken back."""
    db.execute(
        """CREATE TABLE lessons (message_id TEXT PRIMARY KEY REFERENCES messages(id)
            ON DELETE CASCADE, session_id TEXT NOT NULL, state TEXT NOT NULL, note TEXT NOT NULL,
            account TEXT NOT NULL, at TEXT NOT NULL) STRICT"""
    )
    db.execute(
        """CREATE TABLE retractions (conversation TEXT PRIMARY KEY, account TEXT NOT NULL,
            at TEXT NOT NULL) STRICT"""
    )


@dataclass(frozen=True, slots=True)
class Lesson:
    """A reply that could be learnt, and the question before it; masked as they are stored."""

    id: str  # of the reply
    session_id: str
    number: int  # of the message
    reply: str
    created: str  # ISO 8601, UTC
    language: str | None
    kind: Literal["agent", "thumb"]  # written by a colleague; or ours, and thanked for
    solved: bool  # the colleague closed the conversation as solved
    question: str
    state: State
    account: str  # who decided; "" while open
    at: str  # when
    note: str  # why it was rejected


class Lessons:
    """The work list of a home; safe from any thread. Opened after the store."""

    def __init__(self, database: Database) -> None:
        self._db = database
        database.migrate(migrations)

    def listed(self, state: State = "open", limit: int = 50) -> tuple[Lesson, ...]:
        """Those of solved conversations first, then the latest."""
        rows = self._db.rows(
            f"SELECT * FROM ({PROPOSED}) WHERE state = ? AND question IS NOT NULL "
            "ORDER BY solved DESC, number DESC LIMIT ?",
            state,
            limit,
        )
        return tuple(_lesson(row) for row in rows)

    def counts(self) -> dict[State, int]:
        """How many there are in each state."""
        rows = self._db.rows(
            f"SELECT state, count(*) AS n FROM ({PROPOSED}) WHERE question IS NOT NULL "
            "GROUP BY state"
        )
        found = {row["state"]: int(row["n"]) for row in rows}
        return {state: found.get(state, 0) for state in STATES}

    def accept(self, ids: Iterable[str], by: str) -> int:
        """Let these be learnt; returns how many. Raises NotFound, ChatbotError when retracted."""
        return self._decide(ids, "accepted", by)

    def reject(self, ids: Iterable[str], by: str, note: str = "") -> int:
        """Never learn these. Raises NotFound, ChatbotError when retracted or the note is long."""
        if len(note) > MAX_NOTE:
            raise ChatbotError(f"The note has {len(note)} characters; at most {MAX_NOTE} fit.")
        return self._decide(ids, "rejected", by, note.strip())

    def retract(self, conversation: str, by: str) -> int:
        """Take back what was accepted of a conversation: it is never proposed again.

        conversation: id of a session, or of an imported conversation. Returns how many lessons
        were taken back. Runs that learnt from it are marked by retraction.retract().
        """
        session = conversation.removeprefix(PREFIX)
        at = now()
        with self._db.write() as db:
            row = {"conversation": conversation, "account": by, "at": at}
            db.table("retractions").insert(row, replace=True)
            rows = list(db.query(f"SELECT id FROM ({PROPOSED}) WHERE session_id = ?", [session]))
            for lesson in rows:
                _enter(db, lesson["id"], session, "retracted", by, at)
        return len(rows)

    def retracted(self) -> frozenset[str]:
        """Ids of all conversations that were taken back."""
        return frozenset(r["conversation"] for r in self._db.rows("SELECT * FROM retractions"))

    def conversations(self) -> list[Conversation]:
        """Every conversation with an accepted reply, as an importer would give it.

        Accepted replies are an agent's, all other ones context only.
        """
        accepted = self._db.rows(
            "SELECT l.message_id, l.session_id FROM lessons l WHERE l.state = 'accepted' "
            "ORDER BY l.session_id"
        )
        learnt = {row["message_id"] for row in accepted}
        sessions = list(dict.fromkeys(row["session_id"] for row in accepted))
        return [self._conversation(session, learnt) for session in sessions]

    def _conversation(self, session: str, learnt: set[str]) -> Conversation:
        said = self._db.rows(
            "SELECT m.id, m.role, m.text, m.created, s.visitor FROM messages m "
            "JOIN sessions s ON s.id = m.session_id WHERE m.session_id = ? AND m.role != 'note' "
            "AND m.text != '' ORDER BY m.number",
            session,
        )
        turns = [
            Turn("customer", m["text"], m["created"], person=m["visitor"])
            if m["role"] == "user"
            else Turn("agent", m["text"], m["created"])
            if m["id"] in learnt
            else Turn("bot", m["text"], m["created"])
            for m in said
        ]
        return conversation(Talk(f"{PREFIX}{session}", turns), SOURCE)

    def _decide(self, ids: Iterable[str], state: State, by: str, note: str = "") -> int:
        wanted = list(dict.fromkeys(ids))
        at = now()
        with self._db.write() as db:
            for id_ in wanted:
                rows = list(db.query(f"SELECT * FROM ({PROPOSED}) WHERE id = ?", [id_]))
                if not rows:
                    raise NotFound(f"No reply {id_!r} is proposed as a lesson.")
                if rows[0]["state"] == "retracted":
                    raise ChatbotError(f"The conversation of reply {id_!r} was taken back.")
                _enter(db, id_, rows[0]["session_id"], state, by, at, note)
        return len(wanted)


def _enter(
    db: Sqlite, id_: str, session: str, state: State, by: str, at: str, note: str = ""
) -> None:
    row = {"message_id": id_, "session_id": session, "state": state, "note": note}
    db.table("lessons").insert({**row, "account": by, "at": at}, replace=True)


def _lesson(row: dict[str, Any]) -> Lesson:
    return Lesson(**row | {"solved": bool(row["solved"])})


def replies_in(conversations: Sequence[Conversation]) -> int:
    """How many replies of these are learnt."""
    return sum(turn.speaker == "agent" for talk in conversations for turn in talk.turns)
