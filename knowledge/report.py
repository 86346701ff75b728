"""What reading a file gave, kept beside its document and gone with it."""

from __future__ import annotations

from sqlite_utils import Database as Sqlite
from sqlite_utils import Migrations

from knowledge.database import Database
from knowledge.types import Report

migrations = Migrations("reports")


@migrations()
def m001_reports(db: Sqlite) -> None:
    """One row per document; of one that is replaced, the latest."""
    db.execute(
        """CREATE TABLE reports (
            document_id TEXT PRIMARY KEY REFERENCES documents(id) ON DELETE CASCADE,
            bytes INTEGER NOT NULL, characters INTEGER NOT NULL, pages INTEGER NOT NULL,
            empty_pages INTEGER NOT NULL) STRICT"""
    )


class Reports:
    """Reports in SQLite, by document."""

    def __init__(self, database: Database) -> None:
        self._database = database
        database.migrate(migrations)

    def store(self, document_id: str, report: Report) -> None:
        """Nothing when the document is gone meanwhile."""
        with self._database.write() as db:
            db.execute(
                "INSERT OR REPLACE INTO reports SELECT ?1, ?2, ?3, ?4, ?5 "
                "WHERE EXISTS (SELECT 1 FROM documents WHERE id = ?1)",
                [document_id, report.bytes, report.characters, report.pages, report.empty_pages],
            )

    def of(self, path: str, collection: str) -> Report:
        """Zeros for a document that is not there."""
        row = self._database.row(
            "SELECT bytes, characters, pages, empty_pages FROM reports "
            "JOIN documents d ON d.id = document_id WHERE d.path = ? AND d.collection = ?",
            path,
            collection,
        )
        return Report(**row) if row else Report()

    def all(self) -> dict[str, Report]:
        """By document id."""
        rows = self._database.rows("SELECT * FROM reports")
        return {row.pop("document_id"): Report(**row) for row in rows}
