"""Near-duplicate texts: exact Jaccard similarity of shingles without comparing all pairs."""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Sequence

SIMILAR = 0.8  # Jaccard, 0..1; from here on two texts count as twins
SHINGLE = 5  # characters; Chinese texts are short, so a text below 10 characters uses 2
SHORT = 10


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

    Prefix filter (Bayardo et al. 2007, "Scaling up all pairs similarity search"): with shingles
    ordered from rare to common, two similar sets share one of their first
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
