"""Transcripts of people helping customers, read from the formats that help desks export."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from finetune.errors import TranscriptError
from finetune.transcripts import zipped
from finetune.transcripts.conversation import (
    BadRow,
    Conversation,
    Report,
    Source,
    Turn,
    ignored,
)
from finetune.transcripts.formats import SUPPORTED, format_of
from finetune.transcripts.layouts import Layouts

__all__ = ["BadRow", "Conversation", "Found", "Layouts", "Report", "Turn", "files", "read"]

# Looked for in folders; a file given may have any.
SUFFIXES = (".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".xlsx", ".txt", ".log", ".zip", ".gz")
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Found:
    """What a file was recognised as, told before its first conversation."""

    file: str
    format: str  # "" when it is none that is known
    columns: Mapping[str, str] = field(default_factory=dict)  # of a table: field → column


def _logged(bad: BadRow) -> None:
    log.warning("%s line %d skipped: %s", bad.file, bad.line, bad.reason)


def read(
    paths: Sequence[Path],
    report: Report = _logged,
    *,
    given: Mapping[str, str] | None = None,
    layouts: Layouts | None = None,
    tell: Callable[[Found], None] = lambda found: None,
    seen: Callable[[int], None] = ignored,
) -> Iterator[Conversation]:
    """Every conversation of the files and folders, in order; the format is told by the content.

    `given` maps fields to columns (of tables) or people (of chat logs) and is remembered in
    `layouts`; `tell` hears of every file, `seen` of the bytes that were read.
    A bad row goes to `report` and is skipped. Raises TranscriptError for a path that is missing or
    in which no conversation was found, and for a mapping that does not fit.
    """
    for path in paths:
        count = 0
        for file in files([path]):
            progress = _Progress(file.stat().st_size, seen)
            source = Source(file, file.name, progress.add)
            for conversation in _read(source, report, given or {}, layouts, tell):
                count += 1
                yield conversation
            progress.finish()
        if not count:
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


class _Progress:
    """Bytes of one file, told once each, however the file is packed."""

    def __init__(self, size: int, seen: Callable[[int], None]) -> None:
        self._left, self._seen = size, seen

    def add(self, count: int) -> None:
        count = min(count, self._left)
        self._left -= count
        self._seen(count)

    def finish(self) -> None:
        self._seen(self._left)


def _read(
    source: Source,
    report: Report,
    given: Mapping[str, str],
    layouts: Layouts | None,
    tell: Callable[[Found], None],
) -> Iterator[Conversation]:
    try:
        inside = zipped.sources(source, report) if zipped.is_archive(source) else [source]
        for each in inside:
            known = format_of(each, given, layouts)
            if known is None:
                tell(Found(each.name, ""))
                continue
            tell(Found(each.name, known.name, known.columns))
            yield from known.read(each, report)
    except (OSError, UnicodeError, EOFError) as error:
        report(BadRow(source.name, 1, f"cannot be read ({error})"))
