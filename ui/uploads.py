"""Files that staff uploaded, on their way into the knowledge base."""

from __future__ import annotations

import contextvars
import queue
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from pathlib import Path

from knowledge.errors import KnowledgeError
from knowledge.knowledge_base import KnowledgeBase
from knowledge.library import Progress
from knowledge.load import ARCHIVE
from knowledge.types import Ingested


@dataclass(frozen=True, slots=True)
class Upload:
    """A file of an upload, and how it is to be added."""

    path: Path
    collection: str
    draft: bool
    folder: str = ""  # within the collection
    replaces: str = ""  # id of the document whose next version it is


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
            how = attrgetter("collection", "draft", "folder", "replaces")
            for _, group in groupby(uploads, how):
                _group(knowledge, list(group), origin, heard)
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
    origin: str,
    heard: queue.SimpleQueue[Reading | Ended | None],
) -> None:
    """Files that are added in the same way, read by one process."""
    current, failed = 0, set[Path]()

    def of(name: str) -> Upload:
        """Which upload a file belongs to: they come in order, an archive's one after another."""
        nonlocal current
        while not _has(uploads[current], name) and current + 1 < len(uploads):
            current += 1
        return uploads[current]

    def progress(name: str, done: float) -> None:
        heard.put(Reading(of(name), name, done))

    try:
        for ingested in _ingested(knowledge, uploads, progress, origin):
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


def _ingested(
    knowledge: KnowledgeBase, uploads: list[Upload], progress: Progress, origin: str
) -> Iterator[Ingested]:
    """What becomes of each file; of one that replaces a document alone."""
    how, paths = uploads[0], [u.path for u in uploads]
    if how.replaces:
        for path in paths:
            yield knowledge.supersede(how.replaces, path, progress, origin, draft=how.draft)
        return
    yield from knowledge.add(
        paths, how.collection, progress, origin, draft=how.draft, folder=how.folder
    )


def _has(upload: Upload, name: str) -> bool:
    """Whether a file of this name within the collection came with the upload."""
    path, above = upload.path, f"{upload.folder}/" if upload.folder else ""
    within = path.suffix.lower() == ARCHIVE and name.startswith(f"{above}{path.stem}/")
    return within or name == f"{above}{path.name}"
