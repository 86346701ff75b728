"""Nearest neighbours by inner product without approximation: FAISS, and NumPy as its oracle."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import faiss
import numpy as np
import numpy.typing as npt

from knowledge.types import Hit, Vectors

Ids = npt.NDArray[np.int64]
MOST_BYTES = 8 << 30  # of one array in an index file; a damaged header asks for more
MOST_LOOPS = 1 << 20
faiss.set_deserialization_vector_byte_limit(MOST_BYTES)
faiss.set_deserialization_loop_limit(MOST_LOOPS)


class ExactIndex:
    """Every vector compared, in NumPy; never in a file."""

    kind = "exact"

    def __init__(self, dimension: int) -> None:
        self._ids: Ids = np.empty(0, np.int64)
        self._rows: Vectors = np.empty((0, dimension), np.float32)

    @property
    def ids(self) -> Ids:
        return self._ids

    def add(self, ids: Sequence[int], vectors: Vectors) -> None:
        self.remove(ids)
        self._ids = np.concatenate([self._ids, np.asarray(ids, np.int64)])
        self._rows = np.concatenate([self._rows, np.asarray(vectors, np.float32)])

    def remove(self, ids: Sequence[int]) -> None:
        keep = ~np.isin(self._ids, np.asarray(ids, np.int64))
        self._ids, self._rows = self._ids[keep], self._rows[keep]

    def search(self, vectors: Vectors, limit: int) -> list[list[Hit]]:
        scores = np.asarray(vectors, np.float32) @ self._rows.T
        best = np.argsort(-scores, axis=1, kind="stable")[:, : max(limit, 0)]
        return [
            [Hit(int(self._ids[i]), float(row[i])) for i in order]
            for row, order in zip(scores, best, strict=True)
        ]

    def __len__(self) -> int:
        return len(self._ids)


class FlatIndex:
    """Every vector compared, in FAISS: exact, 4 bytes a number."""

    kind = "flat"

    def __init__(self, dimension: int) -> None:
        self._index: Any = faiss.IndexIDMap2(faiss.IndexFlatIP(dimension))

    @classmethod
    def read(cls, data: bytes) -> FlatIndex:
        """The index in `data`. Raises RuntimeError when FAISS finds it damaged.

        FAISS also loads damaged bytes quietly: compare a checksum first.
        """
        index = cls.__new__(cls)
        index._index = deserialized(data)
        if not isinstance(index._index, faiss.IndexIDMap2) or not isinstance(
            faiss.downcast_index(index._index.index), faiss.IndexFlat
        ):
            raise RuntimeError("not a flat index with ids")
        return index

    def to_bytes(self) -> bytes:
        data: bytes = faiss.serialize_index(self._index).tobytes()
        return data

    @property
    def dimension(self) -> int:
        return int(self._index.d)

    @property
    def stored(self) -> int:
        """Vectors that to_bytes() writes."""
        return len(self)

    @property
    def ids(self) -> Ids:
        found: Ids = faiss.vector_to_array(self._index.id_map)
        return found

    def add(self, ids: Sequence[int], vectors: Vectors) -> None:
        if not len(ids):
            return
        self.remove(ids)
        rows = np.ascontiguousarray(vectors, np.float32)
        self._index.add_with_ids(rows, np.asarray(ids, np.int64))

    def remove(self, ids: Sequence[int]) -> None:
        if len(ids) and self._index.ntotal:
            self._index.remove_ids(np.asarray(ids, np.int64))

    def search(self, vectors: Vectors, limit: int) -> list[list[Hit]]:
        limit = min(limit, len(self))
        if limit < 1:
            return [[] for _ in vectors]
        rows = np.ascontiguousarray(vectors, np.float32)
        with threads(1 if len(rows) == 1 else None):
            scores, ids = self._index.search(rows, limit)
        return [
            [Hit(int(i), float(s)) for i, s in zip(row, best, strict=True) if i >= 0]
            for row, best in zip(ids, scores, strict=True)
        ]

    def __len__(self) -> int:
        return int(self._index.ntotal)


@contextmanager
def threads(count: int | None) -> Iterator[None]:
    """FAISS with so many threads in this one, None: as before.

    Waking a second thread for a single query over 20,000 vectors made 8 ms of 2 on busy cores.
    """
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(count or before)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)


def deserialized(data: bytes) -> Any:
    """The FAISS index in `data`, without a second copy of it. Raises RuntimeError."""
    library: Any = faiss  # whose types do not tell of this reader
    return library.read_index(library.PyCallbackIOReader(io.BytesIO(data).read))
