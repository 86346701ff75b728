"""One way to use each library that benchmarks/index.py compares; the same graph for all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import faiss
import hnswlib
import numpy as np
from usearch.index import Index as Usearch

from knowledge import graph_index
from knowledge.database import Database
from knowledge.graph_index import BUILD_REACH, NEIGHBOURS
from knowledge.index_choice import Setting
from knowledge.live_index import LiveIndex
from knowledge.types import Vectors

EMBEDDER = "made"


class Library(Protocol):
    """Ids are positions; one query at a time, in one thread."""

    approximate: bool

    def build(self, rows: Vectors, folder: Path) -> None:
        """Build and write to the folder."""
        ...

    def load(self, folder: Path) -> None: ...

    def reach(self, width: int) -> None:
        """Candidates kept during a search, efSearch."""
        ...

    def search(self, query: Vectors, limit: int) -> Any:
        """(limit,) positions; query: (1, d)."""
        ...


class ExactFaiss:
    approximate = False

    def build(self, rows: Vectors, folder: Path) -> None:
        index = faiss.IndexFlatIP(rows.shape[1])
        index.add(rows)
        faiss.write_index(index, str(folder / "flat"))

    def load(self, folder: Path) -> None:
        self._index = faiss.read_index(str(folder / "flat"))

    def reach(self, width: int) -> None: ...

    def search(self, query: Vectors, limit: int) -> Any:
        return self._index.search(query, limit)[1][0]


class Hnswlib:
    approximate = True

    def build(self, rows: Vectors, folder: Path) -> None:
        index = hnswlib.Index("ip", rows.shape[1])
        index.init_index(len(rows), M=NEIGHBOURS, ef_construction=BUILD_REACH)
        index.add_items(rows, num_threads=1)
        index.save_index(str(folder / "hnswlib"))

    def load(self, folder: Path) -> None:
        self._index = hnswlib.Index("ip", 384)
        self._index.load_index(str(folder / "hnswlib"))
        self._index.set_num_threads(1)

    def reach(self, width: int) -> None:
        self._index.set_ef(width)

    def search(self, query: Vectors, limit: int) -> Any:
        return self._index.knn_query(query, limit, num_threads=1)[0][0]


class Usearched:
    approximate = True

    def _made(self) -> Any:
        return Usearch(
            ndim=384,
            metric="ip",
            dtype="f32",
            connectivity=NEIGHBOURS,
            expansion_add=BUILD_REACH,
        )

    def build(self, rows: Vectors, folder: Path) -> None:
        index = self._made()
        index.add(np.arange(len(rows)), rows, threads=1)
        index.save(str(folder / "usearch"))

    def load(self, folder: Path) -> None:
        self._index = self._made()
        self._index.load(str(folder / "usearch"))

    def reach(self, width: int) -> None:
        self._index.expansion_search = width

    def search(self, query: Vectors, limit: int) -> Any:
        return self._index.search(query[0], limit, threads=1).keys


class Zhike:
    """The index of the product over vectors in SQLite, its own checks at start included."""

    approximate = True
    setting: Setting = "hnsw"

    def build(self, rows: Vectors, folder: Path) -> None:
        self._open(folder).restart("ready")

    def load(self, folder: Path) -> None:
        self._live = self._open(folder)
        if self._live.state != "ready" or self._live.kind != self.setting:
            raise RuntimeError(f"{self._live.kind}: {self._live.state}")
        self.index: Any = self._live._index

    def _open(self, folder: Path) -> LiveIndex:
        database = self._database(folder)
        return LiveIndex(database, folder / "index", self.setting, EMBEDDER, 384)

    def _database(self, folder: Path) -> Database:
        return Database(folder / "zhike.db")

    def reach(self, width: int) -> None:
        graph_index.REACH, graph_index.REACH_PER_HIT = width, 1

    def search(self, query: Vectors, limit: int) -> Any:
        return [hit.id for hit in self.index.search(query, limit)[0]]


class ZhikeLive(Zhike):
    """As the product calls it: what changed in SQLite is looked up before each search."""

    def search(self, query: Vectors, limit: int) -> Any:
        return [hit.id for hit in self._live.search(query, limit)]


LIBRARIES: dict[str, Callable[[], Library]] = {
    "faiss flat (exact)": ExactFaiss,
    "hnswlib": Hnswlib,
    "usearch": Usearched,
    "zhike": Zhike,
}
