"""A team's own banned and allowed words, in SQLite; read on every turn, so no restart is needed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from sqlite_utils import Database as Sqlite
from sqlite_utils import Migrations

from chatbot.errors import ChatbotError
from chatbot.plain import flat
from chatbot.rules import Words
from knowledge.database import Database

List = Literal["banned", "allowed"]
SHORTEST, LONGEST = 2, 80  # letters or digits; characters
MOST = 2_000  # words: every turn is compared with each
migrations = Migrations("word_lists")


@migrations()
def m001_words(db: Sqlite) -> None:
    """`form` is what is compared: two spellings of one word are one row."""
    db.execute(
        "CREATE TABLE screen_words (form TEXT PRIMARY KEY, word TEXT NOT NULL, "
        "list TEXT NOT NULL CHECK (list IN ('banned', 'allowed')), created TEXT NOT NULL) STRICT"
    )


@dataclass(frozen=True, slots=True)
class Listed:
    """A word as staff entered it."""

    word: str
    list: List
    created: str  # ISO 8601, UTC


class WordLists:
    """Every method is one transaction and safe from any thread."""

    def __init__(self, database: Database) -> None:
        self._db = database
        database.migrate(migrations)

    def words(self) -> Words:
        """Both lists, as rules read them; about 30 µs while they are short."""
        rows = self._db.here.execute("SELECT word, list FROM screen_words ORDER BY form").fetchall()
        return Words(
            tuple(word for word, name in rows if name == "banned"),
            tuple(word for word, name in rows if name == "allowed"),
        )

    def listed(self) -> tuple[Listed, ...]:
        """All words, banned ones first."""
        rows = self._db.rows(
            "SELECT word, list, created FROM screen_words ORDER BY list DESC, form"
        )
        banned = [Listed(**row) for row in rows if row["list"] == "banned"]
        return (*banned, *(Listed(**row) for row in rows if row["list"] == "allowed"))

    def add(self, name: List, *words: str) -> None:
        """Put words or phrases on a list, all or none; on the other list they are no longer.

        Raises ChatbotError when one is too short or too long, or the lists are full.
        """
        created = datetime.now(UTC).isoformat(timespec="seconds")
        with self._db.write() as db:
            for word in (" ".join(word.split()) for word in words):
                form = _form(word)
                if len(form) < SHORTEST or len(word) > LONGEST:
                    raise ChatbotError(
                        f"{word[:LONGEST]!r}: a listed word has at least {SHORTEST} letters or "
                        f"digits and at most {LONGEST} characters."
                    )
                row = {"form": form, "word": word, "list": name, "created": created}
                db.table("screen_words").insert(row, replace=True)
            if db.table("screen_words").count > MOST:
                raise ChatbotError(f"The lists hold {MOST} words at most. Remove some first.")

    def remove(self, *words: str) -> None:
        """Take words off their lists, in whichever spelling; all or none.

        Raises ChatbotError when one is on no list.
        """
        with self._db.write() as db:
            for word in words:
                done = db.execute("DELETE FROM screen_words WHERE form = ?", [_form(word)])
                if not done.rowcount:
                    raise ChatbotError(f"{word!r} is on no list. See them: zhike screen list")


def _form(word: str) -> str:
    return "".join(c for c in flat(word) if c.isalnum())
