"""Transcripts of people helping customers, read from the formats that help desks export."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

from finetune.errors import TranscriptError
from finetune.transcripts import csv_rows, json_rows
from finetune.transcripts.conversation import BadRow, Conversation, Report, Turn

__all__ = ["BadRow", "Conversation", "Report", "Turn", "files", "read"]

SUPPORTED = (
    'ShareGPT JSON ({"conversations": [{"from", "value"}]}), '
    'OpenAI/ChatML JSON ({"messages": [{"role", "content"}]}), '
    "CSV with one message a row (columns conversation_id|会话编号, author_type|角色, body|内容)"
)
SUFFIXES = (".jsonl", ".json", ".csv", ".tsv")  # looked for in folders; a file given may have any
log = logging.getLogger(__name__)


def _logged(bad: BadRow) -> None:
    log.warning("%s line %d skipped: %s", bad.file, bad.line, bad.reason)


def read(paths: Sequence[Path], report: Report = _logged) -> Iterator[Conversation]:
    """Every conversation of the files and folders, in order; the format is told by the content.

    A bad row goes to `report` and is skipped. Raises TranscriptError for a path that is missing
    or in which no conversation was found.
    """
    for path in paths:
        found = 0
        for file in files([path]):
            for conversation in _read_file(file, report):
                found += 1
                yield conversation
        if not found:
            raise TranscriptError(f"No conversations found in {path}; supported: {SUPPORTED}.")


def files(paths: Sequence[Path]) -> list[Path]:
    """Folders replaced by the transcripts in them. Raises TranscriptError for a missing path."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = [file for file in sorted(path.rglob("*")) if file.is_file()]
            found += [file for file in inside if file.suffix.lower() in SUFFIXES]
        elif path.exists():
            found.append(path)
        else:
            raise TranscriptError(f"{path}: no such file or folder. Check the path.")
    return found


def _read_file(path: Path, report: Report) -> Iterator[Conversation]:
    try:
        importer = json_rows.format_of(path)
        if importer is None and csv_rows.columns_of(path) is not None:
            importer = csv_rows.read
        if importer is not None:
            yield from importer(path, report)
    except (OSError, UnicodeError) as error:
        report(BadRow(path.name, 1, f"cannot be read ({error})"))
