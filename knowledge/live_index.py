"""The index in memory, kept equal to the vectors in SQLite, with an immutable file as its cache."""

from __future__ import annotations

import hashlib
import logging
import os
import secrets
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from knowledge.catalog import Catalog, batches
from knowledge.database import Database
from knowledge.index import INDEXES, FaissIndex
from knowledge.types import Hit, VectorIndex, Vectors

log = logging.getLogger(__name__)
LARGE_DELTA = 2_000  # vectors that are in SQLite but not in the file; then a new file pays
ORPHAN_SECONDS = 600  # an unreferenced file this old is nobody's half-done work


class DamagedIndex(Exception):
    """The index file is not what its row in SQLite says; the message is the reason."""


@dataclass(frozen=True, slots=True)
class Pointer:
    """The row that says which file holds the index."""

    changes: int  # grows with every change of the documents
    generation: int  # grows with every file
    file: str  # "" before the first file
    sha256: str
    count: int  # vectors in the file
    embedder: str


class LiveIndex:
    """SQLite is the truth: before each search, what other processes changed is taken over.

    Safe from any thread. The file only saves time at start; without it all vectors are read
    from SQLite, and `state` says so. Vectors of removed chunks leave the file when it is next
    written; their texts are never in it.
    """

    def __init__(
        self, database: Database, folder: Path, kind: str, embedder: str, dimension: int
    ) -> None:
        self._database, self._catalog = database, Catalog(database)
        self._folder, self._kind = folder, kind
        self._embedder, self._dimension = embedder, dimension
        self._lock = threading.RLock()
        folder.mkdir(parents=True, exist_ok=True)
        self._seen = -1
        self.state = "ready"
        self._index, self._ids = self._open()
        self._published = frozenset(self._ids)
        self.refresh()
        if self.state != "ready":
            self.publish()

    @property
    def file(self) -> str:
        """Name of the current index file; "" before the first one."""
        return self._pointer().file

    def search(self, vector: Vectors, limit: int) -> list[Hit]:
        """The nearest chunks of one query, (1, d); some may be removed meanwhile."""
        with self._lock:
            self.refresh()
            return self._index.search(vector, limit)[0]

    def __len__(self) -> int:
        return len(self._ids)

    def refresh(self) -> None:
        """Add and remove what changed in SQLite; nothing but one row is read if nothing did."""
        with self._lock:
            changes = self._pointer().changes
            if changes == self._seen:
                return
            alive = self._catalog.vector_ids(self._embedder)
            self._index.remove(list(self._ids - alive))
            self._take(alive - self._ids)
            self._ids, self._seen = alive, changes

    def publish_if_large(self, least: int = LARGE_DELTA) -> None:
        """Write a new file when `least` or more vectors differ from the present one."""
        with self._lock:
            self.refresh()
            if len(self._ids ^ self._published) >= least:
                self.publish()

    def publish(self) -> None:
        """Write the index to a new file and point to it; a crash leaves the old one valid."""
        with self._lock:
            self.refresh()
            if not isinstance(self._index, FaissIndex):
                return
            data, ids = self._index.to_bytes(), frozenset(self._ids)
            generation = self._pointer().generation + 1
            path = self._folder / f"index-{generation}-{secrets.token_hex(4)}.faiss"
            try:
                digest = write_file(path, data)
            except OSError as error:  # the vectors are in SQLite: only the next start is slower
                log.warning("The index file %s was not written (%s).", path, error)
                return
            with self._database.write() as db:
                db.execute(
                    "UPDATE index_pointer SET generation = ?, file = ?, sha256 = ?, count = ?, "
                    "embedder = ?",
                    [generation, path.name, digest, len(ids), self._embedder],
                )
            self._published = ids
            self._clean(path.name)

    def restart(self, why: str) -> int:
        """A new index from the vectors in SQLite; their number."""
        with self._lock:
            self._index, self._ids, self._seen = self._empty(), set(), -1
            self._published = frozenset()
            self.state = why
            self.publish()
            return len(self)

    def _open(self) -> tuple[VectorIndex, set[int]]:
        pointer = self._pointer()
        while pointer.file and self._kind == "faiss":
            try:
                index = self._load(pointer)
                return index, set(index.ids)
            except DamagedIndex as error:
                again = self._pointer()
                if again.file != pointer.file:  # another process published meanwhile
                    pointer = again
                    continue
                self.state = f"rebuilt at start: {error}"
                log.warning("The index was rebuilt from the database: %s", error)
                break
        return self._empty(), set()

    def _load(self, pointer: Pointer) -> FaissIndex:
        """The index of the pointer's file. Raises DamagedIndex."""
        if pointer.embedder != self._embedder:
            raise DamagedIndex(f"it was made with {pointer.embedder}")
        try:
            data = (self._folder / pointer.file).read_bytes()
        except OSError as error:
            raise DamagedIndex(f"{pointer.file} cannot be read ({error.strerror})") from error
        if hashlib.sha256(data).hexdigest() != pointer.sha256:
            raise DamagedIndex(f"{pointer.file} is damaged (its SHA-256 differs)")
        try:
            index = FaissIndex.read(data)
        except RuntimeError as error:
            raise DamagedIndex(f"{pointer.file} is damaged ({error})") from error
        if len(index) != pointer.count or index.dimension != self._dimension:
            raise DamagedIndex(f"{pointer.file} has another size than its row says")
        return index

    def _take(self, ids: set[int]) -> None:
        for part in batches(sorted(ids)):
            rows = self._catalog.vectors(part, self._embedder)
            if rows:
                self._index.add(list(rows), np.stack(list(rows.values())))

    def _empty(self) -> VectorIndex:
        return INDEXES[self._kind](self._dimension)

    def _pointer(self) -> Pointer:
        row = self._database.row(
            "SELECT changes, generation, file, sha256, count, embedder FROM index_pointer"
        )
        return Pointer(**(row or {}))

    def _clean(self, keep: str) -> None:
        """Delete unreferenced files; young ones may be another process's, not yet pointed to."""
        for path in self._folder.glob("index-*.faiss*"):
            old = _generation(path.name) < _generation(keep)
            try:
                if path.name != keep and (
                    old or time.time() - path.stat().st_mtime > ORPHAN_SECONDS
                ):
                    path.unlink()
            except OSError:
                continue  # another process was first


def _generation(name: str) -> int:
    digits = name.split("-")[1]
    return int(digits) if digits.isdigit() else 0


def write_file(path: Path, data: bytes) -> str:
    """Write, fsync, check and rename; the SHA-256. Raises OSError, then `path` does not exist.

    In Python, as faiss.write_index reports success on a full disk.
    """
    digest = hashlib.sha256(data).hexdigest()
    part = path.with_name(path.name + ".part")
    try:
        with part.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if hashlib.sha256(part.read_bytes()).hexdigest() != digest:
            raise OSError("what was written reads back differently")
        part.rename(path)
    except OSError:
        part.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return digest
