"""Spans of a text and the BIO tags of its words, which say the same (Ramshaw & Marcus 1995)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

Place = tuple[int, int]  # start and end (exclusive) of a word in its text, in characters


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Characters `start` to `end` (exclusive) of a text, without white space around them."""

    start: int
    end: int
    kind: str


def bio(places: Sequence[Place], spans: Sequence[Span]) -> list[str]:
    """A tag for each word: B for the first that a span touches, I for the others.

    Of two spans that overlap the one that begins first keeps the words, of two that begin
    together the shorter.
    """
    found = ["O"] * len(places)
    for span in sorted(spans):
        inside = [
            at
            for at, (start, end) in enumerate(places)
            if start < span.end and end > span.start and found[at] == "O"
        ]
        for place, at in enumerate(inside):
            found[at] = f"{'I' if place else 'B'}-{span.kind}"
    return found


def spans_of(places: Sequence[Place], tags: Sequence[str]) -> tuple[Span, ...]:
    """The inverse of bio(); I without its B begins a span."""
    found: list[Span] = []
    before = "O"
    for (start, end), tag in zip(places, tags, strict=True):
        if tag.startswith("I-") and before[2:] == tag[2:]:
            found[-1] = Span(found[-1].start, end, tag[2:])
        elif tag != "O":
            found.append(Span(start, end, tag[2:]))
        before = tag
    return tuple(found)
