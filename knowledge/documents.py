"""Documents in SQLite: what is there, and every change in their life, each one transaction."""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from sqlite_utils import Database as Sqlite

from knowledge import exchange, sources, stored, versions
from knowledge.curation import DOCUMENT
from knowledge.database import Database
from knowledge.errors import NotFound
from knowledge.exchange import Exported, Life
from knowledge.split import embedded_text
from knowledge.stored import NewDocument
from knowledge.tables import migrations
from knowledge.types import Chunk, Collection, Document, Report, Vectors
from knowledge.versions import Version

DOCUMENTS = """
SELECT d.id, d.collection, d.path, d.title, d.language, d.sha256, d.size, d.added, d.warnings,
  d.report,
  (SELECT count(*) FROM chunks WHERE document_id = d.id) AS chunks,
  (SELECT count(*) FROM faqs JOIN chunks c ON c.id = faqs.chunk_id
   WHERE c.document_id = d.id) AS faqs,
  CASE WHEN NOT d.enabled THEN 'disabled' WHEN d.published THEN 'published' ELSE 'draft' END
    AS state,
  EXISTS (SELECT 1 FROM found_documents WHERE id = d.id) AS found, d.valid_from, d.valid_until,
  d.version, (SELECT number FROM versions WHERE document_id = d.id AND draft) AS draft
FROM documents d"""


@dataclass(frozen=True, slots=True)
class Embedded:
    """Vectors, (d,) each, by the text that they stand for."""

    passages: dict[str, Vectors]  # by embedded_text()
    questions: dict[str, Vectors]


class Documents:
    """The documents of all collections; safe from any thread and beside other processes."""

    def __init__(self, database: Database) -> None:
        self._database = database
        database.migrate(migrations)

    def replace(
        self, new: NewDocument, origin: str = "", *, draft: bool = False, over: int | None = None
    ) -> Document:
        """Store a document in place of the one of the same collection and path, which it keeps.

        draft: it waits for publish(), as where the collection asks for review: a new document is
        not found, and of a published one the version before stays. origin: who or what brought it.
        over: the version that was edited to get this one. Raises Changed if it is not the latest,
        NotFound if the document is gone.
        """
        with self._database.write() as db:
            old = _one(
                db,
                "SELECT * FROM documents WHERE collection = ? AND path = ?",
                [new.collection, new.path],
            )
            if over is not None and old is None:
                raise NotFound(f"{new.path}: somebody removed it meanwhile. Nothing was saved.")
            if over is not None and old is not None:
                versions.check_head(db, old["id"], new.path, over)
            about = _about(("edited" if over else "replaced") if old else "added", origin)
            review = draft or _reviewed(db, new.collection)
            document_id = old["id"] if old else secrets.token_hex(16)
            if old is None:
                first = {"published": int(not review), "version": 1}
                _insert(db, document_id, new, {**about, **first})
                stored.write(db, document_id, new, listed=not review)
                _changed(db)
            elif review and old["published"]:
                versions.hold(db, document_id, new, about)
            else:
                _supersede(db, old, new, about)
                versions.drop_draft(db, document_id)
            sources.keep(db, document_id, new.sha256, new.source)
        if old:
            self._database.checkpoint()
        return self.find(document_id, new.collection)

    def version(
        self, document: Document, number: int | None, *, draft: bool = False
    ) -> tuple[NewDocument, int]:
        """A version before the current one, or the draft, with its number.

        number: None is the latest. Raises NotFound.
        """
        row = self._database.row(
            "SELECT * FROM versions WHERE document_id = ?1 AND draft = ?2 "
            "AND (?3 IS NULL OR number = ?3) ORDER BY number DESC",
            document.id,
            int(draft),
            number,
        )
        if row is not None:
            return versions.restored(row, document.collection, document.path), row["number"]
        kept = [v.number for v in self.history(document.id) if v.state == "previous"]
        held = f"Kept are {', '.join(map(str, kept))}." if kept else "None is kept."
        wanted = "version before the current one" if number is None else f"version {number}"
        if number == document.version:
            raise NotFound(f"{document.path}: version {number} is the current one. {held}")
        raise NotFound(f"{document.path}: there is no {wanted} to go back to. {held}")

    def history(self, document_id: str) -> list[Version]:
        """All versions, newest first; none for an unknown id."""
        return [Version(**row) for row in self._database.rows(versions.HISTORY, document_id)]

    def restore(self, document_id: str, new: NewDocument, number: int, origin: str) -> None:
        """Store a previous version again, as a new one. Raises NotFound."""
        about = _about(f"rolled back to {number}", origin)
        with self._database.write() as db:
            _supersede(db, _existing(db, document_id), new, about)
            sources.keep(db, document_id, new.sha256, "")
        self._database.checkpoint()

    def publish(self, document_id: str, draft: tuple[NewDocument, int] | None) -> None:
        """End the review of a document: its draft, if it has one, replaces the text before.

        Raises NotFound.
        """
        with self._database.write() as db:
            row = _existing(db, document_id)
            if draft:
                new, number = draft
                about = _one(
                    db,
                    "SELECT added, change, origin FROM versions "
                    "WHERE document_id = ? AND draft AND number = ?",
                    [document_id, number],
                )
                if about is None:
                    raise NotFound(f"{row['path']}: the draft was changed meanwhile. Read it anew.")
                versions.drop_draft(db, document_id, number)
                _supersede(db, row, new, about, number)
                sources.keep(db, document_id, new.sha256, "")
            db.execute("UPDATE documents SET published = 1 WHERE id = ?", [document_id])
            stored.list_keywords(db, document_id)
            _changed(db)
        self._database.checkpoint()

    def enable(self, document_id: str, *, enabled: bool) -> None:
        """Let a document be found or not. Raises NotFound."""
        with self._database.write() as db:
            _existing(db, document_id)
            db.execute("UPDATE documents SET enabled = ? WHERE id = ?", [int(enabled), document_id])
            stored.list_keywords(db, document_id)
            _changed(db)

    def date(self, document_id: str, valid_from: str, valid_until: str) -> None:
        """Set the first and last day on which a document is found; "" is no bound.

        Raises NotFound.
        """
        with self._database.write() as db:
            _existing(db, document_id)
            db.execute(
                "UPDATE documents SET valid_from = ?, valid_until = ? WHERE id = ?",
                [valid_from, valid_until, document_id],
            )
            _changed(db)

    def exported(self, collection: str | None = None) -> Exported:
        """The current texts of documents of files, with their states; None is all collections."""
        found = []
        for document in self.all(collection):
            if document.path == DOCUMENT:  # goes with the decisions of staff
                continue
            with self._database.write() as db:  # one state of a document and its chunks
                row = _one(db, "SELECT * FROM documents WHERE id = ?", [document.id])
                if row is None:
                    continue
                text = exchange.text_of(versions.current(db, row))
            dates = row["valid_from"], row["valid_until"]
            found.append((text, Life(bool(row["published"]), bool(row["enabled"]), *dates)))
        wanted = (c for c in self.collections() if collection in (None, c.name))
        return Exported(tuple(wanted), tuple(found))

    def take(self, new: NewDocument, life: Life, origin: str) -> bool:
        """Store a document of another home with its state; whether its text was another.

        A version that is here stays beside it.
        """
        about = _about("imported", origin)
        with self._database.write() as db:
            old = _one(
                db,
                "SELECT * FROM documents WHERE collection = ? AND path = ?",
                [new.collection, new.path],
            )
            document_id = old["id"] if old else secrets.token_hex(16)
            same = old is not None and _equal(versions.current(db, old), new)
            if old is None:
                first = {"published": int(life.published), "version": 1}
                _insert(db, document_id, new, {**about, **first})
                stored.write(db, document_id, new, listed=False)
            elif not same:
                _supersede(db, old, new, about)
            db.table("documents").update(
                document_id, {key: _number(v) for key, v in asdict(life).items()}
            )
            versions.drop_draft(db, document_id)
            sources.keep(db, document_id, new.sha256, "")
            stored.list_keywords(db, document_id)
            _changed(db)
        if old:
            self._database.checkpoint()
        return not same

    def remove(self, document_id: str) -> None:
        """Delete all versions of a document and wipe their texts from the disk. Raises NotFound."""
        with self._database.write() as db:
            _existing(db, document_id)
            stored.delete(db, document_id)
            _changed(db)
        self._database.checkpoint()

    def relist(self) -> None:
        """Make the keywords of all documents anew, and mark missing vectors to be embedded."""
        with self._database.write() as db:
            db.execute("INSERT INTO keywords(keywords) VALUES ('rebuild')")
            db.execute("DELETE FROM keywords WHERE rowid NOT IN (SELECT id FROM chunks)")
            db.execute(
                "INSERT INTO vectors SELECT id, '', x'' FROM chunks "
                "WHERE id NOT IN (SELECT chunk_id FROM vectors)"
            )
        for document in self.all():  # a transaction each, so that others can write in between
            with self._database.write() as db:
                stored.list_keywords(db, document.id)
                _changed(db)

    def collections(self) -> list[Collection]:
        """Those that have documents or a setting, by name."""
        rows = self._database.rows(
            "SELECT n.name, coalesce(c.review, 0) AS review, "
            "(SELECT count(*) FROM documents WHERE collection = n.name) AS documents "
            "FROM (SELECT collection AS name FROM documents UNION SELECT name FROM collections) n "
            "LEFT JOIN collections c ON c.name = n.name ORDER BY n.name"
        )
        return [Collection(r["name"], r["documents"], bool(r["review"])) for r in rows]

    def review(self, collection: str, *, on: bool) -> None:
        """Whether what is added to a collection waits for publish()."""
        with self._database.write() as db:
            db.execute("INSERT OR REPLACE INTO collections VALUES (?, ?)", [collection, int(on)])

    def all(self, collection: str | None = None) -> list[Document]:
        """By collection and path; None lists all collections."""
        rows = self._database.rows(
            f"{DOCUMENTS} WHERE ?1 IS NULL OR collection = ?1 ORDER BY collection, path", collection
        )
        return [_document(row) for row in rows]

    def find(self, document: str, collection: str) -> Document:
        """By path within the collection, or by id. Raises NotFound."""
        row = self._database.row(
            f"{DOCUMENTS} WHERE (collection = ?1 AND path = ?2) OR id = ?2", collection, document
        )
        if row is None:
            raise NotFound(
                f"There is no document {document!r} in the collection {collection!r}. "
                "List the documents to see their names."
            )
        return _document(row)

    def same(self, path: str, collection: str, sha256: str) -> tuple[int, Report] | None:
        """Chunks and report of a document of this name if it has these very bytes, else None.

        Where a draft waits, it is the draft that counts.
        """
        row = self._database.row(
            "SELECT coalesce(v.sha256, d.sha256) AS sha256, coalesce(v.chunks, (SELECT count(*) "
            "FROM chunks WHERE document_id = d.id)) AS chunks, coalesce(v.report, d.report) "
            "AS report FROM documents d "
            "LEFT JOIN versions v ON v.document_id = d.id AND v.draft "
            "WHERE d.collection = ? AND d.path = ?",
            collection,
            path,
        )
        if row is None or row["sha256"] != sha256:
            return None
        return row["chunks"], _report(row)

    def embedded(self, path: str, collection: str, embedder: str) -> Embedded:
        """What of a document needs no embedding when its file is read again."""
        passages = self._database.rows(
            "SELECT d.title, c.text, c.heading, c.kind, v.vector FROM documents d "
            "JOIN chunks c ON c.document_id = d.id JOIN vectors v ON v.chunk_id = c.id "
            "WHERE d.collection = ? AND d.path = ? AND v.embedder = ?",
            collection,
            path,
            embedder,
        )
        questions = self._database.rows(
            "SELECT p.text, p.vector FROM documents d JOIN chunks c ON c.document_id = d.id "
            "JOIN faqs f ON f.chunk_id = c.id JOIN phrasings p ON p.faq_id = f.id "
            "WHERE d.collection = ? AND d.path = ? AND p.embedder = ?",
            collection,
            path,
            embedder,
        )
        return Embedded(
            {
                embedded_text(r["title"], Chunk(r["text"], r["heading"], r["kind"])): (
                    np.frombuffer(r["vector"], np.float32)
                )
                for r in passages
            },
            {r["text"]: np.frombuffer(r["vector"], np.float32) for r in questions},
        )


def _one(db: Sqlite, sql: str, values: Sequence[object]) -> dict[str, Any] | None:
    return next(iter(db.query(sql, values)), None)


def _changed(db: Sqlite) -> None:
    """Other processes compare this number before they search."""
    db.execute("UPDATE index_pointer SET changes = changes + 1")


def _existing(db: Sqlite, document_id: str) -> dict[str, Any]:
    row = _one(db, "SELECT * FROM documents WHERE id = ?", [document_id])
    if row is None:
        raise NotFound(f"There is no document {document_id!r}; it may be removed already.")
    return row


def _about(change: str, origin: str) -> dict[str, str]:
    added = datetime.now(UTC).isoformat(timespec="milliseconds")
    return {"change": change, "origin": origin, "added": added}


def _equal(one: NewDocument, other: NewDocument) -> bool:
    return exchange.text_of(one) == exchange.text_of(other)


def _number(value: bool | str) -> int | str:
    return int(value) if isinstance(value, bool) else value


def _reviewed(db: Sqlite, collection: str) -> bool:
    row = _one(db, "SELECT review FROM collections WHERE name = ?", [collection])
    return bool(row and row["review"])


def _insert(db: Sqlite, document_id: str, new: NewDocument, about: dict[str, Any]) -> None:
    db.table("documents").insert(
        {"id": document_id, "collection": new.collection, "path": new.path, **_row(new), **about}
    )


def _supersede(
    db: Sqlite, old: dict[str, Any], new: NewDocument, about: dict[str, Any], number: int = 0
) -> None:
    """The text of `new` in place of the document's, which is kept as a version.

    number: that of a draft, which it keeps unless a rollback went beyond it.
    """
    id_ = old["id"]
    if number <= old["version"]:
        number = versions.next_number(db, id_)
    versions.keep_current(db, id_)
    stored.write(db, id_, new, listed=bool(old["published"] and old["enabled"]))
    db.table("documents").update(id_, {**_row(new), **about, "version": number})
    _changed(db)


def _row(new: NewDocument) -> dict[str, Any]:
    return {
        "title": new.title,
        "language": new.language,
        "sha256": new.sha256,
        "size": new.size,
        "warnings": json.dumps(new.warnings, ensure_ascii=False),
        "report": json.dumps(asdict(new.report)),
    }


def _document(row: dict[str, Any]) -> Document:
    warnings, found = tuple(json.loads(row["warnings"])), bool(row["found"])
    return Document(**{**row, "warnings": warnings, "found": found, "report": _report(row)})


def _report(row: dict[str, Any]) -> Report:
    return Report(**json.loads(row["report"]))
