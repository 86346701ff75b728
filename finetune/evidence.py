"""Which passages an example shows: what the search finds, and some about something else."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from finetune.pairs import Pair
from knowledge.types import Passage

Search = Callable[[str], Sequence[Passage]]
OTHERS = 2  # distractors at most, beside a question that none of them answers


class Evidence:
    """Passages of each pair; distractors come from what was found for the other pairs."""

    def __init__(self, pairs: Sequence[Pair], search: Search | None, passages: int) -> None:
        self._passages = passages
        self._found = {pair.id: tuple(search(pair.question)) if search else () for pair in pairs}
        pool = {passage.id: passage for found in self._found.values() for passage in found[:1]}
        self._pool = [pool[id] for id in sorted(pool)]

    def of(self, pair: Pair) -> tuple[Passage, ...]:
        """At most `passages`, best first; of two or more the last is a distractor."""
        found = self._found[pair.id]
        if self._passages < 2 or not found:
            return found[: self._passages]
        other = self._elsewhere(pair, 1)
        return (*found[: self._passages - len(other)], *other)

    def distracts(self, pair: Pair, shown: Sequence[Passage]) -> bool:
        """Whether the last of those shown was not found for this pair."""
        return bool(shown) and shown[-1] not in self._found[pair.id]

    def others(self, pair: Pair) -> tuple[Passage, ...]:
        """Distractors alone: of documents in which nothing was found for this question."""
        return self._elsewhere(pair, min(OTHERS, self._passages))

    def _elsewhere(self, pair: Pair, count: int) -> tuple[Passage, ...]:
        """The same for a pair in every run."""
        near = {passage.document for passage in self._found[pair.id]}
        far = [
            passage
            for passage in self._pool
            if passage.document not in near and passage.language == pair.language
        ]
        return tuple(random.Random(pair.id).sample(far, min(count, len(far))))
