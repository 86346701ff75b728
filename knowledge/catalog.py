"""The tables of this package, and the documents and chunks in them."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from sqlite_utils import Database as Sqlite
from sqlite_utils import Migrations

from knowledge import curation
from knowledge.database import Database
from knowledge.errors import NotFound
from knowledge.types import Chunk, Document, FaqPair, Passage, Vectors

migrations = Migrations("knowledge")
VARIABLES = 5_000  # placeholders in one statement; SQLite allows 32,766


@migrations()
def m001_documents(db: Sqlite) -> None:
    """A chunk's id is also its row in vectors and keywords, and its id in the index."""
    for statement in (
        """CREATE TABLE documents (
            id TEXT PRIMARY KEY, collection TEXT NOT NULL, path TEXT NOT NULL,
            title TEXT NOT NULL, language TEXT NOT NULL, sha256 TEXT NOT NULL,
            size INTEGER NOT NULL, added TEXT NOT NULL, warnings TEXT NOT NULL,
            UNIQUE (collection, path)) STRICT""",
        """CREATE TABLE chunks (
            id INTEGER PRIMARY KEY, document_id TEXT NOT NULL REFERENCES documents(id),
            position INTEGER NOT NULL, text TEXT NOT NULL, heading TEXT NOT NULL,
            kind TEXT NOT NULL, page INTEGER, language TEXT NOT NULL) STRICT""",
        "CREATE INDEX chunks_document ON chunks(document_id, position)",
        """CREATE TABLE vectors (
            chunk_id INTEGER PRIMARY KEY REFERENCES chunks(id), embedder TEXT NOT NULL,
            vector BLOB NOT NULL) STRICT""",
        """CREATE TABLE faqs (
            id INTEGER PRIMARY KEY, chunk_id INTEGER NOT NULL REFERENCES chunks(id),
            question TEXT NOT NULL, answer TEXT NOT NULL, language TEXT NOT NULL) STRICT""",
        "CREATE INDEX faqs_chunk ON faqs(chunk_id)",
        """CREATE TABLE phrasings (
            id INTEGER PRIMARY KEY, faq_id INTEGER NOT NULL REFERENCES faqs(id),
            text TEXT NOT NULL, normal TEXT NOT NULL, language TEXT NOT NULL,
            embedder TEXT NOT NULL, vector BLOB NOT NULL) STRICT""",
        "CREATE INDEX phrasings_faq ON phrasings(faq_id)",
        "CREATE INDEX phrasings_normal ON phrasings(normal)",
        # The terms are already cut (keywords.terms); only ASCII blanks separate them.
        "CREATE VIRTUAL TABLE keywords USING fts5(terms, tokenize='ascii')",
        "INSERT INTO keywords(keywords, rank) VALUES ('secure-delete', 1)",
        """CREATE TABLE index_pointer (
            id INTEGER PRIMARY KEY CHECK (id = 1), changes INTEGER NOT NULL,
            generation INTEGER NOT NULL, file TEXT NOT NULL, sha256 TEXT NOT NULL,
            count INTEGER NOT NULL, embedder TEXT NOT NULL) STRICT""",
        "INSERT INTO index_pointer VALUES (1, 0, 0, '', '', 0, '')",
    ):
        db.execute(statement)


@dataclass(frozen=True, slots=True)
class NewChunk:
    """A chunk ready to be stored; `vector` has the embedder's dimension."""

    chunk: Chunk
    language: str
    terms: tuple[str, ...]
    vector: Vectors  # (d,)


@dataclass(frozen=True, slots=True)
class NewPhrasing:
    """One way to ask; `normal` is what an exact match compares."""

    text: str
    normal: str
    language: str
    vector: Vectors  # (d,)


@dataclass(frozen=True, slots=True)
class NewFaq:
    """An approved answer, its phrasings, and the position of its chunk."""

    pair: FaqPair
    language: str
    position: int
    phrasings: tuple[NewPhrasing, ...]


@dataclass(frozen=True, slots=True)
class NewDocument:
    """All that one file becomes, stored in one transaction."""

    collection: str
    path: str
    title: str
    language: str
    sha256: str
    size: int
    warnings: tuple[str, ...]
    embedder: str
    chunks: tuple[NewChunk, ...]
    faqs: tuple[NewFaq, ...]


DOCUMENTS = """
SELECT d.*, (SELECT count(*) FROM chunks WHERE document_id = d.id) AS chunks,
  (SELECT count(*) FROM faqs JOIN chunks c ON c.id = faqs.chunk_id
   WHERE c.document_id = d.id) AS faqs
FROM documents d"""
PASSAGES = """
SELECT c.id, c.document_id, d.collection, d.path AS document, d.title, c.heading, c.text,
  c.language, c.kind, c.page
FROM chunks c JOIN documents d ON d.id = c.document_id"""


class Catalog:
    """Documents, chunks, vectors and keywords in SQLite; every change is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database
        database.migrate(migrations)
        database.migrate(curation.migrations)

    def replace(self, new: NewDocument) -> str:
        """Store a document in place of the one of the same collection and path; its id."""
        document_id = secrets.token_hex(16)
        with self._database.write() as db:
            old = _one(
                db,
                "SELECT id FROM documents WHERE collection = ? AND path = ?",
                [new.collection, new.path],
            )
            if old:
                _delete(db, old["id"])
            db.table("documents").insert(
                {
                    "id": document_id,
                    "collection": new.collection,
                    "path": new.path,
                    "title": new.title,
                    "language": new.language,
                    "sha256": new.sha256,
                    "size": new.size,
                    "added": datetime.now(UTC).isoformat(timespec="milliseconds"),
                    "warnings": json.dumps(new.warnings, ensure_ascii=False),
                }
            )
            ids = _insert_chunks(db, document_id, new)
            _insert_faqs(db, new, ids)
            _changed(db)
        if old:
            self._database.checkpoint()
        return document_id

    def remove(self, document_id: str) -> None:
        """Delete a document and wipe its text from the disk. Raises NotFound."""
        with self._database.write() as db:
            if not _one(db, "SELECT id FROM documents WHERE id = ?", [document_id]):
                raise NotFound(f"There is no document {document_id!r}; it may be removed already.")
            _delete(db, document_id)
            _changed(db)
        self._database.checkpoint()

    def documents(self, collection: str | None = None) -> list[Document]:
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

    def same(self, path: str, collection: str, sha256: str) -> int | None:
        """How many chunks a document of this name has if it has these very bytes, else None."""
        row = self._database.row(
            f"{DOCUMENTS} WHERE collection = ? AND path = ? AND sha256 = ?",
            collection,
            path,
            sha256,
        )
        return row["chunks"] if row else None

    def chunks(self, document_id: str) -> list[Passage]:
        rows = self._database.rows(
            f"{PASSAGES} WHERE c.document_id = ? ORDER BY c.position", document_id
        )
        return [Passage(**row) for row in rows]

    def passages(self, ids: Sequence[int], collection: str | None = None) -> dict[int, Passage]:
        """Those of `ids` that exist (in the collection), by id."""
        found = {}
        for part in batches(ids):
            rows = self._database.rows(
                f"{PASSAGES} WHERE c.id IN ({_marks(part)}) AND (? IS NULL OR d.collection = ?) "
                f"AND {curation.SHOWN}",
                *part,
                collection,
                collection,
            )
            found.update({row["id"]: Passage(**row) for row in rows})
        return found

    def vectors(self, ids: Sequence[int], embedder: str) -> dict[int, Vectors]:
        """(d,) of each chunk that has a vector of that embedder."""
        found: dict[int, Vectors] = {}
        for part in batches(ids):
            rows = self._database.rows(
                f"SELECT chunk_id, vector FROM vectors WHERE chunk_id IN ({_marks(part)}) "
                "AND embedder = ?",
                *part,
                embedder,
            )
            found.update({r["chunk_id"]: np.frombuffer(r["vector"], np.float32) for r in rows})
        return found

    def vector_ids(self, embedder: str) -> set[int]:
        """Chunks that have a vector of that embedder."""
        rows = self._database.here.execute(
            "SELECT chunk_id FROM vectors WHERE embedder = ?", [embedder]
        )
        return {row[0] for row in rows}

    def counts(self) -> tuple[int, int]:
        """Documents, chunks."""
        row = self._database.row(
            "SELECT (SELECT count(*) FROM documents) d, (SELECT count(*) FROM chunks) c"
        )
        return (row["d"], row["c"]) if row else (0, 0)

    def keyword_hits(
        self, expression: str, limit: int, collection: str | None = None
    ) -> list[tuple[int, float]]:
        """(id, BM25 > 0) of the best passages for an FTS5 expression, best first."""
        rows = self._database.here.execute(
            "SELECT k.rowid, bm25(keywords) FROM keywords k "
            "JOIN chunks c ON c.id = k.rowid JOIN documents d ON d.id = c.document_id "
            "WHERE keywords MATCH ?1 AND (?3 IS NULL OR d.collection = ?3) "
            "ORDER BY bm25(keywords), k.rowid LIMIT ?2",
            [expression, limit, collection],
        )
        return [(row[0], -row[1]) for row in rows]

    def keyword_scores(self, expression: str, ids: Sequence[int]) -> dict[int, float]:
        """BM25 of those of `ids` that match."""
        found = {}
        for part in batches(ids):
            rows = self._database.here.execute(
                "SELECT rowid, bm25(keywords) FROM keywords "
                f"WHERE keywords MATCH ? AND rowid IN ({_marks(part)})",
                [expression, *part],
            )
            found.update({row[0]: -row[1] for row in rows})
        return found


def batches(ids: Iterable[int]) -> Iterable[list[int]]:
    """Groups small enough for one SQL statement."""
    every = list(ids)
    return (every[i : i + VARIABLES] for i in range(0, len(every), VARIABLES))


def _marks(values: Sequence[object]) -> str:
    return ",".join("?" * len(values))


def _one(db: Sqlite, sql: str, values: Sequence[object]) -> dict[str, Any] | None:
    return next(iter(db.query(sql, values)), None)


def _changed(db: Sqlite) -> None:
    """Other processes compare this number before they search."""
    db.execute("UPDATE index_pointer SET changes = changes + 1")


def _delete(db: Sqlite, document_id: str) -> None:
    mine = "(SELECT id FROM chunks WHERE document_id = ?)"
    for statement in (
        f"DELETE FROM phrasings WHERE faq_id IN (SELECT id FROM faqs WHERE chunk_id IN {mine})",
        f"DELETE FROM faqs WHERE chunk_id IN {mine}",
        f"DELETE FROM keywords WHERE rowid IN {mine}",
        f"DELETE FROM vectors WHERE chunk_id IN {mine}",
        "DELETE FROM chunks WHERE document_id = ?",
        "DELETE FROM documents WHERE id = ?",
    ):
        db.execute(statement, [document_id])


def _insert_chunks(db: Sqlite, document_id: str, new: NewDocument) -> list[int]:
    ids = [secrets.randbelow(2**63 - 1) + 1 for _ in new.chunks]
    for position, (id_, item) in enumerate(zip(ids, new.chunks, strict=True)):
        chunk = item.chunk
        db.execute(
            "INSERT INTO chunks VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [
                id_,
                document_id,
                position,
                chunk.text,
                chunk.heading,
                chunk.kind,
                chunk.page,
                item.language,
            ],
        )
        db.execute(
            "INSERT INTO vectors VALUES (?, ?, ?)", [id_, new.embedder, item.vector.tobytes()]
        )
        db.execute("INSERT INTO keywords(rowid, terms) VALUES (?, ?)", [id_, " ".join(item.terms)])
    return ids


def _insert_faqs(db: Sqlite, new: NewDocument, ids: Sequence[int]) -> None:
    for faq in new.faqs:
        faq_id = secrets.randbelow(2**63 - 1) + 1
        db.execute(
            "INSERT INTO faqs VALUES (?, ?, ?, ?, ?)",
            [faq_id, ids[faq.position], faq.pair.question, faq.pair.answer, faq.language],
        )
        for way in faq.phrasings:
            db.execute(
                "INSERT INTO phrasings(faq_id, text, normal, language, embedder, vector) "
                "VALUES (?, ?, ?, ?, ?, ?)",
                [faq_id, way.text, way.normal, way.language, new.embedder, way.vector.tobytes()],
            )


def _document(row: dict[str, Any]) -> Document:
    return Document(**{**row, "warnings": tuple(json.loads(row["warnings"]))})
