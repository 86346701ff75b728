"""The same request sent twice is answered once: the header `Idempotency-Key`.

After the IETF draft draft-ietf-httpapi-idempotency-key-header. One store for all routes that take
the header: POST /api/v1/chat by visitor, the POST routes of programs by API key. Kept for a day,
through restarts. A chat's reply stays where replies are, and what hangs on a conversation goes
when that one is erased.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from fastapi import HTTPException
from sqlite_utils import Database as Sqlite
from sqlite_utils import Migrations

from knowledge.database import Database

HEADER = "Idempotency-Key"
REPLAYED = {"Idempotency-Replayed": "true"}  # of an answer that was given before
KEPT = timedelta(days=1)
ABANDONED = timedelta(minutes=10)  # a first request that never ended: its server died
MAX_KEY = 255  # characters
COLUMNS = "visitor, key, digest, reply_id, session_id, status, kind, body, created"
migrations = Migrations("idempotency")


@migrations()
def m001_keys(db: Sqlite) -> None:
    """A row per request; without a reply while it is being answered."""
    db.execute(
        """CREATE TABLE idempotency (visitor TEXT NOT NULL, key TEXT NOT NULL, digest TEXT NOT NULL,
            reply_id TEXT REFERENCES replies(id) ON DELETE CASCADE, created TEXT NOT NULL,
            PRIMARY KEY (visitor, key)) STRICT"""
    )


@migrations()
def m002_one_store(db: Sqlite) -> None:
    """Visitors and programs in one table: `visitor` is one's id, or key:ID. What was kept stays."""
    db.execute(
        """CREATE TABLE idempotency_keys (visitor TEXT NOT NULL, key TEXT NOT NULL,
            digest TEXT NOT NULL, reply_id TEXT REFERENCES replies(id) ON DELETE CASCADE,
            session_id TEXT, status INTEGER, kind TEXT, body BLOB, created TEXT NOT NULL,
            PRIMARY KEY (visitor, key)) STRICT"""
    )
    db.execute("CREATE INDEX idempotency_keys_created ON idempotency_keys (created)")
    db.execute("CREATE INDEX idempotency_keys_reply ON idempotency_keys (reply_id)")
    db.execute(
        f"INSERT INTO idempotency_keys ({COLUMNS}) SELECT i.visitor, i.key, i.digest, i.reply_id, "
        "r.session_id, NULL, NULL, NULL, i.created FROM idempotency i "
        "LEFT JOIN replies r ON r.id = i.reply_id"
    )
    db.execute("DROP TABLE idempotency")
    if db.table("replays").exists():  # of an older version: answers by API key
        db.execute(
            f"INSERT INTO idempotency_keys ({COLUMNS}) SELECT 'key:' || principal, key, request, "
            "NULL, NULL, status, kind, body, created FROM replays"
        )
        db.execute("DROP TABLE replays")


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as it was sent."""

    status: int
    kind: str | None  # media type
    body: bytes


@dataclass(slots=True)
class Attempt:
    """One request; with `reply_id` or `answer` where it was answered before."""

    once: Once
    visitor: str
    key: str | None  # None: the caller gave none, and nothing is kept
    reply_id: str | None = None
    answer: Answer | None = None
    _done: bool = False

    def done(self, reply_id: str) -> None:
        """It was answered with this reply."""
        self._done = True
        if self.key is not None:
            self.once.keep_reply(self.visitor, self.key, reply_id)

    def answered(self, answer: Answer, session_id: str | None, reply_id: str | None) -> None:
        """It was answered so; the ids say with whose conversation the answer must go."""
        self._done = True
        if self.key is not None:
            self.once.keep_answer(self.visitor, self.key, answer, session_id, reply_id)

    def __enter__(self) -> Attempt:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is not None:
            self.close()

    def close(self) -> None:
        """Nothing more will come: without an answer the same key may try again."""
        before = self.reply_id is not None or self.answer is not None
        if self.key is not None and not before and not self._done:
            self.once.drop(self.visitor, self.key)


class Once:
    """The keys of this installation; safe from any thread and in several processes."""

    def __init__(self, database: Database) -> None:
        """After the store, whose replies the rows point to."""
        self._db = database
        database.migrate(migrations)

    def begin(self, visitor: str, key: str | None, request: bytes) -> Attempt:
        """request: all that makes it the same one. Raises HTTPException: 409 while the first one
        is answered, 422 for another request with the key, or for what is no key."""
        if key is None:
            return Attempt(self, visitor, None)
        if not 1 <= len(key) <= MAX_KEY or not key.isascii() or not key.isprintable():
            raise HTTPException(422, f"{HEADER} has 1 to {MAX_KEY} printable ASCII characters.")
        now, digest = datetime.now(UTC), hashlib.sha256(request).hexdigest()
        with self._db.write() as db:
            db.execute(
                "DELETE FROM idempotency_keys WHERE created < ? OR "
                "(reply_id IS NULL AND status IS NULL AND created < ?)",
                [(now - KEPT).isoformat(), (now - ABANDONED).isoformat()],
            )
            row = self._db.row(
                "SELECT * FROM idempotency_keys WHERE visitor = ? AND key = ?", visitor, key
            )
            if row is None:
                new = {"visitor": visitor, "key": key, "digest": digest}
                db.table("idempotency_keys").insert(new | {"created": now.isoformat()})
                return Attempt(self, visitor, key)
        if row["digest"] != digest:
            raise HTTPException(422, f"This {HEADER} belongs to another request.")
        if row["reply_id"] is None and row["status"] is None:
            raise HTTPException(
                409, f"The request with this {HEADER} is being answered.", {"Retry-After": "1"}
            )
        return Attempt(self, visitor, key, row["reply_id"], _answer(row))

    def keep_reply(self, visitor: str, key: str, reply_id: str) -> None:
        with self._db.write() as db:
            db.execute(
                "UPDATE idempotency_keys SET reply_id = ?1, session_id = "
                "(SELECT session_id FROM replies WHERE id = ?1) WHERE visitor = ?2 AND key = ?3",
                [reply_id, visitor, key],
            )

    def keep_answer(
        self, visitor: str, key: str, answer: Answer, session_id: str | None, reply_id: str | None
    ) -> None:
        with self._db.write() as db:
            db.execute(
                "UPDATE idempotency_keys SET status = ?, kind = ?, body = ?, session_id = "
                "coalesce(?, (SELECT session_id FROM replies WHERE id = ?)) "
                "WHERE visitor = ? AND key = ?",
                [answer.status, answer.kind, answer.body, session_id, reply_id, visitor, key],
            )

    def drop(self, visitor: str, key: str) -> None:
        with self._db.write() as db:
            db.execute(
                "DELETE FROM idempotency_keys WHERE visitor = ? AND key = ? "
                "AND reply_id IS NULL AND status IS NULL",
                [visitor, key],
            )


def _answer(row: dict[str, Any]) -> Answer | None:
    if row["status"] is None:
        return None
    return Answer(row["status"], row["kind"], row["body"])
