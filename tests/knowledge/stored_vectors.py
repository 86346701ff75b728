"""Vectors in SQLite without documents, for tests and benchmarks of the index alone."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from knowledge.catalog import Catalog
from knowledge.database import Database
from knowledge.types import Vectors

EMBEDDER = "random"


def database_of(path: Path) -> Database:
    """With this package's tables; a vector may stand without its chunk."""
    database = Database(path)
    Catalog(database)
    return database


def put(database: Database, ids: Iterable[int], rows: Vectors) -> None:
    """Store these vectors as if a document had been added."""
    database.here.execute("PRAGMA foreign_keys=OFF")
    values = [[id_, EMBEDDER, row.tobytes()] for id_, row in zip(ids, rows, strict=True)]
    with database.write() as db:
        db.conn.executemany("INSERT INTO vectors VALUES (?, ?, ?)", values)
        db.execute("UPDATE index_pointer SET changes = changes + 1")


def drop(database: Database, ids: Iterable[int]) -> None:
    """Remove them as if a document had been removed."""
    with database.write() as db:
        db.conn.executemany("DELETE FROM vectors WHERE chunk_id = ?", [[id_] for id_ in ids])
        db.execute("UPDATE index_pointer SET changes = changes + 1")


def unit(count: int, dimension: int, seed: int = 0) -> Vectors:
    """Random rows of length 1."""
    rows = np.random.default_rng(seed).normal(size=(count, dimension)).astype(np.float32)
    made: Vectors = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return made
