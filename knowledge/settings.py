"""This package's section of the settings, [knowledge]."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from knowledge.errors import KnowledgeError


@dataclass(frozen=True, slots=True)
class KnowledgeSettings:
    """How documents are read, split, embedded and searched."""

    embedder: str = "multilingual-e5-small"  # packaged name, hub id or folder
    embedder_revision: str = ""  # 40 hex digits pin a hub model
    index: Literal["auto", "flat", "hnsw", "exact", "faiss"] = "auto"  # faiss: auto's older name
    chunk_tokens: int = 160  # upper bound of a chunk, in the embedder's tokens
    answerable: float = 0.67  # above 0, below 1: of the questions, how many documents answer
    floor: float = 0.0  # 0..1, the confidence below which nothing is answered; 0 = as calibrated
    passages: int = 16  # found per turn
    cut: float = 0.0  # 0..1: passages below this share of the best score are left out
    per_document: int = 0  # passages of one document at most; 0 = any number
    duplicates: float = 0.0  # 0..1: passages that share this much of their words count once
    budget_tokens: int = 0  # of all passages together, in the embedder's tokens; 0 = any number
    reranker: str = ""  # hub id or folder of a cross-encoder; "" = none
    reranker_revision: str = ""  # 40 hex digits pin a hub model
    max_file_mb: int = 25  # larger files are refused

    def __post_init__(self) -> None:
        if not 0 < self.answerable < 1:
            raise KnowledgeError(
                f"knowledge.answerable is a share above 0 and below 1, not {self.answerable}."
            )
        for name in ("cut", "duplicates", "floor"):
            if not 0 <= getattr(self, name) <= 1:
                raise KnowledgeError(
                    f"knowledge.{name} is a share from 0 to 1, not {getattr(self, name)}."
                )
