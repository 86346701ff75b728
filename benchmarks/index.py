"""Nearest neighbours: how fast, how right, how large, against exact FAISS, hnswlib and usearch.

python benchmarks/index.py              100,000 vectors, about 6 minutes
python benchmarks/index.py --count 300000
python benchmarks/index.py --million    about 40 minutes, 12 GB of disk
pip install --constraint constraints.txt --editable '.[cpu,bench]'

Each library is built in a process of its own and searched in another one, in one thread, one
query at a time. Every graph has the same number of neighbours and the same width at building;
`reach` is the least search width of a fixed list at which recall@10 is .95, and the speed is the
best of three passes over 1,000 held-out queries, per second of processor time, which other work
on the machine disturbs less than the clock. Memory is what loading the file adds to the
process's own (anonymous) memory; start includes the product's checks (SHA-256, ids of SQLite).
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"  # children inherit it

import faiss
import numpy as np
from environment import described
from neighbours import EMBEDDER, LIBRARIES, Zhike, ZhikeLive
from vectors import likeness, passages

from knowledge.catalog import Catalog
from knowledge.database import Database
from knowledge.graph_index import GraphIndex
from knowledge.index import FlatIndex

QUERIES = 1_000
LIMIT = 10
ENOUGH = 0.95  # recall@10
WIDTHS = (10, 12, 14, 16, 20, 24, 32, 48, 64, 96, 128, 192, 256)
SIZES = (5_000, 10_000, 20_000, 50_000)  # for the choice between flat and graph
PASSES = 3


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the vector index.")
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--million", action="store_true")
    given = parser.parse_args()
    count = 1_000_000 if given.million else given.count
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        figures: dict[str, Any] = {"vectors": count, "dimension": 384, "threads": 1}
        figures |= in_child(prepare, folder, count)
        figures["libraries"] = {}
        for library in LIBRARIES:
            built = in_child(build, library, folder)
            figures["libraries"][library] = built | in_child(serve, library, folder)
            print(library, figures["libraries"][library], flush=True)
        figures["in_the_product"] = in_child(as_served, folder)
        print("in the product", figures["in_the_product"], flush=True)
        figures["by_size"] = {
            size: in_child(by_size, folder, size) for size in SIZES if size < count
        }
    figures["bars"] = bars(figures["libraries"], count)
    figures["tools"] = {name: version(name) for name in ("hnswlib", "usearch")}
    print(described(figures))


def in_child(task: Callable[..., Any], *values: Any) -> Any:
    """The result of a function, in a fresh process."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(task, values)


def prepare(folder: Path, count: int) -> dict[str, Any]:
    """Vectors as files and in SQLite; the true neighbours."""
    rows, queries = passages(count, QUERIES)
    np.save(folder / "rows.npy", rows)
    np.save(folder / "queries.npy", queries)
    exact = faiss.IndexFlatIP(rows.shape[1])
    exact.add(rows)
    np.save(folder / "truth.npy", exact.search(queries, 100)[1])
    database = Database(folder / "zhike.db")
    Catalog(database)
    database.here.execute("PRAGMA foreign_keys=OFF")  # vectors without documents
    with database.write() as db:
        db.conn.executemany(
            "INSERT INTO vectors VALUES (?, ?, ?)",
            ((i, EMBEDDER, row.tobytes()) for i, row in enumerate(rows)),
        )
    database.checkpoint()
    return {"likeness": {k: round(v, 3) for k, v in likeness(passages(3_141, 0)[0]).items()}}


def build(library: str, folder: Path) -> dict[str, Any]:
    rows = np.load(folder / "rows.npy")
    start = time.process_time()
    LIBRARIES[library]().build(rows, folder)
    return {"build_s": round(time.process_time() - start, 1)}


def serve(library: str, folder: Path) -> dict[str, Any]:
    """Start time, memory, and speed at the least reach that is right often enough."""
    index = LIBRARIES[library]()
    before, start = own_memory(), time.perf_counter()
    index.load(folder)
    seconds = time.perf_counter() - start
    memory = own_memory() - before
    queries, truth = np.load(folder / "queries.npy"), np.load(folder / "truth.npy")[:, :LIMIT]
    found: dict[str, Any] = {"recall": 0.0}
    for width in WIDTHS:
        index.reach(width)
        found = measured(index, queries[:: 1 if index.approximate else 10], truth, width)
        if found["recall"] >= ENOUGH:
            break
    return {"start_s": round(seconds, 2), "memory_mb": round(memory / 2**20)} | found


def measured(index: Any, queries: Any, truth: Any, width: int) -> dict[str, Any]:
    """Speed of the best pass, and the recall."""
    best = np.inf
    for _ in range(PASSES):
        start = time.process_time()
        found = [index.search(query[None], LIMIT) for query in queries]
        best = min(best, time.process_time() - start)
    step = len(truth) // len(queries)
    right = [len({*map(int, a)} & {*b.tolist()}) for a, b in zip(found, truth[::step], strict=True)]
    recall = float(np.mean(right)) / LIMIT
    return {"reach": width, "recall": round(recall, 4), "per_s": round(len(queries) / best)}


def as_served(folder: Path) -> dict[str, Any]:
    """With the reach of the product: 10 and 50 hits, and 10 with a tenth removed."""
    queries, truth = np.load(folder / "queries.npy"), np.load(folder / "truth.npy")
    index = ZhikeLive()
    index.load(folder)
    figures = {"live_10": timed(index, queries, truth, 10)}
    figures["live_50"] = timed(index, queries, truth, 50)
    bare = Zhike()
    bare.load(folder)
    gone = np.random.default_rng(1).choice(len(bare.index), len(bare.index) // 10, replace=False)
    bare.index.remove(gone.tolist())
    dead = np.isin(truth, gone)
    left = np.stack([row[~out][:50] for row, out in zip(truth, dead, strict=True)])
    figures["tombstones_10"] = timed(bare, queries, left, 10)
    return figures


def timed(index: Any, queries: Any, truth: Any, limit: int) -> dict[str, Any]:
    """Recall, speed and the slowest of a hundred."""
    times, right = [], []
    for query, row in zip(queries, truth, strict=True):
        start = time.process_time()
        found = index.search(query[None], limit)
        times.append(time.process_time() - start)
        right.append(len({*found} & {*row[:limit].tolist()}) / limit)
    return {
        "recall": round(float(np.mean(right)), 4),
        "per_s": round(1 / float(np.mean(times))),
        "p99_ms": round(1_000 * float(np.quantile(times, 0.99)), 2),
    }


def by_size(folder: Path, size: int) -> dict[str, Any]:
    """Flat against graph as shipped, over the first `size` vectors."""
    rows = np.ascontiguousarray(np.load(folder / "rows.npy", mmap_mode="r")[:size])
    queries = np.load(folder / "queries.npy")
    flat = FlatIndex(rows.shape[1])
    flat.add(range(size), rows)
    graph = GraphIndex.build(rows.shape[1], iter([(np.arange(size), rows)]))
    truth = np.array([[hit.id for hit in hits] for hits in flat.search(queries, 50)])
    figures = {}
    for name, index in (("flat", flat), ("hnsw", graph)):
        once = _Bare(index)
        figures[name] = timed(once, queries, truth, 10)
        figures[name]["recall_50"] = timed(once, queries[::5], truth[::5], 50)["recall"]
        figures[name]["mb"] = round(len(index.to_bytes()) / 2**20, 1)
    return figures


class _Bare:
    """An index by its ids."""

    def __init__(self, index: Any) -> None:
        self._index = index

    def search(self, query: Any, limit: int) -> list[int]:
        return [hit.id for hit in self._index.search(query, limit)[0]]


def bars(libraries: dict[str, Any], count: int) -> dict[str, Any]:
    """The aims, and whether this run reached them."""
    own = libraries["zhike"]
    others = {
        name: found["per_s"]
        for name, found in libraries.items()
        if name != "zhike" and found["recall"] >= ENOUGH
    }
    fastest = max(others, key=lambda name: others[name])
    flat = count * 384 * 4 / 2**20
    return {
        "speed_of_the_fastest": round(own["per_s"] / others[fastest], 2),
        "fastest": fastest,
        "start_s": own["start_s"],
        "memory_of_flat": round(own["memory_mb"] / flat, 2),
    }


def own_memory() -> int:
    """Anonymous memory of this process, in bytes: not files that are mapped."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("RssAnon"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("/proc/self/status has no RssAnon; run this on Linux.")


if __name__ == "__main__":
    main()
