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
