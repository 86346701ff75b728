"""A text as numbers: hashed word and character n-grams, and what frozen encoders make of it.

n-grams are hashed, so that a model's file holds no word of any customer.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from knowledge.language import simplify
from knowledge.types import Vectors

Floats = npt.NDArray[np.float32]
BUCKETS = 2**20  # per kind of n-gram; 100,000 different ones then share few
LONGEST = 1_000  # characters that are read; what a customer wants stands in the first ones
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff]+")
NOT_LATIN = re.compile(r"[^\W\d_a-zA-Z\u00c0-\u024f]")
LATIN_WORD = r"[a-z0-9'\u00c0-\u024f]+"  # other scripts are read by characters only
STRENGTH = {"e5": 0.05, "minilm": 0.08}  # of a standardised dimension, beside n-grams of length 1
PRIOR_ROWS = 50  # so many rows the common spread of all dimensions counts as, for each of them


@dataclass(frozen=True, slots=True)
class Block:
    """How one encoder's vectors are scaled."""

    name: str  # "e5": the turn's own embedding; "minilm": only of English texts
    mean: Floats  # (d,)
    scale: Floats  # (d,)


@dataclass(frozen=True, slots=True)
class Features:
    """What the training texts taught about features; the weights of a model belong to them."""

    columns: npt.NDArray[np.int64]  # (f,) hashes that the training texts have, ascending
    idf: Floats  # (f,)
    blocks: tuple[Block, ...]

    def grams(self, texts: Sequence[str]) -> Any:
        """(n, f) sparse float32; words and characters each have length 1 in a row."""
        counts = _counts(texts)
        place = np.searchsorted(self.columns, counts.indices)
        place = np.minimum(place, max(len(self.columns) - 1, 0))
        known = self.columns[place] == counts.indices if len(self.columns) else np.zeros(0, bool)
        rows = np.repeat(np.arange(len(texts)), np.diff(counts.indptr))[known]
        place, values = place[known], 1 + np.log(counts.data[known])
        values = values * self.idf[place]
        for kind in (self.columns[place] < BUCKETS, self.columns[place] >= BUCKETS):
            lengths = np.sqrt(np.bincount(rows[kind], values[kind] ** 2, len(texts)))
            values[kind] /= lengths[rows[kind]]
        shape = (len(texts), len(self.columns))
        return sparse.csr_matrix((values.astype(np.float32), (rows, place)), shape=shape)

    def dense(self, texts: Sequence[str], vectors: Mapping[str, Vectors]) -> Floats:
        """(n, d) of all blocks side by side; an English block is 0 for other texts."""
        parts = [(vectors[b.name] - b.mean) * b.scale for b in self.blocks]
        english = np.array([is_english(text) for text in texts], bool)
        for block, part in zip(self.blocks, parts, strict=True):
            if block.name == "minilm":
                part[~english] = 0
        return np.concatenate(parts, 1).astype(np.float32)


def learned(
    texts: Sequence[str], vectors: Mapping[str, Vectors], others: Mapping[str, Vectors]
) -> Features:
    """The features of these texts. `vectors`: (n, d) per encoder; `others`: of texts about
    anything else, without which the centre of a single intent would be that intent itself.
    """
    counts = _counts(texts)
    columns, places = np.unique(counts.indices, return_inverse=True)
    documents = np.bincount(places, minlength=len(columns))
    idf = np.log((1 + len(texts)) / (1 + documents)) + 1
    blocks = []
    for name, rows in vectors.items():
        joined = np.concatenate([rows, others[name]])
        present = joined.any(1)  # an English encoder gives zeros for other texts
        blocks.append(_block(name, joined[present] if present.any() else joined))
    return Features(columns.astype(np.int64), idf.astype(np.float32), tuple(blocks))


def _block(name: str, rows: Vectors) -> Block:
    """Standardised dimensions; with few rows their spreads are drawn to the common one."""
    variance, count = rows.var(0), len(rows)
    common = float(variance.mean()) if count > 1 else 0.002  # 1 / 384: of unit vectors at most
    spread = (count * variance + PRIOR_ROWS * common) / (count + PRIOR_ROWS)
    scale = STRENGTH[name] / np.sqrt(np.maximum(spread, 1e-8))
    return Block(name, rows.mean(0).astype(np.float32), scale.astype(np.float32))


def plain(text: str) -> str:
    """As the n-grams see it: one width, one case, Simplified, no control characters."""
    folded = unicodedata.normalize("NFKC", CONTROL.sub(" ", text[:LONGEST]))
    return " ".join(simplify(folded).lower().split())


def is_english(text: str) -> bool:
    """Latin letters and no others."""
    return not NOT_LATIN.search(text[:LONGEST]) and any(c.isalpha() for c in text[:LONGEST])


@cache
def _vectorizers() -> tuple[Any, Any]:
    from sklearn.feature_extraction.text import HashingVectorizer

    common = {"n_features": BUCKETS, "alternate_sign": False, "norm": None, "lowercase": False}
    words = HashingVectorizer(token_pattern=LATIN_WORD, ngram_range=(1, 2), **common)
    characters = HashingVectorizer(analyzer="char_wb", ngram_range=(1, 4), **common)
    return words, characters


def _counts(texts: Sequence[str]) -> Any:
    """(n, 2 · BUCKETS) sparse: how often each n-gram occurs."""
    read = [plain(text) for text in texts]
    words, characters = (v.transform(read) for v in _vectorizers())
    return sparse.hstack([words, characters], format="csr")
