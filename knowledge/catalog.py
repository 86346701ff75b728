"""What the searches read: passages, vectors and keywords in SQLite."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from knowledge import curation
from knowledge.database import Database
from knowledge.tables import migrations
from knowledge.types import Passage, Vectors

VARIABLES = 5_000  # placeholders in one statement; SQLite allows 32,766
# In the order of Passage's fields.
PASSAGES = """
SELECT c.id, c.document_id, d.collection, d.path AS document, d.title, c.heading, c.text,
  c.language, c.kind, c.page
FROM chunks c JOIN {documents} d ON d.id = c.document_id"""
EVERY = PASSAGES.format(documents="documents")
FOUND = PASSAGES.format(documents="found_documents")
IDS = "SELECT c.id FROM chunks c JOIN found_documents d ON d.id = c.document_id"


class Catalog:
    """Passages, vectors and keywords in SQLite; safe from any thread."""

    def __init__(self, database: Database) -> None:
        self._database = database
        database.migrate(migrations)
        database.migrate(curation.migrations)

    def chunks(self, document_id: str) -> list[Passage]:
        rows = self._database.rows(
            f"{EVERY} WHERE c.document_id = ? ORDER BY c.position", document_id
        )
        return [Passage(**row) for row in rows]

    def passage(self, id_: int) -> Passage | None:
        """One passage, also of a document that is not found now."""
        row = self._database.row(f"{EVERY} WHERE c.id = ?", id_)
        return Passage(**row) if row else None

    def passages(self, ids: Sequence[int], collection: str | None = None) -> dict[int, Passage]:
        """Those of `ids` that may be found (in the collection), by id."""
        rows = self._shown(FOUND, ids, collection)
        return {row[0]: Passage(*row) for row in rows}

    def alive(self, ids: Sequence[int], collection: str | None = None) -> set[int]:
        """Which of `ids` passages() gives."""
        return {row[0] for row in self._shown(IDS, ids, collection)}

    def _shown(
        self, select: str, ids: Sequence[int], collection: str | None
    ) -> Iterator[tuple[Any, ...]]:
        for part in batches(ids):
            yield from self._database.here.execute(
                f"{select} WHERE c.id IN ({_marks(part)}) AND (? IS NULL OR d.collection = ?) "
                f"AND {curation.SHOWN}",
                [*part, collection, collection],
            )

    def vectors(self, ids: Sequence[int], embedder: str) -> dict[int, Vectors]:
        """(d,) of each chunk that has a vector of that embedder."""
        found: dict[int, Vectors] = {}
        for part in batches(ids):
            rows = self._database.here.execute(
                f"SELECT chunk_id, vector FROM vectors WHERE chunk_id IN ({_marks(part)}) "
                "AND embedder = ?",
                [*part, embedder],
            )
            found.update({row[0]: np.frombuffer(row[1], np.float32) for row in rows})
        return found

    def vector_ids(self, embedder: str) -> set[int]:
        """Chunks of listed documents that have a vector of that embedder."""
        rows = self._database.here.execute(
            "SELECT chunk_id FROM vectors WHERE embedder = ? AND chunk_id NOT IN (SELECT c.id "
            "FROM documents d JOIN chunks c ON c.document_id = d.id "
            "WHERE d.id NOT IN (SELECT id FROM listed_documents))",
            [embedder],
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
            "JOIN chunks c ON c.id = k.rowid JOIN found_documents d ON d.id = c.document_id "
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
                # +: FTS5 would look each row up by itself, and count the words anew for each
                f"WHERE keywords MATCH ? AND +rowid IN ({_marks(part)})",
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
