"""An index that cannot remove, made to: a fixed base, a flat layer over it, and tombstones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, Self

import faiss
import numpy as np

from knowledge.index import FlatIndex, Ids, deserialized
from knowledge.types import Hit, Vectors

GONE = -1  # in place of the id of a vector of the base that was removed
MOST_TOMBSTONES = 0.2  # share of the base; above it the index is to be built anew
LEAST_TRAINED = 1_000  # vectors whose ranges hold for others too
GROWTH = 4  # how much further a search reaches when tombstones left it short

Batches = Iterator[tuple[Ids, Vectors]]
"""Pieces of what an index is built from: (n,) ids and (n, dimension) rows."""


class LayeredIndex:
    """Base of a FAISS type that a subclass names; exact scores for the flat layer only.

    Removing an id of the base puts a tombstone in its place: its vector still leads a search
    through the base but is never among the hits. So a search of the base reaches for
    limit / (1 - share of tombstones), and further if that leaves too few. Added vectors are
    compared one by one beside the base until `extended()` puts them into it.
    """

    kind: ClassVar[str]

    def __init__(self, dimension: int) -> None:
        self._stored: Any = faiss.IndexIDMap(self.empty(dimension))
        self._attach()

    def _attach(self) -> None:
        self._base: Any = faiss.downcast_index(self._stored.index)
        self._ids: Ids = faiss.vector_to_array(self._stored.id_map)
        self._removed = int((self._ids == GONE).sum())
        self._layer = FlatIndex(self._base.d)

    @staticmethod
    def empty(dimension: int) -> Any:
        """A base without vectors."""
        raise NotImplementedError

    @classmethod
    def fits(cls, base: Any) -> bool:
        """Whether a base read from a file is of this type."""
        raise NotImplementedError

    def nearest(self, rows: Vectors, reach: int) -> tuple[Vectors, Ids]:
        """Scores and positions in the base, (n, reach), best first; position -1 for none."""
        raise NotImplementedError

    @classmethod
    def build(cls, dimension: int, batches: Batches) -> Self:
        """Over the vectors of all batches; the first one trains the base."""
        index = cls(dimension)
        index._fill(batches)
        return index

    def extended(self, batches: Batches) -> Self:
        """Another index: this base with the batches put into it, without the flat layer.

        The base is only read, so searches may go on meanwhile. A vector of the base counts as
        removed there if it is so here, or if a batch has its id.
        """
        index = type(self).__new__(type(self))
        index._stored = faiss.clone_index(self._stored)
        index._attach()
        index._ids = self._ids.copy()  # which may go on changing here
        index._removed = int((index._ids == GONE).sum())
        index._fill(batches)
        return index

    def _fill(self, batches: Batches) -> None:
        parts = [self._ids]
        for ids, rows in batches:
            self._bury(ids)
            if not self._base.is_trained:
                self._base.train(rows)
            self._stored.add_with_ids(rows, ids)
            parts.append(ids)
        self._ids = np.concatenate(parts)
        if len(self._ids):  # tombstones go into the file
            np.copyto(faiss.rev_swig_ptr(self._stored.id_map.data(), len(self._ids)), self._ids)

    @classmethod
    def read(cls, data: bytes) -> Self:
        """The base in `data`, tombstones included. Raises RuntimeError when it is damaged.

        FAISS also loads damaged bytes quietly: compare a checksum first.
        """
        index = cls.__new__(cls)
        index._stored = deserialized(data)
        if type(index._stored) is not faiss.IndexIDMap or not cls.fits(
            faiss.downcast_index(index._stored.index)
        ):
            raise RuntimeError(f"not an index of the kind {cls.kind}")
        if index._stored.id_map.size() != index._stored.index.ntotal:
            raise RuntimeError("its ids and vectors differ in number")
        index._attach()
        return index

    def to_bytes(self) -> bytes:
        """The base as built, with tombstones of that time; the flat layer is not in it."""
        data: bytes = faiss.serialize_index(self._stored).tobytes()
        return data

    @property
    def dimension(self) -> int:
        return int(self._base.d)

    @property
    def stored(self) -> int:
        """Vectors that to_bytes() writes, removed ones included."""
        return len(self._ids)

    @property
    def layered(self) -> int:
        """Vectors beside the base."""
        return len(self._layer)

    @property
    def based(self) -> Ids:
        """Ids of the base that are not removed."""
        based: Ids = self._ids[self._ids != GONE]
        return based

    @property
    def tombstones(self) -> float:
        """Share of the base that was removed, 0..1."""
        return self._removed / max(len(self._ids), 1)

    @property
    def extensible(self) -> bool:
        """Whether extended() serves; otherwise the index is to be built anew."""
        return len(self._ids) >= LEAST_TRAINED and self.tombstones <= MOST_TOMBSTONES

    @property
    def ids(self) -> Ids:
        return np.concatenate([self.based, self._layer.ids])

    def add(self, ids: Sequence[int], vectors: Vectors) -> None:
        self._bury(np.asarray(ids, np.int64))
        self._layer.add(ids, vectors)

    def remove(self, ids: Sequence[int]) -> None:
        self._bury(np.asarray(ids, np.int64))
        self._layer.remove(ids)

    def _bury(self, ids: Ids) -> None:
        if len(ids) and len(self._ids):
            dead = np.isin(self._ids, ids)
            self._ids[dead] = GONE
            self._removed += int(dead.sum())

    def search(self, vectors: Vectors, limit: int) -> list[list[Hit]]:
        rows = np.ascontiguousarray(vectors, np.float32)
        found = self._of_base(rows, min(limit, len(self._ids) - self._removed))
        if not len(self._layer) or limit < 1:
            return found
        beside = self._layer.search(rows, limit)
        return [
            sorted([*old, *new], key=lambda hit: -hit.score)[:limit]
            for old, new in zip(found, beside, strict=True)
        ]

    def _of_base(self, rows: Vectors, limit: int) -> list[list[Hit]]:
        if limit < 1:
            return [[] for _ in rows]
        total = len(self._ids)
        reach = min(-(-limit * total // (total - self._removed)), total)
        while True:
            scores, positions = self.nearest(rows, reach)
            ids = self._ids[positions]
            if positions[:, -1].min() < 0:  # padded
                ids[positions < 0] = GONE
            elif not self._removed:
                return [
                    list(map(Hit, some, best))
                    for some, best in zip(ids.tolist(), scores.tolist(), strict=True)
                ]
            if reach == total or (ids != GONE).sum(axis=1).min() >= limit:
                break
            reach = min(reach * GROWTH, total)
        return [
            [Hit(i, s) for i, s in zip(some, best, strict=True) if i != GONE][:limit]
            for some, best in zip(ids.tolist(), scores.tolist(), strict=True)
        ]

    def __len__(self) -> int:
        return len(self._ids) - self._removed + len(self._layer)
