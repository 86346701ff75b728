"""The documents of all collections: added, versioned, published, dated, exported, removed."""

from __future__ import annotations

import logging
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

from knowledge import exchange, sources
from knowledge.approved import Approved
from knowledge.catalog import Catalog
from knowledge.curation import DOCUMENT
from knowledge.database import Database
from knowledge.documents import Documents
from knowledge.errors import Changed, KnowledgeError
from knowledge.ingest import Ingest, check_replaces, files, folder_named
from knowledge.ingest import Source as File
from knowledge.live_index import LiveIndex
from knowledge.reembed import reembed, renewed
from knowledge.settings import KnowledgeSettings
from knowledge.sources import Source, Sources
from knowledge.titles import Titles
from knowledge.types import Chunk, Collection, Document, Embedder, Ingested, Passage, Report
from knowledge.validity import dated
from knowledge.versions import Version

log = logging.getLogger(__name__)
LEAST_FREE = 512 << 20  # bytes: room for the log of a large file and a new index beside the old

Progress = Callable[[str, float], None]


class Library:
    """Documents with all that is kept of them; safe from any thread, and beside other processes."""

    def __init__(
        self, database: Database, folder: Path, embedder: Embedder, settings: KnowledgeSettings
    ) -> None:
        """folder: where index files lie. Vectors of another embedder are computed anew."""
        self._database, self._embedder, self._settings = database, embedder, settings
        self._catalog, self._documents = Catalog(database), Documents(database)
        self._sources = Sources(database)
        changed = reembed(database, embedder)
        self._index = LiveIndex(database, folder, settings.index, embedder.name, embedder.dimension)
        if changed and self._index.state == "ready":
            self._index.restart(f"rebuilt at start: the embedder is now {embedder.name}")
        self._folder = folder
        self._titles = Titles(database, embedder)
        if changed:
            self._titles.complete()
        self.approved = Approved(database, embedder)

    def add(
        self,
        paths: Sequence[Path],
        collection: str = "default",
        progress: Progress | None = None,
        origin: str = "",
        *,
        draft: bool = False,
        folder: str = "",
    ) -> Iterator[Ingested]:
        """Add files, and folders with all that is in them; what became of each, as each ends.

        A file of a folder is named by its path within it, a single file by its name. The same
        bytes again are left as they are; a changed file makes a new version of its document. A
        file that cannot be read is reported and does not stop the others. progress: (name, 0..1).
        origin: who or what adds them, for the history. draft: they wait for publish(), whatever
        their collection asks for. folder: within the collection, where all of it is put. Raises
        WrongFolder.
        """
        added, folder = 0, folder_named(folder)
        with Ingest(self._embedder, self._settings) as ingest:
            found = files([Path(path) for path in paths], folder)
            for source in (one for outer in found for one in ingest.opened(outer)):
                ingested = self._add(ingest, source, collection, progress, origin, draft)
                added += ingested.status == "added"
                yield ingested
        if added:
            self._titles.complete()
        if added > 1:
            self._index.publish()
        elif added:
            self._index.publish_if_large()

    def _add(
        self,
        ingest: Ingest,
        source: File,
        collection: str,
        progress: Progress | None,
        origin: str,
        draft: bool,
        over: int | None = None,
    ) -> Ingested:
        """over: the version that was edited to get this one."""
        start = time.perf_counter()

        def report(done: float) -> None:
            if progress:
                progress(source.name, done)

        report(0.0)
        try:
            self._check_room()
            copy, sha256 = ingest.copy(source)
            same = self._documents.same(source.name, collection, sha256)
            if same is not None:
                self._complete_source(ingest, source, collection, copy)
                copy.unlink(missing_ok=True)
                report(1.0)
                seconds = time.perf_counter() - start
                chunks, stored = same
                return Ingested(source.name, "unchanged", chunks, seconds, report=stored)
            known = self._documents.embedded(source.name, collection, self._embedder.name)
            new = ingest.document(copy, sha256, source.name, collection, known, report)
            document = self._documents.replace(new, origin, draft=draft, over=over)
        except Changed:
            raise
        except KnowledgeError as error:
            message = str(error)
        except OSError as error:
            message = f"{source.name}: the file cannot be read ({error.strerror or error})."
        except Exception as error:  # the edge: one bad file never stops the others
            log.exception("Adding %s failed", source.name)
            message = f"{source.name}: it was not added ({type(error).__name__}: {error})."
        else:
            seconds = time.perf_counter() - start
            waits = document.state == "draft" or document.draft is not None
            return Ingested(
                source.name,
                "added",
                len(new.chunks),
                seconds,
                warnings=new.warnings,
                report=new.report,
                draft=waits,
            )
        return _failed(source, message, time.perf_counter() - start)

    def _complete_source(self, ingest: Ingest, source: File, collection: str, copy: Path) -> None:
        """The text of a file that was added before such texts were kept."""
        document = self.find(source.name, collection)
        number = document.draft or document.version
        if sources.kept(document.path) and self._sources.text(document.id, number) is None:
            self._sources.complete(document, ingest.source(copy))

    def source(self, document_id: str) -> Source:
        """The text of a document's file, of its draft or else of its current version, to edit.

        Raises NotFound, NotEditable.
        """
        document = self.find(document_id)
        number = document.draft or document.version
        text = sources.check(document, self._sources.text(document.id, number))
        return Source(document, number, text)

    def edit(
        self, document_id: str, text: str, number: int, origin: str = "", *, draft: bool = False
    ) -> Ingested:
        """Save an edited text as a new version, as if its file had been added again.

        number: the version that was edited; of a draft the new version is a draft too. What a
        file would be refused for, its result says. Raises Changed when another version came
        meanwhile, NotFound, NotEditable.
        """
        document = self.find(document_id)
        now = document.draft or document.version
        before = sources.check(document, self._sources.text(document.id, now))
        sources.check_new(document.path, text)
        if number == now and before == text:
            return Ingested(document.path, "unchanged", document.chunks)
        waits = draft or document.draft is not None
        with (
            Ingest(self._embedder, self._settings) as ingest,
            tempfile.TemporaryDirectory(prefix="zhike-edit-") as folder,
        ):
            file = Path(folder) / Path(document.path).name
            file.write_bytes(text.encode("utf-8", "replace"))
            edited = File(file, document.path)
            result = self._add(ingest, edited, document.collection, None, origin, waits, number)
        return self._indexed(result)

    def supersede(
        self,
        document_id: str,
        file: Path,
        progress: Progress | None = None,
        origin: str = "",
        *,
        draft: bool = False,
    ) -> Ingested:
        """Add a file as the next version of a document, whatever the file is called.

        What a file would be refused for, its result says. progress, origin, draft: see add().
        Raises NotFound, OtherType, and KnowledgeError for the document that holds staff's
        approved answers.
        """
        document = self._of_file(document_id)
        check_replaces(file.name, document.path)
        with Ingest(self._embedder, self._settings) as ingest:
            source = File(file, document.path)
            result = self._add(ingest, source, document.collection, progress, origin, draft)
        return self._indexed(result)

    def _indexed(self, result: Ingested) -> Ingested:
        if result.status == "added":
            self._titles.complete()
            self._index.publish_if_large()
        return result

    def _check_room(self) -> None:
        free = shutil.disk_usage(self._folder).free
        if free < LEAST_FREE:
            raise KnowledgeError(
                f"Only {free / (1 << 20):.0f} MB are free on the disk of {self._folder}, so "
                "nothing was added. Make room and add the file again."
            )

    def remove(self, document: str, collection: str = "default") -> None:
        """Delete a document, by path or id, with all versions, from search and from the disk.

        Raises NotFound, and KnowledgeError for the document that holds staff's approved answers.
        """
        self._documents.remove(self._of_file(document, collection).id)

    def find(self, document: str, collection: str = "default") -> Document:
        """By path within the collection, or by id. Raises NotFound."""
        return self._documents.find(document, collection)

    def _of_file(self, document: str, collection: str = "default") -> Document:
        """find(), but KnowledgeError for the document that holds staff's approved answers."""
        found = self.find(document, collection)
        if found.path == DOCUMENT:
            raise KnowledgeError(
                f"{DOCUMENT} holds the approved answers that staff wrote, not a file. Change them "
                "one by one, with `zhike faq edit`, `zhike faq remove` and so on, or in the desk."
            )
        return found

    def documents(self, collection: str | None = None) -> list[Document]:
        """By collection and path; None lists all collections."""
        return self._documents.all(collection)

    def history(self, document_id: str) -> list[Version]:
        """The versions of a document, newest first; none for an unknown id."""
        return self._documents.history(document_id)

    def version(self, document_id: str, number: int) -> list[Chunk]:
        """The chunks of any version of a document, also of its draft. Raises NotFound."""
        document = self.find(document_id)
        if number == document.version:
            chunks = self.chunks(document.id)
            return [Chunk(p.text, p.heading, p.kind, p.page) for p in chunks]
        draft = number == document.draft
        new, _ = self._documents.version(document, number, draft=draft)
        return [item.chunk for item in new.chunks]

    def publish(self, document_id: str) -> None:
        """End the review of a document or of its draft. Raises NotFound."""
        document = self._of_file(document_id)
        draft = None
        if document.draft is not None:
            new, number = self._documents.version(document, document.draft, draft=True)
            draft = renewed(new, self._embedder), number
        self._documents.publish(document.id, draft)
        self._index.publish_if_large()

    def enable(self, document_id: str, *, enabled: bool = True) -> None:
        """Let a document be found, or not any more. Raises NotFound."""
        self._documents.enable(self._of_file(document_id).id, enabled=enabled)

    def date(self, document_id: str, valid_from: str, valid_until: str) -> None:
        """Set the first and the last day on which a document is found, ISO dates; "" is no bound.

        Raises WrongDate, NotFound.
        """
        self._documents.date(self._of_file(document_id).id, *dated(valid_from, valid_until))

    def rollback(self, document_id: str, number: int | None = None, origin: str = "") -> int:
        """Make a previous version the current one, as a new version; which one it was.

        number: None is the one before the current. Raises NotFound.
        """
        document = self._of_file(document_id)
        new, number = self._documents.version(document, number)
        self._documents.restore(document.id, renewed(new, self._embedder), number, origin)
        self._index.publish_if_large()
        return number

    def collections(self) -> list[Collection]:
        """By name."""
        return self._documents.collections()

    def review(self, collection: str, *, on: bool) -> None:
        """Whether what is added to a collection is a draft until publish()."""
        self._documents.review(collection, on=on)

    def export(self, target: Path, collection: str | None = None) -> int:
        """Write current texts, and what staff wrote and decided, to a new folder or zip file.

        How many documents of files.

        collection: None is all. Raises KnowledgeError.
        """
        own = (d for d in self.approved.decisions() if collection in (None, d.collection))
        exported = replace(self._documents.exported(collection), decisions=tuple(own))
        exchange.write(exported, target)
        return len(exported.documents)

    def take(self, source: Path, origin: str = "") -> Iterator[Ingested]:
        """Add the documents of an export, with their states; what became of each.

        All of it is read before the first is stored. A collection that is under review here
        stays so. Raises UnreadableFile, BadPair.
        """
        exported = exchange.read(source)
        if exported.decisions:
            start = time.perf_counter()
            other = self.approved.take(exported.decisions)
            yield Ingested(
                DOCUMENT,
                "added" if other else "unchanged",
                len(exported.decisions),
                time.perf_counter() - start,
            )
        for collection in exported.collections:
            if collection.review:
                self._documents.review(collection.name, on=True)
        with Ingest(self._embedder, self._settings) as ingest:
            for text, life in exported.documents:
                start = time.perf_counter()
                known = self._documents.embedded(text.path, text.collection, self._embedder.name)
                new = ingest.embedded(text, known, lambda _: None)
                other = self._documents.take(new, life, origin)
                status: Literal["added", "unchanged"] = "added" if other else "unchanged"
                seconds = time.perf_counter() - start
                yield Ingested(
                    text.path,
                    status,
                    len(new.chunks),
                    seconds,
                    warnings=new.warnings,
                    report=new.report,
                    draft=not life.published,
                )
        self._titles.complete()
        self._index.publish()

    def chunks(self, document_id: str) -> list[Passage]:
        """The passages of a document in reading order; none for an unknown id."""
        return self._catalog.chunks(document_id)

    def passage(self, passage_id: int) -> Passage | None:
        """One passage, also of a document that is not found now; None when it is gone."""
        return self._catalog.passage(passage_id)


def _failed(source: File, message: str, seconds: float) -> Ingested:
    size = source.path.stat().st_size if source.path.is_file() else 0
    return Ingested(
        source.name, "failed", seconds=seconds, error=message, report=Report(bytes=size)
    )
