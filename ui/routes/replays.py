"""Idempotency keys: a POST that is sent again is answered as the first time, and done once."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

from fastapi import HTTPException, Request, Response
from sqlite_utils import Database as Sqlite
from sqlite_utils import Migrations
from starlette.concurrency import run_in_threadpool

from knowledge.database import Database
from ui.api_keys import Principal

HEADER = "Idempotency-Key"
LONGEST = 100  # characters
KEPT = timedelta(hours=24)
GIVEN_UP = timedelta(minutes=10)  # a first call that was never answered is forgotten after this
migrations = Migrations("replays")


@migrations()
def m001_replays(db: Sqlite) -> None:
    """Answers by API key and idempotency key: no program sees another's."""
    db.execute(
        """CREATE TABLE replays (principal TEXT NOT NULL, key TEXT NOT NULL, request TEXT NOT NULL,
            status INTEGER, kind TEXT, body BLOB, created TEXT NOT NULL,
            PRIMARY KEY (principal, key)) STRICT"""
    )


class Replays:
    """The answers of the last day."""

    def __init__(
        self, database: Database, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._db = database
        self._now = now
        database.migrate(migrations)

    async def once(
        self, principal: Principal, request: Request, handle: Callable[[], Awaitable[Response]]
    ) -> Response:
        """The answer of `handle`, or the one that was given to the same call before.

        Raises HTTPException: 409 while the first call is being answered, 422 when the key was
        used for another call.
        """
        key = request.headers.get(HEADER)
        if request.method != "POST" or key is None:
            return await handle()
        if not 1 <= len(key) <= LONGEST or not key.isascii():
            raise HTTPException(400, f"{HEADER} has 1 to {LONGEST} ASCII characters.")
        said = f"{request.method} {request.url.path}?{request.url.query}\n".encode()
        digest = hashlib.sha256(said + await request.body()).hexdigest()
        before = await run_in_threadpool(self._begin, principal.id, key, digest)
        if before is not None:
            return before
        try:
            response = await handle()
        except BaseException:
            await run_in_threadpool(self._forget, principal.id, key)
            raise
        if response.status_code < 300:
            await run_in_threadpool(self._keep, principal.id, key, response)
        else:
            await run_in_threadpool(self._forget, principal.id, key)
        return response

    def _begin(self, principal: str, key: str, digest: str) -> Response | None:
        """Take the key; the stored answer when it was taken for the same call."""
        now = self._now()
        with self._db.write() as db:
            db.execute(
                "DELETE FROM replays WHERE created < ? OR (status IS NULL AND created < ?)",
                [(now - KEPT).isoformat(), (now - GIVEN_UP).isoformat()],
            )
            row = self._db.row(
                "SELECT * FROM replays WHERE principal = ? AND key = ?", principal, key
            )
            if row is None:
                new = {"principal": principal, "key": key, "request": digest}
                db.table("replays").insert(new | {"created": now.isoformat()})
                return None
        if row["request"] != digest:
            raise HTTPException(422, f"This {HEADER} was used for another call already.")
        if row["status"] is None:
            raise HTTPException(409, "The first call with this key is still being answered.")
        headers = {"Idempotency-Replayed": "true"}
        return Response(row["body"], row["status"], headers, media_type=row["kind"])

    def _keep(self, principal: str, key: str, response: Response) -> None:
        with self._db.write() as db:
            db.execute(
                "UPDATE replays SET status = ?, kind = ?, body = ? WHERE principal = ? AND key = ?",
                [response.status_code, response.media_type or response.headers.get("content-type"),
                 bytes(response.body), principal, key],
            )  # fmt: skip

    def _forget(self, principal: str, key: str) -> None:
        with self._db.write() as db:
            db.execute("DELETE FROM replays WHERE principal = ? AND key = ?", [principal, key])
