"""The team's own golden file: a line for each reply that staff corrected, gone when the reply is.

Lines that the team wrote themselves stay as they are.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Set
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from chatbot.errors import ChatbotError

NAME = "golden.jsonl"  # in the home
CASE = "feedback-"  # what the ids of replies' lines begin with
WAIT = 10.0  # seconds for another process that writes it


class Golden:
    """The file; safe from any thread and beside other processes."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Nobody else changes the file while the block runs. Raises ChatbotError."""
        try:
            with FileLock(f"{self.path}.lock", timeout=WAIT):
                yield
        except (OSError, Timeout) as error:
            why = getattr(error, "strerror", None) or error
            raise ChatbotError(
                f"{self.path}: the file of golden cases cannot be written ({why}). "
                "Try again when it can be."
            ) from error

    def keep(self, line: dict[str, Any]) -> None:
        """Add a case, in place of the one with the same id. Within locked()."""
        self._write([*self._others({str(line["id"])}), json.dumps(line, ensure_ascii=False)])

    def drop(self, ids: Set[str]) -> None:
        """Remove these cases. Within locked()."""
        if ids and self.path.exists():
            kept = self._others(ids)
            if kept != self.path.read_text(encoding="utf-8").splitlines():
                self._write(kept)

    def _others(self, ids: Set[str]) -> list[str]:
        """The lines of the file but these; what cannot be read stays as it is."""
        if not self.path.exists():
            return []
        kept = []
        for text in self.path.read_text(encoding="utf-8").splitlines():
            try:
                row = json.loads(text)
            except ValueError:
                row = None
            if not (isinstance(row, dict) and row.get("id") in ids):
                kept.append(text)
        return kept

    def _write(self, lines: list[str]) -> None:
        """All lines or the file as it was: a crash leaves no half of it."""
        partial = self.path.with_name(f".{self.path.name}.partial")
        with partial.open("w", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in lines)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(self.path)


def case_id(reply_id: str) -> str:
    """The id of a reply's line."""
    return f"{CASE}{reply_id[:12]}"
