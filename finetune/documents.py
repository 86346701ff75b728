"""The home's documents, as an agent's question finds them: what is shown, and what it says."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from chatbot import followup
from chatbot.query import query
from finetune.pairs import Pair
from knowledge import minilm, reader, weights
from knowledge.database import Database
from knowledge.embedder import make_embedder
from knowledge.evidence import Evidence, EvidenceScorer
from knowledge.knowledge_base import KnowledgeBase
from knowledge.settings import KnowledgeSettings
from knowledge.types import Embedder, Passage


class Documents:
    """Search, and how likely what it finds answers; the same weights as serving's."""

    def __init__(
        self, knowledge: KnowledgeBase, embedder: Embedder, scorer: EvidenceScorer
    ) -> None:
        self._knowledge, self._embedder, self._scorer = knowledge, embedder, scorer

    def search(self, question: str) -> list[Passage]:
        """The best passages, best first."""
        return self._knowledge.search(question)

    def evidence(self, pair: Pair) -> Evidence:
        """What they have to say to a pair's question, with its history, as in a conversation."""
        asked = query(pair.question, pair.history, self._knowledge.spelling)
        found = self._knowledge.search(
            asked.asked, before=followup.before(asked.asked, pair.history)
        )
        vector = self._embedder.queries([asked.text])
        return self._scorer.score(asked.asked, vector, found, pair.language, asked.context)


@contextmanager
def opened(home: Path, models: Path, settings: KnowledgeSettings) -> Iterator[Documents | None]:
    """The documents of a home; None while it has none."""
    if not (home / "zhike.db").exists():
        yield None
        return
    database = Database(home / "zhike.db")
    try:
        embedder = make_embedder(settings, models)
        knowledge = KnowledgeBase(database, home / "index", embedder, settings)
        try:
            if not knowledge.documents():
                yield None
                return
            own = home / "evidence.npz"
            folder = minilm.pulled(models)
            scorer = EvidenceScorer(
                database,
                embedder,
                reader.packaged(),
                weights.load(own if own.exists() else None),
                reader.english(folder) if folder else None,
                settings.answerable,
                settings.floor,
            )
            yield Documents(knowledge, embedder, scorer)
        finally:
            knowledge.close()
    finally:
        database.close()
