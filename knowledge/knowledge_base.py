"""Documents in, passages out: the facade that the other packages use."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from knowledge.catalog import Catalog
from knowledge.database import Database
from knowledge.errors import KnowledgeError
from knowledge.faq import FaqBook
from knowledge.glossary import Glossary
from knowledge.ingest import Ingest, Source, sources
from knowledge.live_index import LiveIndex
from knowledge.reembed import reembed
from knowledge.rerank import Reranker
from knowledge.search import Candidate, Question, Searcher
from knowledge.selection import Limits
from knowledge.settings import KnowledgeSettings
from knowledge.titles import Titles
from knowledge.types import Document, Embedder, FaqMatch, Ingested, Passage, Vectors

log = logging.getLogger(__name__)
LEAST_FREE = 512 << 20  # bytes: room for the log of a large file and a new index beside the old

Progress = Callable[[str, float], None]


@dataclass(frozen=True, slots=True)
class IndexStatus:
    """What is searched, for the health page."""

    documents: int
    chunks: int
    embedder: str
    file: str  # of the index; "" while there is none
    state: str  # "ready", or why it was rebuilt: "rebuilt at start: …"


class KnowledgeBase:
    """The documents of all collections; safe from any thread, and beside other processes."""

    def __init__(
        self,
        database: Database,
        folder: Path,
        embedder: Embedder,
        settings: KnowledgeSettings = KnowledgeSettings(),  # noqa: B008  frozen
        reranker: Reranker | None = None,
    ) -> None:
        """folder: where index files lie. Vectors of another embedder are computed anew."""
        self._database, self._embedder, self._settings = database, embedder, settings
        self._catalog = Catalog(database)
        changed = reembed(database, embedder)
        self._index = LiveIndex(database, folder, settings.index, embedder.name, embedder.dimension)
        if changed and self._index.state == "ready":
            self._index.restart(f"rebuilt at start: the embedder is now {embedder.name}")
        self._folder = folder
        self._faqs = FaqBook(database, embedder.name, embedder.dimension)
        self._titles = Titles(database, embedder)
        self.glossary = Glossary(database)
        self._searcher = Searcher(
            self._catalog,
            self._index,
            self._titles,
            self.glossary,
            database,
            embedder.name,
            reranker,
        )

    def add(
        self,
        paths: Sequence[Path],
        collection: str = "default",
        progress: Progress | None = None,
    ) -> Iterator[Ingested]:
        """Add files, and folders with all that is in them; what became of each, as each ends.

        A file of a folder is named by its path within it, a single file by its name. The same
        bytes again are left as they are; a changed file replaces its own chunks. A file that
        cannot be read is reported and does not stop the others. progress: (name, 0..1).
        """
        added = 0
        with Ingest(self._embedder, self._settings) as ingest:
            found = sources([Path(path) for path in paths])
            for source in (one for outer in found for one in ingest.opened(outer)):
                ingested = self._add(ingest, source, collection, progress)
                added += ingested.status == "added"
                yield ingested
        if added:
            self._titles.complete()
        if added > 1:
            self._index.publish()
        elif added:
            self._index.publish_if_large()

    def _add(
        self, ingest: Ingest, source: Source, collection: str, progress: Progress | None
    ) -> Ingested:
        start = time.perf_counter()

        def report(done: float) -> None:
            if progress:
                progress(source.name, done)

        report(0.0)
        try:
            self._check_room()
            copy, sha256 = ingest.copy(source)
            same = self._catalog.same(source.name, collection, sha256)
            if same is not None:
                copy.unlink()
                report(1.0)
                seconds = time.perf_counter() - start
                return Ingested(source.name, "unchanged", same, seconds)
            new = ingest.document(copy, sha256, source.name, collection, report)
            self._catalog.replace(new)
        except KnowledgeError as error:
            message = str(error)
        except OSError as error:
            message = f"{source.name}: the file cannot be read ({error.strerror or error})."
        except Exception as error:  # the edge: one bad file never stops the others
            log.exception("Adding %s failed", source.name)
            message = f"{source.name}: it was not added ({type(error).__name__}: {error})."
        else:
            seconds = time.perf_counter() - start
            return Ingested(source.name, "added", len(new.chunks), seconds, warnings=new.warnings)
        return Ingested(source.name, "failed", seconds=time.perf_counter() - start, error=message)

    def _check_room(self) -> None:
        free = shutil.disk_usage(self._folder).free
        if free < LEAST_FREE:
            raise KnowledgeError(
                f"Only {free / (1 << 20):.0f} MB are free on the disk of {self._folder}, so "
                "nothing was added. Make room and add the file again."
            )

    def remove(self, document: str, collection: str = "default") -> None:
        """Delete a document, by path or id, from every search and from the disk.

        Raises NotFound.
        """
        self._catalog.remove(self._catalog.find(document, collection).id)

    def documents(self, collection: str | None = None) -> list[Document]:
        """By collection and path; None lists all collections."""
        return self._catalog.documents(collection)

    def chunks(self, document_id: str) -> list[Passage]:
        """The passages of a document in reading order; none for an unknown id."""
        return self._catalog.chunks(document_id)

    def passage(self, passage_id: int) -> Passage | None:
        """One passage, or None when its document was removed or replaced."""
        return self._catalog.passages([passage_id]).get(passage_id)

    def search(
        self,
        query: str,
        *,
        limit: int | None = None,
        collection: str | None = None,
        vector: Vectors | None = None,
        before: Sequence[tuple[str, float]] = (),
    ) -> list[Passage]:
        """The best passages by meaning and words, best first; [] for a blank query.

        limit: passages at most, by default the setting. vector: (1, d), the query if it is
        embedded already. before: what was said before and leans into the query, with weights
        that sum to less than 1.
        """
        if not query.strip() or (limit is not None and limit < 1):
            return []
        question = self._question(query, vector, before, collection)
        return self._searcher.search(question, self._limits(limit), self._embedder.count)

    def explain(
        self, query: str, *, limit: int | None = None, collection: str | None = None
    ) -> list[Candidate]:
        """What search() looks at, best first: with the ranks in both arms, and why it was cut."""
        if not query.strip():
            return []
        question = self._question(query, None, (), collection)
        return self._searcher.explain(question, self._limits(limit), self._embedder.count)

    def ranked_documents(
        self, query: str, limit: int, before: Sequence[tuple[str, float]] = ()
    ) -> dict[str, list[str]]:
        """Paths of documents, best first, by "vector", "keyword" and both "fused".

        limit: passages per ranking; a document may have several. before: see search().
        """
        found = self._searcher.rankings(self._question(query, None, before, None), limit)
        passages = self._catalog.passages([*found.vector, *found.keyword])
        return {
            name: list(dict.fromkeys(passages[id_].document for id_ in ids if id_ in passages))
            for name, ids in asdict(found).items()
        }

    def _limits(self, limit: int | None) -> Limits:
        own = self._settings
        return Limits(
            own.passages if limit is None else limit,
            own.cut,
            own.per_document,
            own.duplicates,
            own.budget_tokens,
        )

    def _question(
        self,
        query: str,
        vector: Vectors | None,
        before: Sequence[tuple[str, float]],
        collection: str | None,
    ) -> Question:
        if vector is None:
            vector = self._embedder.queries([query])
        if before:
            weights = np.array([weight for _, weight in before], np.float32)
            said = self._embedder.queries([text for text, _ in before])
            vector = (1 - weights.sum()) * vector + weights @ said
            vector = vector / np.linalg.norm(vector)
        return Question(query, vector, tuple(before), collection)

    def match_faq(
        self,
        question: str,
        *,
        collection: str | None = None,
        vector: Vectors | None = None,
        language: str | None = None,
    ) -> FaqMatch | None:
        """The approved answer to this question, if one of its phrasings asks the same.

        vector: (1, d), the embedded question. language: preferred where several match.
        """
        match = self._faqs.exact(question, collection, language)
        if match is not None or not question.strip():
            return match
        if vector is None:
            vector = self._embedder.queries([question])
        return self._faqs.near(question, vector, collection, language)

    def rebuild(self) -> int:
        """A new index from the vectors in the database; returns how many there are."""
        reembed(self._database, self._embedder)
        return self._index.restart("ready")

    def status(self) -> IndexStatus:
        documents, chunks = self._catalog.counts()
        return IndexStatus(
            documents, chunks, self._embedder.name, self._index.file, self._index.state
        )

    def vectors(self, ids: Sequence[int]) -> Vectors:
        """(len(ids), d) of these chunks, in this order; zeros for chunks that are gone."""
        found = self._catalog.vectors(ids, self._embedder.name)
        zero = np.zeros(self._embedder.dimension, np.float32)
        rows = [found.get(id_, zero) for id_ in ids]
        return np.stack(rows) if rows else np.empty((0, len(zero)), np.float32)

    def close(self) -> None:
        """Write the index file if much changed, so that the next start is quick."""
        self._index.publish_if_large(1)
