"""The index in memory, kept equal to the vectors in SQLite, with an immutable file as its cache."""

from __future__ import annotations

import logging
import os
import secrets
import threading
from dataclasses import dataclass
from pathlib import Path

import faiss
import numpy as np
from sqlite_utils import Database as Sqlite
from sqlite_utils import Migrations

from knowledge.catalog import Catalog, batches
from knowledge.database import Database
from knowledge.errors import DiskFull
from knowledge.index import ExactIndex, FlatIndex, Ids
from knowledge.index_choice import FILED, Index, Kind, Setting, choose, empty, usable
from knowledge.index_file import DamagedIndex, clean, read_file, write_file
from knowledge.layered_index import MOST_TOMBSTONES, Batches, LayeredIndex
from knowledge.types import Hit, Vectors

log = logging.getLogger(__name__)
LARGE_DELTA = 2_000  # vectors that are in SQLite but not in the file; then a new file pays
OVERFETCH = 2  # hits of a graph for each one asked for, put in order by their exact vectors
LARGE_SHARE = 50  # and one in so many of a graph's, as a new file is copied from the old one
migrations = Migrations("knowledge_index")


@migrations()
def m001_what_the_file_holds(db: Sqlite) -> None:
    """More to compare a file with; and the ids of all vectors without reading the vectors."""
    for statement in (
        "ALTER TABLE index_pointer ADD COLUMN kind TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE index_pointer ADD COLUMN size INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE index_pointer ADD COLUMN dimension INTEGER NOT NULL DEFAULT 0",
        "CREATE INDEX vectors_embedder ON vectors(embedder)",
    ):
        db.execute(statement)


@dataclass(frozen=True, slots=True)
class Pointer:
    """The row that says which file holds the index."""

    changes: int  # grows with every change of the documents
    generation: int  # grows with every file
    file: str  # "" before the first file
    sha256: str
    count: int  # vectors in the file, removed ones included
    embedder: str
    kind: str  # of FILED; "" in a row of an older version
    size: int  # bytes
    dimension: int


ASIDE = {"hnsw", "gpu"}  # kinds that take more than moments to build


class Closed(Exception):
    """The index was closed while a new one was built."""


class LiveIndex:
    """SQLite is the truth: before each search, what other processes changed is taken over.

    Safe from any thread. The file only saves time at start; without it all vectors are read
    from SQLite, and `state` says so. A graph is extended or built anew in a thread beside the
    searches, which use the old one meanwhile. Vectors of removed chunks leave a flat file when
    it is next written, a graph's when it is built anew; their texts are never in either.
    """

    def __init__(
        self, database: Database, folder: Path, setting: Setting, embedder: str, dimension: int
    ) -> None:
        self._database, self._catalog = database, Catalog(database)
        database.migrate(migrations)
        self._folder, self._setting = folder, setting
        self._embedder, self._dimension = embedder, dimension
        self._lock = threading.RLock()  # of the fields below; held for moments
        self._renewing = threading.Lock()  # held while a new index is built and written
        self._renewal: threading.Thread | None = None
        self._closed = False
        folder.mkdir(parents=True, exist_ok=True)
        self.state = "ready"
        self._index: Index
        self._ids: Ids  # of the vectors in SQLite, sorted; never changed in place
        self._published: Ids  # of the vectors in the file
        self._seen = -1  # number of changes that _ids is of
        self._own = ""  # the file that this index was read from or written to
        self._adopt(self._open())
        if self.state != "ready" or self._due():
            self._renew_soon()
            if self._chosen() not in ASIDE:
                self.settle()

    @property
    def file(self) -> str:
        """Name of the current index file; "" before the first one."""
        return self._pointer().file

    @property
    def kind(self) -> str:
        """exact, flat, hnsw or gpu."""
        return self._index.kind

    def search(self, vector: Vectors, limit: int) -> list[Hit]:
        """The nearest chunks of one query, (1, d), with exact cosines, best first.

        Only a graph may miss one. Some may be removed meanwhile.
        """
        with self._lock:
            if self.refresh() and self._due():
                self._renew_soon()
            if self._index.kind != "hnsw":
                return self._index.search(vector, limit)[0]
            hits = self._index.search(vector, limit * OVERFETCH)[0]
        return self._exact(vector, hits)[:limit]

    def _exact(self, vector: Vectors, hits: list[Hit]) -> list[Hit]:
        """These hits by the cosine of their vectors in SQLite; without those that have none."""
        rows = self._catalog.vectors([hit.id for hit in hits], self._embedder)
        if not rows:
            return []
        cosines = np.stack(list(rows.values())) @ vector[0]
        found = map(Hit, rows, cosines.tolist())
        return sorted(found, key=lambda hit: -hit.score)

    def __len__(self) -> int:
        return len(self._ids)

    def refresh(self) -> bool:
        """Add and remove what changed in SQLite, and whether anything did.

        Nothing but one row is read if nothing changed.
        """
        with self._lock:
            changes = self._pointer().changes
            if changes == self._seen:
                return False
            found = self._catalog.vector_ids(self._embedder)
            alive: Ids = np.fromiter(found, np.int64, len(found))
            alive.sort()
            self._index.remove(np.setdiff1d(self._ids, alive, assume_unique=True).tolist())
            for ids, rows in self._rows(np.setdiff1d(alive, self._ids, assume_unique=True)):
                self._index.add(ids.tolist(), rows)
            self._ids, self._seen = alive, changes
            return True

    def publish_if_large(self, least: int = LARGE_DELTA) -> None:
        """Write a new file when `least` or more vectors differ from the present one.

        A graph's file is written when that pays, whatever `least` is.
        """
        with self._lock:
            self.refresh()
            layered = isinstance(self._index, LayeredIndex)
            changed = len(np.setxor1d(self._ids, self._published, assume_unique=True))
            due = self._due() if layered else changed >= least
        if due:
            self.publish()

    def publish(self) -> None:
        """Write the index to a new file and point to it; a crash leaves the old one valid.

        Returns when it is written. Searches go on meanwhile.
        """
        self._renew(anew=False)

    def restart(self, why: str) -> int:
        """A new index from the vectors in SQLite; their number."""
        with self._lock:
            self.state = why
        self._renew(anew=True)
        return len(self)

    def settle(self) -> None:
        """Wait until the thread that renews the index, if one runs, has ended."""
        thread = self._renewal
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def close(self) -> None:
        """Give up a renewal that runs; else write a flat file if anything changed."""
        running = self._renewal is not None and self._renewal.is_alive()
        if not running and not isinstance(self._index, LayeredIndex):
            self.publish_if_large(1)
        self._closed = True
        self.settle()

    # Renewal: a new index is made beside the old one, then takes its place.

    def _due(self) -> bool:
        """Whether the index should be extended, built anew, or be of another kind."""
        with self._lock:
            index = self._index
            if index.kind != self._chosen():
                return True
            if not isinstance(index, LayeredIndex):
                return False
            large = max(LARGE_DELTA, index.stored // LARGE_SHARE)
            return index.layered >= large or index.tombstones > MOST_TOMBSTONES

    def _chosen(self) -> Kind:
        return choose(self._setting, len(self._ids), self._index.kind)

    def _renew_soon(self) -> None:
        """Renew in a thread, unless one is at it."""
        with self._lock:
            if not self._closed and (self._renewal is None or not self._renewal.is_alive()):
                self._renewal = threading.Thread(target=self._renew_aside, daemon=True)
                self._renewal.start()

    def _renew_aside(self) -> None:
        faiss.omp_set_num_threads(max(1, (os.cpu_count() or 1) // 2))  # of this thread only
        try:
            if not self._taken_over():
                self._renew(anew=False)
        except Closed:
            log.info("The index was closed before a new one was made")
        except Exception:  # the edge: the old index goes on answering
            log.exception("The index was not renewed; the old one is searched")

    def _taken_over(self) -> bool:
        """Whether another process has written a file that leaves nothing to do."""
        pointer = self._pointer()
        if self._setting == "exact" or pointer.file in ("", self._own):
            return False
        try:
            index = self._load(pointer)
        except DamagedIndex:
            return False
        with self._renewing, self._lock:
            self._adopt(index)
            self._own = pointer.file
            return not self._due()

    def _renew(self, anew: bool) -> None:
        with self._renewing:  # first this lock, then the other
            with self._lock:
                self.refresh()
                old, ids, kind = self._index, self._ids, self._chosen()
                kept = kind == old.kind and kind not in ASIDE and not anew
                copy = _copy(old) if kept else None
            new = old if kept else self._made(old, ids, kind, anew)
            data, count = copy or _copy(new)
            file = self._written(data, kind, count) if data else None
            with self._lock:
                if not kept:
                    self._adopt(new)
                if file is not None:
                    self._own, self._published = file, ids

    def _made(self, old: Index, ids: Ids, kind: Kind, anew: bool) -> Index:
        """An index of that kind over these ids, from the vectors in SQLite."""
        if kind not in ASIDE:
            new = empty(kind, self._dimension)
            for some, rows in self._rows(ids, until_closed=True):
                new.add(some.tolist(), rows)
            return new
        made = FILED[kind]
        assert issubclass(made, LayeredIndex)
        if isinstance(old, made) and not anew and old.extensible:
            missing = np.setdiff1d(ids, old.based, assume_unique=True)
            return old.extended(self._rows(missing, until_closed=True))
        return made.build(self._dimension, self._rows(ids, until_closed=True))

    def _adopt(self, index: Index) -> None:
        """Search this index from now on, with what it lacks taken from SQLite."""
        with self._lock:
            self._index, self._ids, self._seen = index, np.sort(index.ids), -1
            self._published = self._ids
            self.refresh()

    def _written(self, data: bytes, kind: str, count: int) -> str | None:
        """The name of a new file that the pointer names now; None when it cannot be written."""
        generation = self._pointer().generation + 1
        path = self._folder / f"index-{generation}-{secrets.token_hex(4)}.faiss"
        try:
            digest = write_file(path, data)
        except OSError as error:  # the vectors are in SQLite: only the next start is slower
            log.warning("The index file %s was not written (%s).", path, error)
            return None
        row = [generation, path.name, digest, count, self._embedder, kind, len(data)]
        try:
            with self._database.write() as db:
                db.execute(
                    "UPDATE index_pointer SET generation = ?, file = ?, sha256 = ?, count = ?, "
                    "embedder = ?, kind = ?, size = ?, dimension = ?",
                    [*row, self._dimension],
                )
        except DiskFull as error:
            path.unlink(missing_ok=True)
            log.warning("The index file %s is not pointed to: %s", path.name, error)
            return None
        clean(self._folder, path.name)
        return path.name

    # Reading the file and the vectors.

    def _open(self) -> Index:
        pointer = self._pointer()
        while pointer.file and self._setting != "exact":
            try:
                index = self._load(pointer)
                self._own = pointer.file
                return index
            except DamagedIndex as error:
                again = self._pointer()
                if again.file != pointer.file:  # another process published meanwhile
                    pointer = again
                    continue
                self.state = f"rebuilt at start: {error}"
                log.warning("The index was rebuilt from the database: %s", error)
                break
        return empty(choose(self._setting, 0), self._dimension)

    def _load(self, pointer: Pointer) -> FlatIndex | LayeredIndex:
        """The index of the pointer's file. Raises DamagedIndex."""
        if pointer.embedder != self._embedder:
            raise DamagedIndex(f"it was made with {pointer.embedder}")
        if not usable(self._setting, pointer.kind):
            what = f"of the kind {pointer.kind!r}" if pointer.kind else "of an older version"
            raise DamagedIndex(f"{pointer.file} is {what}")
        data = read_file(self._folder / pointer.file, pointer.size, pointer.sha256)
        try:
            index = FILED[pointer.kind].read(data)
        except RuntimeError as error:
            raise DamagedIndex(f"{pointer.file} is damaged ({error})") from error
        found = (index.stored, index.dimension, index.dimension)
        if found != (pointer.count, pointer.dimension, self._dimension):
            raise DamagedIndex(f"{pointer.file} has another size than its row says")
        return index

    def _rows(self, ids: Ids, until_closed: bool = False) -> Batches:
        """The vectors of these chunks, a batch at a time. Raises Closed after close()."""
        for part in batches(ids.tolist()):
            if until_closed and self._closed:
                raise Closed
            rows = self._catalog.vectors(part, self._embedder)
            if rows:
                yield np.fromiter(rows, np.int64, len(rows)), np.stack(list(rows.values()))

    def _pointer(self) -> Pointer:
        row = self._database.row(
            "SELECT changes, generation, file, sha256, count, embedder, kind, size, dimension "
            "FROM index_pointer"
        )
        return Pointer(**(row or {}))


def _copy(index: Index) -> tuple[bytes, int]:
    """What its file holds, and how many vectors that is; nothing for the kind without a file."""
    return (b"", 0) if isinstance(index, ExactIndex) else (index.to_bytes(), index.stored)
