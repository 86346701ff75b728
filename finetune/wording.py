"""How a written reply compares with an agent's, in figures that need no model."""

from __future__ import annotations

from collections import Counter

ORDER, BETA = 6, 2.0  # character n-grams up to; recall counts twice (Popović 2015, chrF2)
REPEATED = 4  # words or Chinese characters in a row


def chrf(reply: str, reference: str) -> float:
    """0..1, F-score of character n-grams without white space (chrF2; Popović 2015, WMT)."""
    mine, theirs = "".join(reply.split()), "".join(reference.split())
    scores = []
    for n in range(1, ORDER + 1):
        a, b = _grams(mine, n), _grams(theirs, n)
        if a and b:
            common = sum((a & b).values())
            scores.append((common / sum(a.values()), common / sum(b.values())))
    if not scores:
        return 0.0
    precision = sum(p for p, _ in scores) / len(scores)
    recall = sum(r for _, r in scores) / len(scores)
    weighted = BETA**2 * precision + recall
    return (1 + BETA**2) * precision * recall / weighted if weighted else 0.0


def repetition(text: str) -> float:
    """0..1, share of the runs of four words that stood in the text before; 0 for short ones."""
    pieces = text.split() if text.isascii() else [c for c in text if not c.isspace()]
    runs = [tuple(pieces[i : i + REPEATED]) for i in range(len(pieces) - REPEATED + 1)]
    return 1 - len(set(runs)) / len(runs) if runs else 0.0


def _grams(text: str, n: int) -> Counter[str]:
    return Counter(text[i : i + n] for i in range(len(text) - n + 1))
