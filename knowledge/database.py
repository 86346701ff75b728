"""The one way to open SQLite: a safe version, WAL, a connection per thread, BEGIN IMMEDIATE."""

from __future__ import annotations

import logging
import shutil
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlite_utils
from sqlite_utils import Migrations

from knowledge import reserve
from knowledge.errors import DatabaseError, DiskFull

try:  # stock SQLite below 3.51.3 can corrupt a database in WAL mode (two later fixes aside)
    import pysqlite3 as sqlite3
except ImportError:  # no wheel for this platform: the version check below decides
    import sqlite3

log = logging.getLogger(__name__)
FIXED = {(3, 44, 6), (3, 50, 7)}  # older lines that got the WAL-reset fix
BUSY_MS = 5_000
SCANT = 256 << 10  # bytes; a failed read or write with less than that free is for want of room
VERSION: str = sqlite3.sqlite_version


def check_version(version: str = VERSION) -> None:
    """Raise DatabaseError for a SQLite with the WAL-reset bug (3.7.0–3.51.2 without the fix)."""
    number = tuple(int(part) for part in version.split("."))
    if number < (3, 51, 3) and number not in FIXED:
        raise DatabaseError(
            f"SQLite {version} can corrupt its database (WAL-reset bug). "
            "Install pysqlite3 0.6.1 or newer, or SQLite 3.51.3 or newer."
        )


class Database:
    """One SQLite file shared by all packages; safe from any thread and process.

    Reads use `here`, the calling thread's own connection. Writes go through `write()`:
    a deferred BEGIN, as in sqlite-utils' atomic(), fails as "locked" under load, an
    immediate one waits.
    """

    def __init__(self, path: Path, *migrations: Migrations) -> None:
        check_version()
        self.path = path
        self._local = threading.local()
        self._open: list[Any] = []
        self._lock = threading.RLock()  # a collected thread may close while we hold it
        self.before_commit: Callable[[sqlite_utils.Database], None] | None = None  # of each write
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DatabaseError(
                f"{path.parent}: the folder of the database cannot be made ({error.strerror}). "
                "Choose another ZHIKE_HOME."
            ) from error
        try:
            self._quick_check()
            for migration in migrations:
                self.migrate(migration)
        except sqlite3.DatabaseError as error:
            if self._full(error):
                raise self._no_room() from error
            raise DatabaseError(
                f"{path}: the database cannot be used ({error}). Restore it from a backup "
                "or choose another ZHIKE_HOME; it was not changed."
            ) from error

    def _quick_check(self) -> None:
        found = [row[0] for row in self.here.execute("PRAGMA quick_check(5)")]
        if found != ["ok"]:
            raise DatabaseError(
                f"{self.path}: the database is damaged ({found[0]}). Restore it from a backup."
            )

    def migrate(self, migrations: Migrations) -> None:
        """Apply pending migrations; two processes starting at once do not collide."""
        if migrations.pending(self.here):
            with self.write() as db:  # inside it the second process sees them applied
                migrations.ensure_migrations_table(db)
                for migration in migrations.pending(db):
                    migration.fn(db)
                    migrations._record_applied(db, migration.name)

    @property
    def here(self) -> sqlite_utils.Database:
        """This thread's connection, made on first use."""
        db: sqlite_utils.Database | None = getattr(self._local, "db", None)
        if db is None:
            db = self._local.db = self._connect()
        return db

    def _connect(self) -> sqlite_utils.Database:
        connection = sqlite3.connect(
            str(self.path), timeout=BUSY_MS / 1000, isolation_level=None, check_same_thread=False
        )  # check_same_thread: only close() touches it from another thread
        for pragma in (
            f"busy_timeout={BUSY_MS}",
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            "secure_delete=ON",
        ):
            connection.execute(f"PRAGMA {pragma}")
        with self._lock:
            self._open.append(connection)
        # A web server's worker threads come and go: each would leave two open files behind.
        weakref.finalize(threading.current_thread(), self._close, connection).atexit = False
        return sqlite_utils.Database(connection)

    def _close(self, connection: Any) -> None:
        with self._lock:
            if connection in self._open:
                self._open.remove(connection)
                connection.close()

    @contextmanager
    def write(self) -> Iterator[sqlite_utils.Database]:
        """One transaction: all of it is stored, or none. Nested use joins the outer one.

        Raises DiskFull.
        """
        if self._writing():
            yield self.here
            return
        reserve.give_back(self.path.parent)
        try:
            with self._transaction() as db:
                yield db
        except sqlite3.DatabaseError as error:
            if self._full(error):
                raise self._no_room() from error
            raise

    def _writing(self) -> bool:
        db: sqlite_utils.Database | None = getattr(self._local, "db", None)
        return db is not None and bool(db.conn.in_transaction)

    @contextmanager
    def _transaction(self) -> Iterator[sqlite_utils.Database]:
        db = self.here
        db.conn.execute("BEGIN IMMEDIATE")
        before = db.conn.total_changes
        try:
            yield db
            if self.before_commit is not None and db.conn.total_changes > before:
                self.before_commit(db)
            db.conn.execute("COMMIT")
        except BaseException:
            if db.conn.in_transaction:  # on a full disk SQLite may have ended it already
                db.conn.execute("ROLLBACK")
            raise

    def spare(self, store: Callable[[sqlite_utils.Database], object]) -> None:
        """As write(), for what can be computed anew: on a full disk it is not stored."""
        try:
            with self.write() as db:
                store(db)
        except DiskFull as error:
            log.warning("What was computed is not kept: %s", error)

    def _full(self, error: Exception) -> bool:
        """Whether that came of a full disk: also when SQLite cannot make its own small files."""
        name = getattr(error, "sqlite_errorname", "") or ""
        if name.startswith("SQLITE_FULL"):
            return True
        odd = name.startswith(("SQLITE_IOERR", "SQLITE_CANTOPEN", "SQLITE_PROTOCOL"))
        return odd and shutil.disk_usage(self.path.parent).free < SCANT

    def _no_room(self) -> DiskFull:
        return DiskFull(
            f"The disk of {self.path.parent} is full, so nothing was stored. Make room and try "
            "again; nothing that was stored before is lost."
        )

    def row(self, sql: str, *values: object) -> dict[str, Any] | None:
        """The first row as a dict, or None."""
        return next(iter(self.rows(sql, *values)), None)

    def rows(self, sql: str, *values: object) -> list[dict[str, Any]]:
        """All rows as dicts, read with this thread's connection."""
        return list(self.here.query(sql, values))

    def checkpoint(self) -> None:
        """Move the write-ahead log into the file and empty it, so that deleted text is gone.

        On a full disk the log stays until the next one: what was committed is safe in it.
        """
        try:
            self.here.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        except sqlite3.DatabaseError as error:
            if not self._full(error):
                raise
            log.warning("The write-ahead log of %s was not emptied: the disk is full", self.path)

    def vacuum(self) -> None:
        """Write every page anew, so that nothing of deleted rows is left. Raises DiskFull."""
        try:
            self.here.execute("VACUUM")
        except sqlite3.DatabaseError as error:
            if not self._full(error):
                raise
            raise DiskFull(
                f"It is deleted, but traces stay in {self.path} until something is deleted again: "
                "the disk is full, and wiping needs as much room as the database has. Make room."
            ) from error

    def backup(self, target: Path) -> None:
        """A consistent copy, while others go on writing."""
        copy = sqlite3.connect(str(target))
        try:
            self.here.conn.backup(copy)
        finally:
            copy.close()

    def close(self) -> None:
        """Close every thread's connection."""
        with self._lock:
            while self._open:
                self._open.pop().close()
        self._local = threading.local()
