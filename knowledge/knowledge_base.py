"""Documents in, passages out: the facade that the other packages use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from knowledge.database import Database
from knowledge.faq import Candidate, FaqBook
from knowledge.glossary import Glossary
from knowledge.integrity import problems
from knowledge.library import Library
from knowledge.reembed import reembed
from knowledge.rerank import Reranker
from knowledge.search import Question, Ranked, Searcher
from knowledge.selection import Limits
from knowledge.settings import KnowledgeSettings
from knowledge.spelling import Spelling
from knowledge.types import Embedder, FaqMatch, Passage, Vectors


@dataclass(frozen=True, slots=True)
class IndexStatus:
    """What is searched, for the health page."""

    documents: int
    chunks: int
    embedder: str
    file: str  # of the index; "" while there is none
    state: str  # "ready", or why it was rebuilt: "rebuilt at start: …"


class KnowledgeBase(Library):
    """A library that is searched; safe from any thread, and beside other processes."""

    def __init__(
        self,
        database: Database,
        folder: Path,
        embedder: Embedder,
        settings: KnowledgeSettings = KnowledgeSettings(),  # noqa: B008  frozen
        reranker: Reranker | None = None,
    ) -> None:
        """folder: where index files lie. Vectors of another embedder are computed anew."""
        super().__init__(database, folder, embedder, settings)
        self._faqs = FaqBook(database, embedder.name, embedder.dimension)
        self.glossary = Glossary(database)
        self.spelling = Spelling(database)
        self._searcher = Searcher(
            self._catalog,
            self._index,
            self._titles,
            self.glossary,
            database,
            embedder.name,
            reranker,
        )

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
    ) -> list[Ranked]:
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

    def faq_candidates(
        self, question: str, *, collection: str | None = None, language: str | None = None
    ) -> list[Candidate]:
        """The pairs nearest to a question, each with why it answers or not."""
        if not question.strip():
            return []
        vector = self._embedder.queries([question])
        return self._faqs.candidates(question, vector, collection, language)

    def rebuild(self) -> int:
        """Keywords, missing vectors and the index anew from the texts; how many vectors."""
        self._documents.relist()
        reembed(self._database, self._embedder)
        return self._index.restart("ready")

    def check(self) -> list[str]:
        """One sentence for each thing that is not whole, with what repairs it."""
        return list(problems(self._database, self._folder))

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
        self._index.close()
