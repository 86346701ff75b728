"""This package's section of the settings, [knowledge]."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class KnowledgeSettings:
    """How documents are read, split, embedded and searched."""

    embedder: str = "multilingual-e5-small"  # packaged name, hub id or folder
    embedder_revision: str = ""  # 40 hex digits pin a hub model
    index: Literal["auto", "flat", "hnsw", "exact", "faiss"] = "auto"  # faiss: auto's older name
    chunk_tokens: int = 160  # upper bound of a chunk, in the embedder's tokens
    passages: int = 16  # found per turn, before the cut where evidence ends
    max_file_mb: int = 25  # larger files are refused
