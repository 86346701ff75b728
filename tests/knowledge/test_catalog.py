"""What the searches read: one answer, whichever way it is asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from knowledge import keywords
from knowledge.catalog import Catalog
from knowledge.database import Database
from knowledge.knowledge_base import KnowledgeBase

from .hashing import HashingEmbedder


@pytest.fixture
def stocked(home: Path, folder: Path) -> tuple[Catalog, KnowledgeBase]:
    database = Database(home / "zhike.db")
    base = KnowledgeBase(database, home / "index", HashingEmbedder())
    list(base.add([folder]))
    return Catalog(database), base


def ids_of(base: KnowledgeBase) -> list[int]:
    return [p.id for document in base.documents() for p in base.chunks(document.id)]


def test_scores_of_given_passages_are_those_of_the_hits(
    stocked: tuple[Catalog, KnowledgeBase],
) -> None:
    catalog, base = stocked
    expression = keywords.match_expression(keywords.query_terms("Opened tea returned 运费 E2"))
    hits = dict(catalog.keyword_hits(expression, 50))
    assert len(hits) >= 3
    assert catalog.keyword_scores(expression, ids_of(base)) == hits
    some = sorted(hits)[:2]
    assert catalog.keyword_scores(expression, some) == {id_: hits[id_] for id_ in some}
    assert catalog.keyword_scores(expression, []) == {}


def test_alive_are_those_whose_passages_are_found(stocked: tuple[Catalog, KnowledgeBase]) -> None:
    catalog, base = stocked
    every = ids_of(base)
    assert catalog.alive([*every, 5]) == set(catalog.passages(every)) == set(every)
    base.enable(base.find("kettle.md").id, enabled=False)
    assert 0 < len(catalog.alive(every)) < len(every)
    assert catalog.alive(every) == set(catalog.passages(every))
    assert catalog.alive(every, "other") == set()


def test_a_passage_is_the_same_from_a_search_and_by_its_id(
    stocked: tuple[Catalog, KnowledgeBase],
) -> None:
    catalog, base = stocked
    every = ids_of(base)
    found = catalog.passages(every)
    assert [found[id_] for id_ in every] == [catalog.passage(id_) for id_ in every]
