"""Which index serves how many vectors, from what benchmarks/index.py measured."""

from __future__ import annotations

from typing import Literal

from knowledge import gpu_index
from knowledge.gpu_index import GpuIndex
from knowledge.graph_index import GraphIndex
from knowledge.index import ExactIndex, FlatIndex
from knowledge.layered_index import LayeredIndex

Setting = Literal["auto", "flat", "hnsw", "exact", "faiss"]  # faiss: as auto, its older name
Kind = Literal["exact", "flat", "hnsw", "gpu"]
Index = ExactIndex | FlatIndex | LayeredIndex

# Measured on two busy cores (benchmarks/index.py), one query at a time, one thread, 10 hits;
# recall@10 is before the exact vectors put the hits in order. A flat search stays below 2 ms up
# to 20,000 vectors and misses nothing; above that its time goes on growing with their number.
#
#   vectors   flat: per second   MB     hnsw: per second   recall@10   MB
#    10,000              1,363   15                6,333        .951    5
#    20,000                679   29                4,909        .951   10
FLAT_UP_TO = 20_000  # vectors
BACK_TO_FLAT = FLAT_UP_TO // 2  # apart, so that one document more or less does not rebuild

FILED: dict[str, type[FlatIndex] | type[LayeredIndex]] = {
    "flat": FlatIndex,
    "hnsw": GraphIndex,
    "gpu": GpuIndex,
}


def choose(setting: Setting, vectors: int, now: str = "flat") -> Kind:
    """The kind for so many vectors, where one of the kind `now` serves them at present."""
    if setting in ("exact", "flat", "hnsw"):
        return setting
    if vectors <= (FLAT_UP_TO if now == "flat" else BACK_TO_FLAT):
        return "flat"
    return "gpu" if gpu_index.available() else "hnsw"


def usable(setting: Setting, kind: str) -> bool:
    """Whether a file of that kind may serve under this setting, on this machine."""
    if setting in ("auto", "faiss"):
        return kind in ("flat", "hnsw") or (kind == "gpu" and gpu_index.available())
    return kind == setting and kind in FILED


def empty(kind: Kind, dimension: int) -> Index:
    """An index without vectors."""
    return ExactIndex(dimension) if kind == "exact" else FILED[kind](dimension)
