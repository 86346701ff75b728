"""Vectors of documents' titles: what a page is about, beside what its passages say."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
from sqlite_utils import Database as Sqlite
from sqlite_utils import Migrations

from knowledge.database import Database
from knowledge.types import Embedder, Vectors

AT_ONCE = 64  # titles embedded in one transaction
migrations = Migrations("titles")


@migrations()
def m001_titles(db: Sqlite) -> None:
    """One row per document, gone with it and with its title."""
    db.execute(
        """CREATE TABLE titles (
            document_id TEXT PRIMARY KEY REFERENCES documents(id) ON DELETE CASCADE,
            embedder TEXT NOT NULL, vector BLOB NOT NULL) STRICT"""
    )
    db.execute(
        """CREATE TRIGGER titles_changed AFTER UPDATE OF title ON documents
            WHEN old.title IS NOT new.title
            BEGIN DELETE FROM titles WHERE document_id = old.id; END"""
    )


class Titles:
    """Computed once per title of a document; safe from any thread."""

    def __init__(self, database: Database, embedder: Embedder) -> None:
        self._db, self._embedder = database, embedder
        database.migrate(migrations)

    def complete(self) -> None:
        """Embed the titles of documents that have no vector of this embedder yet."""
        rows = self._db.rows(
            "SELECT d.id, d.title FROM documents d LEFT JOIN titles t ON t.document_id = d.id "
            "WHERE t.embedder IS NOT ?",
            self._embedder.name,
        )
        for start in range(0, len(rows), AT_ONCE):
            some = rows[start : start + AT_ONCE]
            vectors = self._embedder.passages([row["title"] for row in some])
            kept = [
                (row["id"], self._embedder.name, vector.tobytes(), row["title"])
                for row, vector in zip(some, vectors, strict=True)
            ]
            self._db.spare(partial(_keep, kept))

    def cosines(self, vector: Vectors, documents: Sequence[str]) -> dict[str, float]:
        """Cosine of a query, (1, d), with the titles of these documents, by id."""
        wanted = sorted(set(documents))
        found = self._stored(wanted)
        if len(found) < len(wanted):  # new titles, or another process added documents
            self.complete()
            found = self._stored(wanted)
        return {id_: float(title @ vector[0]) for id_, title in found.items()}

    def _stored(self, documents: Sequence[str]) -> dict[str, Vectors]:
        marks = ",".join("?" * len(documents))
        rows = self._db.rows(
            f"SELECT document_id, vector FROM titles WHERE embedder = ? "
            f"AND document_id IN ({marks})",
            self._embedder.name,
            *documents,
        )
        return {row["document_id"]: np.frombuffer(row["vector"], np.float32) for row in rows}


def _keep(rows: Sequence[tuple[object, ...]], db: Sqlite) -> None:
    db.conn.executemany(
        "INSERT OR REPLACE INTO titles SELECT ?1, ?2, ?3 "
        "WHERE EXISTS (SELECT 1 FROM documents WHERE id = ?1 AND title = ?4)",  # or was renamed
        rows,
    )
