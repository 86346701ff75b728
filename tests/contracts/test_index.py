"""The contract of VectorIndex, over FAISS and its oracle."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from knowledge.index import ExactIndex, FaissIndex
from knowledge.types import VectorIndex, Vectors

Make = Callable[[int], VectorIndex]
BIG = 2**63 - 2


@pytest.fixture(params=[ExactIndex, FaissIndex])
def make(request: pytest.FixtureRequest) -> Make:
    made: Make = request.param
    return made


@pytest.fixture
def rows() -> Vectors:
    random = np.random.default_rng(0).normal(size=(200, 16)).astype(np.float32)
    unit: Vectors = random / np.linalg.norm(random, axis=1, keepdims=True)
    return unit


def test_the_same_row_is_the_best_hit(make: Make, rows: Vectors) -> None:
    index = make(16)
    index.add([BIG, *range(1, 200)], rows)
    found = index.search(rows[:3], 5)
    assert [hits[0].id for hits in found] == [BIG, 1, 2]
    assert all(hits[0].score == pytest.approx(1.0, abs=1e-5) for hits in found)
    assert all(
        [h.score for h in hits] == sorted((h.score for h in hits), reverse=True) for hits in found
    )


def test_fewer_than_the_limit_and_none(make: Make, rows: Vectors) -> None:
    index = make(16)
    assert index.search(rows[:2], 5) == [[], []]
    index.add([7, 8], rows[:2])
    assert {hit.id for hit in index.search(rows[:1], 5)[0]} == {7, 8}
    assert index.search(rows[:1], 0) == [[]]


def test_removed_ids_never_come_back(make: Make, rows: Vectors) -> None:
    index = make(16)
    index.add(range(200), rows)
    index.remove([*range(100), 100_000])
    index.remove([])
    assert len(index) == 100
    assert all(hit.id >= 100 for hit in index.search(rows[:1], 200)[0])


def test_an_id_added_again_is_replaced(make: Make, rows: Vectors) -> None:
    index = make(16)
    index.add([1], rows[:1])
    index.add([1], rows[1:2])
    assert len(index) == 1
    assert index.search(rows[1:2], 1)[0][0].score == pytest.approx(1.0, abs=1e-5)


def test_faiss_agrees_with_the_oracle(rows: Vectors) -> None:
    exact, faiss = ExactIndex(16), FaissIndex(16)
    for index in (exact, faiss):
        index.add(range(200), rows)
        index.remove(range(0, 200, 3))
    for a, b in zip(exact.search(rows, 10), faiss.search(rows, 10), strict=True):
        assert [h.id for h in a] == [h.id for h in b]
        assert np.allclose([h.score for h in a], [h.score for h in b], atol=1e-5)


def test_faiss_bytes_read_back(rows: Vectors) -> None:
    index = FaissIndex(16)
    index.add(range(200), rows)
    again = FaissIndex.read(index.to_bytes())
    assert again.search(rows[:5], 5) == index.search(rows[:5], 5)
    assert (again.dimension, sorted(again.ids)) == (16, list(range(200)))
    with pytest.raises(RuntimeError):
        FaissIndex.read(index.to_bytes()[:50])
