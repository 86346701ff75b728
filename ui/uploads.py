"""Files that staff uploaded, on their way into the knowledge base."""

from __future__ import annotations

import contextvars
import queue
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from knowledge.errors import KnowledgeError
from knowledge.knowledge_base import KnowledgeBase
from knowledge.load import ARCHIVE
from knowledge.types import Ingested


@dataclass(frozen=True, slots=True)
class Upload:
    """A file of an upload, and how it is to be added."""

    path: Path
    collection: str
    draft: bool


@dataclass(frozen=True, slots=True)
class Reading:
    """How far a file is."""

    upload: Upload
    name: str  # of a file within an archive too
    done: float  # 0..1


@dataclass(frozen=True, slots=True)
class Ended:
    """What became of a file; an archive has one for each file in it."""

    upload: Upload
    ingested: Ingested


def added(
    knowledge: KnowledgeBase, uploads: Sequence[Upload], origin: str
) -> Iterator[Reading | Ended]:
    """Add the files in their order; what happens, as it happens.

    Works on in a thread when nobody listens any more. The file of an upload that was added is
    deleted; that of a failed one is kept. origin: who adds them.
    """
    heard: queue.SimpleQueue[Reading | Ended | None] = queue.SimpleQueue()

    def work() -> None:
        try:
            for how, group in groupby(uploads, lambda u: (u.collection, u.draft)):
                _group(knowledge, list(group), *how, origin, heard)
        finally:
            heard.put(None)

    carried = contextvars.copy_context().run  # who does it, for the audit log
    threading.Thread(target=carried, args=(work,), name="upload", daemon=True).start()
    while (event := heard.get()) is not None:
        yield event


def drop(uploads: Sequence[Upload]) -> None:
    """Delete what is kept of these uploads."""
    for upload in uploads:
        upload.path.unlink(missing_ok=True)


def _group(
    knowledge: KnowledgeBase,
    uploads: list[Upload],
    collection: str,
    draft: bool,
    origin: str,
    heard: queue.SimpleQueue[Reading | Ended | None],
) -> None:
    """The files of one collection, read by one process."""
    current, failed = 0, set[Path]()

    def of(name: str) -> Upload:
        """Which upload a file belongs to: they come in order, an archive's one after another."""
        nonlocal current
        while not _has(uploads[current].path, name) and current + 1 < len(uploads):
            current += 1
        return uploads[current]

    def progress(name: str, done: float) -> None:
        heard.put(Reading(of(name), name, done))

    try:
        for ingested in knowledge.add(
            [u.path for u in uploads], collection, progress, origin, draft=draft
        ):
            upload = of(ingested.document)
            if ingested.status == "failed":
                failed.add(upload.path)
            heard.put(Ended(upload, ingested))
            if upload.path.suffix.lower() != ARCHIVE and current + 1 < len(uploads):
                current += 1
    except (KnowledgeError, OSError) as error:
        for upload in uploads[current:]:
            failed.add(upload.path)
            heard.put(Ended(upload, Ingested(upload.path.name, "failed", error=str(error))))
    drop([u for u in uploads if u.path not in failed])


def _has(path: Path, name: str) -> bool:
    within = path.suffix.lower() == ARCHIVE and name.startswith(f"{path.stem}/")
    return within or name == path.name
