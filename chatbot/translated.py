"""Messages in a second language, as stored: what a customer's message says, and what an agent wrote
before it was translated. For staff only: nothing that customers or programs read asks for it."""

from __future__ import annotations

from dataclasses import dataclass

from sqlite_utils import Database as Sqlite
from sqlite_utils import Migrations

from chatbot import calls
from chatbot.errors import NotFound
from knowledge.database import Database

migrations = Migrations("translated")


@migrations()
def m001_translated(db: Sqlite) -> None:
    """Owner is the message: erasing it erases them (chatbot/erasure.py)."""
    db.execute(
        "CREATE TABLE translated (message_id TEXT NOT NULL REFERENCES messages(id), "
        "language TEXT NOT NULL, text TEXT NOT NULL, engine TEXT NOT NULL, created TEXT NOT NULL, "
        "PRIMARY KEY (message_id, language)) STRICT"
    )


@dataclass(frozen=True, slots=True)
class Wording:
    """A message in another language than it was sent in.

    Of a customer's message: its translation. Of an agent's: what was written, and then translated.
    """

    language: str
    text: str  # masked as the message is
    engine: str  # that translated, from here or to here


class Wordings:
    """The second language of messages; every method is one transaction and safe from any thread."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def keep(self, message_id: str, wording: Wording) -> None:
        """Store it; the first one in a language stays. Raises NotFound when the message is gone."""
        with self._db.write() as db:
            if self._db.row("SELECT 1 FROM messages WHERE id = ?", message_id) is None:
                raise NotFound(f"There is no message {message_id!r} any more.")
            keep(db, message_id, wording)

    def of(self, session_id: str) -> dict[str, tuple[Wording, ...]]:
        """Message id → its wordings, by language."""
        found: dict[str, tuple[Wording, ...]] = {}
        for row in self._db.rows(
            "SELECT t.message_id, t.language, t.text, t.engine FROM translated t JOIN messages m "
            "ON m.id = t.message_id WHERE m.session_id = ? ORDER BY t.language",
            session_id,
        ):
            wording = Wording(row["language"], row["text"], row["engine"])
            found[row["message_id"]] = (*found.get(row["message_id"], ()), wording)
        return found

    def count(self, session_id: str) -> int:
        """How many there are: changes when a page has more to show."""
        row = self._db.row(
            "SELECT COUNT(*) AS n FROM translated t JOIN messages m ON m.id = t.message_id "
            "WHERE m.session_id = ?",
            session_id,
        )
        return int(row["n"]) if row else 0


def keep(db: Sqlite, message_id: str, wording: Wording) -> None:
    """Store it within the caller's transaction; the first one in a language stays."""
    db.execute(
        "INSERT OR IGNORE INTO translated VALUES (?, ?, ?, ?, ?)",
        [message_id, wording.language, wording.text, wording.engine, calls.now()],
    )
