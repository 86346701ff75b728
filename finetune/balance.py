"""No question and no person may dominate what is learnt."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from finetune.best_reply import information, score
from finetune.duplicates import groups, twins
from finetune.pairs import Pair

ALIKE = 0.6  # Jaccard of questions that ask about one issue
CAP, CAP_SHARE = 20, 0.02  # rows of one issue: the larger of both stays
PEOPLE = 10  # speakers; with fewer a share says little


def crowded(rows: Sequence[Pair]) -> set[int]:
    """Of an issue with more than 20 rows (or 2 % of all), the lowest scores above that."""
    most = max(CAP, int(CAP_SHARE * len(rows)))
    mass = information(rows)
    gone: set[int] = set()
    for group in groups(len(rows), twins([pair.question for pair in rows], ALIKE)):
        ranked = sorted(group, key=lambda i: (-score(rows[i], mass[i]), i))
        gone.update(ranked[most:])
    return gone


def dominated(rows: Sequence[Pair], share: float) -> set[int]:
    """Rows above `share` (0..1) of one agent or customer, the least informative first.

    A guard against poisoning: whoever writes much cannot decide what is learnt. Asked only
    among ten people or more who are told apart.
    """
    mass = information(rows)
    agents = _above(rows, share, lambda pair: pair.agent, mass)
    return agents | _above(rows, share, lambda pair: pair.customer, mass)


def _above(
    rows: Sequence[Pair], share: float, who: Callable[[Pair], str], mass: Sequence[float]
) -> set[int]:
    people = Counter(who(pair) for pair in rows if who(pair))
    gone: set[int] = set()
    if len(people) < PEOPLE or share >= 1:
        return gone
    person, count = people.most_common(1)[0]
    # x of (others + x) is at most the share: others stay, so x = others · share / (1 - share).
    allowed = int((len(rows) - count) * share / (1 - share))
    if count > allowed:
        mine = [i for i, pair in enumerate(rows) if who(pair) == person]
        gone.update(sorted(mine, key=lambda i: (-mass[i], i))[allowed:])
    return gone
