"""Flat or graph, file or none, damaged or not: the index answers from the vectors in SQLite."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import faiss
import numpy as np
import pytest

from knowledge import index_choice, live_index
from knowledge.catalog import Catalog
from knowledge.database import Database
from knowledge.index import FlatIndex
from knowledge.index_choice import Setting
from knowledge.live_index import LiveIndex

from .stored_vectors import EMBEDDER, database_of, drop, put, unit

MUTANTS = int(os.environ.get("ZHIKE_MUTANTS", "60"))
DIMENSION = 24
COUNT = 1_500
ROWS = unit(COUNT + 500, DIMENSION)
QUERIES = unit(20, DIMENSION, seed=1)
Open = Callable[..., LiveIndex]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = database_of(tmp_path / "zhike.db")
    yield opened
    opened.close()


@pytest.fixture
def open_index(database: Database, tmp_path: Path) -> Iterator[Open]:
    """Opens the index, as often as a test restarts, and waits until it is settled."""
    opened: list[LiveIndex] = []

    def open_(setting: Setting = "auto", dimension: int = DIMENSION) -> LiveIndex:
        folder = tmp_path / "index"
        opened.append(LiveIndex(database, folder, setting, EMBEDDER, dimension))
        opened[-1].settle()
        return opened[-1]

    yield open_
    for index in opened:
        index.close()


@pytest.fixture
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """A graph from 1,000 vectors on, extended from 100 on."""
    monkeypatch.setattr(index_choice, "FLAT_UP_TO", 1_000)
    monkeypatch.setattr(index_choice, "BACK_TO_FLAT", 500)
    monkeypatch.setattr(live_index, "LARGE_DELTA", 100)


def answers(index: LiveIndex, limit: int = 10) -> list[set[int]]:
    return [{hit.id for hit in index.search(q[None], limit)} for q in QUERIES]


def truth(alive: set[int], limit: int = 10) -> list[set[int]]:
    """By comparing every row that is alive."""
    ids = np.array(sorted(alive))
    order = np.argsort(-(QUERIES @ ROWS[ids].T), axis=1)[:, :limit]
    return [set(ids[row].tolist()) for row in order]


def recall(index: LiveIndex, alive: set[int]) -> float:
    """recall@10; whatever is found must be alive."""
    found = answers(index)
    assert set().union(*found) <= alive
    assert {len(ids) for ids in found} == {10}
    pairs = zip(found, truth(alive), strict=True)
    return float(np.mean([len(a & b) / 10 for a, b in pairs]))


def path_of(index: LiveIndex, tmp_path: Path) -> Path:
    return tmp_path / "index" / index.file


def test_the_setting_decides(database: Database, open_index: Open) -> None:
    put(database, range(1_200), ROWS[:1_200])
    for setting in ("flat", "hnsw", "exact", "auto", "faiss"):
        index = open_index(setting)
        index.publish()
        assert index.kind == {"hnsw": "hnsw", "exact": "exact"}.get(setting, "flat")
        assert recall(index, set(range(1_200))) > 0.98


def test_auto_grows_into_a_graph_and_back(
    database: Database, open_index: Open, small_steps: None
) -> None:
    index = open_index()
    alive: set[int] = set()
    for start, kind in ((0, "flat"), (500, "flat"), (1_000, "hnsw")):
        put(database, range(start, start + 500), ROWS[start : start + 500])
        alive |= set(range(start, start + 500))
        assert recall(index, alive) > 0.95  # also before it is settled
        index.settle()
        assert index.kind == kind
        assert recall(index, alive) > 0.95
    drop(database, range(1_100))
    alive -= set(range(1_100))
    assert recall(index, alive) > 0.95
    index.settle()
    assert (index.kind, len(index)) == ("flat", 400)
    assert recall(index, alive) == 1.0
    assert open_index().kind == "flat"


def test_a_graph_is_extended_and_compacted(
    database: Database, open_index: Open, small_steps: None, tmp_path: Path
) -> None:
    put(database, range(COUNT), ROWS[:COUNT])
    index = open_index()
    first = index.file
    put(database, [COUNT], ROWS[COUNT : COUNT + 1])
    drop(database, range(100))
    alive = set(range(100, COUNT + 1))
    assert recall(index, alive) > 0.95
    index.settle()
    assert index.file == first  # searched beside it, with tombstones
    put(database, range(COUNT + 1, COUNT + 200), ROWS[COUNT + 1 : COUNT + 200])
    alive |= set(range(COUNT, COUNT + 200))
    assert recall(index, alive) > 0.95
    index.settle()
    second = index.file
    assert second != first
    size = path_of(index, tmp_path).stat().st_size
    drop(database, range(100, 400))
    alive -= set(range(100, 400))
    assert recall(index, alive) > 0.95
    index.settle()
    assert index.file != second
    assert path_of(index, tmp_path).stat().st_size < size  # their vectors left the file
    again = open_index()
    assert (again.kind, again.state, again.file) == ("hnsw", "ready", index.file)
    assert recall(again, alive) > 0.95


def test_an_id_that_comes_back_is_found_again(
    database: Database, open_index: Open, small_steps: None
) -> None:
    put(database, range(COUNT), ROWS[:COUNT])
    index = open_index()
    for _ in range(2):
        drop(database, range(120))
        assert recall(index, set(range(120, COUNT))) > 0.95
        put(database, range(120), ROWS[:120])
        assert recall(index, set(range(COUNT))) > 0.95
        index.settle()
    assert len(index) == COUNT
    assert [index.search(row[None], 1)[0].id for row in ROWS[:120]] == list(range(120))


def test_scores_of_a_graph_are_exact(database: Database, open_index: Open) -> None:
    put(database, range(COUNT), ROWS[:COUNT])
    index = open_index("hnsw")
    for query in QUERIES:
        hits = index.search(query[None], 10)
        assert np.allclose([hit.score for hit in hits], ROWS[[h.id for h in hits]] @ query)
        assert hits == sorted(hits, key=lambda hit: -hit.score)


def test_a_start_reads_no_vectors(
    database: Database, open_index: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(database, range(COUNT), ROWS[:COUNT])
    for setting in ("flat", "hnsw"):
        index = open_index(setting)
        index.publish()
        index.settle()
        with monkeypatch.context() as patch:
            patch.setattr(Catalog, "vectors", lambda *_: pytest.fail("vectors read"))
            again = open_index(setting)
            assert (again.state, again.file) == ("ready", index.file)
        assert recall(again, set(range(COUNT))) > 0.95
    plan = database.rows("EXPLAIN QUERY PLAN SELECT chunk_id FROM vectors WHERE embedder = ?", "x")
    assert "COVERING INDEX vectors_embedder" in plan[0]["detail"]


def mutated(data: bytes, other: bytes, seed: int) -> bytes:
    """Cut short, changed in the header, in the payload, or another file in its place."""
    chance = random.Random(seed)
    if seed % 4 == 0:
        return data[: chance.randrange(len(data))]
    if seed % 4 == 3 and seed % 8 == 3:
        return other
    changed = bytearray(data)
    for _ in range(chance.randint(1, 8)):
        changed[chance.randrange(96 if seed % 4 == 1 else len(data))] ^= chance.randint(1, 255)
    return bytes(changed)


@pytest.mark.parametrize("setting", ["flat", "hnsw"])
def test_no_mutant_of_a_file_is_served(
    setting: Setting, database: Database, open_index: Open, tmp_path: Path
) -> None:
    put(database, range(300), ROWS[:300])
    old = open_index(setting)
    old.publish()
    other = path_of(old, tmp_path).read_bytes()
    put(database, range(300, 600), ROWS[300:600])
    index = open_index(setting)
    index.publish()
    expected = truth(set(range(600)))
    for seed in range(MUTANTS // 2):
        path = path_of(index, tmp_path)
        path.write_bytes(mutated(path.read_bytes(), other, seed))
        index.close()
        index = open_index(setting)
        assert index.state.startswith(f"rebuilt at start: {path.name} is damaged"), seed
        found = answers(index)
        assert all(len(a & b) >= 9 for a, b in zip(found, expected, strict=True)), seed
        assert index.file != path.name
    index.close()
    assert open_index(setting).state == "ready"


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("size", 1, "bytes, not 1"),
        ("sha256", "0" * 64, "SHA-256"),
        ("count", 1, "another size"),
        ("dimension", 8, "another size"),
        ("embedder", "other", "made with other"),
        ("kind", "flat", "of the kind 'flat'"),
        ("kind", "", "of an older version"),
        ("kind", "ivf", "of the kind 'ivf'"),
    ],
)
def test_a_row_that_disagrees_means_a_rebuild(
    column: str, value: object, reason: str, database: Database, open_index: Open
) -> None:
    put(database, range(300), ROWS[:300])
    open_index("hnsw").publish()
    with database.write() as db:
        db.execute(f"UPDATE index_pointer SET {column} = ?", [value])
    index = open_index("hnsw")
    assert reason in index.state
    assert recall(index, set(range(300))) > 0.95


def test_a_row_of_the_wrong_kind_is_noticed_in_the_file(
    database: Database, open_index: Open
) -> None:
    put(database, range(300), ROWS[:300])
    open_index("flat").publish()
    with database.write() as db:
        db.execute("UPDATE index_pointer SET kind = 'hnsw'")
    assert "not an index of the kind hnsw" in open_index("auto").state


def test_another_dimension_means_a_rebuild(database: Database, open_index: Open) -> None:
    put(database, range(300), ROWS[:300])
    open_index("flat").publish()
    drop(database, range(300))
    assert "another size" in open_index("flat", dimension=8).state


def test_searches_go_on_while_a_graph_is_built(
    database: Database, open_index: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(database, range(COUNT), ROWS[:COUNT])
    index = open_index("hnsw")
    seen: list[float] = []
    made = LiveIndex._made

    def while_made(self: LiveIndex, *rest: object) -> object:
        drop(database, range(500))
        seen.append(recall(index, set(range(500, COUNT))))
        return made(self, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(LiveIndex, "_made", while_made)
    index.restart("ready")
    assert seen[0] > 0.95
    assert recall(index, set(range(500, COUNT))) > 0.95


def test_another_process_s_file_is_taken_over(
    database: Database, open_index: Open, small_steps: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(database, range(1_100), ROWS[:1_100])
    one, two = open_index(), open_index()
    put(database, range(1_100, 1_300), ROWS[1_100:1_300])
    answers(one)
    one.settle()
    monkeypatch.setattr(LiveIndex, "_made", lambda *_: pytest.fail("built a second time"))
    answers(two)
    two.settle()
    assert two.file == one.file
    assert two._own == one.file
    assert recall(two, set(range(1_300))) > 0.95


def test_closing_gives_up_a_renewal(
    database: Database, open_index: Open, caplog: pytest.LogCaptureFixture
) -> None:
    put(database, range(COUNT), ROWS[:COUNT])
    index = open_index("hnsw")
    file = index.file
    index._closed = True
    index.publish_if_large()
    assert index.file == file
    with pytest.raises(live_index.Closed):
        index.restart("ready")
    assert recall(index, set(range(COUNT))) > 0.95


def test_a_search_leaves_the_threads_of_faiss_as_they_were() -> None:
    index = FlatIndex(8)
    index.add(range(20), np.random.default_rng(0).standard_normal((20, 8), np.float32))
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(3)
    try:
        assert len(index.search(np.ones((1, 8), np.float32), 5)[0]) == 5
        assert faiss.omp_get_max_threads() == 3
        with pytest.raises(AssertionError):  # another dimension
            index.search(np.ones((1, 9), np.float32), 5)
        assert faiss.omp_get_max_threads() == 3
    finally:
        faiss.omp_set_num_threads(before)
