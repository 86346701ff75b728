"""What serves now, adapter, model, tagger: read on every turn, written by promote and rollback."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from sqlite_utils import Database as Sqlite
from sqlite_utils import Migrations

from chatbot.errors import NotFound
from knowledge.database import Database

Kind = Literal["dialogue", "intent", "entities"]
migrations = Migrations("champions")


@migrations()
def m001_champions(db: Sqlite) -> None:
    """A stack per kind: the newest serves (`until` is NULL), those below wait for a rollback."""
    db.table("champions").create(
        {
            "id": int,
            "kind": str,
            "name": str,
            "path": str,
            "sha256": str,
            "share": float,
            "since": str,
            "until": str,
        },
        pk="id",
        not_null={"kind", "name", "path", "sha256", "share", "since"},
        strict=True,
    )
    db.table("champions").create_index(["kind", "until"])


@dataclass(frozen=True, slots=True)
class Champion:
    """What serves: the run's name, its folder and the hash that the folder must have."""

    name: str
    path: str
    sha256: str
    share: float  # 0..1 of the sessions


class Champions:
    """The pointer from "what serves" to a run; a promotion is one row."""

    def __init__(self, database: Database) -> None:
        self._database = database
        database.migrate(migrations)

    def serving(self, kind: Kind, session_id: str = "") -> Champion | None:
        """What serves this session; None is the base. A session always gets the same side.

        Outside the share of the newest the one before it serves: a canary beside its champion.
        """
        rows = self._database.rows(
            "SELECT name, path, sha256, share FROM champions WHERE kind = ? ORDER BY id DESC", kind
        )
        position = _position(session_id)
        return next((Champion(**row) for row in rows if position < row["share"]), None)

    def current(self, kind: Kind) -> Champion | None:
        """The promoted one, whatever its share."""
        row = self._database.row(
            "SELECT name, path, sha256, share FROM champions WHERE kind = ? AND until IS NULL",
            kind,
        )
        return Champion(**row) if row else None

    def promote(self, kind: Kind, champion: Champion) -> None:
        """Make it serve from the next turn on, in this and every other process."""
        now = _now()
        with self._database.write() as db:
            db.execute(
                "UPDATE champions SET until = ? WHERE kind = ? AND until IS NULL", [now, kind]
            )
            db.table("champions").insert(
                {
                    "kind": kind,
                    "name": champion.name,
                    "path": champion.path,
                    "sha256": champion.sha256,
                    "share": champion.share,
                    "since": now,
                }
            )

    def rollback(self, kind: Kind) -> Champion | None:
        """Retire the current one and serve its predecessor; None means the base serves again.

        Raises NotFound when nothing was promoted.
        """
        with self._database.write() as db:
            rows = list(
                db.query(
                    "SELECT id, name, path, sha256, share, until FROM champions "
                    "WHERE kind = ? ORDER BY id DESC",
                    [kind],
                )
            )
            if not rows or rows[0]["until"] is not None:
                named = {"dialogue": "dialogue adapter", "entities": "tagger"}.get(kind, kind)
                raise NotFound(f"No {named} is promoted, so there is nothing to roll back.")
            db.table("champions").delete(rows[0]["id"])
            if len(rows) == 1:
                return None
            db.table("champions").update(rows[1]["id"], {"until": None})
            fields = ("name", "path", "sha256", "share")
            return Champion(**{field: rows[1][field] for field in fields})


def _position(session_id: str) -> float:
    """0..1, evenly spread and fixed for a session."""
    digest = hashlib.sha256(session_id.encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
