"""Vector and keyword search, fused by reciprocal rank."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from knowledge import keywords
from knowledge.catalog import Catalog
from knowledge.live_index import LiveIndex
from knowledge.types import Passage, Vectors

DEPTH = 50  # passages that each of the two rankings contributes
K = 60  # Cormack, Clarke & Büttcher 2009: rank r counts 1 / (K + r)


def fuse(*rankings: Sequence[int]) -> dict[int, float]:
    """Reciprocal rank fusion: id → 0..1, where 1 is the first place in every ranking."""
    scores: dict[int, float] = {}
    for ranking in rankings:
        for rank, id_ in enumerate(ranking, 1):
            scores[id_] = scores.get(id_, 0.0) + (K + 1) / (K + rank) / len(rankings)
    return scores


def nearest(
    catalog: Catalog, index: LiveIndex, vector: Vectors, limit: int, collection: str | None
) -> list[int]:
    """Ids of existing chunks of the collection, nearest first.

    Removed chunks and other collections are skipped, so the reach grows until enough are left.
    """
    reach = limit
    while True:
        hits = index.search(vector, reach)
        alive = catalog.passages([hit.id for hit in hits], collection)
        found = [hit.id for hit in hits if hit.id in alive]
        if len(found) >= limit or len(hits) < reach:
            return found[:limit]
        reach *= 4


@dataclass(frozen=True, slots=True)
class Rankings:
    """Chunk ids, best first: by each arm alone, and fused."""

    vector: list[int]
    keyword: list[int]
    fused: list[int]


def rankings(
    catalog: Catalog,
    index: LiveIndex,
    query: str,
    vector: Vectors,
    limit: int,
    collection: str | None,
) -> Rankings:
    """What search() finds, and what it was made of. vector: (1, d)."""
    by_vector, hits, _ = _arms(catalog, index, query, vector, limit, collection)
    by_keyword = [id_ for id_, _ in hits]
    scores = fuse(by_vector, by_keyword)
    return Rankings(by_vector, by_keyword, sorted(scores, key=lambda i: (-scores[i], i))[:limit])


def search(
    catalog: Catalog,
    index: LiveIndex,
    embedder: str,
    query: str,
    vector: Vectors,
    limit: int,
    collection: str | None,
) -> list[Passage]:
    """The best passages, each with its fused score, cosine and BM25.

    vector: (1, d), the embedded query.
    """
    by_vector, by_keyword, expression = _arms(
        catalog, index, query, vector, max(DEPTH, limit), collection
    )
    scores = fuse(by_vector, [id_ for id_, _ in by_keyword])
    passages = catalog.passages(list(scores), collection)
    cosines = _cosines(catalog, embedder, vector, list(passages))
    best = sorted(passages, key=lambda i: (-scores[i], -cosines.get(i, 0.0), i))[:limit]
    bm25 = dict(by_keyword)
    rest = [i for i in best if i not in bm25]
    if expression and rest:
        bm25 |= catalog.keyword_scores(expression, rest)
    return [
        replace(passages[i], score=scores[i], cosine=cosines.get(i, 0.0), keyword=bm25.get(i, 0.0))
        for i in best
    ]


def _arms(
    catalog: Catalog,
    index: LiveIndex,
    query: str,
    vector: Vectors,
    depth: int,
    collection: str | None,
) -> tuple[list[int], list[tuple[int, float]], str]:
    """Chunk ids by vector; chunk ids with their BM25 by keyword; what the keywords were."""
    by_vector = nearest(catalog, index, vector, depth, collection)
    expression = keywords.match_expression(keywords.query_terms(query))
    by_keyword = catalog.keyword_hits(expression, depth, collection) if expression else []
    return by_vector, by_keyword, expression


def _cosines(
    catalog: Catalog, embedder: str, vector: Vectors, ids: Sequence[int]
) -> dict[int, float]:
    rows = catalog.vectors(ids, embedder)
    if not rows:
        return {}
    products = np.stack(list(rows.values())) @ vector[0]
    return dict(zip(rows, products.tolist(), strict=True))
