"""Canned replies: texts that agents use again, by name."""

from __future__ import annotations

from dataclasses import dataclass

from sqlite_utils import Database as Sqlite
from sqlite_utils import Migrations

from chatbot.errors import ChatbotError, NotFound
from knowledge.database import Database

MAX_NAME, MAX_TEXT = 60, 4_000  # characters
migrations = Migrations("canned")


@migrations()
def m001_canned(db: Sqlite) -> None:
    """One row per reply."""
    db.execute(
        "CREATE TABLE canned (name TEXT PRIMARY KEY COLLATE NOCASE, text TEXT NOT NULL) STRICT"
    )


@dataclass(frozen=True, slots=True)
class Canned:
    """A text and the name that agents find it by."""

    name: str
    text: str


class CannedReplies:
    """The team's canned replies."""

    def __init__(self, database: Database) -> None:
        self._db = database
        database.migrate(migrations)

    def list(self) -> tuple[Canned, ...]:
        """All, by name."""
        return tuple(Canned(**row) for row in self._db.rows("SELECT * FROM canned ORDER BY name"))

    def text(self, name: str) -> str:
        """Raises NotFound for a name that was removed."""
        row = self._db.row("SELECT text FROM canned WHERE name = ?", name)
        if row is None:
            raise NotFound(f"There is no canned reply {name!r}.")
        return str(row["text"])

    def save(self, name: str, text: str) -> None:
        """Add it, or replace the one of that name."""
        name, text = " ".join(name.split()), text.strip()
        if not name or not text:
            raise ChatbotError("A canned reply needs a name and a text.")
        if len(name) > MAX_NAME or len(text) > MAX_TEXT:
            raise ChatbotError(
                f"A canned reply has at most {MAX_NAME} characters of name and {MAX_TEXT} of text."
            )
        with self._db.write() as db:
            db.table("canned").insert({"name": name, "text": text}, replace=True)

    def remove(self, name: str) -> None:
        """Raises NotFound for a name that there is not."""
        self.text(name)
        with self._db.write() as db:
            db.execute("DELETE FROM canned WHERE name = ?", [name])
