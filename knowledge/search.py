"""Passages by meaning and by words, as one ranking; see fusion.py for how."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from knowledge import fusion, keywords, statistics
from knowledge.catalog import Catalog
from knowledge.database import Database
from knowledge.glossary import Glossary, phrase
from knowledge.live_index import LiveIndex
from knowledge.rerank import Reranker
from knowledge.selection import Cut, Limits, select
from knowledge.statistics import Centre
from knowledge.titles import Titles
from knowledge.types import Passage, Vectors
from knowledge.weights import Floats

DEPTH = 50  # passages that each of the two arms contributes
WORD = re.compile(r"[^\W\d_]{3}|[\u3040-\u30ff\u3400-\u9fff]{2}")  # "d0012" has none
HAN = re.compile(r"[\u3400-\u9fff]")
RERANKED = 32  # passages that a reranker reads; it may take 50 ms for each


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, and what was said before."""

    text: str
    vector: Vectors  # (1, d), unit length, with what was said before mixed in
    before: tuple[tuple[str, float], ...] = ()  # (text, weight 0..1); the text has the rest of 1
    collection: str | None = None  # None searches all


@dataclass(frozen=True, slots=True)
class Ranked:
    """A passage that at least one arm found."""

    passage: Passage  # with score, cosine and BM25
    share: float  # 0..1 of the question's words, weighed by rarity
    fused: float  # 0..1, both arms; the score unless there is a reranker
    vector_rank: int | None  # 1-based, within its arm
    keyword_rank: int | None
    cut: Cut | Literal["collection"] | None = None  # why it is not shown


@dataclass(frozen=True, slots=True)
class Rankings:
    """Chunk ids, best first: by each arm alone, and fused."""

    vector: list[int]
    keyword: list[int]
    fused: list[int]


@dataclass(frozen=True, slots=True)
class _Words:
    """The keyword arm's view of a question."""

    ranked: list[int]  # ids of the hits, best first
    shares: dict[int, float]
    bm25: dict[int, float]  # with the question's own text alone


class Searcher:
    """Both arms over one catalog; safe from any thread."""

    def __init__(
        self,
        catalog: Catalog,
        index: LiveIndex,
        titles: Titles,
        glossary: Glossary,
        database: Database,
        embedder: str,
        reranker: Reranker | None = None,
    ) -> None:
        self._catalog, self._index, self._embedder = catalog, index, embedder
        self._titles, self._database = titles, database
        self._middle = Centre(database, "vectors", embedder)
        self._titles_middle = Centre(database, "titles", embedder)
        self._glossary, self._reranker = glossary, reranker

    def search(
        self, question: Question, limits: Limits, count: Callable[[str], int]
    ) -> list[Passage]:
        """The best passages within the limits. count: tokens of a text."""
        ranked = [c.passage for c in self._ranked(question, limits.passages)]
        verdicts = select(ranked, limits, count)
        return [p for p, cut in zip(ranked, verdicts, strict=True) if cut is None]

    def explain(
        self, question: Question, limits: Limits, count: Callable[[str], int]
    ) -> list[Ranked]:
        """All candidates, best first: those that search() gives, and the others with the reason."""
        ranked = self._ranked(question, limits.passages)
        verdicts = select([c.passage for c in ranked], limits, count)
        found = [replace(c, cut=cut) for c, cut in zip(ranked, verdicts, strict=True)]
        if question.collection is not None:
            everywhere = self._ranked(replace(question, collection=None), limits.passages)
            found += [
                replace(c, cut="collection")
                for c in everywhere
                if c.passage.collection != question.collection
            ]
        return sorted(found, key=lambda c: -c.passage.score)

    def rankings(self, question: Question, limit: int) -> Rankings:
        """What search() finds, and what it was made of; `limit` passages per ranking."""
        by_vector, words = self._arms(question, limit)
        found = self._fused(question, by_vector, words)
        return Rankings(by_vector, words.ranked, [c.passage.id for c in found][:limit])

    def _ranked(self, question: Question, limit: int) -> list[Ranked]:
        """All candidates without a reranker; with one, those that it read, in its order."""
        found = self._fused(question, *self._arms(question, max(DEPTH, limit)))
        if self._reranker is None:
            return found
        read = found[: max(RERANKED, limit)]
        texts = [f"{c.passage.heading}\n{c.passage.text}".strip() for c in read]
        scores = self._reranker.scores(question.text, texts)
        again = [
            replace(c, passage=replace(c.passage, score=float(score)))
            for c, score in zip(read, scores, strict=True)
        ]
        return sorted(again, key=lambda c: -c.passage.score)

    def _arms(self, question: Question, depth: int) -> tuple[list[int], _Words]:
        by_vector = nearest(self._catalog, self._index, question.vector, depth, question.collection)
        return by_vector, self._words(question, by_vector, depth)

    def _words(self, question: Question, also: Sequence[int], depth: int) -> _Words:
        """The hits of the question and of what was said before; with the shares of `also`."""
        own = 1.0 - sum(weight for _, weight in question.before)
        hits: dict[int, float] = {}
        shares: dict[int, float] = {}
        bm25: dict[int, float] = {}
        expressions = []
        for text, weight in ((question.text, own), *question.before):
            words = keywords.query_terms(text)
            most = statistics.most(self._database, words)
            expression = self._expression(text, words, question.collection)
            if not expression or weight <= 0 or not most:
                continue
            found = dict(self._catalog.keyword_hits(expression, depth, question.collection))
            hits |= found
            expressions.append((expression, weight / most, found))
        for expression, scale, found in expressions:
            rest = [i for i in {*also, *hits} if i not in found]
            found |= self._catalog.keyword_scores(expression, rest)
            bm25 = bm25 or found
            for id_, score in found.items():
                shares[id_] = shares.get(id_, 0.0) + scale * score
        ranked = sorted(hits, key=lambda i: (-shares[i], i))[:depth]
        return _Words(ranked, shares, bm25)

    def _expression(self, text: str, words: list[str], collection: str | None) -> str:
        expression = keywords.match_expression(words)
        others = [phrase(term) for term in self._glossary.synonyms(text, collection)]
        return " OR ".join([f"({expression})", *others]) if expression and others else expression

    def _fused(self, question: Question, by_vector: Sequence[int], words: _Words) -> list[Ranked]:
        passages = self._catalog.passages([*by_vector, *words.ranked], question.collection)
        if not passages:
            return []
        ids, chinese = list(passages), bool(HAN.search(question.text))
        cosines = self._cosines(question.vector, ids)
        shares = np.array([min(words.shares.get(i, 0.0), 1.0) for i in ids])
        meanings = fusion.meaning(cosines, self._middle.cosine(question.vector))
        scores = fusion.fuse(
            meanings,
            self._about(question.vector, list(passages.values()), meanings),
            shares,
            np.array([chinese != p.language.startswith("zh") for p in passages.values()]),
            fusion.EXACT if fusion.exact(question.text) else fusion.KEYWORD,
        )
        vector_rank = {id_: rank for rank, id_ in enumerate(by_vector, 1)}
        keyword_rank = {id_: rank for rank, id_ in enumerate(words.ranked, 1)}
        found = [
            Ranked(
                replace(
                    passages[id_],
                    score=float(scores[n]),
                    cosine=float(cosines[n]),
                    keyword=words.bm25.get(id_, 0.0),
                ),
                float(shares[n]),
                float(scores[n]),
                vector_rank.get(id_),
                keyword_rank.get(id_),
            )
            for n, id_ in enumerate(ids)
        ]
        return sorted(found, key=lambda c: (-c.fused, -c.passage.cosine, c.passage.id))

    def _about(self, vector: Vectors, passages: Sequence[Passage], meanings: Floats) -> Floats:
        """(n,) 0..1: how near the titles are; one without a word says what its passages say."""
        cosines = self._titles.cosines(vector, [p.document_id for p in passages])
        middle = self._titles_middle.cosine(vector)  # after it, as it embeds what is missing
        near = np.array([cosines.get(p.document_id, middle) for p in passages])
        named = np.array([bool(WORD.search(p.title)) for p in passages])
        return np.where(named, fusion.meaning(near, middle), meanings)

    def _cosines(self, vector: Vectors, ids: Sequence[int]) -> Floats:
        """(len(ids),); 0 for a chunk that has no vector."""
        rows = self._catalog.vectors(ids, self._embedder)
        zero = np.zeros(vector.shape[1], np.float32)
        cosines: Floats = (np.stack([rows.get(i, zero) for i in ids]) @ vector[0]).astype(
            np.float64
        )
        return cosines


def nearest(
    catalog: Catalog, index: LiveIndex, vector: Vectors, limit: int, collection: str | None
) -> list[int]:
    """Ids of existing chunks of the collection, nearest first.

    Removed chunks and other collections are skipped, so the reach grows until enough are left.
    """
    reach = limit
    while True:
        hits = index.search(vector, reach)
        alive = catalog.alive([hit.id for hit in hits], collection)
        found = [hit.id for hit in hits if hit.id in alive]
        if len(found) >= limit or len(hits) < reach:
            return found[:limit]
        reach *= 4
