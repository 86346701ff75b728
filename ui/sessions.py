"""Sessions of staff: on the server, as hashes, renewed while they are used."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from sqlite_utils import Database as Sqlite
from sqlite_utils import Migrations

from knowledge.database import Database

IDLE = timedelta(minutes=30)
ABSOLUTE = timedelta(hours=12)
RENEW = timedelta(minutes=15)  # a page that is opened after this gets a new token
GRACE = timedelta(seconds=60)  # for calls that are on their way with the token before

migrations = Migrations("staff_sessions")


@migrations()
def m001_renewal(db: Sqlite) -> None:
    """The token before, so that its use after GRACE shows that somebody copied it."""
    db.execute("ALTER TABLE staff_sessions ADD COLUMN previous TEXT")
    db.execute("ALTER TABLE staff_sessions ADD COLUMN renewed TEXT")
    db.execute("CREATE INDEX staff_sessions_previous ON staff_sessions (previous)")


class Sessions:
    """Who is logged in; every method is safe from any thread."""

    def __init__(self, database: Database, now: Callable[[], datetime]) -> None:
        """The table itself is made with that of the accounts."""
        self._db = database
        self._now = now
        database.migrate(migrations)

    def open(self, name: str) -> str:
        """A new session's token. Only its hash is kept."""
        token = secrets.token_urlsafe(32)
        oldest, now = (self._now() - ABSOLUTE).isoformat(), self._stamp()
        row = {"token": sha256(token), "name": name, "created": now, "seen": now, "renewed": now}
        with self._db.write() as db:
            db.execute("DELETE FROM staff_sessions WHERE created < ?", [oldest])
            db.table("staff_sessions").insert(row)
        return token

    def name(self, token: str, *, touch: bool) -> str | None:
        """Whose session it is; None when it is unknown or over."""
        row = self._row(token)
        if row is None:
            return None
        now, seen = self._now(), datetime.fromisoformat(row["seen"])
        late = now - seen > IDLE or now - datetime.fromisoformat(row["created"]) > ABSOLUTE
        copied = row["token"] != sha256(token) and now - _renewed(row) > GRACE
        if late or copied:
            self._end(row["token"])
            return None
        if touch and now - seen > timedelta(minutes=1):  # a write per minute, not per request
            with self._db.write() as db:
                db.table("staff_sessions").update(row["token"], {"seen": self._stamp()})
        return str(row["name"])

    def renew(self, token: str) -> str | None:
        """Another token for the same session when this one is older than RENEW; else None."""
        with self._db.write() as db:
            row = self._row(token)
            fresh = row is None or self._now() - _renewed(row) <= RENEW
            if row is None or fresh or row["token"] != sha256(token):
                return None
            new = secrets.token_urlsafe(32)
            db.execute(
                "UPDATE staff_sessions SET token = ?, previous = ?, renewed = ? WHERE token = ?",
                [sha256(new), row["token"], self._stamp(), row["token"]],
            )
        return new

    def present(self) -> bool:
        """Whether somebody is logged in and did something within IDLE."""
        now = self._now()
        seen, created = ((now - span).isoformat() for span in (IDLE, ABSOLUTE))
        sql = "SELECT 1 FROM staff_sessions WHERE seen >= ? AND created >= ?"
        return self._db.row(sql, seen, created) is not None

    def end(self, token: str) -> None:
        """End one session; an unknown token is ignored."""
        row = self._row(token)
        if row is not None:
            self._end(row["token"])

    def end_all(self, name: str, but: str | None = None) -> None:
        """End all sessions of an account, except that of the token `but`."""
        row = self._row(but) if but else None
        kept = row["token"] if row else ""
        with self._db.write() as db:
            db.execute("DELETE FROM staff_sessions WHERE name = ? AND token != ?", [name, kept])

    def _row(self, token: str) -> dict[str, Any] | None:
        hashed = sha256(token)
        return self._db.row(
            "SELECT * FROM staff_sessions WHERE token = ? OR previous = ?", hashed, hashed
        )

    def _end(self, hashed: str) -> None:
        with self._db.write() as db:
            db.execute("DELETE FROM staff_sessions WHERE token = ?", [hashed])

    def _stamp(self) -> str:
        return self._now().isoformat()


def _renewed(row: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(row["renewed"] or row["created"])


def sha256(token: str) -> str:
    """What is stored of a token: it has more than 128 random bits, so a fast hash is enough."""
    return hashlib.sha256(token.encode()).hexdigest()
