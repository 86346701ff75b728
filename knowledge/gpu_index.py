"""Every vector compared on a GPU; only with the package faiss-gpu and a GPU that it can use."""

from __future__ import annotations

from typing import Any

import faiss

from knowledge.index import Ids
from knowledge.layered_index import LayeredIndex
from knowledge.types import Vectors

MOST_HITS = 2_048  # of one search on a GPU (faiss/gpu/utils/Limits.h); more are found on the CPU


class GpuIndex(LayeredIndex):
    """Exact up to half precision on the GPU; a float32 copy stays in memory for the file."""

    kind = "gpu"

    def _attach(self) -> None:
        super()._attach()
        self._on_gpu: Any = None  # copied at the first search, and after each change of the base

    @staticmethod
    def empty(dimension: int) -> Any:
        return faiss.IndexFlatIP(dimension)

    @classmethod
    def fits(cls, base: Any) -> bool:
        return isinstance(base, faiss.IndexFlat) and base.metric_type == faiss.METRIC_INNER_PRODUCT

    def nearest(self, rows: Vectors, reach: int) -> tuple[Vectors, Ids]:
        if reach > MOST_HITS:
            scores, positions = self._base.search(rows, reach)
            return scores, positions
        if self._on_gpu is None or self._on_gpu.ntotal != self._base.ntotal:
            options = faiss.GpuClonerOptions()
            options.useFloat16 = True
            self._resources = faiss.StandardGpuResources()  # must outlive what is made with it
            self._on_gpu = faiss.index_cpu_to_gpu(self._resources, 0, self._base, options)
        scores, positions = self._on_gpu.search(rows, reach)
        return scores, positions


def available() -> bool:
    """Whether FAISS was built for GPUs and sees one."""
    return hasattr(faiss, "StandardGpuResources") and faiss.get_num_gpus() > 0
