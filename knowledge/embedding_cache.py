"""Vectors of passages, kept by the hash of their text outside any home."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from sqlite_utils import Database as Sqlite
from sqlite_utils import Migrations

from knowledge.database import Database
from knowledge.types import Embedder, Vectors

AT_ONCE = 64  # texts embedded between two commits: all that a kill can lose
migrations = Migrations("embeddings")


@migrations()
def m001_embeddings(db: Sqlite) -> None:
    """One row per text."""
    db.execute("CREATE TABLE embeddings (sha256 BLOB PRIMARY KEY, vector BLOB NOT NULL) STRICT")


class CachedEmbedder:
    """Another embedder, whose passages are computed once per machine."""

    def __init__(self, inner: Embedder, folder: Path) -> None:
        """folder: where the cache lies, a file per embedder."""
        self._inner = inner
        name = re.sub(r"[^\w.-]+", "-", inner.name)
        self._db = Database(folder / f"{name}.db", migrations)

    @property
    def name(self) -> str:
        return self._inner.name

    @property
    def dimension(self) -> int:
        return self._inner.dimension

    @property
    def max_tokens(self) -> int:
        return self._inner.max_tokens

    def count(self, text: str) -> int:
        return self._inner.count(text)

    def queries(self, texts: Sequence[str]) -> Vectors:
        return self._inner.queries(texts)

    def passages(self, texts: Sequence[str]) -> Vectors:
        keys = [hashlib.sha256(text.encode("utf-8", "replace")).digest() for text in texts]
        known = self._known(keys)
        missing = [i for i, key in enumerate(keys) if key not in known]
        for start in range(0, len(missing), AT_ONCE):
            some = missing[start : start + AT_ONCE]
            fresh = self._inner.passages([texts[i] for i in some])
            rows = [(keys[i], vector.tobytes()) for i, vector in zip(some, fresh, strict=True)]
            with self._db.write() as db:
                db.conn.executemany("INSERT OR IGNORE INTO embeddings VALUES (?, ?)", rows)
            known |= {keys[i]: vector for i, vector in zip(some, fresh, strict=True)}
        if not keys:
            return np.empty((0, self.dimension), np.float32)
        return np.stack([known[key] for key in keys])

    def close(self) -> None:
        self._db.close()

    def _known(self, keys: Sequence[bytes]) -> dict[bytes, Vectors]:
        marks = ",".join("?" * len(keys))
        rows = self._db.rows(f"SELECT * FROM embeddings WHERE sha256 IN ({marks})", *keys)
        return {row["sha256"]: np.frombuffer(row["vector"], np.float32) for row in rows}
