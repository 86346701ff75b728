"""HNSW over 8-bit codes: sublinear search in a third of the memory of float32."""

from __future__ import annotations

from typing import Any

import faiss

from knowledge.index import Ids, threads
from knowledge.layered_index import LayeredIndex
from knowledge.types import Vectors

NEIGHBOURS = 16  # M of Malkov & Yashunin 2016; twice as many in the lowest layer
BUILD_REACH = 100  # efConstruction
MARGIN = 0.1  # of a dimension's range, on both sides, for vectors that are added later
REACH = 48  # efSearch at least; per hit asked for, see below
REACH_PER_HIT = 2
EXHAUSTIVE = 0.1  # share of the base from which comparing all codes is the faster way


class GraphIndex(LayeredIndex):
    """Approximate in two ways: the graph may miss a neighbour, and the score is of the codes.

    Each number is stored in 8 bits between the least and the largest of its dimension, which
    moves a cosine by less than .01 (tests/contracts/test_index.py). That is enough to change
    places among near neighbours, so LiveIndex fetches twice as many and orders them by their
    exact vectors in SQLite.
    """

    kind = "hnsw"

    @staticmethod
    def empty(dimension: int) -> Any:
        made: Any = faiss.IndexHNSWSQ  # its type wants another codec than it takes
        codec = faiss.ScalarQuantizer.QT_8bit
        base = made(dimension, codec, NEIGHBOURS, faiss.METRIC_INNER_PRODUCT)
        base.hnsw.efConstruction = BUILD_REACH
        storage: Any = faiss.downcast_index(base.storage)
        storage.sq.rangestat_arg = MARGIN
        return base

    @classmethod
    def fits(cls, base: Any) -> bool:
        return isinstance(base, faiss.IndexHNSWSQ) and (
            base.metric_type == faiss.METRIC_INNER_PRODUCT
        )

    def nearest(self, rows: Vectors, reach: int) -> tuple[Vectors, Ids]:
        with threads(1 if len(rows) == 1 else None):
            return self._nearest(rows, reach)

    def _nearest(self, rows: Vectors, reach: int) -> tuple[Vectors, Ids]:
        if reach > EXHAUSTIVE * len(self._ids):  # also where the graph is not connected
            scores, positions = faiss.downcast_index(self._base.storage).search(rows, reach)
        else:
            self._base.hnsw.efSearch = max(REACH, REACH_PER_HIT * reach)
            scores, positions = self._base.search(rows, reach)
        return scores, positions
