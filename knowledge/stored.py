"""One document as rows: what a file becomes, written so that unchanged chunks stay."""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlite_utils import Database as Sqlite

from knowledge import keywords
from knowledge.split import embedded_text
from knowledge.types import Chunk, FaqPair, Report, Vectors


@dataclass(frozen=True, slots=True)
class NewChunk:
    """A chunk ready to be stored; `vector` has the embedder's dimension."""

    chunk: Chunk
    language: str
    terms: tuple[str, ...]
    vector: Vectors  # (d,)
    id: int | None = None  # of an earlier version, to be used again


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
    phrasings: tuple[NewPhrasing, ...]  # the question itself first


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
    report: Report
    source: str = ""  # of a text file, to be edited


def terms(title: str, chunk: Chunk) -> tuple[str, ...]:
    """What the keyword search knows of a chunk."""
    return tuple(keywords.terms(embedded_text(title, chunk)))


def random_id() -> int:
    """63 random bits, never 0."""
    return secrets.randbelow(2**63 - 1) + 1


def write(db: Sqlite, document_id: str, new: NewDocument, *, listed: bool) -> None:
    """The chunks and approved answers of `new` in place of what the document has.

    A chunk of the same title, heading and text keeps its id, vector and all that is stored for
    it: an id in the index stands for one vector for ever.
    """
    known = _known(db, document_id, new)
    same = [known[_key(item.chunk)] for item in new.chunks]
    ids = [equal.pop(0) if equal else 0 for equal in same]
    kept = set(ids)
    _delete_faqs(db, document_id)
    _delete_chunks(db, _ids(db, document_id) - kept)
    for position, item in enumerate(new.chunks):
        row = [position, item.chunk.page, item.language]
        if ids[position]:
            db.execute(
                "UPDATE chunks SET position = ?, page = ?, language = ? WHERE id = ?",
                [*row, ids[position]],
            )
            continue
        again = item.id if item.id and item.id not in kept else None
        ids[position] = id_ = again or random_id()
        kept.add(id_)
        _insert_chunk(db, id_, document_id, position, item, new.embedder)
        if listed:
            _insert_terms(db, id_, item.terms)
    _insert_faqs(db, new, ids)


def list_keywords(db: Sqlite, document_id: str) -> None:
    """Bring the keywords in line with whether the document is listed."""
    listed = next(
        iter(db.query("SELECT 1 FROM listed_documents WHERE id = ?", [document_id])), None
    )
    ids = _ids(db, document_id)
    _many(db, "DELETE FROM keywords WHERE rowid = ?", ids)
    if listed is None:
        return
    for row in list(
        db.query(
            "SELECT c.id, c.text, c.heading, c.kind, d.title FROM chunks c "
            "JOIN documents d ON d.id = c.document_id WHERE d.id = ?",
            [document_id],
        )
    ):
        chunk = Chunk(row["text"], row["heading"], row["kind"])
        _insert_terms(db, row["id"], terms(row["title"], chunk))


def delete(db: Sqlite, document_id: str) -> None:
    """All versions of a document."""
    _delete_faqs(db, document_id)
    _delete_chunks(db, _ids(db, document_id))
    db.execute("DELETE FROM versions WHERE document_id = ?", [document_id])
    db.execute("DELETE FROM sources WHERE document_id = ?", [document_id])
    db.execute("DELETE FROM documents WHERE id = ?", [document_id])


def _key(chunk: Chunk) -> tuple[str, str, str]:
    return (chunk.text, chunk.heading, chunk.kind)


def _known(db: Sqlite, document_id: str, new: NewDocument) -> defaultdict[Any, list[int]]:
    """Ids by what was embedded; none when the title, which is embedded too, has changed."""
    found: defaultdict[Any, list[int]] = defaultdict(list)
    for row in db.query(
        "SELECT c.id, c.text, c.heading, c.kind FROM chunks c "
        "JOIN documents d ON d.id = c.document_id JOIN vectors v ON v.chunk_id = c.id "
        "WHERE d.id = ? AND d.title = ? AND v.embedder = ? ORDER BY c.position",
        [document_id, new.title, new.embedder],
    ):
        found[row["text"], row["heading"], row["kind"]].append(row["id"])
    return found


def _ids(db: Sqlite, document_id: str) -> set[int]:
    rows = db.execute("SELECT id FROM chunks WHERE document_id = ?", [document_id])
    return {row[0] for row in rows}


def _many(db: Sqlite, statement: str, ids: Iterable[int]) -> None:
    db.conn.executemany(statement, [(id_,) for id_ in ids])


def _delete_chunks(db: Sqlite, ids: Iterable[int]) -> None:
    ids = list(ids)
    _many(db, "DELETE FROM keywords WHERE rowid = ?", ids)
    _many(db, "DELETE FROM vectors WHERE chunk_id = ?", ids)
    _many(db, "DELETE FROM chunks WHERE id = ?", ids)


def _delete_faqs(db: Sqlite, document_id: str) -> None:
    mine = "(SELECT f.id FROM faqs f JOIN chunks c ON c.id = f.chunk_id WHERE c.document_id = ?)"
    db.execute(f"DELETE FROM phrasings WHERE faq_id IN {mine}", [document_id])
    db.execute(f"DELETE FROM faqs WHERE id IN {mine}", [document_id])


def _insert_chunk(
    db: Sqlite, id_: int, document_id: str, position: int, item: NewChunk, embedder: str
) -> None:
    chunk = item.chunk
    db.execute(
        "INSERT INTO chunks(id, document_id, position, text, heading, kind, page, language) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
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
    db.execute("INSERT INTO vectors VALUES (?, ?, ?)", [id_, embedder, item.vector.tobytes()])


def _insert_terms(db: Sqlite, id_: int, found: Sequence[str]) -> None:
    db.execute("INSERT INTO keywords(rowid, terms) VALUES (?, ?)", [id_, " ".join(found)])


def _insert_faqs(db: Sqlite, new: NewDocument, ids: Sequence[int]) -> None:
    for faq in new.faqs:
        faq_id = random_id()
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
