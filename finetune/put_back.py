"""Dropped rows that people want to be learnt from all the same."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime

from finetune.errors import TranscriptError
from finetune.transcripts.layouts import migrations
from knowledge.database import Database

ID = re.compile(r"[0-9a-f]{12}")


class PutBack:
    """Ids of rows (`Pair.id`) that pass every step of cleaning, in the home's database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        database.migrate(migrations)

    def ids(self) -> frozenset[str]:
        """All that were put back."""
        rows = self._database.rows("SELECT id FROM transcripts_put_back")
        return frozenset(row["id"] for row in rows)

    def add(self, ids: Iterable[str]) -> None:
        """Put rows back. Raises TranscriptError for what cannot be an id."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        rows = [{"id": _checked(id), "changed": now} for id in ids]
        with self._database.write() as db:
            db.table("transcripts_put_back").upsert_all(rows, pk="id")

    def remove(self, ids: Iterable[str]) -> None:
        """Let cleaning decide again. Raises TranscriptError for what cannot be an id."""
        checked = [_checked(id) for id in ids]
        with self._database.write() as db:
            for id in checked:
                db.execute("DELETE FROM transcripts_put_back WHERE id = ?", [id])


def _checked(id: str) -> str:
    if not ID.fullmatch(id):
        raise TranscriptError(
            f"{id!r} is not the id of a dropped row (12 digits and letters a to f). "
            "zhike transcripts dropped lists them."
        )
    return id
