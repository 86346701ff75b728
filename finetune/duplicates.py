"""Near-duplicate texts: exact Jaccard similarity of shingles without comparing all pairs."""

from __future__ import annotations

import math
import re
import unicodedata
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from itertools import combinations

import numpy as np

SIMILAR = 0.8  # Jaccard, 0..1; from here on two texts count as twins
SHINGLE = 5  # characters; Chinese texts are short, so a text below 10 characters uses 2
SHORT = 10
MANY = 5_000  # texts; above it candidates come from MinHash: all shingles would fill the memory
# 32 bands of 4 rows: a pair at Jaccard .8 is missed with (1 - .8**4)**32 = 5e-8.
BANDS, ROWS = 32, 4
CROWD = 200  # texts in one bucket; of more (the same short text) each is compared with the first


def normalised(text: str) -> str:
    """Width, case, white space and punctuation make no difference."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return re.sub(r"[\W_]+", " ", folded).strip()


def shingles(text: str) -> frozenset[str]:
    """The set of overlapping character pieces of the normalised text."""
    flat = normalised(text)
    size = SHINGLE if len(flat) >= SHORT else 2
    return frozenset(flat[i : i + size] for i in range(max(1, len(flat) - size + 1)))


def jaccard(a: frozenset[str], b: frozenset[str]) -> float:
    """|a ∩ b| / |a ∪ b|, 0..1."""
    common = len(a & b)
    return common / (len(a) + len(b) - common) if common else 0.0


def twins(texts: Sequence[str], threshold: float = SIMILAR) -> list[tuple[int, int]]:
    """All (i, j), i < j, whose Jaccard similarity is at least `threshold`, sorted.

    Exact for up to 5,000 texts, above that for those which MinHash brings together.
    """
    if len(texts) <= MANY:
        return _by_prefix(texts, threshold)
    found = {
        (i, j)
        for i, j in candidates(texts)
        if jaccard(shingles(texts[i]), shingles(texts[j])) >= threshold
    }
    return sorted(found)


def _by_prefix(texts: Sequence[str], threshold: float) -> list[tuple[int, int]]:
    """Prefix filter (Bayardo et al. 2007, "Scaling up all pairs similarity search").

    With shingles ordered from rare to common, two similar sets share one of their first
    n - ceil(threshold · n) + 1 shingles. Exact, and fast because rare shingles have few owners.
    """
    sets = [shingles(text) for text in texts]
    frequency = Counter(shingle for owned in sets for shingle in owned)
    owners: defaultdict[str, list[int]] = defaultdict(list)
    found = []
    for j, owned in enumerate(sets):
        ordered = sorted(owned, key=lambda shingle: (frequency[shingle], shingle))
        prefix = ordered[: len(ordered) - math.ceil(threshold * len(ordered)) + 1]
        near = {i for shingle in prefix for i in owners[shingle]}
        found += [(i, j) for i in near if jaccard(sets[i], owned) >= threshold]
        for shingle in prefix:
            owners[shingle].append(j)
    return sorted(found)


def candidates(texts: Sequence[str]) -> set[tuple[int, int]]:
    """Pairs that share a band of their MinHash signatures (Broder 1997; Leskovec et al., ch. 3)."""
    buckets: defaultdict[tuple[int, bytes], list[int]] = defaultdict(list)
    found: set[tuple[int, int]] = set()
    for number, text in enumerate(texts):
        signature = _signature(text).reshape(BANDS, ROWS)
        for band in range(BANDS):
            buckets[band, signature[band].tobytes()].append(number)
    for owned in buckets.values():
        if len(owned) > CROWD:
            found.update((owned[0], other) for other in owned[1:])
        else:
            found.update(combinations(owned, 2))
    return found


def _multipliers() -> tuple[np.ndarray, np.ndarray]:
    chance = np.random.default_rng(1)  # fixed: the same text has the same signature everywhere
    many = BANDS * ROWS
    return (
        chance.integers(0, 1 << 63, many, dtype=np.uint64) * np.uint64(2) + np.uint64(1),
        chance.integers(0, 1 << 63, many, dtype=np.uint64),
    )


FACTORS, SHIFTS = _multipliers()


def _signature(text: str) -> np.ndarray:
    """(128,) uint32: for each hash function the least value over the text's shingles."""
    pieces = sorted(shingles(text))
    hashed = np.fromiter((zlib.crc32(p.encode()) for p in pieces), np.uint64, len(pieces))
    # Multiply-shift (Dietzfelbinger et al. 1997): modulo 2^64, the upper 32 bits.
    with np.errstate(over="ignore"):
        mixed = (hashed[:, None] * FACTORS[None, :] + SHIFTS[None, :]) >> np.uint64(32)
    return mixed.min(axis=0).astype(np.uint32)  # type: ignore[no-any-return]


def groups(count: int, near: Iterable[tuple[int, int]]) -> list[list[int]]:
    """0..count-1 in groups that `near` connects, by first member."""
    parent = list(range(count))

    def root(number: int) -> int:
        while parent[number] != number:
            parent[number] = parent[parent[number]]
            number = parent[number]
        return number

    for a, b in near:
        first, second = sorted((root(a), root(b)))
        parent[second] = first
    found: defaultdict[int, list[int]] = defaultdict(list)
    for number in range(count):
        found[root(number)].append(number)
    return list(found.values())
