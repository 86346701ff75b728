"""The same request sent twice is answered once: the header `Idempotency-Key` of POST /api/v1/chat.

After the IETF draft draft-ietf-httpapi-idempotency-key-header. Kept for a day, by visitor; the
reply itself stays where replies are, and is gone when that one is.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from fastapi import HTTPException
from sqlite_utils import Database as Sqlite
from sqlite_utils import Migrations

from knowledge.database import Database

KEPT = timedelta(days=1)
ABANDONED = timedelta(minutes=5)  # a turn that began so long ago and never ended: a server died
MAX_KEY = 255  # characters
migrations = Migrations("idempotency")


@migrations()
def m001_keys(db: Sqlite) -> None:
    """A row per request; without a reply while it is being answered."""
    db.execute(
        """CREATE TABLE idempotency (visitor TEXT NOT NULL, key TEXT NOT NULL, digest TEXT NOT NULL,
            reply_id TEXT REFERENCES replies(id) ON DELETE CASCADE, created TEXT NOT NULL,
            PRIMARY KEY (visitor, key)) STRICT"""
    )
    db.execute("CREATE INDEX idempotency_created ON idempotency (created)")
    db.execute("CREATE INDEX idempotency_reply ON idempotency (reply_id)")


@dataclass(slots=True)
class Attempt:
    """One request; `reply_id` where it was answered before."""

    once: Once
    visitor: str
    key: str | None  # None: the caller gave none, and nothing is kept
    reply_id: str | None = None
    _done: bool = False

    def done(self, reply_id: str) -> None:
        """It was answered."""
        self._done = True
        if self.key is not None:
            self.once.keep(self.visitor, self.key, reply_id)

    def __enter__(self) -> Attempt:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is not None:
            self.close()

    def close(self) -> None:
        """Nothing more will come: without an answer the same key may try again."""
        if self.key is not None and self.reply_id is None and not self._done:
            self.once.drop(self.visitor, self.key)


class Once:
    """The keys of this installation; safe from any thread and in several processes."""

    def __init__(self, database: Database) -> None:
        """After the store, whose replies the rows point to."""
        self._db = database
        database.migrate(migrations)

    def begin(self, visitor: str, key: str | None, body: str) -> Attempt:
        """Raises HTTPException: 409 while the first one is answered, 422 for another request."""
        if key is None:
            return Attempt(self, visitor, None)
        now, digest = datetime.now(UTC), hashlib.sha256(body.encode()).hexdigest()
        with self._db.write() as db:
            db.execute(
                "DELETE FROM idempotency WHERE created < ? OR (reply_id IS NULL AND created < ?)",
                [(now - KEPT).isoformat(), (now - ABANDONED).isoformat()],
            )
            row = next(
                iter(
                    db.query(
                        "SELECT digest, reply_id FROM idempotency WHERE visitor = ? AND key = ?",
                        [visitor, key],
                    )
                ),
                None,
            )
            if row is None:
                db.execute(
                    "INSERT INTO idempotency VALUES (?, ?, ?, NULL, ?)",
                    [visitor, key, digest, now.isoformat()],
                )
                return Attempt(self, visitor, key)
        if row["digest"] != digest:
            raise HTTPException(422, "This Idempotency-Key belongs to another request.")
        if row["reply_id"] is None:
            raise HTTPException(
                409,
                "The request with this Idempotency-Key is being answered.",
                {"Retry-After": "1"},
            )
        return Attempt(self, visitor, key, row["reply_id"])

    def keep(self, visitor: str, key: str, reply_id: str) -> None:
        with self._db.write() as db:
            db.execute(
                "UPDATE idempotency SET reply_id = ? WHERE visitor = ? AND key = ?",
                [reply_id, visitor, key],
            )

    def drop(self, visitor: str, key: str) -> None:
        with self._db.write() as db:
            db.execute(
                "DELETE FROM idempotency WHERE visitor = ? AND key = ? AND reply_id IS NULL",
                [visitor, key],
            )
