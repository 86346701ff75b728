"""What the index as a whole looks like, so that one question's scores mean what another's do."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterable, Sequence
from typing import Literal

import numpy as np

from knowledge.database import Database
from knowledge.types import Vectors

SATURATED = 2.2  # k1 + 1 of FTS5's BM25: what a term's rarity is multiplied with at most
PARAMETERS = 500  # of one statement; SQLite takes 999 everywhere
RARITY = 1e-6  # what FTS5 takes for a term that more than half of the passages have
OWNER = {  # joins a row of a table to its document, which must be one that is found
    "vectors": "JOIN chunks c ON c.id = v.chunk_id JOIN found_documents d ON d.id = c.document_id",
    "titles": "JOIN found_documents d ON d.id = v.document_id",
}
SAMPLE = 1_000  # vectors; ids of chunks are random, so the lowest ones are a random choice


class Centre:
    """The mean of a table's vectors, of documents that are found; safe from any thread.

    Kept until the documents change, or the day, as documents have first and last days.
    """

    def __init__(self, database: Database, table: Literal["vectors", "titles"], embedder: str):
        self._db, self._embedder = database, embedder
        self._sql = (
            f"SELECT v.vector FROM {table} v {OWNER[table]} WHERE v.embedder = ? "
            f"ORDER BY v.rowid LIMIT {SAMPLE}"
        )
        self._lock = threading.Lock()
        self._seen: tuple[int, str] | None = None
        self._mean: Vectors | None = None

    def cosine(self, vector: Vectors) -> float:
        """Mean cosine of a query, (1, d), with the vectors; 0 when there are none."""
        row = self._db.row("SELECT changes, date('now', 'localtime') AS day FROM index_pointer")
        state = (row["changes"], row["day"]) if row else None
        with self._lock:
            if self._seen != state or self._mean is None:
                rows = self._db.rows(self._sql, self._embedder)
                found = [np.frombuffer(row["vector"], np.float32) for row in rows]
                self._seen, self._mean = state, np.mean(found, axis=0) if found else None
            return 0.0 if self._mean is None else float(vector[0] @ self._mean)


def most(database: Database, terms: Sequence[str]) -> float:
    """The BM25 that no passage can exceed for these terms; 0 for none.

    As FTS5 does, of all passages that have keywords: those of drafts and disabled documents have
    none.
    """
    whole = [term for term in terms if term.isalnum()]  # FTS5 cuts 2.5 in two, both are here
    if not whole:
        return 0.0
    counts = document_counts(database, whole)
    total = next(iter(database.here.execute("SELECT count(*) FROM keywords_docsize")))[0]
    rarity = (math.log((total - counts.get(t, 0) + 0.5) / (counts.get(t, 0) + 0.5)) for t in whole)
    return SATURATED * sum(max(value, RARITY) for value in rarity)


def document_counts(database: Database, terms: Iterable[str]) -> dict[str, int]:
    """In how many passages each term stands; those that stand nowhere are left out.

    Drafts and disabled documents do not count: they have no keywords.
    """
    database.here.execute(
        "CREATE VIRTUAL TABLE IF NOT EXISTS temp.vocabulary USING fts5vocab(main, keywords, row)"
    )
    wanted = list(dict.fromkeys(terms))
    counts: dict[str, int] = {}
    for start in range(0, len(wanted), PARAMETERS):
        some = wanted[start : start + PARAMETERS]
        marks = ",".join("?" * len(some))
        sql = f"SELECT term, doc FROM temp.vocabulary WHERE term IN ({marks})"
        counts |= {row["term"]: row["doc"] for row in database.rows(sql, *some)}
    return counts
