"""Suggested replies that an agent changed before sending: what a better wording is learned from."""

from __future__ import annotations

from dataclasses import dataclass

from sqlite_utils import Database as Sqlite
from sqlite_utils import Migrations

from chatbot import calls
from knowledge.database import Database
from knowledge.keywords import terms

migrations = Migrations("drafts")
SAME = 0.5  # share of its words from which a text is still the one that was made


@migrations()
def m001_drafts(db: Sqlite) -> None:
    """Owner is the message that was sent: erasing it erases them (chatbot/erasure.py)."""
    db.execute(
        "CREATE TABLE drafts (message_id TEXT PRIMARY KEY REFERENCES messages(id), "
        "text TEXT NOT NULL, created TEXT NOT NULL) STRICT"
    )


@dataclass(frozen=True, slots=True)
class Edited:
    """A suggestion and what the agent made of it."""

    session: str
    language: str
    question: str  # the customer's last message before, masked
    suggested: str
    sent: str


def is_version(sent: str, made: str) -> bool:
    """Whether the text that was sent is the one that was made, changed at most."""
    words = set(terms(made))
    return len(words & set(terms(sent))) >= SAME * len(words)


def keep(db: Sqlite, message_id: str, suggested: str) -> None:
    """Store what stood in the reply box before, within the caller's transaction."""
    db.execute("INSERT INTO drafts VALUES (?, ?, ?)", [message_id, suggested, calls.now()])


def edited(database: Database) -> list[Edited]:
    """Those that were changed, oldest first. The tables of conversations must be there."""
    rows = database.rows(
        "SELECT m.session_id, s.language, m.text AS sent, d.text AS suggested, ("
        " SELECT q.text FROM messages q WHERE q.session_id = m.session_id AND q.role = 'user'"
        " AND q.number < m.number ORDER BY q.number DESC LIMIT 1) AS question "
        "FROM drafts d JOIN messages m ON m.id = d.message_id "
        "JOIN sessions s ON s.id = m.session_id ORDER BY m.number"
    )
    return [
        Edited(
            row["session_id"],
            row["language"],
            row["question"],
            row["suggested"],
            row["sent"],
        )
        for row in rows
        if row["question"] and row["language"] and row["sent"].strip() != row["suggested"].strip()
    ]
