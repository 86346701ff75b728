"""Vectors computed anew when another embedder is in use."""

from __future__ import annotations

import logging
from dataclasses import replace

from knowledge.database import Database
from knowledge.split import embedded_text
from knowledge.stored import NewDocument
from knowledge.types import Chunk, Embedder

log = logging.getLogger(__name__)
BATCH = 64  # rows per transaction: a stop in between loses no more than these


def reembed(database: Database, embedder: Embedder) -> int:
    """Replace all vectors of other embedders, a batch at a time; how many there were."""
    return _chunks(database, embedder) + _phrasings(database, embedder)


def renewed(new: NewDocument, embedder: Embedder) -> NewDocument:
    """The document with vectors of this embedder; itself if it has them."""
    if new.embedder == embedder.name:
        return new
    rows = embedder.passages([embedded_text(new.title, item.chunk) for item in new.chunks])
    ways = iter(embedder.queries([way.text for faq in new.faqs for way in faq.phrasings]))
    return replace(
        new,
        embedder=embedder.name,
        chunks=tuple(replace(c, vector=v) for c, v in zip(new.chunks, rows, strict=True)),
        faqs=tuple(
            replace(faq, phrasings=tuple(replace(w, vector=next(ways)) for w in faq.phrasings))
            for faq in new.faqs
        ),
    )


def _chunks(database: Database, embedder: Embedder) -> int:
    done = 0
    while rows := database.rows(
        "SELECT c.id, c.text, c.heading, c.kind, d.title FROM vectors v "
        "JOIN chunks c ON c.id = v.chunk_id JOIN documents d ON d.id = c.document_id "
        "WHERE v.embedder <> ? LIMIT ?",
        embedder.name,
        BATCH,
    ):
        texts = [embedded_text(r["title"], Chunk(r["text"], r["heading"], r["kind"])) for r in rows]
        vectors = embedder.passages(texts)
        with database.write() as db:
            for row, vector in zip(rows, vectors, strict=True):
                db.execute(
                    "UPDATE vectors SET embedder = ?, vector = ? WHERE chunk_id = ?",
                    [embedder.name, vector.tobytes(), row["id"]],
                )
            db.execute("UPDATE index_pointer SET changes = changes + 1")
        done += len(rows)
        log.info("%d passages embedded anew with %s", done, embedder.name)
    return done


def _phrasings(database: Database, embedder: Embedder) -> int:
    done = 0
    while rows := database.rows(
        "SELECT id, text FROM phrasings WHERE embedder <> ? LIMIT ?", embedder.name, BATCH
    ):
        vectors = embedder.queries([row["text"] for row in rows])
        with database.write() as db:
            for row, vector in zip(rows, vectors, strict=True):
                db.execute(
                    "UPDATE phrasings SET embedder = ?, vector = ? WHERE id = ?",
                    [embedder.name, vector.tobytes(), row["id"]],
                )
            db.execute("UPDATE index_pointer SET changes = changes + 1")
        done += len(rows)
    return done
