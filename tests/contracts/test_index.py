"""The contract of VectorIndex, over flat, graph and GPU indexes and their oracle."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from knowledge import graph_index
from knowledge.gpu_index import GpuIndex, available
from knowledge.graph_index import GraphIndex
from knowledge.index import ExactIndex, FlatIndex
from knowledge.layered_index import LayeredIndex
from knowledge.types import Hit, VectorIndex, Vectors

Make = Callable[[int], VectorIndex]
BIG = 2**63 - 2
OF_CODES = 0.01  # what 8 bits a number may change of a cosine
gpu = pytest.mark.skipif(not available(), reason="needs faiss-gpu and a GPU")


class Settling:
    """A layered index that takes every change into its base at once, as LiveIndex does later."""

    layered: type[LayeredIndex] = GraphIndex

    def __init__(self, dimension: int) -> None:
        self._index = self.layered(dimension)

    def add(self, ids: Sequence[int], vectors: Vectors) -> None:
        self._index.remove(ids)
        batch = (np.asarray(ids, np.int64), np.asarray(vectors, np.float32))
        self._index = self._index.extended(iter([batch]))

    def remove(self, ids: Sequence[int]) -> None:
        self._index.remove(ids)
        self._index = self._index.read(self._index.extended(iter([])).to_bytes())

    def search(self, vectors: Vectors, limit: int) -> list[list[Hit]]:
        return self._index.search(vectors, limit)

    def __len__(self) -> int:
        return len(self._index)


class OnGpu(Settling):
    """The same of the index on a GPU."""

    layered = GpuIndex


MAKERS = [
    ExactIndex,
    FlatIndex,
    GraphIndex,
    Settling,
    pytest.param(GpuIndex, marks=gpu),
    pytest.param(OnGpu, marks=gpu),
]


@pytest.fixture(params=MAKERS)
def make(request: pytest.FixtureRequest) -> Make:
    made: Make = request.param
    return made


@pytest.fixture(autouse=True)
def through_the_graph(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small indexes would compare all codes instead."""
    monkeypatch.setattr(graph_index, "EXHAUSTIVE", 0.99)


def unit(count: int, dimension: int, seed: int = 0) -> Vectors:
    random = np.random.default_rng(seed).normal(size=(count, dimension)).astype(np.float32)
    rows: Vectors = random / np.linalg.norm(random, axis=1, keepdims=True)
    return rows


@pytest.fixture
def rows() -> Vectors:
    return unit(200, 16)


def test_the_same_row_is_the_best_hit(make: Make, rows: Vectors) -> None:
    index = make(16)
    index.add([BIG, *range(1, 200)], rows)
    found = index.search(rows[:3], 5)
    assert [hits[0].id for hits in found] == [BIG, 1, 2]
    assert all(hits[0].score == pytest.approx(1.0, abs=OF_CODES) for hits in found)
    assert all(
        [h.score for h in hits] == sorted((h.score for h in hits), reverse=True) for hits in found
    )


def test_fewer_than_the_limit_and_none(make: Make, rows: Vectors) -> None:
    index = make(16)
    assert index.search(rows[:2], 5) == [[], []]
    index.add(range(7, 27), rows[:20])
    index.remove(range(9, 27))
    assert {hit.id for hit in index.search(rows[:1], 5)[0]} == {7, 8}
    assert index.search(rows[:1], 0) == [[]]


def test_removed_ids_never_come_back(make: Make, rows: Vectors) -> None:
    index = make(16)
    index.add(range(200), rows)
    index.remove([*range(100), 100_000])
    index.remove([])
    assert len(index) == 100
    assert {hit.id for hit in index.search(rows[:1], 200)[0]} == set(range(100, 200))


def test_an_id_added_again_is_replaced(make: Make, rows: Vectors) -> None:
    index = make(16)
    index.add(range(200), rows)
    for _ in range(2):
        index.add([1], rows[1:2] * -1)
        assert len(index) == 200
        best, *_ = index.search(rows[1:2] * -1, 200)[0]
        assert best.id == 1
        assert best.score == pytest.approx(1.0, abs=OF_CODES)
    index.remove([1])
    assert 1 not in {hit.id for hit in index.search(rows[1:2] * -1, 200)[0]}


@pytest.mark.parametrize("kind", [FlatIndex, GraphIndex, pytest.param(GpuIndex, marks=gpu)])
def test_bytes_read_back(kind: type[FlatIndex] | type[LayeredIndex], rows: Vectors) -> None:
    index: FlatIndex | LayeredIndex
    if issubclass(kind, LayeredIndex):
        index = kind.build(16, iter([(np.arange(200), rows)]))
    else:
        index = kind(16)
        index.add(range(200), rows)
    again = kind.read(index.to_bytes())
    assert again.search(rows[:5], 5) == index.search(rows[:5], 5)
    assert (again.dimension, again.stored, sorted(again.ids)) == (16, 200, list(range(200)))
    with pytest.raises(RuntimeError):
        kind.read(index.to_bytes()[:50])


def test_the_bytes_of_another_kind_are_refused(rows: Vectors) -> None:
    flat, graph = FlatIndex(16), GraphIndex.build(16, iter([(np.arange(200), rows)]))
    flat.add(range(200), rows)
    for kind, data in ((FlatIndex, graph.to_bytes()), (GraphIndex, flat.to_bytes())):
        with pytest.raises(RuntimeError, match="not a"):
            kind.read(data)


def test_a_removed_neighbourhood_does_not_leave_a_search_short() -> None:
    """The nearest 300 of 2,000 are gone: more than a search reaches for at first."""
    rows = unit(2_000, 16)
    index = GraphIndex.build(16, iter([(np.arange(2_000), rows)]))
    nearest = np.argsort(-(rows @ rows[0]))
    index.remove(nearest[:300].tolist())
    found = {hit.id for hit in index.search(rows[:1], 10)[0]}
    assert len(found & set(nearest[300:310].tolist())) >= 9
    assert index.tombstones == 0.15


def test_recall_of_the_graph() -> None:
    """Over base, flat layer and tombstones together, with the cosines of the codes."""
    rows, queries = unit(3_000, 32), unit(100, 32, seed=1)
    graph = GraphIndex.build(32, iter([(np.arange(1_500), rows[:1_500])]))
    graph.add(range(1_500, 2_000), rows[1_500:2_000])
    graph = graph.extended(iter([(np.arange(1_500, 2_000), rows[1_500:2_000])]))
    graph.add(range(2_000, 3_000), rows[2_000:])
    graph.remove(range(0, 3_000, 4))
    exact = ExactIndex(32)
    exact.add(range(3_000), rows)
    exact.remove(range(0, 3_000, 4))
    assert (graph.stored, graph.layered, len(graph)) == (2_000, 750, 2_250)
    hits = list(zip(exact.search(queries, 10), graph.search(queries, 10), strict=True))
    shared = [len({h.id for h in a} & {h.id for h in b}) for a, b in hits]
    assert np.mean(shared) >= 9.5
    true = queries @ rows.T
    assert all(abs(h.score - true[q, h.id]) < OF_CODES for q, (_, b) in enumerate(hits) for h in b)


FILLER = unit(1_000, 16, seed=2)  # what the codes of a graph are trained on
POOL = unit(80, 16, seed=3)  # two vectors for each of 40 ids
ids_ = st.lists(st.integers(0, 39), min_size=1, max_size=12, unique=True)
changes = st.lists(
    st.tuples(st.sampled_from(["add", "add others", "remove", "settle", "file"]), ids_),
    min_size=1,
    max_size=12,
)


def after(index: VectorIndex, step: str, ids: list[int]) -> VectorIndex:
    """The index after one change; the last two keep what it holds."""
    if step == "remove":
        index.remove(ids)
    elif step.startswith("add"):
        index.add(ids, POOL[np.asarray(ids) + (40 if step == "add others" else 0)])
    elif isinstance(index, LayeredIndex):
        layer = index._layer
        rows = [layer._index.reconstruct(int(i)) for i in layer.ids]
        batches = [(layer.ids, np.stack(rows))] if rows else []
        index = index.extended(iter(batches))
        return index.read(index.to_bytes()) if step == "file" else index
    elif isinstance(index, FlatIndex) and step == "file":
        return FlatIndex.read(index.to_bytes())
    return index


@pytest.mark.slow
@pytest.mark.parametrize("kind", [FlatIndex, GraphIndex, pytest.param(GpuIndex, marks=gpu)])
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=changes, query=st.integers(0, 79), limit=st.sampled_from([1, 5, 60]))
def test_any_history_agrees_with_the_oracle(
    kind: type[VectorIndex], steps: list[tuple[str, list[int]]], query: int, limit: int
) -> None:
    oracle: VectorIndex = ExactIndex(16)
    oracle.add(range(100, 1_100), FILLER)
    index: VectorIndex = FlatIndex(16)
    if issubclass(kind, LayeredIndex):
        index = kind.build(16, iter([(np.arange(100, 1_100), FILLER)]))
    else:
        index.add(range(100, 1_100), FILLER)
    for step, ids in steps:
        oracle, index = after(oracle, step, ids), after(index, step, ids)
        assert len(index) == len(oracle)
        true = {hit.id: hit.score for hit in oracle.search(POOL[query : query + 1], 2_000)[0]}
        found = index.search(POOL[query : query + 1], limit)[0]
        assert len({hit.id for hit in found}) == limit
        assert {hit.id for hit in found} <= true.keys()  # nothing that was removed
        assert all(abs(hit.score - true[hit.id]) < OF_CODES for hit in found)
        assert found[0].score > max(true.values()) - OF_CODES
