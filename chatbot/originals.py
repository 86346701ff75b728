"""What placeholders of a conversation stand for: kept apart from it, for its agent alone."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from sqlite_utils import Database as Sqlite
from sqlite_utils import Migrations

from chatbot.masking import PLACEHOLDER, Masker, Original
from chatbot.personal_data import find
from knowledge.database import Database

migrations = Migrations("originals")


@migrations()
def m001_originals(db: Sqlite) -> None:
    """Owner is the session: its deletion deletes them."""
    db.execute(
        "CREATE TABLE originals (session_id TEXT NOT NULL REFERENCES sessions(id) "
        "ON DELETE CASCADE, placeholder TEXT NOT NULL, kind TEXT NOT NULL, value TEXT NOT NULL, "
        "created TEXT NOT NULL, PRIMARY KEY (session_id, placeholder)) STRICT"
    )
    db.execute("CREATE INDEX originals_created ON originals (created)")


class Originals:
    """Masks the turns of stored conversations and can turn placeholders back.

    `days` after they were written values are deleted, whatever becomes of the conversation;
    with 0 they are never stored.
    """

    def __init__(self, database: Database, days: int) -> None:
        self._db = database
        self._days = days
        self._purged: date | None = None
        database.migrate(migrations)

    def mask(self, session_id: str, text: str) -> tuple[str, tuple[str, ...]]:
        """`text` masked as in earlier turns of the session, and the kinds found.

        A text without personal data, the usual case, touches no table. Once a day old values go.
        """
        if self._purged != (today := datetime.now(UTC).date()):
            self._purged = today
            self.purge()
        if not find(text):
            return text, ()
        with self._db.write() as db:  # two turns at once must not give one placeholder twice
            masker = Masker(self._of(session_id))
            masked = masker.mask(text)
            rows = [
                (session_id, o.placeholder, o.kind, o.value, _time(datetime.now(UTC)))
                for o in masker.new
            ]
            if self._days > 0:
                db.conn.executemany("INSERT INTO originals VALUES (?, ?, ?, ?, ?)", rows)
        return masked, tuple(masker.found)

    def reveal(self, session_id: str, text: str) -> str:
        """`text` of that session with what its placeholders stand for, where that is still kept.

        Only for the agent who has the conversation: the caller checks that, and stores nothing.
        """
        values = {o.placeholder: o.value for o in self._of(session_id)}
        return PLACEHOLDER.sub(lambda match: values.get(match.group(), match.group()), text)

    def purge(self) -> int:
        """Delete what is older than the retention time; returns how many values."""
        if not self._db.row("SELECT 1 FROM originals WHERE created < ? LIMIT 1", self._oldest()):
            return 0
        with self._db.write() as db:
            done = db.execute("DELETE FROM originals WHERE created < ?", [self._oldest()])
        self._db.checkpoint()  # secure_delete clears the pages, this the log
        return int(done.rowcount)

    def _oldest(self) -> str:
        return _time(datetime.now(UTC) - timedelta(days=self._days))

    def _of(self, session_id: str) -> list[Original]:
        rows = self._db.rows(
            "SELECT placeholder, kind, value FROM originals WHERE session_id = ?", session_id
        )
        return [Original(**row) for row in rows]


def _time(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds")
