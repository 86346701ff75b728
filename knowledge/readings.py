"""What the reader keeps of passages: computed once, stored beside their chunk, gone with it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
from sqlite_utils import Database as Sqlite
from sqlite_utils import Migrations

from knowledge.database import Database
from knowledge.features import Sentence, above, parts
from knowledge.reader import Reader, Reading
from knowledge.types import Passage
from knowledge.weights import Floats

migrations = Migrations("readings")


@migrations()
def m001_readings(db: Sqlite) -> None:
    """One row per chunk; another reader's row is replaced when the chunk is found again."""
    db.execute(
        """CREATE TABLE readings (
            chunk_id INTEGER PRIMARY KEY REFERENCES chunks(id) ON DELETE CASCADE,
            reader TEXT NOT NULL, data BLOB NOT NULL) STRICT"""
    )


@migrations()
def m002_readings_by_kind(db: Sqlite) -> None:
    """A passage is read by more than one; what was kept is read again when it is needed."""
    db.execute("DROP TABLE readings")
    db.execute(
        """CREATE TABLE readings (
            chunk_id INTEGER NOT NULL REFERENCES chunks(id) ON DELETE CASCADE,
            kind TEXT NOT NULL, reader TEXT NOT NULL, data BLOB NOT NULL,
            PRIMARY KEY (chunk_id, kind)) STRICT"""
    )


class Readings:
    """Passages as read, and how well their sentences answer a question."""

    def __init__(self, database: Database, reader: Reader, kind: str) -> None:
        """`kind`: of reader; each keeps one reading of a passage."""
        self._db = database
        self._reader = reader
        self._kind = kind
        database.migrate(migrations)

    def scores(self, question: str, found: Sequence[Sentence]) -> Floats:
        """(len(found),) log-odds that each sentence answers."""
        asking = self._reader.question(question)
        passages = {s.passage.id: s.passage for s in found}
        read = self.of(list(passages.values()))
        scores = {
            id_: self._reader.compare(asking, read[id_], len(parts(passage)))
            for id_, passage in passages.items()
        }
        return np.array([scores[s.passage.id][s.position] for s in found], np.float64)

    def of(self, passages: Sequence[Passage]) -> dict[int, Reading]:
        """By chunk id; missing ones are read and stored."""
        read = self._stored([p.id for p in passages])
        for passage in passages:
            texts = parts(passage)
            if passage.id in read or not texts:
                continue
            reading = self._reader.passage(above(Sentence(passage, 0, texts[0])), texts)
            read[passage.id] = reading
            row = [passage.id, self._kind, self._reader.name, reading.packed()]
            self._db.spare(partial(_keep, row))
        return read

    def warm(self) -> None:
        """Load the reader ahead of the first question."""
        self._reader.warm()

    def _stored(self, ids: Sequence[int]) -> dict[int, Reading]:
        marks = ",".join("?" * len(ids))
        rows = self._db.rows(
            f"SELECT chunk_id, data FROM readings WHERE reader = ? AND chunk_id IN ({marks})",
            self._reader.name,
            *ids,
        )
        return {row["chunk_id"]: self._reader.unpack(row["data"]) for row in rows}


def _keep(row: Sequence[object], db: Sqlite) -> None:
    db.execute(
        "INSERT OR REPLACE INTO readings SELECT ?1, ?2, ?3, ?4 "
        "WHERE EXISTS (SELECT 1 FROM chunks WHERE id = ?1)",  # it may have been removed meanwhile
        row,
    )
