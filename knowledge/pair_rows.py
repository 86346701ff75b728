"""An answer of staff as rows: a passage of staff's document, and what matches it."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlite_utils import Database as Sqlite

from knowledge import keywords
from knowledge.curation import DOCUMENT
from knowledge.faq import normal
from knowledge.language import language
from knowledge.types import FaqPair, Vectors


@dataclass(frozen=True, slots=True)
class Ready:
    """A pair with its vectors, made before the transaction begins."""

    pair: FaqPair
    language: str
    embedder: str
    passage: Vectors  # (d,) of question and answer
    ways: tuple[tuple[str, Vectors], ...]  # the question first

    @property
    def question(self) -> str:
        return self.pair.question

    @property
    def passage_text(self) -> str:
        return f"{self.pair.question}\n{self.pair.answer}"


def insert(db: Sqlite, ready: Ready, collection: str) -> int:
    """The pair as a passage of staff's document and as an approved answer; its id in `faqs`."""
    document = _document(db, ready, collection)
    chunk, faq = (secrets.randbelow(2**63 - 1) + 1 for _ in range(2))
    text = ready.passage_text
    db.execute(
        "INSERT INTO chunks(id, document_id, position, text, heading, kind, language) "
        "SELECT ?1, ?2, (SELECT coalesce(max(position), -1) + 1 FROM chunks "
        "WHERE document_id = ?2), ?3, '', 'faq', ?4",
        [chunk, document, text, ready.language],
    )
    db.execute(
        "INSERT INTO vectors(chunk_id, embedder, vector) VALUES (?, ?, ?)",
        [chunk, ready.embedder, ready.passage.tobytes()],
    )
    terms = " ".join(keywords.terms(text))
    db.execute("INSERT INTO keywords(rowid, terms) VALUES (?, ?)", [chunk, terms])
    db.execute(
        "INSERT INTO faqs(id, chunk_id, question, answer, language) VALUES (?, ?, ?, ?, ?)",
        [faq, chunk, ready.pair.question, ready.pair.answer, ready.language],
    )
    insert_ways(db, faq, ready)
    return faq


def insert_ways(db: Sqlite, faq_id: int, ready: Ready) -> None:
    for way, vector in ready.ways:
        db.execute(
            "INSERT INTO phrasings(faq_id, text, normal, language, embedder, vector) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            [
                faq_id,
                way,
                normal(way),
                language(way, ready.language),
                ready.embedder,
                vector.tobytes(),
            ],
        )


def _document(db: Sqlite, ready: Ready, collection: str) -> str:
    """The id of the collection's document with the pairs of staff, made when it is missing."""
    place = [collection, DOCUMENT]
    found = "SELECT id FROM documents WHERE collection = ? AND path = ?"
    for row in db.query(found, place):
        return str(row["id"])
    id_ = secrets.token_hex(16)
    db.execute(
        "INSERT INTO documents(id, collection, path, title, language, sha256, size, added, "
        "warnings) VALUES (?, ?, ?, ?, ?, '', 0, ?, '[]')",
        [id_, *place, DOCUMENT, ready.language, now()],
    )
    return id_


def drop(db: Sqlite, faq_id: int) -> None:
    """The pair's rows, and the document when it was the last of it."""
    (row,) = db.query(
        "SELECT c.id, c.document_id FROM faqs f JOIN chunks c ON c.id = f.chunk_id WHERE f.id = ?",
        [faq_id],
    )
    for statement, value in (
        ("DELETE FROM phrasings WHERE faq_id = ?", faq_id),
        ("DELETE FROM faqs WHERE id = ?", faq_id),
        ("DELETE FROM keywords WHERE rowid = ?", row["id"]),
        ("DELETE FROM vectors WHERE chunk_id = ?", row["id"]),
        ("DELETE FROM chunks WHERE id = ?", row["id"]),
    ):
        db.execute(statement, [value])
    document: dict[str, Any] = {"id": row["document_id"]}
    db.execute(
        "DELETE FROM documents WHERE id = :id "
        "AND NOT EXISTS (SELECT 1 FROM chunks WHERE document_id = :id)",
        document,
    )


def changed(db: Sqlite) -> None:
    """Other processes compare this number before they answer."""
    db.execute("UPDATE index_pointer SET changes = changes + 1")


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
