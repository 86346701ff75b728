"""Rows of interleaved conversations brought together, on disk as soon as they are many."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from itertools import groupby
from typing import Any

BATCH = 1_000
CACHE = 32_000  # KiB of memory before SQLite writes to its temporary file


class Gathered:
    """Conversation → its rows, in the order in which each conversation first appeared."""

    def __init__(self) -> None:
        self._db = sqlite3.connect("")  # a private file, deleted when it is closed
        self._db.executescript(
            f"PRAGMA journal_mode=OFF; PRAGMA cache_size=-{CACHE};"
            "CREATE TABLE rows (first INTEGER, line INTEGER, value TEXT)"
        )
        self._first: dict[str, int] = {}
        self._waiting: list[tuple[int, int, str]] = []

    def add(self, conversation: str, line: int, value: Any) -> None:
        """A row (plain values for JSON) of a conversation; `line` grows from row to row."""
        first = self._first.setdefault(conversation, len(self._first))
        self._waiting.append((first, line, json.dumps(value, ensure_ascii=False)))
        if len(self._waiting) >= BATCH:
            self._write()

    def _write(self) -> None:
        self._db.executemany("INSERT INTO rows VALUES (?, ?, ?)", self._waiting)
        self._waiting.clear()

    def conversations(self) -> Iterator[tuple[str, list[tuple[int, Any]]]]:
        """(conversation, [(line, value)]); the rows are gone afterwards."""
        self._write()
        names = list(self._first)
        found = self._db.execute("SELECT first, line, value FROM rows ORDER BY first, line")
        for first, group in groupby(found, key=lambda row: int(row[0])):
            yield names[first], [(int(line), json.loads(value)) for _, line, value in group]
        self._db.close()
