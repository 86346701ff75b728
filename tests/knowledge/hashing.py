"""A tiny embedder for tests about documents, not about meaning: quick, and exact on words."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from knowledge.keywords import terms
from knowledge.types import Vectors


class HashingEmbedder:
    """A sum of a fixed random vector per word, of length 1 (feature hashing)."""

    dimension = 64
    max_tokens = 512

    def __init__(self, name: str = "hashing") -> None:
        self.name = name
        self.embedded: list[str] = []  # every text, in order

    def count(self, text: str) -> int:
        return len(terms(text))

    def passages(self, texts: Sequence[str]) -> Vectors:
        self.embedded += texts
        rows = [self._row(text) for text in texts]
        return np.stack(rows) if rows else np.empty((0, self.dimension), np.float32)

    def queries(self, texts: Sequence[str]) -> Vectors:
        return self.passages(texts)

    def _row(self, text: str) -> Vectors:
        row = np.full(self.dimension, 1e-3, np.float32)
        for word in terms(text):
            digest = hashlib.sha256(f"{self.name} {word}".encode()).digest()
            seed = int.from_bytes(digest[:8], "big")
            row += np.random.default_rng(seed).standard_normal(self.dimension, np.float32)
        normal: Vectors = row / np.linalg.norm(row)
        return normal
