"""Who did what, on what, when: appended, never changed, each row sealed with the one before.

A row is written in the transaction of the change that it records. It names people and things, and
holds no text of messages and no secrets (ASVS 16.2.5).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlite_utils import Database as Sqlite
from sqlite_utils import Migrations

from knowledge.database import Database

migrations = Migrations("audit")
LONGEST = 200  # characters of an object
FIRST = "0" * 64  # the seal before the first row
SEALED = ("number", "at", "actor", "action", "object", "request_id", "previous")


@migrations()
def m001_audit(db: Sqlite) -> None:
    """Rows that SQLite itself lets nobody change, and the seal of the last one."""
    db.execute(
        """CREATE TABLE audit (number INTEGER PRIMARY KEY, at TEXT NOT NULL, actor TEXT NOT NULL,
            action TEXT NOT NULL, object TEXT NOT NULL, request_id TEXT NOT NULL,
            previous TEXT NOT NULL, seal TEXT NOT NULL) STRICT"""
    )
    db.execute("CREATE TABLE audit_head (id INTEGER PRIMARY KEY CHECK (id = 1), seal TEXT) STRICT")
    for change in ("UPDATE", "DELETE"):
        db.execute(
            f"CREATE TRIGGER audit_no_{change.lower()} BEFORE {change} ON audit BEGIN "
            "SELECT RAISE(ABORT, 'the audit log is only appended to'); END"
        )


@dataclass(frozen=True, slots=True)
class Entry:
    """One row."""

    number: int
    at: str  # ISO 8601, UTC
    actor: str  # account, "key:NAME" or "terminal:NAME"
    action: str
    object: str
    request_id: str
    previous: str
    seal: str  # SHA-256 over all of the above


@dataclass(slots=True)
class Act:
    """What somebody is doing; recorded once, in the first transaction that changes something."""

    actor: str
    action: str
    object: str = ""
    request_id: str = ""
    recorded: bool = False


_acting: ContextVar[Act | None] = ContextVar("acting", default=None)


@contextmanager
def acting(act: Act | None) -> Iterator[None]:
    """While the block runs, what is written to the database is this act's."""
    token = _acting.set(act)
    try:
        yield
    finally:
        _acting.reset(token)


class AuditLog:
    """The log of a home; every method is safe from any thread."""

    def __init__(
        self, database: Database, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._db = database
        self._now = now
        database.migrate(migrations)
        database.before_commit = self._before_commit

    def record(self, actor: str, action: str, object_: str = "", request_id: str = "") -> None:
        """Append a row; within the caller's transaction where there is one."""
        act = _acting.get()
        with self._db.write() as db:
            last = next(
                iter(db.query("SELECT number, seal FROM audit ORDER BY number DESC LIMIT 1")), None
            )
            row = {
                "number": last["number"] + 1 if last else 1,
                "at": self._now().isoformat(timespec="milliseconds"),
                "actor": actor[:LONGEST],
                "action": action[:LONGEST],
                "object": object_[:LONGEST],
                "request_id": request_id or (act.request_id if act else ""),
                "previous": last["seal"] if last else FIRST,
            }
            row["seal"] = seal(row)
            db.table("audit").insert(row)
            db.table("audit_head").insert({"id": 1, "seal": row["seal"]}, replace=True)
            if act is not None:
                act.recorded = True

    def _before_commit(self, db: Sqlite) -> None:
        """Record the act that is going on in the transaction that is about to be stored."""
        del db  # record() joins it
        act = _acting.get()
        if act is not None and not act.recorded:
            self.record(act.actor, act.action, act.object, act.request_id)

    def entries(
        self,
        limit: int = 50,
        before: int | None = None,
        actor: str = "",
        action: str = "",
    ) -> tuple[Entry, ...]:
        """Newest first. before: only rows with a lower number. action: how it begins."""
        rows = self._db.rows(
            "SELECT * FROM audit WHERE (? IS NULL OR number < ?) AND (? = '' OR actor = ?) "
            "AND substr(action, 1, length(?)) = ? ORDER BY number DESC LIMIT ?",
            *(before, before, actor, actor, action, action, limit),
        )
        return tuple(Entry(**row) for row in rows)

    def head(self) -> str:
        """The seal of the last row; kept elsewhere, it proves that the log was not made anew."""
        row = self._db.row("SELECT seal FROM audit_head")
        return str(row["seal"]) if row else FIRST

    def problems(self, known: str = "") -> list[str]:
        """One sentence for each thing that shows tampering. known: a seal noted down before."""
        found, previous, number, seals = [], FIRST, 0, set()
        for row in self._db.here.query("SELECT * FROM audit ORDER BY number"):
            number += 1
            if row["number"] != number:
                found.append(f"Rows {number} to {row['number'] - 1} are missing.")
                number = row["number"]
            if row["previous"] != previous:
                found.append(f"Row {number} does not follow the row before it.")
            if row["seal"] != seal(row):
                found.append(f"Row {number} was changed: its seal does not fit what it says.")
            previous = row["seal"]
            seals.add(previous)
        if previous != self.head():
            found.append("Rows at the end are missing: the last seal is another one.")
        if known and known not in seals:
            found.append("The seal that you noted is in no row: the log was made anew.")
        return found


def seal(row: dict[str, Any]) -> str:
    """SHA-256, hex, of a row with the seal of the row before."""
    said = json.dumps([row[name] for name in SEALED], ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(said.encode()).hexdigest()
