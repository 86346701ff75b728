"""The one way to open SQLite: a safe version, WAL, a connection per thread, BEGIN IMMEDIATE."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlite_utils
from sqlite_utils import Migrations

from knowledge.errors import DatabaseError

try:  # stock SQLite below 3.51.3 can corrupt a database in WAL mode (two later fixes aside)
    import pysqlite3 as sqlite3
except ImportError:  # no wheel for this platform: the version check below decides
    import sqlite3

FIXED = {(3, 44, 6), (3, 50, 7)}  # older lines that got the WAL-reset fix
BUSY_MS = 5_000
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
        """One transaction: all of it is stored, or none. Nested use joins the outer one."""
        db = self.here
        if db.conn.in_transaction:
            yield db
            return
        db.conn.execute("BEGIN IMMEDIATE")
        before = db.conn.total_changes
        try:
            yield db
            if self.before_commit is not None and db.conn.total_changes > before:
                self.before_commit(db)
        except BaseException:
            db.conn.execute("ROLLBACK")
            raise
        db.conn.execute("COMMIT")

    def row(self, sql: str, *values: object) -> dict[str, Any] | None:
        """The first row as a dict, or None."""
        return next(iter(self.rows(sql, *values)), None)

    def rows(self, sql: str, *values: object) -> list[dict[str, Any]]:
        """All rows as dicts, read with this thread's connection."""
        return list(self.here.query(sql, values))

    def checkpoint(self) -> None:
        """Move the write-ahead log into the file and empty it, so that deleted text is gone."""
        self.here.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

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
